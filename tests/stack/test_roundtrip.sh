#!/bin/bash
# A stack is backed up, destroyed, restored from the repository alone, and is what it was: by the
# native tools' own dumps, by Redis' digest, and by a fingerprint of every table, key and file.  Then
# once more over a stack that has changed, and beside it under another name.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

with_passphrase
start_shop ts-trip 0 || exit 1
"$stacksnap" init >/dev/null || exit 1
sleep 2
# At rest, so that before and after can be compared to the last row.
compose ts-trip stop app >/dev/null 2>&1

# native PROJECT DIR: what the servers' own tools print.
native() {
	mkdir -p "$2"
	docker exec "$1-db-1" pg_dumpall -U shop --globals-only >"$2/globals.sql" &&
		docker exec "$1-db-1" pg_dump -U shop shop >"$2/shop.sql" &&
		docker exec "$1-db-1" pg_dump -U shop analytics >"$2/analytics.sql" &&
		docker exec "$1-mysql-1" sh -c 'mariadb-dump -uroot -p"$MARIADB_ROOT_PASSWORD" --all-databases --skip-dump-date \
			--ignore-database=mysql --routines --events --triggers --hex-blob' >"$2/mariadb.sql" &&
		docker exec "$1-cache-1" redis-cli debug digest >"$2/redis"
}

# same DIR DIR: file by file; PostgreSQL's \restrict keys are random.
same() {
	local f
	for f in "$1"/*; do
		diff <(grep -vE '^\\(un)?restrict ' "$f") <(grep -vE '^\\(un)?restrict ' "$2/${f##*/}") >"$work/diff" || {
			echo "${f##*/}:"
			head -n 20 "$work/diff"
			return 1
		}
	done
}

claim "the servers' tools dump the stack" native ts-trip "$work/before"
claim "the fingerprint is taken" "$top/tests/testbed/fingerprint" ts-trip "$work/print-before"
claim "the stack is backed up" "$stacksnap" backup ts-trip
id=$(newest)
claim "a service that was stopped stays stopped" \
	test "$(docker inspect -f '{{.State.Status}}' ts-trip-app-1)" = exited

compose ts-trip down -v >/dev/null 2>&1
rm -rf "${work:?}/ts-trip"
claim "nothing of it is left" test -z "$(docker volume ls -q --filter label=com.docker.compose.project=ts-trip)"
claim "it is restored from the repository alone" "$stacksnap" restore "$id" --yes
claim "the servers' tools print what they printed before" native ts-trip "$work/after"
claim "PostgreSQL, MariaDB and Redis are the same" same "$work/before" "$work/after"
claim "the fingerprint is taken again" "$top/tests/testbed/fingerprint" ts-trip "$work/print-after"
claim "every table, key and file is the same" "$top/tests/testbed/compare" "$work/print-before" "$work/print-after"
claim "the service that was stopped is there, and stopped" \
	test "$(docker inspect -f '{{.State.Running}}' ts-trip-app-1)" = false

# Over what is there: asked first, replaced then.
docker exec ts-trip-db-1 psql -qU shop shop -c 'DROP TABLE orders CASCADE'
docker exec ts-trip-cache-1 redis-cli flushall >/dev/null
echo changed >"$work/ts-trip/data/README.txt"
claim "what is there is not replaced without a word" exits 1 "ts-trip_uploads" "$stacksnap" restore "$id" </dev/null
claim "a dry run changes nothing" "$stacksnap" restore "$id" --dry-run
claim "the changed file is still there" grep -q changed "$work/ts-trip/data/README.txt"
claim "with --yes the changed stack is replaced" "$stacksnap" restore "$id" --yes
claim "the servers' tools dump it" native ts-trip "$work/again"
claim "databases are what they were, again" same "$work/before" "$work/again"
claim "the old data is kept until it is finished" "$stacksnap" restore finish ts-trip --yes
claim "no old data is left behind" test -z "$(find "$work" -mindepth 1 -maxdepth 1 -name "*stacksnap-*")"

projects+=(ts-other)
claim "it is restored beside itself under another name" "$stacksnap" restore "$id" --as ts-other --yes
claim "the copy's databases are dumped" native ts-other "$work/other"
claim "the copy's databases are the same" same "$work/before" "$work/other"
claim "the first stack is untouched" native ts-trip "$work/first"
claim "the first stack's databases are the same" same "$work/before" "$work/first"
exit $((failures > 0))
