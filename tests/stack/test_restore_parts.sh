#!/bin/bash
# A restore of some members only, into the stack that is there; what a restore refuses, and says, before it
# touches anything; recorded images although their name means another one; Redis with and without an AOF.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

project=undo-parts
projects+=("$project")
remove_project $project
dir=$work/$project
mkdir -p "$dir/data"
echo hidden >"$dir/token.txt"
echo A=1 >"$dir/app.env"
docker tag stacksnap/demo-app:1 undo-app:1
cat >"$dir/compose.yaml" <<'EOF'
services:
  db:
    image: postgres:15
    environment: { POSTGRES_PASSWORD: secret }
    volumes: [pgdata:/var/lib/postgresql/data]
    healthcheck: { test: [CMD, pg_isready, -q, -h, 127.0.0.1, -U, postgres], interval: 1s, retries: 60 }
  log:
    image: redis:7
    command: [redis-server, --appendonly, "yes"]
    volumes: [log:/data]
  snap:
    image: redis:7
    command: [redis-server, --appendonly, "no"]
    volumes: [snap:/data]
  app:
    image: undo-app:1
    entrypoint: [sleep, infinity]
    init: true
    environment: { TOKEN: "${TOKEN}" }
    env_file: app.env
    secrets: [token]
    cap_add: [NET_ADMIN]
    ports: ["127.0.0.1:18197:80"]
    depends_on: { db: { condition: service_healthy } }
    volumes: [./data:/srv/data, uploads:/srv/uploads, /srv/spool, /etc/hostname:/srv/hostname:ro]
  alone:
    image: stacksnap/demo-app:1
    entrypoint: [sleep, infinity]
    init: true
volumes: { pgdata: , log: , snap: , uploads: }
secrets: { token: { file: token.txt } }
EOF
export TOKEN=abc
write() { # write WORD: into each piece of data
	docker exec $project-db-1 psql -qU postgres -c "DROP TABLE IF EXISTS s" -c "CREATE TABLE s AS SELECT '$1' AS s" &&
		docker exec $project-log-1 redis-cli set s "$1" >/dev/null && docker exec $project-snap-1 redis-cli set s "$1" >/dev/null &&
		docker exec $project-snap-1 redis-cli save >/dev/null &&
		docker exec $project-app-1 sh -c "echo $1 >/srv/data/s; echo $1 >/srv/uploads/s; echo $1 >/srv/spool/s"
}
read_all() {
	echo "db $(docker exec $project-db-1 psql -qAtU postgres -c 'SELECT s FROM s')"
	echo "log $(docker exec $project-log-1 redis-cli get s)"
	echo "snap $(docker exec $project-snap-1 redis-cli get s)"
	docker exec $project-app-1 sh -c 'echo "data $(cat /srv/data/s)"; echo "uploads $(cat /srv/uploads/s)"; echo "spool $(cat /srv/spool/s)"'
}
# is_new NAME...: these say "new", all others "old".
is_new() {
	local got want name
	got=$(read_all)
	want=$(for name in db log snap data uploads spool; do
		[[ " $* " == *" $name "* ]] && echo "$name new" || echo "$name old"
	done)
	diff <(echo "$want") <(echo "$got")
}
ids() { docker ps -q --no-trunc --filter label=com.docker.compose.project=$project | sort; }
untouched() { docker inspect -f '{{.State.StartedAt}}' $project-alone-1; }
same_ids() { diff <(ids) "$work/ids"; }

compose $project up -d --wait >"$work/up.log" 2>&1 || { tail "$work/up.log"; exit 1; }
claim "the stack of the backup" write new
"$stacksnap" init >/dev/null 2>&1 || exit 1
claim "a backup" "$stacksnap" backup $project
id=$(newest)
claim "a backup that says it is of another host" "$stacksnap" backup $project --host elsewhere
far=$(newest)
claim "other data since" write old
ids >"$work/ids"
before=$(untouched)
part() { "$stacksnap" restore "$id" --yes "$@"; }
undo() { "$stacksnap" restore undo $project --yes; }

claim "an unknown member is refused, with what there is" exits 2 'no member "nothing"' part --member nothing
claim "an unknown service too" exits 2 'no service "nothing"' part --service nothing
claim "one volume by its short name" part --member uploads
claim "only that volume is the backup's" is_new uploads
claim "undone" undo
claim "nothing is the backup's any more" is_new
claim "a database" part --member "database db"
claim "only the database is the backup's" is_new db
claim "undone" undo
claim "the database is as it was" is_new
claim "a service: its volume, and the one without a name" part --service app
claim "only these are the backup's" is_new uploads spool
claim "undone" undo
claim "they are as they were" is_new
claim "two databases of Redis at once" part --service log --service snap
claim "both are the backup's, whatever the append-only file said" is_new log snap
docker restart -t 5 $project-log-1 $project-snap-1 >/dev/null
sleep 1
claim "also after they were started again" is_new log snap
claim "undone" undo
claim "they are as they were again" is_new
claim "all containers are the same ones" same_ids
claim "a service that shares nothing was never stopped" test "$(untouched)" = "$before"

claim "a dry run shows what it asks for" exits 0 "service app has the capability NET_ADMIN" part --dry-run
claim "host paths too" exits 0 "reads this host's /etc/hostname" part --dry-run
claim "and the room on disk" exits 0 "are free" part --dry-run
claim "an unset variable is refused by name" exits 1 "variable TOKEN" env -u TOKEN "$stacksnap" restore "$id" --yes
claim "nothing was touched by that" same_ids
claim "restored as a whole" part
claim "an undo is refused by its name too" exits 1 "variable TOKEN" env -u TOKEN "$stacksnap" restore undo $project --yes
claim "with it the stack is undone" undo
claim "it is as it was, without the backup's data" is_new

compose $project down >/dev/null 2>&1
mv "$dir" "$work/away"
claim "of another host: without --trust it is refused" exits 1 "give --trust" "$stacksnap" restore "$far" --yes
python3 -c 'import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", 18197)); s.listen(); time.sleep(60)' &
listener=$!
sleep 0.5
claim "a port that another program has is named" exits 1 "port 127.0.0.1:18197, which another program" "$stacksnap" restore "$id" --yes
kill $listener
docker tag redis:7 undo-app:1
claim "restored, although the image's name means another one now" "$stacksnap" restore "$far" --yes --trust
claim "the service runs the recorded image" test "$(docker inspect -f '{{.Image}}' $project-app-1)" = "$(docker image inspect -f '{{.Id}}' stacksnap/demo-app:1)"
claim "all data is the backup's" is_new db log snap data uploads spool
claim "finished" "$stacksnap" restore finish $project --yes
docker rmi undo-app:1 >/dev/null
claim "left stopped by --no-start, its image named again" "$stacksnap" restore "$id" --yes --no-start
claim "the name means the recorded image" test "$(docker image inspect -f '{{.Id}}' undo-app:1)" = "$(docker image inspect -f '{{.Id}}' stacksnap/demo-app:1)"
claim "nothing runs" test -z "$(ids)"
claim "all containers are made" test "$(docker ps -aq --filter label=com.docker.compose.project=$project | wc -l)" -eq 5
claim "finished" "$stacksnap" restore finish $project --yes

# Files that the compose file needs, and that the snapshot has not.
compose $project up -d --wait >"$work/up.log" 2>&1
rm "$dir/token.txt"
claim "a backup without the secret's file" "$stacksnap" backup $project
claim "the missing secret is named" exits 1 "secret token: its file $dir/token.txt" "$stacksnap" restore latest --yes
rm "$dir/app.env"
claim "a backup without the environment file" "$stacksnap" backup $project
claim "the missing environment file is named" exits 1 "$dir/app.env" "$stacksnap" restore latest --yes
docker rmi undo-app:1 >/dev/null 2>&1
exit $((failures > 0))
