#!/bin/bash
# The rows of one table of MariaDB, put back into a server that runs: beside, in place by a change of names or
# in one transaction, undone, finished; refused where that cannot be done safely; killed in the middle.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

p=pick-my
projects+=("$p")
remove_project $p
mkdir -p "$work/$p"
cat >"$work/$p/compose.yaml" <<'EOF2'
services:
  db:
    image: mariadb:10.11
    environment: { MARIADB_ROOT_PASSWORD: pw, MARIADB_DATABASE: shop }
    volumes: ["data:/var/lib/mysql"]
    stop_grace_period: 1s
    healthcheck: { test: [CMD, mariadb, -h, 127.0.0.1, -uroot, -ppw, -e, SELECT 1], interval: 1s, retries: 60 }
volumes: { data: }
EOF2
claim "a stack runs" compose $p up -d --wait
sql() { docker exec -i -e MYSQL_PWD=pw $p-db-1 mariadb -uroot -N --default-character-set=utf8mb4 shop; }
odd="odd \"\` ta-ble's.x; DROP"
quoted="\`odd \"\`\` ta-ble's.x; DROP\`"
seed() {
	sql <<EOF2
CREATE TABLE customers (id int PRIMARY KEY, name text);
INSERT INTO customers SELECT seq, CONCAT('c', seq) FROM seq_1_to_100;
CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, customer int, note text, twice int GENERATED ALWAYS AS (customer * 2) STORED,
	hidden int INVISIBLE DEFAULT 7, CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES customers (id));
INSERT INTO orders (customer, note) SELECT seq % 100 + 1, CONCAT('a\tb\nc\\\\', seq) FROM seq_1_to_2000;
CREATE TABLE items (o int, what text, FOREIGN KEY (o) REFERENCES orders (id) ON DELETE CASCADE);
INSERT INTO items SELECT seq, CONCAT('i', seq) FROM seq_1_to_2000;
CREATE TABLE log (line text);
CREATE TABLE was_empty (id int PRIMARY KEY, o int, FOREIGN KEY (o) REFERENCES orders (id));
CREATE TRIGGER changed AFTER UPDATE ON orders FOR EACH ROW INSERT INTO log VALUES ('fired');
CREATE TABLE plain (id int AUTO_INCREMENT PRIMARY KEY, note varchar(40), at timestamp DEFAULT '2024-03-31 01:30:00', KEY (note));
INSERT INTO plain (note) SELECT CONCAT('n', seq) FROM seq_1_to_2000;
CREATE VIEW many AS SELECT * FROM plain WHERE id > 10;
CREATE TABLE watched (id int PRIMARY KEY);
INSERT INTO watched VALUES (1);
CREATE TRIGGER noted AFTER DELETE ON watched FOR EACH ROW INSERT INTO log VALUES ('gone');
CREATE TABLE $quoted (\`sel\`\`ect\` int PRIMARY KEY, \`ünï "x"\` text);
INSERT INTO $quoted VALUES (1, NULL), (2, 'ä''"\\\\'), (3, '');
CREATE USER app@'%' IDENTIFIED BY 'x';
GRANT SELECT ON shop.plain TO app@'%';
CREATE TABLE big AS SELECT seq AS id, REPEAT(MD5(seq), 10) AS t FROM seq_1_to_30000;
ALTER TABLE big ADD PRIMARY KEY (id);
EOF2
}
hash_of() { sql <<<"SELECT MD5(GROUP_CONCAT(MD5(CONCAT_WS('|', $2)) ORDER BY 1)) FROM $1" 2>&1; }
claim "it is filled" seed
"$stacksnap" init >/dev/null 2>&1 || exit 1
claim "a backup" "$stacksnap" backup $p
sql <<<"SET GLOBAL group_concat_max_len = 16777216"
orders=$(hash_of orders 'id, customer, note, hidden')
plain=$(hash_of plain 'id, note, at')

# Beside.
claim "tables go into a database beside" exits 0 "shop.plain is in database yesterday now" \
	"$stacksnap" restore latest --table shop.orders --table plain --into yesterday
claim "their rows are those of the snapshot" test "$(hash_of yesterday.orders 'id, customer, note, hidden')$(hash_of yesterday.plain 'id, note, at')" = "$orders$plain"
claim "a second time it is refused" exits 1 "there is a table orders in database yesterday already" "$stacksnap" restore latest --table orders --into yesterday
claim "a table that is not there is named" exits 1 "no table nothing" "$stacksnap" restore latest --table nothing --into yesterday
name="shop.\"${odd//\"/\"\"}\""
claim "hostile names come back" exits 0 "is in database" "$stacksnap" restore latest --table "$name" --into "a \`b' \"c"
claim "with their rows" test "$(sql <<<"SELECT COUNT(*) FROM \`a \`\`b' \"c\`.$quoted")" = 3
claim "and in place" exits 0 "the old ones are kept" "$stacksnap" restore latest --table "$name" --in-place --yes
claim "and are undone" exits 0 "old rows again" "$stacksnap" restore undo $p --table "$name" --yes

# In place by a change of names: nothing is tied to the table.
sql <<<"UPDATE plain SET note = 'changed' WHERE id <= 9; DELETE FROM plain WHERE id BETWEEN 20 AND 22; INSERT INTO plain (note) SELECT 'since' FROM seq_1_to_412; ALTER TABLE plain ADD INDEX (at), MODIFY note varchar(80)"
since=$(hash_of plain 'id, note, at')
claim "the preview says what is lost" exits 0 "removes 412 rows added since, brings back 3 rows, changes 9 rows" \
	"$stacksnap" restore latest --table plain --in-place --dry-run
depends() { [[ $output == *"view shop.many shows the other rows"* ]]; }
claim "and what depends on it" depends
claim "without consent it is refused" exits 1 "give --yes" "$stacksnap" restore latest --table plain --in-place
claim "nothing was changed" test "$(hash_of plain 'id, note, at')" = "$since"
claim "with it the rows are exchanged" exits 0 "the old ones are kept" "$stacksnap" restore latest --table plain --in-place --yes
claim "they are those of the snapshot" test "$(hash_of plain 'id, note, at')" = "$plain"
claim "an index made since is still there" test "$(sql <<<"SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'plain'")" = 3
claim "no number is given again" test "$(sql <<<"INSERT INTO plain (note) VALUES ('new'); SELECT MAX(id) FROM plain")" -gt 2412
claim "who may read it still may" test "$(docker exec -e MYSQL_PWD=x $p-db-1 mariadb -uapp -N -e 'SELECT COUNT(*) FROM shop.plain')" = 2001
claim "a second restore is refused while old rows are kept" exits 1 "are still kept" "$stacksnap" restore latest --table plain --in-place --yes
claim "what undo loses is named" exits 0 "lost: shop.plain: 1 row added since" "$stacksnap" restore undo $p --table plain --database shop --dry-run
claim "undo puts the old ones back" exits 0 "has its old rows again" "$stacksnap" restore undo $p --table shop.plain --yes
claim "they are as before" test "$(hash_of plain 'id, note, at')" = "$since"
claim "a second undo has nothing to do" exits 1 "settled already" "$stacksnap" restore undo $p --table shop.plain --yes

# In one transaction: foreign keys, and a trigger for UPDATE.
sql <<<"INSERT INTO orders (customer, note) VALUES (1, 'since'); UPDATE orders SET note = 'x' WHERE id = 7; DELETE FROM log"
since=$(hash_of orders 'id, customer, note, hidden')
claim "with foreign keys the rows are exchanged, too" exits 0 "foreign key orders_customer to shop.customers is checked again" \
	"$stacksnap" restore latest --table orders --in-place --yes
claim "they are those of the snapshot, too" test "$(hash_of orders 'id, customer, note, hidden')" = "$orders"
claim "what refers to them is still there, no trigger was run" test "$(sql <<<"SELECT (SELECT COUNT(*) FROM items), (SELECT COUNT(*) FROM log)")" = $'2000\t0'
claim "foreign keys still hold" exits 1 "foreign key constraint fails" sql <<<"INSERT INTO items VALUES (999999, 'x')"
claim "undo puts those back" exits 0 "has its old rows again" "$stacksnap" restore undo $p --table orders --database shop --yes
claim "those are as before" test "$(hash_of orders 'id, customer, note, hidden')" = "$since"
claim "a second undo of those has nothing to do" exits 1 "settled already" "$stacksnap" restore undo $p --table orders --database shop --yes
"$stacksnap" restore latest --table orders --in-place --yes >/dev/null 2>&1
claim "finish removes them" exits 0 "the old ones are gone" "$stacksnap" restore finish $p --table shop.orders --yes
claim "nothing of ours is left" test -z "$(sql <<<"SHOW DATABASES LIKE 'stacksnap%'")"

# A table that had no rows, and one that has none: kept is kept.
sql <<<"INSERT INTO was_empty VALUES (1, 1)"
claim "a table that was empty is known" exits 0 "removes 1 row added since" "$stacksnap" restore latest --table was_empty --in-place --yes
claim "and is empty again" test "$(sql <<<"SELECT COUNT(*) FROM was_empty")" = 0
claim "which undo takes back" exits 0 "has its old rows again" "$stacksnap" restore undo $p --table shop.was_empty --yes
sql <<<"DELETE FROM was_empty; DELETE FROM items"
claim "an emptied table gets its rows" exits 0 "the old ones are kept" "$stacksnap" restore latest --table items --in-place --yes
claim "all of them" test "$(sql <<<"SELECT COUNT(*) FROM items")" = 2000
claim "and can be emptied by undo" exits 0 "has its old rows again" "$stacksnap" restore undo $p --table shop.items --yes
claim "wholly" test "$(sql <<<"SELECT COUNT(*) FROM items")" = 0

# Refused.
claim "triggers that would run are refused" exits 14 "has triggers for INSERT or DELETE" "$stacksnap" restore latest --table watched --in-place --yes
sql <<<"INSERT INTO customers VALUES (500, 'new'); INSERT INTO orders (customer, note) VALUES (500, 'of the new one')"
claim "rows that others refer to cannot go" exits 14 "foreign key orders_customer: 1 row of" "$stacksnap" restore latest --table customers --in-place --yes
claim "nothing was changed by that" test "$(sql <<<"SELECT COUNT(*) FROM customers; SHOW DATABASES LIKE 'stacksnap_new%'")" = 101
sql <<<"DROP VIEW many; ALTER TABLE plain ADD COLUMN extra int, DROP COLUMN at"
claim "other columns are named" exits 2 "no longer there: at; new: extra" "$stacksnap" restore latest --table plain --in-place --yes

# Killed.
old=$(hash_of big 'id, t')
sql <<<"UPDATE big SET t = 'x' WHERE id % 2 = 0"
new=$(hash_of big 'id, t')
half=0
waits=(1.4 1.7 2.2)
for wait in "${waits[@]:0:${STACKSNAP_TEST_KILLS:-3}}"; do
	"$stacksnap" restore latest --table big --in-place --yes >/dev/null 2>&1 &
	sleep $wait
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
	for ((i = 0; i < 100; i++)); do
		[ "$(sql <<<"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER = 'root'")" = 0 ] && break
		sleep 0.1
	done
	now=$(hash_of big 'id, t')
	[ "$now" = "$old" ] || [ "$now" = "$new" ] || half=1
	"$stacksnap" recover >"$work/recover" 2>&1 || half=1
	sql <<<"SHOW DATABASES LIKE 'stacksnap\\_new%'" | grep -q . && half=1
	[ "$now" != "$old" ] || "$stacksnap" restore undo $p --table shop.big --yes >/dev/null 2>&1
done
claim "killed at any moment it is wholly old or wholly new, and recover tidies up" test $half = 0
claim "and goes on afterwards" exits 0 "the old ones are kept" "$stacksnap" restore latest --table big --in-place --yes
claim "to what was backed up" test "$(hash_of big 'id, t')" = "$old"
exit $((failures > 0))
