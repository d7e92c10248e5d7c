#!/bin/bash
# A drill proves a snapshot on a scratch stack that can reach nothing, beside the running original,
# which goes on undisturbed; it finds what is wrong; and nothing of it is left, even after kill -9.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

# Nothing that bears the name of a scratch stack of this test's state folder.
nothing_left() {
	local left
	left=$(docker ps -aq --filter label=stacksnap.drill; docker volume ls -q --filter label=stacksnap.drill
		docker network ls -q --filter label=stacksnap.drill; find "$STACKSNAP_STATE_DIR" -mindepth 1 -maxdepth 1 -name "*drill*")
	[ -z "$left" ] || {
		echo "left: $left"
		return 1
	}
}

# verdict WORD: of the newest proof that counts.
verdict() {
	"$stacksnap" snapshots --json | python3 -c '
import json, sys
found = [s for line in sys.stdin for s in json.loads(line).get("snapshots", [])]
proof = max(found, key=lambda s: s["time_ns"])["proof"]
print(proof)
sys.exit(proof is None or proof["verdict"] != sys.argv[1])' "$1"
}

start_shop drill-shop 0 || exit 1
"$stacksnap" init >/dev/null || exit 1
docker exec -i drill-shop-cache-1 redis-cli set fleeting x ex 20 >/dev/null
claim "the stack is backed up" "$stacksnap" backup drill-shop
id=$(newest)
claim "a receipt says plainly that nobody has drilled" exits 0 "NEVER" "$stacksnap" receipt
claim "a dry run tells what would be cut off" exits 0 "a drill would restore it" "$stacksnap" drill drill-shop --dry-run
claim "and leaves nothing" nothing_left
claim "a stack that was never backed up is told" exits 1 "names neither" "$stacksnap" drill drill-nothing

# By now a key has expired that the backup holds.  Kept, so that one can look at it from inside.
claim "the snapshot is proved" exits 0 ": PROVED" "$stacksnap" drill drill-shop --keep
claim "the original goes on" app_goes_on drill-shop
claim "the list says so" exits 0 "proved " "$stacksnap" snapshots
claim "and in JSON" verdict proved
claim "the receipt has the drill" exits 0 "back in" "$stacksnap" receipt "$id"
claim "the repository is sound with its proof" "$stacksnap" verify
scratch=$(docker ps --filter label=stacksnap.drill --format '{{.Names}}' | grep -- '-app-1$')
live=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' drill-shop-db-1 | cut -d' ' -f1)
gateway=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.Gateway}} {{end}}' "$scratch" | cut -d' ' -f1)
host=$(hostname -I | cut -d' ' -f1)
python3 -m http.server 18473 >/dev/null 2>&1 &
listener=$!
for _ in $(seq 50); do
	(: </dev/tcp/127.0.0.1/18473) 2>/dev/null && break
	sleep 0.1
done
reaches() { docker exec "$1" timeout 4 python3 -c 'import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)' "$2" "$3"; }
does_not_reach() { ! reaches "$@"; }
claim "the original's app reaches its database" reaches drill-shop-app-1 db 5432
claim "the scratch app reaches its own database" reaches "$scratch" db 5432
claim "but not the original's" does_not_reach "$scratch" "$live" 5432
claim "nor the host by its address" does_not_reach "$scratch" "$host" 18473
claim "nor the host by the network's gateway" does_not_reach "$scratch" "$gateway" 18473
claim "nor a name outside" bash -c "! docker exec '$scratch' timeout 5 getent hosts example.com"
claim "no port is published" test -z "$(docker port "$scratch")"
kill $listener

# What takes long with all of the shop is tried with less.
mkdir -p "$work/drill-small"
cat >"$work/drill-small/compose.yaml" <<EOF
name: drill-small
services:
  cache:
    image: redis:7
    volumes: [keys:/data]
    healthcheck: { test: [CMD, redis-cli, ping], interval: 1s, retries: 30 }
volumes: { keys: }
EOF
projects+=(drill-small)
remove_project drill-small
compose drill-small up -d --wait >/dev/null 2>&1
docker exec drill-small-cache-1 redis-cli set lasting x >/dev/null
claim "a small stack is backed up" "$stacksnap" backup drill-small
claim "another drill leaves the kept one alone" exits 0 ": PROVED" "$stacksnap" drill drill-small
claim "it still runs" docker exec "$scratch" true
claim "it is removed when asked" exits 0 "removed scratch stack" "$stacksnap" drill --remove
claim "and of neither anything is left" nothing_left

# Killed in the middle.
"$stacksnap" drill drill-small >/dev/null 2>&1 &
drill=$!
for _ in $(seq 300); do
	[ -n "$(docker ps -q --filter label=stacksnap.drill)" ] && break
	sleep 0.1
done
kill -9 $drill
wait $drill 2>/dev/null # a process that is killed takes its time to go
claim "recover removes what a killed drill has left" exits 0 "removed" "$stacksnap" recover
claim "all of it" nothing_left
claim "the original goes on still" app_goes_on drill-shop

"$stacksnap" drill drill-small >/dev/null 2>&1 &
drill=$!
for _ in $(seq 300); do
	[ -n "$(docker ps -q --filter label=stacksnap.drill)" ] && break
	sleep 0.1
done
kill -INT $drill
wait $drill
claim "one that is stopped ends with 130" test $? -eq 130
claim "and cleans up itself" nothing_left

# A service that does not come up: its health check wants what is not in the snapshot.
mkdir -p "$work/drill-sick"
cat >"$work/drill-sick/compose.yaml" <<EOF
name: drill-sick
services:
  app:
    image: redis:7
    command: [sh, -c, "test ! -e /tmp/never && sleep 1000"]
    healthcheck: { test: [CMD, test, -e, /srv/cache/warm], interval: 1s, retries: 3 }
    tmpfs: [/srv/cache]
    stop_grace_period: 1s
EOF
projects+=(drill-sick)
compose drill-sick up -d >/dev/null 2>&1
docker exec drill-sick-app-1 touch /srv/cache/warm
claim "a stack is backed up that needs a file which is nowhere" "$stacksnap" backup drill-sick
claim "its drill fails" exits 16 ": FAILED" "$stacksnap" drill --wait 8s drill-sick
claim "the list says so" verdict failed
claim "nothing of it is left" nothing_left

# One that had a power: what does not work may be for want of it.
sed -i 's/tmpfs:/cap_add: [SYS_PTRACE]\n    tmpfs:/' "$work/drill-sick/compose.yaml"
compose drill-sick up -d >/dev/null 2>&1
docker exec drill-sick-app-1 touch /srv/cache/warm
claim "one with a capability is backed up" "$stacksnap" backup drill-sick
claim "its drill is inconclusive, and says why" exits 17 "SYS_PTRACE" "$stacksnap" drill --wait 8s drill-sick
claim "inconclusive is not green" verdict inconclusive

# A symlink from the project to what belongs to somebody else.
mkdir -p "$work/drill-link" "$work/drill-live"
ln -s "$work/drill-live" "$work/drill-link/data"
cat >"$work/drill-link/compose.yaml" <<EOF
name: drill-link
services:
  app:
    image: redis:7
    command: [sh, -c, "date > /srv/data/touched; sleep 1000"]
    stop_grace_period: 1s
    volumes: [./data:/srv/data]
EOF
projects+=(drill-link)
compose drill-link up -d >/dev/null 2>&1
claim "a stack with a link out of its folder is backed up" bash -c "'$stacksnap' backup drill-link || test \$? -eq 3"
compose drill-link down >/dev/null 2>&1
rm -f "$work/drill-live/touched"
claim "its drill does not follow it" exits 17 "" "$stacksnap" drill --wait 8s drill-link
claim "what the link leads to is untouched" test ! -e "$work/drill-live/touched"

# An image that is gone.
docker tag redis:7 drill-image:1
printf 'FROM redis:7\nLABEL drill=%s\n' $RANDOM | docker build -q -t drill-image:1 - >/dev/null
sed -e 's/drill-sick/drill-gone/; s/redis:7/drill-image:1/; /cap_add/d; /healthcheck/d' \
	"$work/drill-sick/compose.yaml" >"$work/gone.yaml"
mkdir -p "$work/drill-gone" && mv "$work/gone.yaml" "$work/drill-gone/compose.yaml"
projects+=(drill-gone)
compose drill-gone up -d >/dev/null 2>&1
claim "a stack of an image made here is backed up" "$stacksnap" backup drill-gone
compose drill-gone down >/dev/null 2>&1
docker rmi -f drill-image:1 >/dev/null
claim "without the image its drill is inconclusive" exits 17 "drill-image:1" "$stacksnap" drill drill-gone --no-record
claim "nothing is left at the end" nothing_left
exit $((failures > 0))
