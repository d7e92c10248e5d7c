#!/bin/bash
# A table (of Redis: a prefix) is put back into a server whose disk becomes full meanwhile, or which is killed: what stands
# afterwards is wholly old or wholly new, and the message says what to do.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

p=pick-lost
projects+=("$p")
remove_project $p
export STACKSNAP_CONFIG=$work/stacksnap.ini
: >"$STACKSNAP_CONFIG"
mkdir -p "$work/$p" "$work/disk"
truncate -s 700M "$work/image"
mkfs.ext4 -q "$work/image"
mount -o loop "$work/image" "$work/disk" || exit 1
trap 'remove_project $p; umount "$work/disk"; cleanup' EXIT
mkdir "$work/disk/pg" "$work/disk/my" "$work/disk/cache"
chmod 755 "$work" "$work/disk"
chmod 777 "$work/disk"/*
cat >"$work/$p/compose.yaml" <<EOF2
services:
  pg:
    image: postgres:15
    environment: { POSTGRES_PASSWORD: pw, POSTGRES_DB: shop }
    volumes: ["$work/disk/pg:/var/lib/postgresql/data"]
    healthcheck: { test: [CMD, pg_isready, -h, 127.0.0.1, -U, postgres], interval: 1s, retries: 60 }
  my:
    image: mariadb:10.11
    environment: { MARIADB_ROOT_PASSWORD: pw, MARIADB_DATABASE: shop }
    volumes: ["$work/disk/my:/var/lib/mysql"]
    healthcheck: { test: [CMD, mariadb, -h, 127.0.0.1, -uroot, -ppw, -e, SELECT 1], interval: 1s, retries: 60 }
  cache:
    image: redis:7
    command: [redis-server, --appendonly, "yes"]
    volumes: ["$work/disk/cache:/data"]
    healthcheck: { test: [CMD, redis-cli, PING], interval: 1s, retries: 60 }
EOF2
claim "a stack runs" compose $p up -d --wait
pg() { docker exec -i $p-pg-1 psql -X -q -A -t -U postgres shop; }
my() { docker exec -i -e MYSQL_PWD=pw $p-my-1 mariadb -uroot -N shop; }
cache() { docker exec -i $p-cache-1 redis-cli "$@"; }
seed() {
	pg <<<"CREATE TABLE big AS SELECT n AS id, repeat(md5(n::text), 20) AS t FROM generate_series(1, 40000) n; ALTER TABLE big ADD PRIMARY KEY (id)" &&
		my <<<"CREATE TABLE big (id int PRIMARY KEY, t text); INSERT INTO big SELECT seq, REPEAT(MD5(seq), 20) FROM seq_1_to_40000" &&
		cache EVAL "for i = 0, 59999 do redis.call('SET', 'user:' .. i, string.rep('v', 300) .. i) end" 0
}
claim "it is filled" seed
# What stands, in few words.
stands() {
	case $1 in
	pg) pg <<<"SELECT count(*), md5(string_agg(t, '' ORDER BY id)) FROM big" ;;
	my) my <<<"SET group_concat_max_len = 16777216; SELECT COUNT(*), MD5(GROUP_CONCAT(MD5(t) ORDER BY id)) FROM big" ;;
	cache) cache EVAL "local n, s = 0, 0 for _, k in ipairs(redis.call('KEYS', 'user:*')) do n = n + 1 s = (s + #redis.call('GET', k) * 31) % 1000003 end return n .. ' ' .. s" 0 ;;
	esac
}
"$stacksnap" init >/dev/null 2>&1 || exit 1
claim "a backup" "$stacksnap" backup $p
declare -A stored since
for s in pg my cache; do stored[$s]=$(stands $s); done
change() {
	pg <<<"UPDATE big SET t = 'since' WHERE id % 3 = 0; CHECKPOINT; VACUUM big"
	my <<<"UPDATE big SET t = 'since' WHERE id % 3 = 0"
	cache EVAL "for i = 0, 20000 do redis.call('SET', 'user:' .. i, 'since') end" 0 >/dev/null
}
change
for s in pg my cache; do since[$s]=$(stands $s); done
what() {
	case $1 in
	cache) echo --service cache --key-prefix user: ;;
	*) echo --service "$1" --table big ;;
	esac
}
# shellcheck disable=SC2046 # several words
put() { "$stacksnap" restore latest $(what "$1") --in-place --yes; }

# --- a full disk; of Redis, full memory, too ---
fill() {
	local left
	left=$(df --output=avail -k "$work/disk" | tail -n 1)
	fallocate -l $((left - 3000))K "$work/disk/filler"
	cache CONFIG SET maxmemory "$(($(cache INFO memory | sed -n 's/^used_memory:\([0-9]*\).*/\1/p') + 4000000))" >/dev/null
}
empty() {
	rm "$work/disk/filler"
	cache CONFIG SET maxmemory 0 >/dev/null
}
says_why() { # says_why SERVICE TEXT
	try put "$1"
	echo "$output"
	[ "$status" -ne 0 ] && [[ $output == *"$2"* ]]
}
fill
claim "PostgreSQL: a full disk is named" says_why pg "No space left on device"
claim "MariaDB: a full disk stops it" says_why my "load the table"
claim "Redis: its refusal is named" says_why cache "the server refuses"
empty
# It keeps a log, and takes no writes until that goes on; its lock goes by itself in a minute.
unlock() {
	for _ in {1..100}; do [ "$(cache SET probe 1 2>&1)" = OK ] && break; sleep 0.1; done
	cache --scan --pattern 'stacksnap:lock:*' | xargs -r docker exec $p-cache-1 redis-cli DEL >/dev/null
}
unlock
for s in pg my cache; do
	compose $p up -d --wait >/dev/null 2>&1
	"$stacksnap" recover >"$work/recover" 2>&1
	claim "$s: all is as it was" test "$(stands $s)" = "${since[$s]}"
	claim "$s: with room it goes on" exits 0 "the old ones are kept" put $s
	claim "$s: to what was stored" test "$(stands $s)" = "${stored[$s]}"
	# shellcheck disable=SC2046
	case $s in
	pg) more="--database shop --table public.big" ;;
	my) more="--table shop.big" ;;
	cache) more="--key-prefix user:" ;;
	esac
	# shellcheck disable=SC2086
	claim "$s: and back" exits 0 "" "$stacksnap" restore undo $p --service $s $more --yes
done

# --- the server is killed in the middle ---
lost() { # lost SERVICE
	local s=$1 code=0 pid now
	# shellcheck disable=SC2046
	"$stacksnap" restore latest $(what $s) --in-place --yes >"$work/lost" 2>&1 &
	pid=$!
	for _ in {1..1500}; do
		compgen -G "$work/state/table-*.json" >/dev/null && break
		kill -0 $pid 2>/dev/null || break
		sleep 0.02
	done
	sleep 0.3
	docker kill $p-$s-1 >/dev/null
	wait $pid || code=$?
	cat "$work/lost"
	if [ $code -ne 0 ] && compgen -G "$work/state/table-*.json" >/dev/null; then
		grep -q "'stacksnap recover' says which" "$work/lost" || return 1
		"$stacksnap" recover && { echo "a server that does not run was recovered"; return 1; }
	fi
	compose $p up -d --wait >/dev/null 2>&1
	[ $s != cache ] || unlock
	"$stacksnap" recover >"$work/recover" || return 1
	cat "$work/recover"
	now=$(stands $s)
	case $(cat "$work/recover") in
	*"not done: all is as it was before"*) [ "$now" = "${since[$s]}" ] ;;
	*"when it was done"*) [ "$now" = "${stored[$s]}" ] ;;
	*) [ "$now" = "${since[$s]}" ] || [ "$now" = "${stored[$s]}" ] ;;
	esac
}
for s in pg my cache; do
	claim "$s: killed in the middle, it is what recover says" lost $s
done
claim "of MariaDB nothing is left over" test -z "$(my <<<"SHOW DATABASES LIKE 'stacksnap\\_new%'")"
claim "nor of Redis" test -z "$(cache --scan --pattern 'stacksnap:new:*')"
exit $((failures > 0))
