#!/bin/bash
# The rows of one table, put back into a server that runs: beside, in place, undone, finished; refused where that
# cannot be done safely; killed in the middle.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

p=pick
projects+=("$p")
remove_project $p
mkdir -p "$work/$p"
cat >"$work/$p/compose.yaml" <<'EOF'
services:
  db:
    image: postgres:15
    environment: { POSTGRES_PASSWORD: x, POSTGRES_DB: shop }
    volumes: ["pg:/var/lib/postgresql/data"]
    healthcheck: { test: [CMD, pg_isready, -q, -h, 127.0.0.1, -U, postgres], interval: 1s, retries: 60 }
volumes: { pg: }
EOF
claim "a stack runs" compose $p up -d --wait
sql() { docker exec -i $p-db-1 psql -XqAtU postgres -v ON_ERROR_STOP=1 shop; }
seed() {
	sql <<'EOF'
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE customers (id int PRIMARY KEY, name text);
INSERT INTO customers SELECT n, 'c' || n FROM generate_series(1, 100) n;
CREATE TABLE orders (id serial PRIMARY KEY, customer int REFERENCES customers, note text, m mood,
	twice int GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO orders (customer, note, m) SELECT n % 100 + 1, E'a\tb\nc\\' || n, 'ok' FROM generate_series(1, 5000) n;
CREATE TABLE items (o int REFERENCES orders ON DELETE CASCADE, what text);
INSERT INTO items SELECT n, 'i' || n FROM generate_series(1, 5000) n;
CREATE VIEW many AS SELECT * FROM orders WHERE id > 10;
CREATE TABLE log (line text);
CREATE TABLE empty (line text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('fired'); RETURN NULL; END $$;
CREATE TRIGGER noted AFTER DELETE OR INSERT ON orders FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE TABLE "Odd "" ta-ble's
name" ("select" int PRIMARY KEY, "c o""l" text, "ünï" text);
INSERT INTO "Odd "" ta-ble's
name" VALUES (1, 'x', NULL), (2, '', 'ä');
EOF
}
hash_of() { sql <<<"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM $1 t"; }
claim "it is filled" seed
"$stacksnap" init >/dev/null 2>&1 || exit 1
claim "a backup" "$stacksnap" backup $p
orders=$(hash_of orders)
odd=$(hash_of "\"Odd \"\" ta-ble's
name\"")

# Beside.
claim "a table goes into a schema beside" exits 0 "is in schema yesterday now" "$stacksnap" restore latest --table orders --into yesterday
claim "its rows are those of the snapshot" test "$(sql <<<"SELECT md5(string_agg((id, customer, note, m)::text, '|' ORDER BY id)) FROM yesterday.orders")" = \
	"$(sql <<<"SELECT md5(string_agg((id, customer, note, m)::text, '|' ORDER BY id)) FROM orders")"
claim "a second time it is refused" exits 1 "there is a table \"yesterday\".\"orders\" already" "$stacksnap" restore latest --table orders --into yesterday
claim "a table that is not there is named" exits 1 "no table nothing" "$stacksnap" restore latest --table nothing --into yesterday
claim "neither way is refused" exits 2 "either --into" "$stacksnap" restore latest --table orders
hostile='public."Odd "" ta-ble'\''s
name"'
claim "hostile names come back" exits 0 "is in schema" "$stacksnap" restore latest --table "$hostile" --into 'a "b" '\''c'
claim "with their rows" test "$(hash_of "\"a \"\"b\"\" 'c\".\"Odd \"\" ta-ble's
name\"")" = "$odd"

# In place.
sql <<<"UPDATE orders SET note = 'changed' WHERE id <= 9; DELETE FROM orders WHERE id BETWEEN 20 AND 22; INSERT INTO orders (customer, note) SELECT 1, 'since' FROM generate_series(1, 412)"
lines=$(sql <<<"SELECT count(*) FROM log")
since=$(hash_of orders)
claim "the preview says what is lost" exits 0 "removes 412 rows added since, brings back 3 rows, changes 9 rows" \
	"$stacksnap" restore latest --table orders --in-place --dry-run
depends() { [[ $output == *"view public.many shows the other rows"* && $output == *"items_o_fkey of public.items is checked again"* ]]; }
claim "and what depends on it" depends
claim "without consent it is refused" exits 1 "give --yes" "$stacksnap" restore latest --table orders --in-place
claim "nothing was changed" test "$(hash_of orders)" = "$since"
claim "with it the rows are exchanged" exits 0 "the old ones are kept" "$stacksnap" restore latest --table orders --in-place --yes
read -ra undo < <(grep -o "restore undo $p --service [^']*" <<<"$output")
claim "they are those of the snapshot" test "$(hash_of orders)" = "$orders"
claim "no trigger was run" test "$(sql <<<"SELECT count(*) FROM log")" = "$lines"
claim "what referred to them is still there" test "$(sql <<<"SELECT count(*) FROM items")" = 4997
claim "foreign keys still hold" exits 3 "violates foreign key" sql <<<"INSERT INTO items VALUES (999999, 'x')"
claim "new rows get new numbers" test "$(sql <<<"INSERT INTO orders (customer) VALUES (1) RETURNING id")" -gt 5412
# As it was told; that names the service, too, since a stack may have several databases.
claim "undo puts the old ones back" exits 0 "has its old rows again" "$stacksnap" "${undo[@]}" --yes
claim "they are as before" test "$(hash_of orders)" = "$since"
claim "a second undo has nothing to do" exits 1 "settled already" "$stacksnap" restore undo $p --table public.orders --database shop --yes
"$stacksnap" restore latest --table orders --in-place --yes >/dev/null 2>&1
claim "finish removes them" exits 0 "the old ones are gone" "$stacksnap" restore finish $p --table public.orders --database shop --yes
claim "nothing of ours is left" test -z "$(sql <<<"SELECT nspname FROM pg_namespace WHERE nspname ~ '^stacksnap'")"

# A table that had no rows.
sql <<<"INSERT INTO empty VALUES ('since')"
claim "a table that was empty is known" exits 0 "removes 1 row added since" "$stacksnap" restore latest --table empty --in-place --yes
claim "and is empty again" test "$(sql <<<"SELECT count(*) FROM empty")" = 0
claim "which undo takes back" exits 0 "has its old rows again" "$stacksnap" restore undo $p --table public.empty --database shop --yes
claim "to what was there" test "$(sql <<<"SELECT line FROM empty")" = since

# Refused.
sql <<<"INSERT INTO customers VALUES (500, 'new'); INSERT INTO orders (customer, note) VALUES (500, 'of the new one')"
claim "rows that others refer to cannot go" exits 1 "orders_customer_fkey" "$stacksnap" restore latest --table customers --in-place --yes
claim "nothing was changed by that" test "$(sql <<<"SELECT count(*) FROM customers")" = 101
sql <<<"ALTER TABLE orders ADD COLUMN extra int; ALTER TABLE orders DROP COLUMN note CASCADE" >/dev/null 2>&1
claim "other columns are named" exits 2 "no longer there: note; new: extra" "$stacksnap" restore latest --table orders --in-place --yes
sql <<<"DROP TABLE items; DROP TABLE orders CASCADE; DROP TYPE mood CASCADE" >/dev/null 2>&1
claim "a type that is gone is named" exits 1 'type "public.mood" does not exist' "$stacksnap" restore latest --table orders --into elsewhere
claim "and leaves no schema" test -z "$(sql <<<"SELECT nspname FROM pg_namespace WHERE nspname = 'elsewhere'")"

# Killed.
sql <<<"CREATE TABLE big AS SELECT n AS id, repeat(md5(n::text), 10) AS t FROM generate_series(1, 60000) n; ALTER TABLE big ADD PRIMARY KEY (id)"
claim "another backup" "$stacksnap" backup $p --allow-shrink
old=$(hash_of big)
sql <<<"UPDATE big SET t = 'x' WHERE id % 2 = 0"
new=$(hash_of big)
half=0
for wait in 2.6 3.1; do
	"$stacksnap" restore latest --table big --in-place --yes >/dev/null 2>&1 &
	sleep $wait
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
	for ((i = 0; i < 100; i++)); do
		[ "$(sql <<<"SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%'")" = 0 ] && break
		sleep 0.1
	done
	now=$(hash_of big)
	[ "$now" = "$old" ] || [ "$now" = "$new" ] || half=1
	"$stacksnap" recover >"$work/recover" 2>&1 || half=1
	# Killed before it was written down, or behind its end, there is nothing to tell.
	grep -q 'nothing to recover' "$work/recover" ||
		case $now in
		"$new") grep -q 'not done: all is as it was before' "$work/recover" || half=1 ;;
		*) grep -q 'interrupted when it was done' "$work/recover" || half=1 ;;
		esac
	[ "$now" != "$old" ] || "$stacksnap" restore undo $p --table public.big --database shop --yes >/dev/null 2>&1
done
claim "killed at any moment it is wholly old or wholly new, and recover tells which" test $half = 0
exit $((failures > 0))
