#!/bin/bash
# kill -9 of StackSnap in the middle of a restore, of an undo, of a finish: at each step that its record names, and at random
# moments.  Then `recover`, and the stack is wholly the old one or wholly the restored one: database rows, keys, files of a
# bind mount, of a volume, of a volume without a name, and the compose file that its containers were made of.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"
rounds=${STACKSNAP_TEST_KILLS:-3}
project="undo-kill"
# shellcheck source=tests/stack/restore_lib.sh
. "$(dirname "$0")/restore_lib.sh"

for step in staging down swapping creating loading starting; do
	claim "restore: kill -9 at $step" killed_at $step "${restore[@]}"
	claim "restore: the next backup asks for recover" exits 11 "stacksnap recover" "$stacksnap" backup $project
	claim "restore: recover after $step" recovered
	claim "restore: after $step it is wholly old or new" is_state old new
	claim "restore: after $step nothing is left open" settled
	claim "restore: back to the old stack" back_to_old
done
for ((i = 1; i <= rounds; i++)); do
	at=$((RANDOM % 9)).$((RANDOM % 10))
	claim "restore: kill -9 after $at seconds" killed_after $at "${restore[@]}"
	claim "restore: recover after that" recovered
	claim "restore: it is wholly old or new" is_state old new
	claim "restore: nothing is left open" settled
	claim "restore: back to the old stack" back_to_old
done

for step in undoing restarting; do
	claim "undo: restored" "${restore[@]}"
	claim "undo: it is the restored stack" is_state new
	claim "undo: kill -9 at $step" killed_at $step "${undo[@]}"
	claim "undo: recover after $step" recovered
	claim "undo: after $step it is the old stack" is_state old
	claim "undo: after $step nothing is left open" settled
done
for ((i = 1; i <= rounds; i++)); do
	at=$((RANDOM % 4)).$((RANDOM % 10))
	claim "undo: restored" "${restore[@]}"
	claim "undo: kill -9 after $at seconds" killed_after $at "${undo[@]}"
	claim "undo: recover after that" recovered
	claim "undo: it is wholly old or new" is_state old new
	claim "undo: nothing is left open" settled
	claim "undo: back to the old stack" back_to_old
done

claim "finish: restored" "${restore[@]}"
claim "finish: kill -9 as soon as it begins" killed_at finishing "${finish[@]}"
claim "finish: recover" recovered
claim "finish: it is the restored stack" is_state new
claim "finish: nothing of the old one is left" test -z "$(leftovers; ls "$record" 2>/dev/null)"
exit $((failures > 0))
