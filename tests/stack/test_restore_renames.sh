#!/bin/bash
# kill -9 of a restore and of an undo just before one of their renames: every write of the record is one, and so is every step of
# the exchange.  Then `recover`, and the stack is wholly the old one or wholly the restored one.
# STACKSNAP_TEST_STRIDE=1 takes all of them, one after the other; otherwise every third, from a random one on.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"
stride=${STACKSNAP_TEST_STRIDE:-3}
project="undo-ren"
# shellcheck source=tests/stack/restore_lib.sh
. "$(dirname "$0")/restore_lib.sh"

inject=${INJECT:-$top/build/tests/faults/libinject.so}
[ -e "$inject" ] || { echo "not ok - $inject is there (scripts/build makes it)"; exit 1; }
# killed_before N COMMAND...: it is killed before its Nth rename; fails when it does not come to that.
killed_before() {
	try env LD_PRELOAD="$inject" INJECT_UNDER=/var/tmp INJECT_CALLS=rename INJECT_AT="$1" INJECT_DO=kill "${@:2}"
	[ "$status" -eq 137 ]
}

killed=0
for ((n = 1 + RANDOM % stride; ; n += stride)); do
	killed_before "$n" "${restore[@]}" || break
	killed=$((killed + 1))
	claim "restore: recover after a kill before rename $n" recovered
	claim "restore: it is wholly old or new" is_state old new
	claim "restore: nothing is left open" settled
	claim "restore: back to the old stack" back_to_old
done
claim "restore: killed $killed times, and then it came to its end" test "$status" -eq 0 -a "$killed" -gt 0
claim "undo: it is the restored stack" is_state new
killed=0
for ((n = 1 + RANDOM % stride; ; n += stride)); do
	is_kept || claim "undo: restored" "${restore[@]}"
	killed_before "$n" "${undo[@]}" || break
	killed=$((killed + 1))
	claim "undo: recover after a kill before rename $n" recovered
	claim "undo: it is wholly old or new" is_state old new
	claim "undo: nothing is left open" settled
	is_kept || claim "undo: it is the old stack" is_state old
done
claim "undo: killed $killed times, and then it came to its end" test "$status" -eq 0 -a "$killed" -gt 0
claim "undo: it is the old stack" is_state old
exit $((failures > 0))
