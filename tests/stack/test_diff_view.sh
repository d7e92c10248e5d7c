#!/bin/bash
# What `stacksnap diff` shows of a stack: the summary, rows and keys as text, documented JSON, a page.
# shellcheck disable=SC2016 # $ in Python is its own
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

p=view-diff
"$stacksnap" init >/dev/null 2>&1 || exit 1
projects+=("$p")
remove_project "$p"
mkdir -p "$work/$p/conf"
printf 'color=blue\nlimit=10\n' >"$work/$p/conf/shop.conf"
cat >"$work/$p/compose.yaml" <<YAML
name: $p
services:
  db:
    image: postgres:15
    environment: { POSTGRES_PASSWORD: pw }
    volumes: [ "pg:/var/lib/postgresql/data" ]
  cache:
    image: redis:7
    volumes: [ "redis:/data", "./conf:/conf:ro", "uploads:/uploads" ]
  more:
    image: redis:7
    profiles: [ more ]
    volumes: [ "uploads:/data" ]
    entrypoint: [ sleep, infinity ]
    stop_grace_period: 0s
volumes: { pg: , redis: , uploads: }
YAML
compose $p up -d >"$work/$p.log" 2>&1 || {
	tail -n 20 "$work/$p.log"
	exit 1
}
in_pg() { docker exec -i $p-db-1 psql -qAt -v ON_ERROR_STOP=1 -U postgres -h 127.0.0.1 "dbname=postgres password=pw" "$@"; }
in_redis() { docker exec -i $p-cache-1 redis-cli "$@" >/dev/null; }
for ((i = 0; i < 240; i++)); do
	in_pg -c 'SELECT 1' >/dev/null 2>&1 && break
	sleep 0.25
done

in_pg <<'SQL' || exit 1
CREATE TABLE orders (id int PRIMARY KEY, name text, amount numeric(10,2), note text, meta jsonb, raw bytea);
INSERT INTO orders SELECT g, 'customer ' || g, g + 0.5, NULL, '{"vip": false, "tags": ["a"]}', '\x00' FROM generate_series(1, 2000) g;
CREATE TABLE still (id int PRIMARY KEY);
INSERT INTO still SELECT generate_series(1, 10);
SQL
in_redis HSET cart apples 2 pears 1
in_redis SADD tags a b c
in_redis SET greeting hello
docker exec -i $p-cache-1 sh -c 'echo 1 >/uploads/one'
"$stacksnap" -q backup --quiesce none $p >/dev/null || exit 1
a=$(newest)
claim "two equal points are told in one line, with their root" \
	grep -qxE 'no difference: both have the root [0-9a-f]{16}' <("$stacksnap" -q diff "$a" "$a" --rows)

in_pg <<'SQL' || exit 1
UPDATE orders SET amount = 99.90, note = '' WHERE id = 7;
UPDATE orders SET meta = '{"vip": true, "tags": ["a", "b"]}', raw = '\xff00' WHERE id = 8;
DELETE FROM orders WHERE id = 9;
INSERT INTO orders VALUES (2001, E'\033[31m<b>"evil"', 1, NULL, NULL, NULL);
ALTER TABLE still ADD COLUMN more text;
SQL
in_redis HSET cart apples 3 plums 4
in_redis HDEL cart pears
in_redis SREM tags a
in_redis SADD tags z
in_redis SET greeting 'hello you'
printf 'color=red\nlimit=10\n' >"$work/$p/conf/shop.conf"
docker exec -i $p-cache-1 sh -c 'rm /uploads/one; echo 22 >/uploads/two'
compose $p --profile more up -d more >>"$work/$p.log" 2>&1
"$stacksnap" -q backup --quiesce none $p >/dev/null || exit 1
b=$(newest)

cat >"$work/rows" <<'TEXT'
--- a/cache/db0  3 keys
+++ b/cache/db0  3 keys
~ key="cart"
    /apples: "2" → "3"
    - /pears: "1"
    + /plums: "4"
~ key="greeting"  value: "hello" → "hello you"
~ key="tags"
    - "a"
    + "z"

--- a/db/postgres/public.orders  2,000 rows
+++ b/db/postgres/public.orders  2,000 rows
~ id=7  amount: 7.50 → 99.90, note: NULL → ""
~ id=8  raw: 0x00 → 0xff00
    meta/vip: false → true
    + meta/tags/1: "b"
- id=9, name="customer 9", amount=9.50, note=NULL, meta={"vip": false, "tags": ["a"]}, raw=0x00
+ id=2001, name="\x1b[31m<b>\"evil\"", amount=1.00, note=NULL, meta=NULL, raw=NULL
TEXT
cat >"$work/summary" <<TEXT
images
  more  new: redis:7
files
  project                    ~1  (changed 20 B → 19 B)
  volumes/${p}_uploads  +1 −1  (+3 B, −2 B)
databases
  cache
    db0  3 keys  ~3
  db
    postgres/public.orders  2,000 rows  +1 −1 ~2
    postgres/public.still   10 rows  the same, in other columns or order
    schema: ~1 (--schema shows it)
TEXT
# shows FILE ARGUMENT...: what it holds is a part of what diff writes.
shows() {
	local want
	want=$(cat "$1")
	shift
	try "$stacksnap" -q diff "$@"
	[ "$status" -eq 0 ] && [[ $output == *"$want"* ]] || {
		printf 'exit code %s, no\n%s\nin:\n%s\n' "$status" "$want" "$output"
		return 1
	}
}
claim "the summary tells files, tables and schemas" shows "$work/summary" "$a" "$b" --stat
claim "rows and keys are told with what changed in them" shows "$work/rows" "$a" "$b" --rows
claim "of what is live the same is told" shows "$work/rows" "$a" live --rows

printf '%s\n' '@@ -1,4 +1,5 @@' ' CREATE TABLE public.still (' '-    id integer NOT NULL' '+    id integer NOT NULL,' '+    more text' >"$work/schema"
claim "a definition is told as a unified diff" shows "$work/schema" "$a" "$b" --schema
printf '%s\n' '@@ -1,2 +1,2 @@' '-color=blue' '+color=red' ' limit=10' >"$work/text"
claim "a text file, too" shows "$work/text" "$a" "$b" --text project/conf/shop.conf
cat >"$work/some" <<'TEXT'
~ id=7  amount: 7.50 → 99.90
- id=9, amount=9.50
TEXT
claim "columns may be chosen" shows "$work/some" "$a" "$b" --table 'public.or*' --columns amount

cat >"$work/check.py" <<'PY'
import html.parser, json, sys
sys.argv, args = sys.argv[:1], sys.argv[1:]
sys.path.insert(0, args[0] + "/tests/cli")
import harness
lines = [json.loads(line) for line in open(args[1])]
for line in lines[:-1]:
    if line["type"] not in harness.EVENTS:
        harness.fits(line, line["type"])
harness.fits(lines[-1], "any result", "diff")
harness.same([lines[-1][k] for k in ("differs", "images", "tables", "rows_added", "rows_removed", "rows_changed", "definitions", "unknown")],
             [True, 1, 3, 1, 1, 5, 1, 0])
row = {(l["table"], *l["key"].values()): l for l in lines if l["type"] == "row"}
harness.same(len(row), 7)
harness.same(row["db0", "cart"]["patch"], [{"op": "replace", "path": "/apples", "value": "3"}, {"op": "remove", "path": "/pears"},
                                           {"op": "add", "path": "/plums", "value": "4"}])
harness.same((row["public.orders", "7"]["columns"], row["public.orders", "7"]["before"]["note"], row["public.orders", "7"]["after"]["note"]),
             (["amount", "note"], None, ""))

class Page(html.parser.HTMLParser):
    open, words = [], ""
    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "b", "img", "link"), tag
        if tag != "meta":
            self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
    def handle_data(self, data):
        self.words += data
page = Page()
page.feed(open(args[2]).read())
assert not page.open and '\\x1b[31m<b>\\"evil\\"' in page.words and "99.90" in page.words
harness.shutil.rmtree(harness.WORK)
PY
json_and_page() {
	"$stacksnap" diff --json --rows --schema "$a" "$b" --html "$work/page.html" >"$work/lines" &&
		STACKSNAP=$stacksnap python3 "$work/check.py" "$top" "$work/lines" "$work/page.html"
}
claim "JSON lines are documented and the page is well-formed" json_and_page

exit $((failures > 0))
