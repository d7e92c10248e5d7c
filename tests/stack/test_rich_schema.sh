#!/bin/bash
# Round trips of servers with a bit of everything: backup, all of it wiped, restore; the database's own
# tool must print before what it prints after.  PostgreSQL, MariaDB, Redis of the testbed, and the newer
# ones where their images are (tests/testbed/images trixie).  Seeds: tests/stack/db.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

seeds=$top/tests/stack/db
"$stacksnap" init >/dev/null || exit 1

# start PROJECT IMAGE ENV PATH [COMMAND]
start() {
	projects+=("$1")
	remove_project "$1"
	mkdir -p "$work/$1"
	cat >"$work/$1/compose.yaml" <<-YAML
		name: $1
		services:
		  db:
		    image: $2
		    environment: { $3 }
		    volumes: [ "data:$4" ]
		    command: [ ${5:-} ]
		volumes: { data: }
	YAML
	[ -n "${5:-}" ] || sed -i '/command:/d' "$work/$1/compose.yaml"
	compose "$1" up -d >"$work/$1.log" 2>&1 || {
		tail -n 20 "$work/$1.log"
		return 1
	}
}
in_db() { # in_db PROJECT COMMAND...
	compose "$1" exec -T db "${@:2}"
}
answers() { # answers PROJECT COMMAND...
	local i
	for ((i = 0; i < 120; i++)); do
		in_db "$@" >/dev/null 2>&1 && return 0
		sleep 0.5
	done
	echo "$1 does not answer"
	return 1
}
wiped() { # wiped PROJECT: nothing of it is left
	remove_project "$1"
	rm -rf "${work:?}/$1"
	! docker volume inspect "$1_data" >/dev/null 2>&1
}
has_image() {
	docker image inspect "$1" >/dev/null 2>&1
}
# round PROJECT PRINT: backup, wipe, restore; PRINT is a function that prints all that there is.
round() {
	local p=$1 print=$2 id
	claim "$p: it is printed" "$print" "$p" "$work/$p.before"
	claim "$p: it is backed up, complete" "$stacksnap" backup --quiesce none "$p"
	id=$(newest)
	claim "$p: its dumps are cut at their tables, and whole" "$seeds/../dump_parts" "$stacksnap" "$id" db
	claim "$p: all of it is wiped" wiped "$p"
	claim "$p: it is restored" "$stacksnap" restore "$id" --yes
	claim "$p: it is printed again" "$print" "$p" "$work/$p.after"
	claim "$p: both are the same" diff "$work/$p.before" "$work/$p.after"
	[ -s "$work/$p.before" ] || claim "$p: something was printed" false
}

pg_print() { # pg_print PROJECT FILE: globals and each database, but for the random token of newer tools
	local d
	in_db "$1" pg_dumpall -U postgres -g | sed -E 's/^\\(un)?restrict .*//' >"$2" || return 1
	in_db "$1" psql -U postgres -XAtc "SELECT datname FROM pg_database WHERE datname <> 'template0' ORDER BY 1" >"$work/names" || return 1
	while IFS= read -r d <&3; do
		d=${d//\\/\\\\}
		compose "$1" exec -T -e PGOPTIONS='-c statement_timeout=0' db pg_dump -U postgres --create "dbname='${d//\'/\\\'}'" </dev/null | sed -E 's/^\\(un)?restrict .*//' >>"$2" || return 1
	done 3<"$work/names"
}
my_print() {
	in_db "$1" sh -c 'export MYSQL_PWD=pw; mariadb -uroot -N -e "SHOW DATABASES" | grep -vxE "mysql|information_schema|performance_schema|sys" |
		tr "\n" "\0" | xargs -0 mariadb-dump -uroot --single-transaction --routines --triggers --events --hex-blob \
		--default-character-set=utf8mb4 --skip-dump-date --databases -- &&
		mariadb-dump -uroot --skip-dump-date --system=users | sort' >"$2"
}
rd_print() { # a digest of all keys, their times to live, and functions
	local cli=redis-cli i
	in_db "$1" sh -c 'command -v valkey-cli' >/dev/null 2>&1 && cli=valkey-cli
	for ((i = 0; i < 60; i++)); do
		[ "$(in_db "$1" $cli PING 2>/dev/null)" = PONG ] && break
		sleep 0.5
	done
	in_db "$1" sh -c "$cli DEBUG DIGEST; $cli INFO keyspace | grep -o '^db[0-9]*:keys=[0-9]*,expires=[0-9]*'; $cli FUNCTION LIST;
		$cli PEXPIRETIME hash" >"$2"
}

for v in 15 17; do
	has_image postgres:$v || continue
	p=gates-rich-pg$v
	start $p postgres:$v "POSTGRES_PASSWORD: pw" /var/lib/postgresql/data '"postgres", "-c", "wal_level=logical"' || exit 1
	answers $p psql -U postgres -h 127.0.0.1 "dbname=postgres password=pw" -c 'SELECT 1' || exit 1
	claim "$p: a rich cluster is made" \
		compose $p exec -T db psql -X -q -v ON_ERROR_STOP=1 -U postgres <"$seeds/postgres.sql"
	claim "$p: and more of it" \
		compose $p exec -T -e PGOPTIONS="-c statement_timeout=0" db psql -X -q -v ON_ERROR_STOP=1 -U postgres shop <"$seeds/postgres_more.sql"
	round $p pg_print
done
for v in 10.11 11.8; do
	has_image mariadb:$v || continue
	p=gates-rich-my${v%.*}
	start $p mariadb:$v "MARIADB_ROOT_PASSWORD: pw" /var/lib/mysql '"mariadbd", "--event-scheduler=ON"' || exit 1
	answers $p mariadb -h 127.0.0.1 -uroot -ppw -e 'SELECT 1' || exit 1
	claim "$p: a rich server is made" \
		compose $p exec -T -e MYSQL_PWD=pw db mariadb -uroot --default-character-set=utf8mb4 <"$seeds/mariadb.sql"
	claim "$p: and more of it" \
		compose $p exec -T -e MYSQL_PWD=pw db mariadb -uroot --default-character-set=utf8mb4 <"$seeds/mariadb_more.sql"
	round $p my_print
done
for image in redis:7 redis:8 valkey/valkey:8; do
	has_image $image || continue
	p=gates-rich-$(tr -dc a-z0-9 <<<"${image##*/}")
	start $p $image "A: b" /data "\"$(basename "${image%%:*}")-server\", \"--enable-debug-command\", \"yes\"" || exit 1
	cli=$(basename "${image%%:*}")-cli
	answers $p "$cli" PING || exit 1
	compose $p exec -T db "$cli" <"$seeds/redis.txt" >/dev/null
	compose $p exec -T db "$cli" EVAL "for i = 1, 5000 do redis.call('SADD', 'big:set', 'm' .. i) redis.call('HSET', 'big:hash', 'f' .. i, i)
		redis.call('ZADD', 'big:zset', i / 3, 'm' .. i) redis.call('RPUSH', 'big:list', string.rep('x', i % 90)) end return 1" 0 >/dev/null
	round $p rd_print
done
exit $((failures > 0))
