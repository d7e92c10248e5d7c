#!/bin/bash
# What a disaster leaves: a repository, and an engine that has never seen the stack.  And a snapshot of a stack
# that did not run when it was made, only a folder and volumes.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

project=elsewhere-shop
dir=$work/$project
near=${DOCKER_HOST:-unix:///var/run/docker.sock}
engine=$work/engine
other=unix://$engine/docker.sock
engine_pid=
projects+=("$project")
remove_project "$project"
"$stacksnap" init >/dev/null 2>&1 || exit 1

# As in test_remote.sh: containers there have no network but their loopback.
bridge=snap$((RANDOM % 10000))
start_engine() {
	mkdir -p "$engine"
	ip link add "$bridge" type bridge && ip addr add 10.214.254.1/28 dev "$bridge" || return 1
	echo '{}' >"$engine/daemon.json"
	PATH=/usr/sbin:/sbin:$PATH setsid dockerd --config-file "$engine/daemon.json" \
		--data-root "$engine/data" --exec-root "$engine/exec" --pidfile "$engine/dockerd.pid" \
		--bridge "$bridge" --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
		--host "$other" --log-level warn --shutdown-timeout 2 >"$engine/log" 2>&1 </dev/null &
	engine_pid=$!
	disown "$engine_pid"
	local i
	for ((i = 0; i < 200; i++)); do
		docker --host "$other" version >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	tail -n 20 "$engine/log"
	return 1
}
stop_engine() {
	local i
	if [ -n "$engine_pid" ]; then
		DOCKER_HOST=$other remove_project "$project"
		kill "$engine_pid" 2>/dev/null
		for ((i = 0; i < 100; i++)); do
			kill -0 "$engine_pid" 2>/dev/null || break
			sleep 0.1
		done
	fi
	ip link del "$bridge" 2>/dev/null
	cleanup
}
trap stop_engine EXIT

mkdir -p "$dir/data"
cat >"$dir/compose.yaml" <<-YAML
	name: $project
	services:
	  db:
	    image: postgres:15
	    environment: { POSTGRES_PASSWORD: pw }
	    network_mode: none
	    volumes: [ "rows:/var/lib/postgresql/data" ]
	    healthcheck: { test: [ CMD, pg_isready, -q, -h, 127.0.0.1, -U, postgres ], interval: 1s, retries: 60 }
	  cache:
	    image: redis:7
	    network_mode: none
	    volumes: [ "keys:/data" ]
	  app:
	    image: redis:7
	    entrypoint: [ sleep, infinity ]
	    init: true
	    network_mode: none
	    volumes: [ "./data:/srv/data", "files:/srv/files" ]
	volumes: { rows: , keys: , files: }
YAML

fill() {
	docker exec $project-db-1 psql -qU postgres -c "CREATE TABLE t AS SELECT n, md5(n::text) FROM generate_series(1, 5000) n" &&
		docker exec $project-cache-1 redis-cli set greeting hello &&
		docker exec $project-app-1 sh -c 'echo bound >/srv/data/a; echo filed >/srv/files/b; chown 1234:77 /srv/files/b'
}
state_of() {
	docker exec $project-db-1 psql -qAtU postgres -c "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY n)) FROM t"
	docker exec $project-cache-1 redis-cli get greeting
	docker exec $project-app-1 sh -c 'cat /srv/data/a /srv/files/b; stat -c %u:%g /srv/files/b'
}
is_as_before() {
	state_of >"$work/now" 2>&1
	diff "$work/before" "$work/now"
}
nothing_here() { test -z "$(docker ps -aq --filter "label=com.docker.compose.project=$project")"; }

claim "a stack runs" compose $project up -d --wait
claim "it is filled" fill
state_of >"$work/before"
claim "it is backed up" exits 0 complete "$stacksnap" backup $project
id=$(newest)

# --- only a folder and volumes ---

compose $project down >/dev/null 2>&1
claim "a stack that does not run is backed up by its folder" exits 0 complete "$stacksnap" backup "$dir"
folder=$(newest)
claim "it is of one moment, since nothing ran" exits 0 "quiesced: nothing of it ran" "$stacksnap" show "$folder"
remove_project $project
rm -rf "$dir"
claim "it is restored" exits 0 "0 services run" "$stacksnap" restore "$folder" --yes
claim "its services do not run, as they did not then" bash -c \
	"! docker ps -q --filter label=com.docker.compose.project=$project | grep ."
claim "they start" compose $project up -d --wait
claim "everything is as it was" is_as_before
"$stacksnap" restore finish $project --yes >/dev/null 2>&1

# --- an engine that has nothing of it ---

remove_project $project
rm -rf "$dir"
claim "there is another engine, and it is empty" start_engine
export STACKSNAP_STATE_DIR=$work/state-there DOCKER_HOST=$other
claim "without the images it says which it cannot get" exits 1 "postgres:15" "$stacksnap" restore "$id" --yes
claim "and has made nothing" nothing_here
claim "no volume either" test -z "$(docker volume ls -q)"
claim "it is given images" bash -c "docker --host '$near' save redis:7 postgres:15 | docker load"
claim "the stack is restored there" exits 0 "3 services run" "$stacksnap" restore "$id" --yes
claim "everything is as it was, there" is_as_before
claim "there was nothing that would be kept" exits 1 "has no restore that could be undone or finished" \
	"$stacksnap" restore undo $project --yes
# The last good one has the files of a server that did not run.
claim "it is backed up from there, and no dump is taken for a loss of files" exits 0 complete "$stacksnap" backup $project
claim "and compared with what it was" exits 0 "" "$stacksnap" diff "$id" latest
export DOCKER_HOST=$near
claim "the first engine has nothing of it" nothing_here

exit $((failures > 0))
