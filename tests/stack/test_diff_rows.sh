#!/bin/bash
# Rows that changed, told by number and value: between a backup and what is live, and between two
# backups; PostgreSQL, MariaDB and Redis in one stack.
# shellcheck disable=SC2016,SC2120 # $ in SQL and Lua is theirs; answers gives arguments
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

p=dset-rows
"$stacksnap" init >/dev/null || exit 1
projects+=("$p")
remove_project "$p"
mkdir -p "$work/$p"
cat >"$work/$p/compose.yaml" <<YAML
name: $p
services:
  db:
    image: postgres:15
    environment: { POSTGRES_PASSWORD: pw }
    volumes: [ "pg:/var/lib/postgresql/data" ]
  my:
    image: mariadb:10.11
    environment: { MARIADB_ROOT_PASSWORD: pw, MARIADB_DATABASE: shop }
    volumes: [ "my:/var/lib/mysql" ]
  cache:
    image: redis:7
    volumes: [ "redis:/data" ]
volumes: { pg: , my: , redis: }
YAML
compose $p up -d >"$work/$p.log" 2>&1 || {
	tail -n 20 "$work/$p.log"
	exit 1
}

in_pg() { docker exec -i $p-db-1 psql -qAt -v ON_ERROR_STOP=1 -U postgres -h 127.0.0.1 "dbname=postgres password=pw" "$@"; }
in_my() { docker exec -i $p-my-1 mariadb -h 127.0.0.1 -uroot -ppw shop "$@"; }
in_redis() { docker exec -i $p-cache-1 redis-cli "$@"; }
# answers COMMAND...: entrypoints start their servers twice, the second one listens on TCP.
answers() {
	local i
	for ((i = 0; i < 240; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.25
	done
	echo "$1 does not answer"
	return 1
}
answers in_pg -c 'SELECT 1' && answers in_my -e 'SELECT 1' && answers in_redis PING || exit 1

in_pg <<'SQL' || exit 1
CREATE TABLE orders (id int PRIMARY KEY, name text, state text DEFAULT 'open');
INSERT INTO orders SELECT g, 'customer ' || g % 97, 'open' FROM generate_series(1, 20000) g;
CREATE TABLE log (what text);
INSERT INTO log SELECT 'seen' FROM generate_series(1, 50);
CREATE TABLE "odd; ""table""" (k text PRIMARY KEY, v bytea);
INSERT INTO "odd; ""table""" VALUES (E'tab\there', '\x00ff'), ('line
break', NULL);
CREATE TABLE still (id int PRIMARY KEY);
INSERT INTO still SELECT generate_series(1, 1000);
SQL
in_my <<'SQL' || exit 1
CREATE TABLE items (id int AUTO_INCREMENT PRIMARY KEY, name varchar(100), note text);
INSERT INTO items (name, note) SELECT CONCAT('item ', seq), 'it''s (new), isn''t it' FROM seq_1_to_15000;
CREATE TABLE empty (id int PRIMARY KEY);
SQL
in_redis EVAL "for k = 1, 800 do redis.call('SET', 'k:' .. k, 'value ' .. k) end redis.call('HSET', 'h', 'a', '1', 'b', '2')" 0 >/dev/null

# lines TYPE: of the output of a diff.
cat >"$work/told" <<'PY'
"""told FILE tables|rows|objects|unknown|moments: what a diff with --json told, a line each, sorted."""
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
def table(t):
    counts = "" if "added" not in t else " +%d -%d M%d" % (t["added"], t["removed"], t["changed"])
    return "%s %s %s %d %d%s" % (t["service"], t["table"], t["state"], t["rows_before"], t["rows_after"], counts)
def row(r):
    return "%s %s %s %s %s" % (r["table"], r["change"], json.dumps(r["key"]), json.dumps(r.get("before")), json.dumps(r.get("after")))
show = {
    "tables": ("table", table), "rows": ("row", row), "moments": ("moment", lambda m: m["service"]),
    "objects": ("definition", lambda o: o["name"] + " " + o["state"]), "unknown": ("unknown", lambda u: u["what"]),
}
kind, how = show[sys.argv[2]]
for line in sorted(how(x) for x in lines if x.get("type") == kind):
    print(line)
PY
told() { python3 "$work/told" "$work/diff" "$1"; }
# diff_of A B: told afterwards.
diff_of() { "$stacksnap" diff --json --rows --schema --limit 100000 "$@" >"$work/diff"; }
# is TYPE TEXT: that and no more was told.
is() {
	local got
	got=$(told "$1")
	[ "$got" = "$2" ] || {
		printf 'wanted:\n%s\ngot:\n%s\n' "$2" "$(head -n 60 <<<"$got")"
		return 1
	}
}
has() {
	local got
	got=$(told "$1")
	grep -qxF -- "$2" <<<"$got" || {
		printf 'no "%s" in:\n%s\n' "$2" "$(head -n 40 <<<"$got")"
		return 1
	}
}
count_is() { # count_is TYPE PATTERN N
	local n
	n=$(told "$1" | grep -c -- "$2")
	[ "$n" -eq "$3" ] || {
		echo "$n lines, wanted $3"
		return 1
	}
}

claim "the stack is backed up" "$stacksnap" backup --quiesce none $p
a=$(newest)
claim "it is compared with what is live" diff_of "$a" live
claim "no table differs" is tables ""
claim "no definition differs" is objects ""
claim "no row is told" is rows ""
claim "the moment of each server is told" is moments "cache
db
my"

in_pg <<'SQL' || exit 1
UPDATE orders SET state = 'paid' WHERE id % 2000 = 7;
DELETE FROM orders WHERE id BETWEEN 501 AND 507;
INSERT INTO orders SELECT g, 'late', 'open' FROM generate_series(20001, 20412) g;
INSERT INTO log VALUES ('seen'), ('seen'), ('other');
UPDATE "odd; ""table""" SET v = '\x01' WHERE v IS NULL;
CREATE TABLE new (id int);
INSERT INTO new VALUES (5);
CREATE INDEX orders_by_state ON orders (state);
SQL
in_my <<'SQL' || exit 1
UPDATE items SET note = '''); DROP TABLE items; --' WHERE id IN (3, 4000, 14999);
DELETE FROM items WHERE id IN (1, 2);
INSERT INTO items (name) VALUES ('fresh');
INSERT INTO empty VALUES (9);
SQL
in_redis EVAL "redis.call('SET', 'k:3', 'other') redis.call('DEL', 'k:4') redis.call('SET', 'k:new', '1') redis.call('HSET', 'h', 'b', '3')" 0 >/dev/null

tables="cache db0 changed 801 801 +1 -1 M2
db public.\"odd; \"\"table\"\"\" changed 2 2 +0 -0 M1
db public.log changed 50 53 +3 -0 M0
db public.new added 0 1 +1 -0 M0
db public.orders changed 20000 20405 +412 -7 M10
my shop.empty changed 0 1 +1 -0 M0
my shop.items changed 15000 14999 +1 -2 M3"
compared() { # compared WHAT: the claims of both ways
	claim "$1: tables and counts are told" is tables "$tables"
	claim "$1: all rows are told" count_is rows . $((4 + 1 + 3 + 1 + 429 + 1 + 6))
	claim "$1: a changed row is told by its key, with both values" has rows \
		'public.orders changed {"id": "2007"} {"id": "2007", "name": "customer 67", "state": "open"} {"id": "2007", "name": "customer 67", "state": "paid"}'
	claim "$1: a removed row is told" has rows \
		'public.orders removed {"id": "503"} {"id": "503", "name": "customer 18", "state": "open"} null'
	claim "$1: a row with a line's end in its key is told" count_is rows '^public."odd.*changed {"k": "line\\nbreak"}' 1
	claim "$1: a row of MariaDB with quotes is told" has rows \
		"shop.items changed {\"id\": \"4000\"} {\"id\": \"4000\", \"name\": \"item 4000\", \"note\": \"it's (new), isn't it\"} {\"id\": \"4000\", \"name\": \"item 4000\", \"note\": \"'); DROP TABLE items; --\"}"
	claim "$1: Redis keys are told" count_is rows '^db0 ' 4
	claim "$1: definitions are told" has objects "INDEX public.orders_by_state added"
	claim "$1: so is a new table" has objects "TABLE public.new added"
	claim "$1: nothing is unknown" is unknown ""
}
claim "the changed stack is compared with what is live" diff_of "$a" live
compared live

dry_run() { "$stacksnap" restore "$a" --dry-run >"$work/preview"; }
claim "a dry run of the restore says which rows would be lost" dry_run
claim "of PostgreSQL" grep -qF 'databases/db: public.orders of postgres: this removes 412 rows added since, brings back 7 rows, changes 10 rows' "$work/preview"
claim "of MariaDB" grep -qF 'databases/my: shop.items: this removes 1 row added since, brings back 2 rows, changes 3 rows' "$work/preview"

claim "the changed stack is backed up" "$stacksnap" backup --quiesce none $p
b=$(newest)
claim "both backups are compared" diff_of "$a" "$b"
compared stored
claim "the second is what is live" diff_of "$b" live
claim "no row differs from it" is rows ""

compose $p stop cache >/dev/null 2>&1
in_part() {
	diff_of "$b" live
	[ $? -eq 3 ]
}
claim "a stack of which a server has stopped is compared in part" in_part
claim "what could not be compared is told" is unknown "its databases"
claim "of the others nothing differs" is tables ""
exits_for_table() { exits 2 "neither side has a table public.none" "$stacksnap" diff "$a" "$b" --table public.none; }
claim "a table that neither has is refused" exits_for_table

exit $((failures > 0))
