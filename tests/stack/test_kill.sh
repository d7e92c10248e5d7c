#!/bin/bash
# kill -9 of StackSnap in the middle of a backup: the services run again, the repository is sound,
# earlier snapshots are there.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

rounds=$((4 * ${STACKSNAP_TEST_KILLS:-2}))
start_shop ts-kill 18083 || exit 1
"$stacksnap" init >/dev/null || exit 1
claim "a first backup" "$stacksnap" backup ts-kill
first=$(newest)
"$stacksnap" dump "$first" db/shop.sql | sha256sum >"$work/dump"

all_run() {
	local i
	for ((i = 0; i < 50; i++)); do
		[ "$(docker ps -q --filter label=com.docker.compose.project=ts-kill --filter status=running | wc -l)" -eq 4 ] &&
			[ -z "$(docker ps -q --filter label=com.docker.compose.project=ts-kill --filter status=paused)" ] && return 0
		sleep 0.1
	done
	compose ts-kill ps
	return 1
}

broken=0 in_window=0
for ((i = 1; i <= rounds; i++)); do
	"$stacksnap" backup ts-kill >/dev/null 2>"$work/kill.log" &
	pid=$!
	if [ $((i % 2)) -eq 0 ]; then
		# As soon as the app is seen to be paused.
		for ((k = 0; k < 400; k++)); do
			[ "$(docker inspect -f '{{.State.Paused}}' ts-kill-app-1)" = true ] && break
			kill -0 $pid 2>/dev/null || break
		done
		kill -9 $pid 2>/dev/null && in_window=$((in_window + 1))
	else
		sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
		kill -9 $pid 2>/dev/null
	fi
	wait $pid 2>/dev/null
	all_run || broken=$((broken + 1))
done
claim "after $rounds times kill -9 ($in_window while the app was quiet) every service runs within 5 seconds" \
	test "$broken" -eq 0
claim "the app writes" app_goes_on ts-kill
claim "the repository verifies" "$stacksnap" verify --read-data
same_dump() { "$stacksnap" dump "$first" db/shop.sql | sha256sum | cmp - "$work/dump"; }
claim "the first snapshot still gives what it gave" same_dump
claim "the next backup is complete" "$stacksnap" backup ts-kill
remove_project ts-kill
# Some of tests/stack/kill_200, which also strikes restores, and the watchdog.
"$top/tests/stack/kill_200" $((2 * ${STACKSNAP_TEST_KILLS:-2} - 1)) $((3 * ${STACKSNAP_TEST_KILLS:-2} - 2)) || failures=$((failures + 1))
exit $((failures > 0))
