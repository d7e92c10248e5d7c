#!/bin/bash
# kill -9 of StackSnap in the middle of a restore, of an undo, of a finish: at each step that its record
# names, between any two renames of the swap, and at random.  Then `recover`, and the stack is wholly the old one or wholly the
# restored one: database rows, keys, files of a bind mount, of a volume, of a volume without a name, and
# the compose file that its containers were made of.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

rounds=${STACKSNAP_TEST_KILLS:-3}
project="undo-kill"
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
	local step=$1 pid
	shift
	"$@" >"$work/killed.log" 2>&1 &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		if grep -q "\"step\":\"$step\"" "$record" 2>/dev/null; then
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
restore=("$stacksnap" restore "$id" --yes)
claim "the stack that is there when it is restored" make_state old
claim "all of it says so" is_state old

for step in staging down swapping creating loading starting; do
	claim "restore: kill -9 at $step" killed_at $step "${restore[@]}"
	claim "restore: the next backup asks for recover" exits 11 "stacksnap recover" "$stacksnap" backup $project
	claim "restore: recover after $step" recovered
	claim "restore: after $step it is wholly old or new" is_state old new
	claim "restore: after $step nothing is left open" settled
	claim "restore: back to the old stack" back_to_old
done
for ((i = 1; i <= rounds; i++)); do
	at=$((RANDOM % 9)).$((RANDOM % 10))
	claim "restore: kill -9 after $at seconds" killed_after $at "${restore[@]}"
	claim "restore: recover after that" recovered
	claim "restore: it is wholly old or new" is_state old new
	claim "restore: nothing is left open" settled
	claim "restore: back to the old stack" back_to_old
done

for step in undoing restarting; do
	claim "undo: restored" "${restore[@]}"
	claim "undo: it is the restored stack" is_state new
	claim "undo: kill -9 at $step" killed_at $step "${undo[@]}"
	claim "undo: recover after $step" recovered
	claim "undo: after $step it is the old stack" is_state old
	claim "undo: after $step nothing is left open" settled
done
for ((i = 1; i <= rounds; i++)); do
	at=$((RANDOM % 4)).$((RANDOM % 10))
	claim "undo: restored" "${restore[@]}"
	claim "undo: kill -9 after $at seconds" killed_after $at "${undo[@]}"
	claim "undo: recover after that" recovered
	claim "undo: it is wholly old or new" is_state old new
	claim "undo: nothing is left open" settled
	claim "undo: back to the old stack" back_to_old
done

claim "finish: restored" "${restore[@]}"
claim "finish: kill -9 as soon as it begins" killed_at finishing "${finish[@]}"
claim "finish: recover" recovered
claim "finish: it is the restored stack" is_state new
claim "finish: nothing of the old one is left" test -z "$(leftovers; ls "$record" 2>/dev/null)"
exit $((failures > 0))
