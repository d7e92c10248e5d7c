#!/bin/bash
# Round trips of servers with a bit of everything: backup, all of it wiped, restore; the database's own
# tool must print before what it prints after.  PostgreSQL, MariaDB and Redis of the testbed in one stack, and the
# newer ones in another, on the newer engine.  Seeds: tests/stack/db.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

seeds=$top/tests/stack/db
"$stacksnap" init >/dev/null || exit 1

# service SERVICE IMAGE ENV PATH COMMAND: a part of a compose file.
service() {
	cat <<-YAML
		  $1:
		    image: $2
		    environment: { $3 }
		    volumes: [ "$1:$4" ]
		    command: [ $5 ]
		    stop_grace_period: 5s
	YAML
}
# write_stack PROJECT IMAGE...: each is a service that is named after it: postgres17.
write_stack() {
	local p=$1 image name services=()
	shift
	mkdir -p "$work/$p"
	printf 'name: %s\nservices:\n' "$p" >"$work/$p/compose.yaml"
	for image; do
		name=$(tr -dc a-z0-9 <<<"${image##*/}")
		services+=("$name")
		case $name in
		postgres*) service "$name" "$image" "POSTGRES_PASSWORD: pw" /var/lib/postgresql/data '"postgres", "-c", "wal_level=logical"' ;;
		mariadb*) service "$name" "$image" "MARIADB_ROOT_PASSWORD: pw" /var/lib/mysql '"mariadbd", "--event-scheduler=ON"' ;;
		*) service "$name" "$image" "A: b" /data "\"${name%[0-9]}-server\", \"--enable-debug-command\", \"yes\"" ;;
		esac
	done >>"$work/$p/compose.yaml"
	printf 'volumes: { %s }\n' "$(printf '%s: , ' "${services[@]}")" >>"$work/$p/compose.yaml"
	printf '%s\n' "${services[@]}"
}

in_db() { # in_db SERVICE COMMAND...
	docker exec -i "$p-$1-1" "${@:2}"
}
answers() { # answers SERVICE COMMAND...: entrypoints start their servers twice, the second one listens on TCP
	local i
	for ((i = 0; i < 150; i++)); do
		in_db "$@" >/dev/null 2>&1 </dev/null && return 0
		sleep 0.2
	done
	echo "$p-$1 does not answer"
	return 1
}

pg_answers() { answers "$1" psql -U postgres -h 127.0.0.1 "dbname=postgres password=pw" -c 'SELECT 1'; }
pg_fill() {
	# Without a limit from the first statement on: the database shop sets one of a millisecond.
	local psql=(docker exec -i -e PGOPTIONS='-c statement_timeout=0' "$p-$1-1" psql -X -q -v ON_ERROR_STOP=1 -U postgres)
	"${psql[@]}" <"$seeds/postgres.sql" && "${psql[@]}" shop <"$seeds/postgres_more.sql"
}
pg_print() { # pg_print SERVICE: globals and each database, but for the random token of newer tools
	local d
	in_db "$1" pg_dumpall -U postgres -g </dev/null | sed -E 's/^\\(un)?restrict .*//' || return 1
	in_db "$1" psql -U postgres -XAtc "SELECT datname FROM pg_database WHERE datname <> 'template0' ORDER BY 1" </dev/null >"$work/names" || return 1
	while IFS= read -r d <&3; do
		d=${d//\\/\\\\}
		docker exec -e PGOPTIONS='-c statement_timeout=0' "$p-$1-1" pg_dump -U postgres --create "dbname='${d//\'/\\\'}'" |
			sed -E 's/^\\(un)?restrict .*//' || return 1
	done 3<"$work/names"
}
my_answers() { answers "$1" mariadb -h 127.0.0.1 -uroot -ppw -e 'SELECT 1'; }
my_fill() {
	cat "$seeds/mariadb.sql" "$seeds/mariadb_more.sql" |
		docker exec -i -e MYSQL_PWD=pw "$p-$1-1" mariadb -uroot --default-character-set=utf8mb4
}
my_print() {
	in_db "$1" sh -c 'export MYSQL_PWD=pw; mariadb -uroot -N -e "SHOW DATABASES" | grep -vxE "mysql|information_schema|performance_schema|sys" |
		tr "\n" "\0" | xargs -0 mariadb-dump -uroot --single-transaction --routines --triggers --events --hex-blob \
		--default-character-set=utf8mb4 --skip-dump-date --databases -- &&
		mariadb-dump -uroot --skip-dump-date --system=users | sort' </dev/null
}
rd_answers() { answers "$1" sh -c "[ \"\$(${1%[0-9]}-cli PING)\" = PONG ]"; }
rd_fill() {
	local cli=${1%[0-9]}-cli
	in_db "$1" "$cli" <"$seeds/redis.txt" >/dev/null &&
		in_db "$1" "$cli" EVAL "for i = 1, 5000 do redis.call('SADD', 'big:set', 'm' .. i) redis.call('HSET', 'big:hash', 'f' .. i, i)
			redis.call('ZADD', 'big:zset', i / 3, 'm' .. i) redis.call('RPUSH', 'big:list', string.rep('x', i % 90)) end return 1" 0 </dev/null >/dev/null
}
rd_print() { # a digest of all keys, their times to live, and functions
	local cli=${1%[0-9]}-cli
	in_db "$1" sh -c "$cli DEBUG DIGEST; $cli INFO keyspace | grep -o '^db[0-9]*:keys=[0-9]*,expires=[0-9]*'; $cli FUNCTION LIST;
		$cli PEXPIRETIME hash" </dev/null
}

kind_of() { case $1 in postgres*) echo pg ;; mariadb*) echo my ;; *) echo rd ;; esac }
printed() { # printed SERVICE FILE: something is
	"$(kind_of "$1")_answers" "$1" && "$(kind_of "$1")_print" "$1" >"$2" && [ -s "$2" ]
}
wiped() {
	remove_project "$p"
	rm -rf "${work:?}/$p"
	test -z "$(docker volume ls -q --filter "label=com.docker.compose.project=$p")"
}

round_trip() { # round_trip PROJECT IMAGE...
	local services s id
	p=$1
	projects=("$p")
	remove_project "$p"
	mapfile -t services < <(write_stack "$@")
	claim "$p: ${services[*]} start" compose "$p" up -d
	for s in "${services[@]}"; do
		claim "$p: $s answers" "$(kind_of "$s")_answers" "$s"
		claim "$p: $s is filled with a bit of everything" "$(kind_of "$s")_fill" "$s"
		claim "$p: $s is printed" printed "$s" "$work/$s.before"
	done
	claim "$p: it is backed up, complete" "$stacksnap" backup --quiesce none "$p"
	id=$(newest)
	for s in "${services[@]}"; do
		claim "$p: the dumps of $s are cut at their tables, and whole" "$seeds/../dump_parts" "$stacksnap" "$id" "$s"
	done
	claim "$p: all of it is wiped" wiped
	claim "$p: it is restored" "$stacksnap" restore "$id" --yes
	for s in "${services[@]}"; do
		claim "$p: $s is printed again" printed "$s" "$work/$s.after"
		claim "$p: $s is the same" diff "$work/$s.before" "$work/$s.after"
	done
	remove_project "$p"
}

round_trip gates-rich-old postgres:15 mariadb:10.11 redis:7
# In a shell of its own, since it has another engine.
(
	failures=0
	if env=$("$top/tests/testbed/newer"); then
		eval "$env"
		round_trip gates-rich-new postgres:17 mariadb:11.8 redis:8 valkey/valkey:8
	else
		claim "there is a newer engine" false
	fi
	exit $((failures > 0))
) || failures=$((failures + 1))
exit $((failures > 0))
