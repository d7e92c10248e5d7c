# shellcheck shell=bash
# What the tests share that kill a restore: a small stack in which every piece of data says one word, which
# was backed up when that was "new" and now says "old".  Set project before it is read.

# shellcheck disable=SC2154
record=$work/state/restore-$project.json
projects+=("$project")
remove_project $project
mkdir -p "$work/$project/data"
cat >"$work/$project/compose.yaml" <<'EOF'
services:
  db:
    image: postgres:15
    environment: { POSTGRES_PASSWORD: secret }
    volumes: [pgdata:/var/lib/postgresql/data]
    healthcheck: { test: [CMD, pg_isready, -q, -h, 127.0.0.1, -U, postgres], interval: 1s, retries: 60 }
  cache:
    image: redis:7
    command: [redis-server, --appendonly, "yes"]
    volumes: [keys:/data]
  app:
    image: stacksnap/demo-app:1
    entrypoint: [sleep, infinity]
    init: true
    environment: { STATE: STATE_HERE }
    depends_on: { db: { condition: service_healthy } }
    volumes: [./data:/srv/data, uploads:/srv/uploads, /srv/spool]
volumes: { pgdata: , keys: , uploads: }
EOF

# make_state WORD: everything says that word.
make_state() {
	sed -i "s/STATE: .*}/STATE: $1 }/" "$work/$project/compose.yaml"
	compose $project up -d --wait >"$work/up.log" 2>&1 || return 1
	docker exec $project-db-1 psql -qU postgres -c "DROP TABLE IF EXISTS s" -c "CREATE TABLE s AS SELECT '$1' AS s" &&
		docker exec $project-cache-1 redis-cli set s "$1" >/dev/null &&
		docker exec $project-app-1 sh -c "echo $1 >/srv/data/s; echo $1 >/srv/uploads/s; echo $1 >/srv/spool/s"
}
state_of() {
	docker exec $project-db-1 psql -qAtU postgres -c "SELECT s FROM s"
	docker exec $project-cache-1 redis-cli get s
	docker exec $project-app-1 sh -c 'cat /srv/data/s /srv/uploads/s /srv/spool/s; echo $STATE'
	sed -n 's/.*STATE: \(.*\) }/\1/p' "$work/$project/compose.yaml"
}
# is_state WORD...: everything says one of these words, and nothing else.
is_state() {
	local said
	said=$(state_of 2>&1 | sort | uniq -c | sed 's/^ *//')
	for word; do [ "$said" != "7 $word" ] || return 0; done
	echo "$said"
	return 1
}
leftovers() {
	find "$work" -mindepth 1 -maxdepth 1 -name '.stacksnap-*'
	docker volume ls -q --filter label=com.docker.compose.project=$project | while read -r v; do
		find "$(dirname "$(docker volume inspect -f '{{.Mountpoint}}' "$v")")" -mindepth 1 -maxdepth 1 -name '.stacksnap-*'
	done
}
settled() {
	local left
	[ -e "$record" ] && { grep -q '"step":"kept"' "$record" && return 0; grep -o '"step":"[a-z]*"' "$record"; return 1; }
	left=$(leftovers)
	[ -z "$left" ] || { echo "$left"; return 1; }
}
is_kept() { [ -e "$record" ] && grep -q '"step":"kept"' "$record"; }

# killed_at STEP COMMAND...: kill -9 as soon as the record names that step.
killed_at() {
	local step=$1 pid said
	shift
	"$@" >"$work/killed.log" 2>&1 &
	pid=$!
	# Without a program for each look: some steps last a millisecond.
	while kill -0 $pid 2>/dev/null; do
		said=
		[ ! -e "$record" ] || { read -r -d '' said <"$record"; } 2>/dev/null
		if [[ $said == *"\"step\":\"$step\""* ]]; then
			kill -9 $pid 2>/dev/null
			wait $pid 2>/dev/null
			return 0
		fi
	done
	wait $pid
	echo "it ended before its step $step"
	cat "$work/killed.log"
	return 1
}
killed_after() {
	local seconds=$1 pid
	shift
	"$@" >"$work/killed.log" 2>&1 &
	pid=$!
	sleep "$seconds"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	return 0
}
# Programs and not functions, which would be killed in place of the program.
undo=("$stacksnap" restore undo "$project" --yes)
# shellcheck disable=SC2034
finish=("$stacksnap" restore finish "$project" --yes)
recovered() { "$stacksnap" recover; }
# The next round begins with the old stack.
back_to_old() {
	if is_kept; then "${undo[@]}" || return 1; fi
	is_state old
}

claim "the stack of the backup" make_state new
"$stacksnap" init >/dev/null 2>&1 || exit 1
claim "a backup" "$stacksnap" backup $project
id=$(newest)
# shellcheck disable=SC2034
restore=("$stacksnap" restore "$id" --yes)
claim "the stack that is there when it is restored" make_state old
claim "all of it says so" is_state old
