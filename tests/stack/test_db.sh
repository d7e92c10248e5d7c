#!/bin/bash
# Databases outside of stacks: real servers, reached over the network by this host's own tools.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

servers=(stacksnap-db-pg stacksnap-db-maria stacksnap-db-redis)
remove_servers() {
	docker container rm -fv "${servers[@]}" stacksnap-db-copy >/dev/null 2>&1
}
trap 'remove_servers; cleanup' EXIT
remove_servers

start() {
	docker run -d --name "$1" -p "127.0.0.1::$2" "${@:3}" >/dev/null || exit 1
}
port() {
	docker port "$1" | sed -n 's/.* -> 127.0.0.1://p' | head -n 1
}
start stacksnap-db-pg 5432 -e POSTGRES_PASSWORD='ad/min@1' postgres:15
start stacksnap-db-maria 3306 -e MARIADB_ROOT_PASSWORD='ad/min@1' mariadb:10.11
start stacksnap-db-redis 6379 redis:7 redis-server --requirepass 'ad/min@1'
pg=127.0.0.1:$(port stacksnap-db-pg)
maria=127.0.0.1:$(port stacksnap-db-maria)
redis=127.0.0.1:$(port stacksnap-db-redis)

umask 077
printf 'ad/min@1\n' >"$work/admin"
printf 'wrong\n' >"$work/wrong"
printf "re'ad er\n" >"$work/reader"

pg() {
	docker exec -i stacksnap-db-pg psql -X -q -A -t -v ON_ERROR_STOP=1 -U postgres "$@"
}
maria() {
	docker exec -i stacksnap-db-maria mariadb -uroot -p'ad/min@1' -N "$@"
}
redis() {
	docker exec -i stacksnap-db-redis redis-cli --no-auth-warning -a 'ad/min@1' "$@"
}
await() {
	local try
	for ((try = 0; try < 150; try++)); do
		"$stacksnap" db add "$@" --dry-run --password-file "$work/admin" >/dev/null 2>&1 && return
		sleep 0.2
	done
	"$stacksnap" db add "$@" --dry-run --password-file "$work/admin"
	exit 1
}
await pg "postgres://postgres@$pg"
await maria "mariadb://root@$maria"
await redis "redis://$redis"

pg <<'SQL' || exit 1
CREATE DATABASE shop; CREATE DATABASE "O'Brien ""x""";
\connect shop
CREATE SCHEMA hidden; CREATE SEQUENCE hidden.s;
CREATE TABLE orders (id serial PRIMARY KEY, name text, at timestamptz DEFAULT now());
INSERT INTO orders (name) SELECT E'it''s \\ ' || g FROM generate_series(1, 20000) g;
CREATE TABLE hidden."we""ird" (a int); INSERT INTO hidden."we""ird" VALUES (1), (2);
CREATE VIEW seen AS SELECT name FROM orders;
SQL
maria <<'SQL' || exit 1
CREATE DATABASE shop; CREATE DATABASE `o'brien`; USE shop;
CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, name TEXT);
INSERT INTO orders (name) SELECT CONCAT('it''s \\ ', seq) FROM seq_1_to_20000;
CREATE VIEW seen AS SELECT name FROM orders;
CREATE PROCEDURE ask() SELECT 1;
CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW SET NEW.name = TRIM(NEW.name);
SQL
redis eval 'for i=1,5000 do redis.call("SET", "k" .. i, i) end redis.call("HSET", "h", "a", "1")' 0 >/dev/null

# What db add says an administrator should say.
statements() {
	"$stacksnap" --json db test "$1" | python3 -c '
import json, sys
test = json.loads(sys.stdin.readlines()[-1])["tests"][0]
print("\n".join(test["statements"]).replace("NEW-PASSWORD", sys.argv[1]))' "$2"
}

sum_pg() { pg -d shop -c "SELECT md5(string_agg(o::text, ',' ORDER BY id)) FROM orders o; SELECT count(*) FROM hidden.\"we\"\"ird\";"; }
sum_maria() { maria -e "SELECT MD5(GROUP_CONCAT(id, name ORDER BY id)), COUNT(*) FROM shop.orders; SELECT COUNT(*) FROM shop.seen; CALL shop.ask();"; }

wrong_ones_are_refused() {
	exits 1 'does not let user "postgres" in' "$stacksnap" db add x "postgres://postgres@$pg" --password-file "$work/wrong" &&
		exits 1 "has no such database" "$stacksnap" db add x "postgres://postgres@$pg/nix" --password-file "$work/admin" &&
		exits 1 'does not let user "root" in' "$stacksnap" db add x "mariadb://root@$maria" --password-file "$work/wrong" &&
		exits 1 "has no such database" "$stacksnap" db add x "mariadb://root@$maria/nix" --password-file "$work/admin" &&
		exits 1 "WRONGPASS" "$stacksnap" db add x "redis://$redis" --password-file "$work/wrong" &&
		exits 0 "no databases" "$stacksnap" db list
}

admins_are_told_that_they_may_write() {
	exits 0 "is a superuser" "$stacksnap" db add pg "postgres://postgres@$pg/shop" --password-file "$work/admin" &&
		exits 0 "has ALL PRIVILEGES" "$stacksnap" db add maria "mariadb://root@$maria/shop" --password-file "$work/admin" &&
		exits 0 "may write (DEL is allowed)" "$stacksnap" db add redis "redis://$redis" --password-file "$work/admin"
}

statements_make_readers() {
	statements pg "re''ad er" | pg -d shop &&
		statements maria "re''ad er" | maria &&
		redis ACL SETUSER stacksnap on ">re'ad er" resetkeys allkeys -@all +ping +info +replconf +psync "+config|get" &&
		[[ $(statements redis "re'ad er") == "ACL SETUSER stacksnap on >re'ad er resetkeys allkeys -@all +ping +info +replconf +psync +config|get" ]] &&
		exits 0 "the user may only read" "$stacksnap" db set pg "postgres://stacksnap@$pg/shop" --password-file "$work/reader" &&
		exits 0 "the user may only read" "$stacksnap" db set maria "mariadb://stacksnap@$maria/shop" --password-file "$work/reader" &&
		exits 0 "the user may only read" "$stacksnap" db set redis "redis://stacksnap@$redis" --password-file "$work/reader" &&
		exits 1 "read-only" env PGPASSWORD="re'ad er" psql -X -h "${pg%:*}" -p "${pg#*:}" -U stacksnap shop -c 'CREATE TABLE x (a int)'
}

tables_of_later_can_be_read_too() {
	pg -d shop -c "CREATE TABLE later (a int)" && exits 0 "may only read" "$stacksnap" db test pg
}

one_snapshot_has_them_all() {
	"$stacksnap" init >/dev/null && exits 0 "complete" "$stacksnap" backup --db pg maria redis &&
		exits 0 "no damage" "$stacksnap" verify --read-data
}

what_was_lost_comes_back_from_it() {
	local before_pg before_maria
	before_pg=$(sum_pg) && before_maria=$(sum_maria) || return 1
	pg -c "DROP DATABASE shop" && maria -e "DROP DATABASE shop" || return 1
	"$stacksnap" dump latest pg/shop.sql | pg -d postgres >/dev/null &&
		"$stacksnap" dump latest maria/databases.sql | maria || return 1
	[ "$(sum_pg)" = "$before_pg" ] && [ "$(sum_maria)" = "$before_maria" ] || return 1
	"$stacksnap" dump latest redis/dump.rdb >"$work/dump.rdb" && chmod 644 "$work/dump.rdb" &&
		docker create --name stacksnap-db-copy redis:7 >/dev/null &&
		docker cp -q "$work/dump.rdb" stacksnap-db-copy:/data/dump.rdb && docker start stacksnap-db-copy >/dev/null &&
		sleep 0.5 && [ "$(docker exec stacksnap-db-copy redis-cli DBSIZE)" = 5001 ]
}

rows_are_compared_with_what_is_live() {
	exits 0 "no difference" "$stacksnap" diff latest live || return 1
	pg -d shop -c "UPDATE orders SET name = 'other' WHERE id IN (7, 8); DELETE FROM orders WHERE id = 9" &&
		maria -e "INSERT INTO shop.orders (name) VALUES ('new')" && redis SET k3 other >/dev/null || return 1
	[ "$("$stacksnap" diff --json latest live 2>/dev/null | python3 -c '
import json, sys
for t in map(json.loads, sys.stdin):
    if t.get("type") == "table":
        print(t["service"], t["table"], t["added"], t["removed"], t["changed"])')" = "maria shop.orders 1 0 0
pg public.orders 0 1 2
redis db0 0 0 1" ]
}

all_databases_of_a_server() {
	exits 0 "is kept" "$stacksnap" db add all-pg "postgres://postgres@$pg" --password-file "$work/admin" --project whole &&
		exits 0 "is kept" "$stacksnap" db add all-maria "mariadb://root@$maria" --password-file "$work/admin" --project whole &&
		exits 0 "complete" "$stacksnap" backup --db --project whole &&
		exits 0 "databases/all-pg/O%27Brien%20%22x%22.sql" "$stacksnap" ls -R latest &&
		exits 0 "o'brien" "$stacksnap" dump latest all-maria/databases.sql &&
		exits 0 "stacksnap" "$stacksnap" dump latest all-maria/users.sql
}

what_cannot_be_read_is_named_and_makes_no_snapshot() {
	local before
	before=$(count_snapshots)
	pg -d shop -c "REVOKE pg_read_all_data FROM stacksnap; GRANT SELECT ON orders, later TO stacksnap; ALTER TABLE later ENABLE ROW LEVEL SECURITY" || return 1
	exits 3 'table hidden.we"ird of database shop' "$stacksnap" db test pg &&
		[[ $output == *"rows of table public.later"* ]] && [[ $output == *"sequence hidden.s"* ]] &&
		exits 1 "its user may not read " "$stacksnap" backup --db pg && [ "$(count_snapshots)" = "$before" ] || return 1
	maria -e "REVOKE SELECT ON *.* FROM stacksnap; GRANT SELECT (id) ON shop.orders TO stacksnap" || return 1
	exits 3 "table shop.orders" "$stacksnap" db test maria &&
		exits 1 "its user may not read table shop.orders" "$stacksnap" backup --db maria && [ "$(count_snapshots)" = "$before" ]
}

database_that_may_not_be_entered_makes_it_partial() {
	pg -c "GRANT pg_read_all_data TO stacksnap" -c "REVOKE CONNECT ON DATABASE \"O'Brien \"\"x\"\"\" FROM PUBLIC" || return 1
	pg -d shop -c "ALTER TABLE later DISABLE ROW LEVEL SECURITY" || return 1
	exits 3 "may not connect" "$stacksnap" db add most "postgres://stacksnap@$pg" --password-file "$work/reader" &&
		exits 3 "may not connect" "$stacksnap" backup --db most
}

server_that_is_gone_is_told() {
	docker stop -t 1 "${servers[@]}" >/dev/null
	exits 1 "does not answer" "$stacksnap" backup --db redis && exits 1 "does not answer" "$stacksnap" db test maria &&
		exits 1 "does not answer" "$stacksnap" db test pg
}

claim "a wrong password, or a database that is not there, is refused" wrong_ones_are_refused
claim "an administrator is told that this is more than a backup needs" admins_are_told_that_they_may_write
claim "the statements shown make users that may only read, all of it" statements_make_readers
claim "tables that are made later can be read as well" tables_of_later_can_be_read_too
claim "one snapshot has databases of three servers" one_snapshot_has_them_all
claim "what was lost comes back from it" what_was_lost_comes_back_from_it
claim "rows are compared with what is live" rows_are_compared_with_what_is_live
claim "without a database in the address all of the server are saved" all_databases_of_a_server
claim "what cannot be read is named, and makes no snapshot" what_cannot_be_read_is_named_and_makes_no_snapshot
claim "a database that may not be entered makes the snapshot partial" database_that_may_not_be_entered_makes_it_partial
claim "a server that is gone is told" server_that_is_gone_is_told
[ $failures -eq 0 ]
