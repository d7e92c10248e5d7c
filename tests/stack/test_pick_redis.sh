#!/bin/bash
# Keys of Redis that begin alike, put back into a server that runs: into another database, in place, undone,
# finished; every kind of value, names of any bytes, times to live; killed in the middle; a cluster refused.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

p=pick-redis
projects+=("$p")
remove_project $p
mkdir -p "$work/$p"
cat >"$work/$p/compose.yaml" <<'EOF2'
services:
  cache:
    image: redis:7
    command: [redis-server, --enable-debug-command, "yes", --appendonly, "yes"]
    volumes: ["data:/data"]
    stop_grace_period: 1s
  grid:
    image: redis:7
    command: [redis-server, --cluster-enabled, "yes"]
    volumes: ["grid:/data"]
    stop_grace_period: 1s
volumes: { data: , grid: }
EOF2
claim "a stack runs" compose $p up -d --wait
cli() { docker exec -i $p-cache-1 redis-cli "$@"; }
for ((i = 0; i < 50; i++)); do
	[ "$(cli PING 2>/dev/null)" = PONG ] && break
	sleep 0.2
done
seed() {
	docker exec $p-grid-1 redis-cli CLUSTER ADDSLOTSRANGE 0 16383 >/dev/null
	for ((i = 0; i < 50; i++)); do
		[ "$(docker exec $p-grid-1 redis-cli SET user:1 x)" = OK ] && break
		sleep 0.2
	done
	cli EVAL "for i = 1, 3000 do redis.call('SET', 'user:' .. i, 'v' .. i) redis.call('SET', 'other:' .. i, i) end
		redis.call('RPUSH', 'user:list', 'a', 'b', string.rep('x', 9000)) redis.call('SADD', 'user:set', 1, 2, 'x')
		redis.call('HSET', 'user:hash', 'f', 'g', 'h', string.rep('aaaa', 300)) redis.call('ZADD', 'user:z', 1.5, 'm', -2, 'n')
		redis.call('XADD', 'user:stream', '1-1', 'a', 'b') redis.call('SETBIT', 'user:bits', 9999, 1) redis.call('PFADD', 'user:hll', 'a')
		for i = 1, 700 do redis.call('ZADD', 'user:bigz', i / 3, 'm' .. i) redis.call('HSET', 'user:bigh', 'f' .. i, i) redis.call('RPUSH', 'user:bigl', i) end
		redis.call('SET', 'user:[a]*?^-\\\\\\\\', 'odd') redis.call('SET', 'user:' .. string.char(0, 255, 10) .. '\"', 'bytes')
		redis.call('SET', 'user:long', 'x', 'PX', 90000000) redis.call('SET', 'user:short', 'x', 'PX', 2000)
		return redis.call('SELECT', 3) and redis.call('SET', 'user:1', 'of three')" 0 >/dev/null
}
claim "it is filled" seed
"$stacksnap" init >/dev/null 2>&1 || exit 1
claim "a backup" "$stacksnap" backup $p --allow-shrink
# digest DATABASE PREFIX: how many there are, and a sum of names, values and times to live.
digest() {
	cli -n "$1" EVAL "local function flat(v) if type(v) ~= 'table' then return tostring(v) end local s = {} for _, x in ipairs(v) do s[#s + 1] = flat(x) end return #s .. table.concat(s, '|') end
		local function pairs_of(v) local s = {} for i = 1, #v, 2 do s[#s + 1] = v[i] .. '=' .. v[i + 1] end table.sort(s) return s end
		local get = { string = function(k) return redis.call('GET', k) end, list = function(k) return redis.call('LRANGE', k, 0, -1) end,
			set = function(k) local s = redis.call('SMEMBERS', k) table.sort(s) return s end, hash = function(k) return pairs_of(redis.call('HGETALL', k)) end,
			zset = function(k) return redis.call('ZRANGE', k, 0, -1, 'WITHSCORES') end, stream = function(k) return redis.call('XRANGE', k, '-', '+') end }
		local all = {} local cursor = '0' repeat local r = redis.call('SCAN', cursor, 'COUNT', 5000) cursor = r[1]
		for _, k in ipairs(r[2]) do if string.sub(k, 1, #ARGV[1]) == ARGV[1] then all[#all + 1] = k end end until cursor == '0'
		table.sort(all) local d = ''
		for _, k in ipairs(all) do d = redis.sha1hex(d .. k .. flat(get[redis.call('TYPE', k).ok](k)) .. redis.call('PEXPIRETIME', k)) end
		return #all .. ' ' .. d" 0 "$2"
}
sleep 2
stored=$(digest 0 user:)
claim "there is something to compare" test "${stored%% *}" = 3013
other=$(digest 0 other:)

# Beside.
claim "keys go into another database" exits 0 "are in database 5 now" "$stacksnap" restore latest --service cache --key-prefix user: --into-db 5
claim "with values and times, but for what has expired" test "$(digest 5 user:)" = "$stored"
claim "and no others" test "$(cli -n 5 DBSIZE)" = 3013
claim "a database that is not empty is refused" exits 1 "database 5 has" "$stacksnap" restore latest --service cache --key-prefix user: --into-db 5
claim "one that the server has not is refused" exits 1 "out of range" "$stacksnap" restore latest --service cache --key-prefix user: --into-db 99
claim "a prefix is wanted" exits 2 "give --key-prefix" "$stacksnap" restore latest --service cache --table db0 --in-place
claim "neither way is refused" exits 2 "either --into" "$stacksnap" restore latest --service cache --key-prefix user:

# In place.
cli EVAL "for i = 1, 9 do redis.call('SET', 'user:' .. i, 'changed') end for i = 20, 22 do redis.call('DEL', 'user:' .. i) end
	for i = 1, 41 do redis.call('SET', 'user:since' .. i, 1) end redis.call('PEXPIRE', 'user:30', 80000000) redis.call('SET', 'other:1', 'mine')" 0 >/dev/null
since=$(digest 0 user:)
claim "the preview says what is lost" exits 0 "db0 user:: this removes 41 keys added since, brings back 3 keys, changes 10 keys" \
	"$stacksnap" restore latest --service cache --key-prefix user: --in-place --dry-run
claim "without consent it is refused" exits 1 "give --yes" "$stacksnap" restore latest --service cache --key-prefix user: --in-place
claim "nothing was changed" test "$(digest 0 user:)" = "$since"
other=$(digest 0 other:)
claim "with it keys are exchanged" exits 0 "the old ones are kept" "$stacksnap" restore latest --service cache --key-prefix user: --in-place --yes
claim "they are those of the snapshot" test "$(digest 0 user:)" = "$stored"
claim "others are as they were" test "$(digest 0 other:)$(cli -n 3 GET user:1)" = "${other}of three"
claim "a second restore is refused while old ones are kept" exits 1 "are still kept" "$stacksnap" restore latest --service cache --key-prefix user: --in-place --yes
cli SET user:new 1 >/dev/null
claim "what undo loses is named" exits 0 "lost: db0 user:: 1 key added since" "$stacksnap" restore undo $p --service cache --key-prefix user: --dry-run
claim "undo puts the old ones back" exits 0 "are the old ones again" "$stacksnap" restore undo $p --service cache --key-prefix user: --yes
claim "they are as before" test "$(digest 0 user:)" = "$since"
claim "a second undo has nothing to do" exits 1 "settled already" "$stacksnap" restore undo $p --service cache --key-prefix user: --yes
"$stacksnap" restore latest --service cache --key-prefix 'user:[a]*' --in-place --yes >/dev/null 2>&1
claim "a prefix is no pattern" test "$(cli KEYS 'stacksnap:*' | wc -l)" = 2
claim "finish removes them" exits 0 "the old ones are gone" "$stacksnap" restore finish $p --service cache --key-prefix 'user:[a]*' --yes
claim "nothing of ours is left" test -z "$(cli KEYS 'stacksnap:*')"
claim "another database has its own" exits 0 "the old ones are kept" "$stacksnap" restore latest --service cache --table db3 --key-prefix user --in-place --yes

# Refused.
claim "a cluster is refused" exits 14 "part of a cluster" "$stacksnap" restore latest --service grid --key-prefix user: --in-place --yes

# Killed.
half=0
waits=(0.9 1.2 1.5)
for wait in "${waits[@]:0:${STACKSNAP_TEST_KILLS:-3}}"; do
	cli DEL stacksnap:lock:x >/dev/null
	"$stacksnap" restore latest --service cache --key-prefix user: --in-place --yes >/dev/null 2>&1 &
	sleep $wait
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
	now=$(digest 0 user:)
	[ "$now" = "$stored" ] || [ "$now" = "$since" ] || half=1
	cli --scan --pattern 'stacksnap:lock:*' | xargs -r docker exec $p-cache-1 redis-cli DEL >/dev/null
	"$stacksnap" recover >"$work/recover" 2>&1 || half=1
	[ -z "$(cli KEYS 'stacksnap:new:*')" ] || half=1
	[ "$now" != "$stored" ] || "$stacksnap" restore undo $p --service cache --key-prefix user: --yes >/dev/null 2>&1
done
claim "killed at any moment it is wholly old or wholly new, and recover tidies up" test $half = 0
claim "and goes on afterwards" exits 0 "the old ones are kept" "$stacksnap" restore latest --service cache --key-prefix user: --in-place --yes
claim "to what was backed up" test "$(digest 0 user:)" = "$stored"
claim "with nothing on its way" test -z "$(cli KEYS 'stacksnap:new:*')"
exit $((failures > 0))
