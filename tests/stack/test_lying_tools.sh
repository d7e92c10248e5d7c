#!/bin/bash
# Dump tools that lie: they exit 0 and have written nothing, a part, another database, or all but a
# table.  Whatever they do, there is no snapshot that says otherwise, by whatever way their output
# comes (STACKSNAP_OUTLET).  Every cut is made at STACKSNAP_TEST_CUT bytes (4096), at each by the one
# way or the other; every byte is in tests/unit/db.
# shellcheck disable=SC2016 # the lies are expanded in the container
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

cut=${STACKSNAP_TEST_CUT:-4096}
"$stacksnap" init >/dev/null || exit 1

# start PROJECT IMAGE ENV PATH: a stack of one database.
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
		volumes: { data: }
	YAML
	compose "$1" up -d >"$work/$1.log" 2>&1 || {
		tail -n 20 "$work/$1.log"
		return 1
	}
}

in_db() { # in_db PROJECT COMMAND...
	docker exec -i -u root "$1-db-1" "${@:2}"
}

# answers PROJECT COMMAND...: the server is up for good (entrypoints start it twice).
answers() {
	local i
	for ((i = 0; i < 120; i++)); do
		in_db "$@" >/dev/null 2>&1 && return 0
		sleep 0.5
	done
	echo "$1 does not answer"
	return 1
}

# lie PROJECT TOOL SCRIPT: the tool does what the script says; $real is the true one.  What it writes to
# standard output is what it would write to the file that it was told of.
lie() {
	in_db "$1" sh -c "
		tool=\$(command -v $2); real=\$(readlink -f \"\$tool\")
		if [ ! -e /tmp/kept/$2 ]; then
			mkdir -p /tmp/kept/before && mv \"\$tool\" /tmp/kept/before/$2
			[ -e \"\$real\" ] || real=/tmp/kept/before/$2
			ln -sf \"\$real\" /tmp/kept/$2
			printf '%s\n' '#!/bin/sh' 'real=/tmp/kept/$2' 'case \"\$*\" in *--version*|*--help*) exec \$real \"\$@\";; esac' \
				'for word; do' 'shift' 'case \$word in' '--file=*|--result-file=*) exec >\"\${word#*=}\" ;;' \
				'*) set -- \"\$@\" \"\$word\" ;;' 'esac' 'done' '. /tmp/kept/$2.lie' >\"\$tool\" && chmod 755 \"\$tool\"
		fi
		cat >/tmp/kept/$2.lie" <<<"$3"
}
truth() {
	lie "$1" "$2" 'exec $real "$@"'
}

# refused PROJECT TOOL TEXT SCRIPT WORDS
refused() {
	local before
	before=$(count_snapshots)
	lie "$1" "$2" "$4"
	claim "$2 that $3 fails the backup" exits 1 "$5" "$stacksnap" backup --quiesce none "$1"
	claim "$2 that $3 leaves no snapshot" test "$(count_snapshots)" -eq "$before"
	truth "$1" "$2"
}

# cuts PROJECT TOOL SIZE: cut everywhere, exit 0.
cuts() {
	local at bad=() before runs=0 way
	before=$(count_snapshots)
	for ((at = cut; at < $3; at += cut)); do
		lie "$1" "$2" "\$real \"\$@\" | head -c $at; exit 0"
		way=$([ $((runs % 2)) -eq 0 ] || echo none)
		STACKSNAP_OUTLET=$way "$stacksnap" backup --quiesce none "$1" >/dev/null 2>&1 && bad+=("$at")
		runs=$((runs + 1))
	done
	echo "# $2 was cut at $runs places of $3 bytes"
	claim "$2 that is cut every $cut bytes never ends in success" test "${#bad[@]}" -eq 0
	claim "$2 that is cut every $cut bytes leaves no snapshot" test "$(count_snapshots)" -eq "$before"
	truth "$1" "$2"
}

lies() { # lies PROJECT TOOL: what any tool may do
	refused "$1" "$2" "writes nothing and exits 0" 'exit 0' "service db: "
	refused "$1" "$2" "is killed in the middle" '$real "$@" | head -c 9000; kill -9 $$' "status 137"
	refused "$1" "$2" "fails at its end" '$real "$@"; echo out of luck >&2; exit 3' "out of luck"
	refused "$1" "$2" "writes something else" 'seq 100000; exit 0' "service db: "
}
lies_by_stream() { # lies_by_stream PROJECT TOOL EMPTY: what differs where there is no outlet; nothing at all is told as EMPTY
	local STACKSNAP_OUTLET=none
	export STACKSNAP_OUTLET
	refused "$1" "$2" "writes nothing to the stream" 'exit 0' "$3"
	refused "$1" "$2" "is killed in the middle of the stream" '$real "$@" | head -c 9000; kill -9 $$' "status 137"
}

# --- PostgreSQL ---

pg=gates-lies-pg
start $pg postgres:15 "POSTGRES_PASSWORD: pw" /var/lib/postgresql/data || exit 1
answers $pg psql -U postgres -h 127.0.0.1 "dbname=postgres password=pw" -c 'SELECT 1' || exit 1
in_db $pg psql -q -U postgres -h 127.0.0.1 "dbname=postgres password=pw" >/dev/null <<'SQL'
CREATE DATABASE shop;
CREATE ROLE clerk;
\connect shop
CREATE TABLE orders (id int PRIMARY KEY, what text);
INSERT INTO orders SELECT g, repeat(md5(g::text), 2) FROM generate_series(1, 5500) g;
CREATE TABLE customers (id int PRIMARY KEY, name text);
INSERT INTO customers SELECT g, 'customer ' || g FROM generate_series(1, 200) g;
CREATE VIEW big AS SELECT * FROM orders WHERE id > 100;
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM orders';
SQL
claim "a sound server is backed up" "$stacksnap" backup --quiesce none $pg
size=$(in_db $pg pg_dump -U postgres -h 127.0.0.1 --create "dbname=shop password=pw" | wc -c)
lies $pg pg_dump
lies_by_stream $pg pg_dump "the dump is empty"
lies $pg pg_dumpall
refused $pg pg_dump "leaves out a table" \
	'$real --exclude-table=customers "$@"' "the dump lacks 2 of 7 objects: CONSTRAINT customers_pkey ON public.customers, TABLE public.customers"
refused $pg pg_dump "leaves out the rows of a table" \
	'$real --exclude-table-data=customers "$@"' "the dump has 0 rows of table public.customers, the server had 200"
refused $pg pg_dump "leaves out one row" \
	"\$real \"\$@\" | sed '/^77\tcustomer 77\$/d'" "the dump has 199 rows of table public.customers, the server had 200"
refused $pg pg_dump "leaves out a function" \
	"\$real \"\$@\" | sed '/^CREATE FUNCTION/,/;\$/d'" "FUNCTION public.total"
refused $pg pg_dump "dumps another database" \
	'case "$*" in *shop*) set -- --format=plain --create --username=postgres --no-password --dbname=postgres;; esac; $real "$@"' \
	"DATABASE shop"
refused $pg pg_dump "dumps the schema alone" '$real --schema-only "$@"' "rows of table public."
refused $pg pg_dump "gives the dump of an old server" \
	"\$real \"\$@\" | sed 's/^-- Dumped from database version .*/-- Dumped from database version 9.6.24/'" \
	"the dump is of a server 9.6.24"
refused $pg pg_dumpall "leaves out a role" "\$real \"\$@\" | sed '/ROLE clerk/d'" "ROLE clerk"
lie $pg pg_dump 'i=0; while [ $i -lt 20000 ]; do echo "noise $i" >&2; i=$((i+1)); done; exec $real "$@"'
claim "pg_dump that is noisy, but sound, is no failure" \
	exits 0 "noise 19999" "$stacksnap" backup --quiesce none $pg
truth $pg pg_dump
cuts $pg pg_dump "$size"

# --- MariaDB ---

my=gates-lies-my
start $my mariadb:10.11 "MARIADB_ROOT_PASSWORD: pw" /var/lib/mysql || exit 1
answers $my mariadb -h 127.0.0.1 -uroot -ppw -e 'SELECT 1' || exit 1
in_db $my mariadb -uroot -ppw <<'SQL'
CREATE DATABASE shop;
USE shop;
CREATE TABLE orders (id int PRIMARY KEY, what text);
INSERT INTO orders SELECT seq, REPEAT(MD5(seq), 2) FROM seq_1_to_5200;
CREATE TABLE customers (id int PRIMARY KEY, name text);
INSERT INTO customers SELECT seq, CONCAT('customer ', seq) FROM seq_1_to_200;
CREATE VIEW big AS SELECT * FROM orders WHERE id > 100;
CREATE PROCEDURE total() SELECT COUNT(*) FROM orders;
CREATE TRIGGER stamp BEFORE INSERT ON orders FOR EACH ROW SET NEW.what = UPPER(NEW.what);
SQL
tool=$(in_db $my sh -c 'basename "$(command -v mariadb-dump || command -v mysqldump)"')
claim "a sound server is backed up" "$stacksnap" backup --quiesce none $my
size=$(in_db $my "$tool" -uroot -ppw --routines --databases shop | wc -c)
lies $my "$tool"
lies_by_stream $my "$tool" "before its snapshot: it said nothing"
refused $my "$tool" "leaves out a table" '$real --ignore-table=shop.customers "$@"' "TABLE shop.customers"
refused $my "$tool" "leaves out the rows of a table" \
	"\$real \"\$@\" | sed '/^INSERT INTO .customers/,/;\$/d'" "the dump has 0 rows of table shop.customers, the server had at least 1"
refused $my "$tool" "leaves out triggers" '$real $(echo "$*" | sed "s/--triggers/--skip-triggers/")' \
	"TRIGGER stamp ON shop.orders"
refused $my "$tool" "leaves out routines" '$real $(echo "$*" | sed "s/--routines/--skip-routines/")' "PROCEDURE shop.total"
refused $my "$tool" "dumps another database" '$real $(echo "$*" | sed "s/-- shop/-- mysql/")' "DATABASE shop"
refused $my "$tool" "gives the dump of an old server" \
	"\$real \"\$@\" | sed 's/^-- Server version.*/-- Server version\t5.5.68-MariaDB/'" "the dump is of a server 5.5.68"
cuts $my "$tool" "$size"

exit $((failures > 0))
