#!/bin/bash
# The counter: an app writes n to a file, then Redis, then MariaDB, then PostgreSQL.  A copy of one
# instant has n(file) >= n(redis) >= n(mariadb) >= n(postgres) >= n(file) - 1.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

backups=${STACKSNAP_TEST_BACKUPS:-20}

SHOP_PACE=1 start_shop ts-instant 18081 || exit 1
"$stacksnap" init >/dev/null || exit 1

# The whole dump is read before it is searched, so that nobody meets a closed pipe.
dump_of() {
	"$stacksnap" cat "$1" "$2" >"$work/dump.sql"
}
in_file() { "$stacksnap" cat "$1" volumes/ts-instant_uploads/counter | tr -dc 0-9 | sed 's/^0*//'; }
in_mariadb() {
	dump_of "$1" databases/mysql/databases.sql
	grep -A1 -m1 '^INSERT INTO `counter` VALUES' "$work/dump.sql" |
		grep -oE '\([0-9]+(,[0-9]+)*\)' | head -n 1 | tr -d '()' | awk -F, '{ print $NF }'
}
in_postgres() {
	dump_of "$1" databases/db/shop.sql
	grep -A1 -m1 -E '^COPY public\.counter ' "$work/dump.sql" | tail -n 1 | awk '{ print $NF }'
}

mkdir -p "$work/rdb"
ids=()
for ((i = 1; i <= backups; i++)); do
	try "$stacksnap" backup ts-instant
	if [ "$status" -ne 0 ]; then
		echo "not ok - backup $i of a stack that is written to is complete"
		printf '%s\n' "$output" | tail -n 20
		exit 1
	fi
	id=$(newest)
	ids+=("$id")
	"$stacksnap" cat "$id" databases/cache/dump.rdb >"$work/rdb/$i.rdb"
done
claim "$backups backups while the stack is written to are $backups snapshots" \
	test "$(count_snapshots)" -eq "$backups"
claim "the app runs after the backups" app_goes_on ts-instant

# Each RDB file is read by a real server.
chmod -R a+rwX "$work/rdb"
docker run --rm -v "$work/rdb:/rdb" --entrypoint bash redis:7 -c '
for ((i = 1; i <= '"$backups"'; i++)); do
	redis-server --port 0 --unixsocket /tmp/s --dir /rdb --dbfilename $i.rdb --save "" --daemonize yes >/dev/null
	for ((k = 0; k < 100; k++)); do
		[ "$(redis-cli -s /tmp/s ping 2>/dev/null)" = PONG ] && break
		sleep 0.05
	done
	redis-cli -s /tmp/s get counter
	redis-cli -s /tmp/s shutdown nosave
	while [ -S /tmp/s ]; do sleep 0.02; done
done' >"$work/redis" 2>"$work/redis.err"

good=0
for ((i = 0; i < backups; i++)); do
	file=$(in_file "${ids[i]}") maria=$(in_mariadb "${ids[i]}") pg=$(in_postgres "${ids[i]}")
	redis=$(sed -n "$((i + 1))p" "$work/redis")
	echo "# ${ids[i]:0:8} file=$file redis=$redis mariadb=$maria postgres=$pg"
	if [ "$file" -ge "$redis" ] && [ "$redis" -ge "$maria" ] && [ "$maria" -ge "$pg" ] &&
		[ "$pg" -ge $((file - 1)) ] && [ "$pg" -gt 0 ]; then
		good=$((good + 1))
	fi
done
claim "$good of $backups snapshots are of one instant" test "$good" -eq "$backups"
claim "all that is stored is sound" "$stacksnap" verify --read-data
exit $((failures > 0))
