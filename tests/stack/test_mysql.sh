#!/bin/bash
# MySQL itself (Debian's unstable has it; MariaDB is in the other tests): backup, what differs, restore, single tables,
# whole databases beside, a drill.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

p=mysql-itself
image="stacksnap-testbed/mysql:9"
export STACKSNAP_CONFIG=$work/stacksnap.ini
: >"$STACKSNAP_CONFIG"
"$top/tests/testbed/images" mysql >"$work/images.log" 2>&1 || {
	if grep -qE 'could not build the sid root' "$work/images.log"; then
		echo "ok - MySQL # SKIP Debian's unstable does not answer, or has no MySQL"
		exit 0
	fi
	cat "$work/images.log"
	echo "not ok - an image of MySQL can be had"
	exit 1
}
projects+=("$p")
remove_project "$p"
mkdir -p "$work/$p"
cat >"$work/$p/compose.yaml" <<EOF2
name: $p
services:
  db:
    image: $image
    environment: { MYSQL_ROOT_PASSWORD: "p'w", MYSQL_DATABASE: shop, MYSQL_USER: app, MYSQL_PASSWORD: x }
    volumes: ["data:/var/lib/mysql"]
    stop_grace_period: 10s
    healthcheck: { test: [CMD, mysqladmin, -h, 127.0.0.1, -uapp, -px, ping], interval: 1s, retries: 90 }
volumes: { data: }
EOF2
claim "a stack runs" compose $p up -d --wait
in_db() { docker exec -i -e MYSQL_PWD="p'w" $p-db-1 "$@"; }
sql() { in_db mysql -uroot -N --default-character-set=utf8mb4 "${@:-shop}"; }
seed() {
	sql <<'EOF2'
SET SESSION cte_max_recursion_depth = 100000;
CREATE TABLE seq (n int PRIMARY KEY);
INSERT INTO seq WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 5000) SELECT n FROM s;
CREATE TABLE customers (id int PRIMARY KEY, name text);
INSERT INTO customers SELECT n, CONCAT('c', n) FROM seq WHERE n <= 100;
CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, customer int, note varchar(60) COLLATE utf8mb4_0900_as_cs,
	twice int GENERATED ALWAYS AS (customer * 2) STORED, hidden int INVISIBLE DEFAULT 7, at timestamp(3) NULL, what json,
	CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES customers (id), INDEX f ((UPPER(note))), CHECK (customer > 0));
INSERT INTO orders (customer, note, what) SELECT n % 100 + 1, CONCAT('a\tb\n\\''" ünï 😀 ', n), JSON_OBJECT('n', n, 'x', NULL) FROM seq;
CREATE TABLE everything (id binary(4) PRIMARY KEY, b bit(9), d decimal(30,10), f double, y year, t time(2), bl blob, e enum('a','b''c'),
	s set('x','y'), g geometry SRID 4326, v vector(2), vir int AS (y + 1) VIRTUAL);
INSERT INTO everything (id, b, d, f, y, t, bl, e, s, g, v) VALUES
	(x'00ff0a5c', b'101010101', 12345678901234567890.0123456789, 1e300, 2024, '-12:34:56.78', x'27005c0a', 'b''c', 'x,y', ST_GeomFromText('POINT(1 2)', 4326), TO_VECTOR('[1,2]')),
	(x'00000000', NULL, NULL, NULL, NULL, NULL, '', NULL, '', NULL, NULL);
CREATE TABLE `odd ``"ta-ble's.x` (`sel``ect` int PRIMARY KEY, `ünï "x"` text);
INSERT INTO `odd ``"ta-ble's.x` VALUES (1, NULL), (2, 'ä''"\\'), (3, '');
CREATE TABLE parts (id int, at date) PARTITION BY RANGE (YEAR(at)) (PARTITION p0 VALUES LESS THAN (2024), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO parts VALUES (1, '2023-01-01'), (2, '2024-01-01'), (2, '2024-01-01');
CREATE TABLE nothing (id int PRIMARY KEY);
CREATE TABLE log (line text);
CREATE TRIGGER changed AFTER UPDATE ON orders FOR EACH ROW INSERT INTO log VALUES ('fired');
CREATE TABLE plain (id int AUTO_INCREMENT PRIMARY KEY, note varchar(40), KEY (note DESC));
INSERT INTO plain (note) SELECT CONCAT('n', n) FROM seq WHERE n <= 2000;
CREATE VIEW many AS SELECT * FROM plain WHERE id > 10;
CREATE FUNCTION half(n int) RETURNS int DETERMINISTIC RETURN n / 2;
CREATE EVENT later ON SCHEDULE EVERY 1 YEAR DISABLE DO DELETE FROM log;
CREATE DATABASE `we``ird "db"`;
CREATE TABLE `we``ird "db"`.t (id int);
INSERT INTO `we``ird "db"`.t VALUES (1);
CREATE ROLE reading;
GRANT SELECT ON shop.* TO reading;
CREATE USER 'o''dd'@'10.%' IDENTIFIED BY 'p''w\\' DEFAULT ROLE reading ACCOUNT LOCK;
GRANT SELECT (id) ON shop.plain TO 'o''dd'@'10.%';
EOF2
}
claim "it is filled" seed
# All that the server has, in its own tool's words.
printed() {
	in_db mysqldump -uroot --databases shop "we\`ird \"db\"" --skip-dump-date --routines --triggers --events --hex-blob --order-by-primary --single-transaction --set-gtid-purged=OFF
	sql -r mysql <<<"SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) FROM user WHERE user NOT LIKE 'mysql.%' ORDER BY 1" | while read -r who; do
		sql <<<"SET print_identified_with_as_hex = 1; SHOW CREATE USER $who; SHOW GRANTS FOR $who;"
	done
}
"$stacksnap" init >/dev/null 2>&1 || exit 1
claim "a backup, complete" "$stacksnap" backup $p
a=$(newest)
claim "its dumps are cut at their tables, and whole" "$top/tests/stack/dump_parts" "$stacksnap" "$a" db
printed >"$work/before"
claim "the server is not empty to its own tool" grep -q "INSERT INTO .everything." "$work/before"
claim "nothing differs from what is live" exits 0 "no difference" "$stacksnap" diff "$a" live --service db

sql <<<"UPDATE orders SET note = 'new' WHERE id <= 9; DELETE FROM orders WHERE id > 4990; INSERT INTO plain (note) VALUES ('x'), ('y'); ALTER TABLE nothing ADD more text"
since=$(sql <<<"CHECKSUM TABLE plain, orders, nothing")
claim "another backup" "$stacksnap" backup $p
b=$(newest)
claim "changes are counted" exits 0 "shop.orders" "$stacksnap" diff "$a" "$b"
rows_of() { "$stacksnap" -q --json diff "$a" "$1" --rows --limit 0 | python3 -c '
import json, sys
n = {}
for line in sys.stdin:
    d = json.loads(line)
    if d["type"] == "table":
        n[d["table"]] = (d.get("added"), d.get("removed"), d.get("changed"))
print(n.get("shop.orders"), n.get("shop.plain"), n.get("shop.customers"))'; }
claim "row by row" test "$(rows_of "$b")" = "(0, 10, 9) (2, 0, 0) None"
claim "and live" test "$(rows_of live)" = "(0, 10, 9) (2, 0, 0) None"
claim "a definition that changed is told" exits 0 "+  \`more\` text" "$stacksnap" diff "$a" "$b" --schema --table nothing
claim "a column that nobody has is told" exits 2 "has a column nte (did you mean note?)" "$stacksnap" diff "$a" "$b" --columns nte

claim "a table goes beside" exits 0 "is in database yesterday now" "$stacksnap" restore "$a" --table shop.plain --into yesterday
claim "with its rows" test "$(sql <<<'SELECT COUNT(*) FROM yesterday.plain')" = 2000
claim "in place by a change of names" exits 0 "the old ones are kept" "$stacksnap" restore "$a" --table plain --in-place --yes
claim "rows are exchanged" test "$(sql <<<'SELECT COUNT(*) FROM plain')" = 2000
claim "and undone" exits 0 "old rows again" "$stacksnap" restore undo $p --table shop.plain --yes
claim "in place by a transaction, beside foreign keys and triggers" exits 0 "the old ones are kept" "$stacksnap" restore "$a" --table orders --in-place --yes
claim "with all that it had" test "$(sql <<<"SELECT COUNT(*), SUM(note = 'new'), SUM(hidden) FROM orders" | tr '\t' ' ')" = "5000 0 35000"
claim "which no trigger saw" test "$(sql <<<'SELECT COUNT(*) FROM log')" = 9
claim "that is undone, too" exits 0 "old rows again" "$stacksnap" restore undo $p --table orders --database shop --yes
claim "all is as before" test "$(sql <<<"CHECKSUM TABLE plain, orders, nothing")" = "$since"
claim "a whole database has another name" exits 0 "is now also there as database copied" "$stacksnap" restore "$a" --database shop --into copied
claim "with its tables" test "$(sql <<<'SELECT COUNT(*) FROM copied.orders')" = 5000
sql <<<'DROP DATABASE copied; DROP DATABASE yesterday'

claim "a drill proves it" exits 0 "" "$stacksnap" drill "$a"
remove_project $p
claim "all of it is restored" "$stacksnap" restore "$a" --yes
answers() { for _ in {1..120}; do sql <<<'SELECT 1' >/dev/null 2>&1 && return; sleep 0.5; done; return 1; }
claim "the server answers" answers
printed >"$work/after"
claim "and prints what it printed before" diff "$work/before" "$work/after"
exit $((failures > 0))
