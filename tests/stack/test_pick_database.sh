#!/bin/bash
# A whole database of PostgreSQL and of MariaDB under another name, beside the one that is there: with all that a rich one
# has, nothing of the old one touched, and nothing left of what fails.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

p=pick-db
seeds=$top/tests/stack/db
projects+=("$p")
remove_project $p
mkdir -p "$work/$p"
cat >"$work/$p/compose.yaml" <<'EOF2'
services:
  pg:
    image: postgres:15
    environment: { POSTGRES_PASSWORD: x }
    command: [postgres, -c, wal_level=logical]
    volumes: ["pg:/var/lib/postgresql/data"]
    stop_grace_period: 1s
    healthcheck: { test: [CMD, pg_isready, -q, -h, 127.0.0.1, -U, postgres], interval: 1s, retries: 60 }
  my:
    image: mariadb:10.11
    environment: { MARIADB_ROOT_PASSWORD: pw }
    volumes: ["my:/var/lib/mysql"]
    stop_grace_period: 1s
    healthcheck: { test: [CMD, mariadb, -h, 127.0.0.1, -uroot, -ppw, -e, SELECT 1], interval: 1s, retries: 60 }
volumes: { pg: , my: }
EOF2
claim "a stack runs" compose $p up -d --wait
psql() { docker exec -i -e PGOPTIONS="-c statement_timeout=0" $p-pg-1 psql -XqAtU postgres -v ON_ERROR_STOP=1 "$@"; }
sql() { docker exec -i -e MYSQL_PWD=pw $p-my-1 mariadb -uroot -N --default-character-set=utf8mb4 "$@"; }
claim "a rich cluster is made" psql <"$seeds/postgres.sql"
claim "and a rich server" sql <"$seeds/mariadb.sql"
claim "settings and rights of the database itself are made" psql <<'EOF2'
ALTER DATABASE shop SET work_mem = '9MB';
COMMENT ON DATABASE shop IS E'two\nlines';
CREATE ROLE clerk;
REVOKE ALL ON DATABASE shop FROM PUBLIC;
GRANT CONNECT ON DATABASE shop TO clerk;
\c shop
CREATE FUNCTION says() RETURNS text LANGUAGE sql AS $$ SELECT '
\connect postgres
ALTER DATABASE shop SET work_mem = ''1MB'';
' $$;
CREATE TABLE "COPY x FROM stdin;
odd" (a int);
CREATE TABLE owned (a int);
ALTER TABLE owned OWNER TO clerk;
INSERT INTO "COPY x FROM stdin;
odd" VALUES (1);
EOF2
"$stacksnap" init >/dev/null 2>&1 || exit 1
claim "a backup" "$stacksnap" backup $p --quiesce none

# The same but for what is said of the database itself.
pg_print() {
	docker exec -e PGOPTIONS="-c statement_timeout=0" -e PGTZ=UTC $p-pg-1 pg_dump -U postgres "dbname='$1'" | sed -E 's/^\\(un)?restrict .*//'
}
my_print() {
	docker exec -e MYSQL_PWD=pw $p-my-1 mariadb-dump -uroot --single-transaction --routines --triggers --hex-blob --skip-dump-date \
		--default-character-set=utf8mb4 "$1" | sed -E "/^-- (Host:|Dumping (routines|events) for)/d; s/\`$1\`\\.//g"
}
pg_print shop >"$work/pg.before"
my_print shop >"$work/my.before"
claim "what would be done is told" exits 0 "would go into database copy" "$stacksnap" restore latest --service pg --database shop --into copy --dry-run
claim "a database of PostgreSQL has another name" exits 0 "is now also there as database copy" "$stacksnap" restore latest --service pg --database shop --into copy
pg_same() { pg_print copy >"$work/pg.copy" && diff "$work/pg.before" "$work/pg.copy" | head -n 20 && cmp -s "$work/pg.before" "$work/pg.copy"; }
claim "it is the same" pg_same
pg_untouched() { pg_print shop >"$work/pg.after" && cmp "$work/pg.before" "$work/pg.after"; }
claim "the old one was not touched" pg_untouched
claim "nor were its settings" test "$(psql -c "SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase WHERE datname = 'shop' AND 'work_mem=9MB' = ANY (setconfig)")" = 1
claim "a second time it is refused" exits 1 "there is a database copy already" "$stacksnap" restore latest --service pg --database shop --into copy
claim "names that must be quoted are refused" exits 2 "is no name for a new database" "$stacksnap" restore latest --service pg --database shop --into 'a"b'
claim "one that is not there is named" exits 1 "has no database nothing" "$stacksnap" restore latest --service pg --database nothing --into copy2
claim "in place is refused" exits 2 "wants --into" "$stacksnap" restore latest --database shop --in-place
claim "a role goes" psql -c "DROP DATABASE copy" -c "ALTER ROLE clerk RENAME TO gone"
claim "and says why" exits 1 'role "clerk" does not exist' "$stacksnap" restore latest --service pg --database shop --into copy
claim "nothing is half there" test "$(psql -c "SELECT count(*) FROM pg_database WHERE datname LIKE 'stacksnap%'")" = 0

claim "a database of MariaDB has another name" exits 0 "is now also there as database copy" "$stacksnap" restore latest --service my --database shop --into copy
my_same() { my_print copy >"$work/my.copy" && diff "$work/my.before" "$work/my.copy" | head -n 20 && cmp -s "$work/my.before" "$work/my.copy"; }
claim "that is the same, too" my_same
my_untouched() { my_print shop >"$work/my.after" && cmp "$work/my.before" "$work/my.after"; }
claim "that old one was not touched, either" my_untouched
claim "no event came with it" test "$(sql -e "SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'copy'")" = 0
claim "that is refused a second time, too" exits 1 "there is a database copy already" "$stacksnap" restore latest --service my --database shop --into copy
claim "a hostile one has a plain name" exits 0 "as database plain" "$stacksnap" restore latest --service my --database "we/ird \`d\"b'" --into plain
claim "one that the dump has not leaves nothing" exits 1 "has no database nothing" "$stacksnap" restore latest --service my --database nothing --into copy2
claim "really nothing" test -z "$(sql -e "SHOW DATABASES LIKE 'copy2'")"
exit $((failures > 0))
