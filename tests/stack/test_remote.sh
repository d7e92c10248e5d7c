#!/bin/bash
# An engine that is reached over TCP with TLS, as if it were on another machine: nothing of it is
# seen but through its API.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

engine=$work/engine
port=$((23000 + RANDOM % 2000))
near=$DOCKER_HOST

# An authority, and certificates of the engine and of a client.
make_certificates() {
	mkdir -p "$work/ca" "$work/certs" "$work/stranger"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=test authority" \
		-keyout "$work/ca/key.pem" -out "$work/ca/ca.pem"
	local who
	for who in server client; do
		openssl req -newkey rsa:2048 -nodes -subj "/CN=$who" \
			-keyout "$work/ca/$who-key.pem" -out "$work/ca/$who.csr"
		printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=%sAuth\n' "$who" >"$work/ca/$who.ext"
		openssl x509 -req -days 2 -in "$work/ca/$who.csr" -CA "$work/ca/ca.pem" \
			-CAkey "$work/ca/key.pem" -CAcreateserial -extfile "$work/ca/$who.ext" \
			-out "$work/ca/$who.pem"
	done
	cp "$work/ca/ca.pem" "$work/certs/ca.pem"
	cp "$work/ca/client.pem" "$work/certs/cert.pem"
	cp "$work/ca/client-key.pem" "$work/certs/key.pem"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=stranger" \
		-keyout "$work/ca/stranger.pem" -out "$work/stranger/ca.pem"
}

# Its containers have no network but their loopback, which is enough here.  The bridge keeps it from
# removing that of the engine next door, as "--bridge none" would.
bridge=snap$((RANDOM % 10000))
start_engine() {
	mkdir -p "$engine"
	ip link add "$bridge" type bridge && ip addr add 10.214.255.1/28 dev "$bridge" || return 1
	echo '{}' >"$engine/daemon.json"
	PATH=/usr/sbin:/sbin:$PATH setsid dockerd --config-file "$engine/daemon.json" \
		--data-root "$engine/data" --exec-root "$engine/exec" --pidfile "$engine/dockerd.pid" \
		--bridge "$bridge" --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
		--host "tcp://127.0.0.1:$port" --tlsverify --tlscacert "$work/ca/ca.pem" \
		--tlscert "$work/ca/server.pem" --tlskey "$work/ca/server-key.pem" \
		--log-level warn --shutdown-timeout 2 >"$engine/log" 2>&1 </dev/null &
	engine_pid=$!
	disown "$engine_pid"
	local i
	for ((i = 0; i < 200; i++)); do
		far docker version >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	tail -n 20 "$engine/log"
	return 1
}
stop_engine() {
	kill "$engine_pid" 2>/dev/null
	local i
	for ((i = 0; i < 100; i++)); do
		kill -0 "$engine_pid" 2>/dev/null || break
		sleep 0.1
	done
	ip link del "$bridge" 2>/dev/null
	cleanup
}
trap stop_engine EXIT

far() {
	DOCKER_HOST=tcp://127.0.0.1:$port DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=$work/certs "$@"
}

write_stack() {
	mkdir -p "$work/far/conf" "$work/far-bind/sub"
	cat >"$work/far/compose.yaml" <<-END
		name: remote-far
		services:
		  cache:
		    image: redis:7
		    network_mode: none
		    volumes: [cache:/data]
		  db:
		    image: postgres:15
		    network_mode: none
		    environment: { POSTGRES_PASSWORD: secret-of-far }
		    volumes: [db:/var/lib/postgresql/data]
		  app:
		    image: redis:7
		    network_mode: none
		    entrypoint: [sleep, "100000"]
		    volumes:
		      - files:/srv/files
		      - nested:/srv/files/nested
		      - $work/far-bind:/srv/bind
		volumes: { cache: {}, db: {}, files: {}, nested: {} }
	END
}

in_app() { far docker exec remote-far-app-1 sh -c "$1"; }

fill() {
	local i
	# shellcheck disable=SC2016
	in_app 'umask 022; cd /srv/files && for i in $(seq 500); do echo "file $i" >"f$i"; done &&
		mkdir -p deep/er && head -c 3000000 /dev/urandom >deep/er/noise && ln -s f1 link &&
		ln f2 hard && chmod 600 f3 && chown 999:999 f4 && echo inner >nested/inner &&
		echo bound >/srv/bind/sub/b && echo "two  words" >"/srv/files/a name"' || return 1
	# By TCP: the server that only fills a new data folder listens on the socket, and goes away again.
	for ((i = 0; i < 300; i++)); do
		far docker exec remote-far-db-1 psql -h 127.0.0.1 -U postgres -qAtc "select 1" >/dev/null 2>&1 && break
		sleep 0.2
	done
	far docker exec remote-far-db-1 psql -h 127.0.0.1 -U postgres -qc \
		"create table t as select n, md5(n::text) from generate_series(1, 20000) n" &&
		far docker exec remote-far-cache-1 redis-cli set greeting hello
}

claim "certificates are made" make_certificates
claim "an engine listens with TLS" start_engine
# Images come from the engine next door.
claim "it is given images" bash -c "docker --host '$near' save redis:7 postgres:15 |
	DOCKER_HOST=tcp://127.0.0.1:$port DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH='$work/certs' docker load"
write_stack
claim "a stack runs there" far docker compose --project-directory "$work/far" up -d
claim "it is filled" fill
"$stacksnap" init >/dev/null || exit 1

claim "without TLS the engine is not believed" exits 2 "tcp://127.0.0.1:$port" \
	env DOCKER_HOST="tcp://127.0.0.1:$port" "$stacksnap" stacks
claim "an engine of another authority is refused" exits 1 "is not accepted" \
	env DOCKER_HOST="tcp://127.0.0.1:$port" DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH="$work/stranger" \
	"$stacksnap" stacks
claim "its stacks are shown" exits 0 "remote-far" far "$stacksnap" stacks
claim "it is backed up" far "$stacksnap" backup remote-far
printf '%s\n' "$(far "$stacksnap" show latest 2>&1)" >"$work/shown"
id=$(newest)

listing() { (cd "$1" && find . -printf '%p %y %m %U %G %s %l\n' | sort); }
restore_files() {
	"$stacksnap" restore "$id" --path volumes/remote-far_files --to "$work/back-files" &&
		"$stacksnap" restore "$id" --path volumes/remote-far_nested --to "$work/back-nested" &&
		"$stacksnap" restore "$id" --path "binds$work/far-bind" --to "$work/back-bind"
}
same_files() {
	mkdir "$work/want"
	far docker cp remote-far-app-1:/srv/files/. - | tar -x --numeric-owner -C "$work/want" --exclude=./nested || return 1
	rm -rf "$work/want/nested" "$work/back-files/nested"
	diff -r "$work/want" "$work/back-files" &&
		diff <(listing "$work/want" | sed 1d) <(listing "$work/back-files" | sed 1d) &&
		test "$(stat -c %i "$work/back-files/f2")" = "$(stat -c %i "$work/back-files/hard")"
}
claim "its files are restored elsewhere" restore_files
claim "a volume's files are what the container has" same_files
claim "a volume inside another is not taken twice" test "$(cat "$work/back-nested/inner")" = inner
claim "a bind mount's files are what the container has" test "$(cat "$work/back-bind/sub/b")" = bound
claim "what lies below another mount is left out" bash -c \
	"! '$stacksnap' ls -R '$id' volumes/remote-far_files | grep -q inner"
claim "PostgreSQL's rows are in the dump" bash -c \
	"'$stacksnap' dump '$id' db/postgres.sql | grep -c '^[0-9]*	[0-9a-f]\{32\}\$' | grep -qx 20000"
claim "Redis' key is in the dump" bash -c "'$stacksnap' dump '$id' cache | grep -qa greeting"
claim "the snapshot verifies" "$stacksnap" verify --read-data
claim "the stack runs" bash -c "[ \"\$(DOCKER_HOST=tcp://127.0.0.1:$port DOCKER_TLS_VERIFY=1 \
	DOCKER_CERT_PATH='$work/certs' docker ps -q | wc -l)\" = 3 ]"
no_tool_left() { ! far docker exec remote-far-cache-1 sh -c 'cat /proc/[0-9]*/cmdline' | grep -qa /dev/tcp; }
claim "no tool is left in the container of Redis" no_tool_left
claim "a restore to it is refused with what to do" exits 14 "is restored on the machine of its engine" \
	far "$stacksnap" restore "$id" --yes
kill_engine_midway() {
	far timeout -s KILL 0.2 "$stacksnap" backup remote-far
	kill -STOP "$engine_pid"
	(sleep 3 && kill -CONT "$engine_pid") &
	far "$stacksnap" backup remote-far
}
claim "a backup outlasts an engine that is slow, and a predecessor that was killed" kill_engine_midway
far docker compose -p remote-far kill >/dev/null 2>&1
exit $((failures > 0))
