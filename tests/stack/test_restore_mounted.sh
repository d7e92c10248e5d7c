#!/bin/bash
# A data folder that is a filesystem of its own: restored, undone, finished, and killed (-9) in between, it is wholly the old one
# or wholly the restored one, and nothing but itself is ever in a backup.  Every step of the moves is in tests/unit/engine.
# With STACKSNAP_TEST_KILLS above 1 it is killed at every step that the record names, and so often at random.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"
rounds=${STACKSNAP_TEST_KILLS:-3}
project=stacks-mounted
disk=$work/disk
record=$work/state/restore-$project.json

unmount() {
	local at
	for at in "$disk/below" "$disk"; do
		while mountpoint -q "$at" 2>/dev/null; do umount "$at" || umount -l "$at"; done
	done
}
trap 'unmount; cleanup' EXIT
# mounted FOLDER MEGABYTES: an ext4 of that size (the folder's own image), with its lost+found.
mounted() {
	mkdir -p "$1" && truncate -s "${2}M" "$1.img" && mkfs.ext4 -q -F "$1.img" && mount -o loop "$1.img" "$1"
}
mkdir -p "$work/$project"
claim "a filesystem is mounted" mounted "$disk" 32
projects+=("$project")
remove_project $project
cat >"$work/$project/compose.yaml" <<EOF
services:
  app:
    image: stacksnap/demo-app:1
    entrypoint: [sleep, infinity]
    init: true
    volumes: ["$disk:/srv/data"]
EOF
# make_state WORD TIME MODE: all that the folder holds says that word, and so does the folder itself.
make_state() {
	find "$disk" -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf {} +
	mkdir "$disk/folder" && echo "$1" >"$disk/same" && echo "$1" >"$disk/folder/inside" && echo "$1" >"$disk/only-$1" &&
		touch -d "@$2" "$disk" && chmod "$3" "$disk"
}
state_of() {
	docker exec $project-app-1 sh -c 'cat /srv/data/same /srv/data/folder/inside && cd /srv/data && ls -d only-*'
	find "$disk" -mindepth 1 -maxdepth 1 ! -name '.stacksnap-*' | wc -l
	stat -c %a "$disk"
}
is_state() { [ "$(state_of | tr '\n' ' ')" = "$*" ] || { state_of; return 1; }; }
is_old() { is_state "old old only-old 4 750 "; }
is_new() { is_state "new new only-new 4 711 "; }
is_either() { is_old >/dev/null || is_new; }
hidden() { find "$disk" -maxdepth 1 -name '.stacksnap-*'; }
settled() {
	[ ! -e "$record" ] || { grep -q '"step":"kept"' "$record" && return; grep -o '"step":"[a-z]*"' "$record"; return 1; }
	[ -z "$(hidden)" ] || { hidden; return 1; }
}
back_to_old() {
	if [ -e "$record" ]; then "$stacksnap" restore undo $project --yes || return 1; fi
	is_old
}
# without TEXT COMMAND...: it ends well, and does not say so.
without() {
	local text=$1
	shift
	try "$@"
	[ "$status" -le 1 ] && [[ $output != *"$text"* ]] || { echo "$output"; return 1; }
}
# killed_at STEP COMMAND...
killed_at() {
	local step=$1 pid said
	shift
	"$@" >"$work/killed.log" 2>&1 &
	pid=$!
	# Without a program for each look: some steps last a millisecond.
	while kill -0 $pid 2>/dev/null; do
		said=
		[ ! -e "$record" ] || { read -r -d '' said <"$record"; } 2>/dev/null
		if [[ $said == *"\"step\":\"$step\""* ]]; then
			kill -9 $pid 2>/dev/null
			wait $pid 2>/dev/null
			return 0
		fi
	done
	echo "it ended before its step $step"
	cat "$work/killed.log"
	return 1
}
# killed_after SECONDS COMMAND...
killed_after() {
	local pid seconds=$1
	shift
	"$@" >"$work/killed.log" 2>&1 &
	pid=$!
	sleep "$seconds"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	return 0
}

make_state new 1000000000 711 || exit 1
claim "the stack of the backup" compose $project up -d
"$stacksnap" init >/dev/null || exit 1
claim "a backup" "$stacksnap" backup $project
id=$(newest)
make_state old 1100000000 750 || exit 1
# So many that removing them takes a moment.
(mkdir "$disk/folder/many" && cd "$disk/folder/many" && touch {1..2000})
restore=("$stacksnap" restore "$id" --yes)
preview=("$stacksnap" restore "$id" --dry-run)

claim "the preview says how it is done" exits 0 "is a filesystem of its own: its entries are moved one by one" "${preview[@]}"
claim "it tells of room on that filesystem" exits 0 "$disk: about" "${preview[@]}"
claim "nothing was changed" is_old
# The name ends with the first digits of the snapshot.
hidden=$(sed -n 's/.*the old ones to \(.*\)\/old, where.*/\1/p' <<<"$output")
claim "a folder of that name is told" test -n "$hidden"
mkdir "$hidden"
claim "one that is there already is told, and nothing changed" exits 1 "is there already" "${restore[@]}"
rmdir "$hidden"
mount -o remount,ro "$disk"
claim "a mount that cannot be written to is told" exits 1 "is mounted read-only" "${restore[@]}"
mount -o remount,rw "$disk"
touch -d @1100000000 "$disk"

claim "restored" exits 0 "restore undo" "${restore[@]}"
claim "it is the restored folder" is_new
claim "with the time that it had" test "$(stat -c %Y "$disk")" = 1000000000
claim "a backup of it" "$stacksnap" backup $project
claim "it has nothing of what is kept" without stacksnap-kept "$stacksnap" diff "$id" latest
claim "what is kept is no difference" without stacksnap-kept "$stacksnap" diff latest live
claim "an undo's preview counts the restored data alone" exits 0 "(3 files, 12 bytes)" "$stacksnap" restore undo $project --dry-run
claim "undone" "$stacksnap" restore undo $project --yes
claim "it is the old folder" is_old
claim "with its own time" test "$(stat -c %Y "$disk")" = 1100000000
claim "nothing hidden is left" settled

steps="swapping"
[ "$rounds" -le 1 ] || steps="staging down swapping creating starting"
for step in $steps; do
	claim "restore: kill -9 at $step" killed_at $step "${restore[@]}"
	claim "restore: recover" "$stacksnap" recover
	claim "restore: after $step it is wholly old or new" is_either
	claim "restore: nothing is left open" settled
	claim "restore: back to the old one" back_to_old
done
for ((i = 1; i < rounds; i++)); do
	at=$((RANDOM % 4)).$((RANDOM % 10))
	claim "restore: kill -9 after $at seconds" killed_after $at "${restore[@]}"
	claim "restore: recover after that" "$stacksnap" recover
	claim "restore: it is wholly old or new" is_either
	claim "restore: nothing is left open" settled
	claim "restore: back to the old one" back_to_old
done

claim "restored to be taken back" "${restore[@]}"
docker stop -t 0 $project-app-1 >/dev/null
claim "undo: kill -9 at its beginning" killed_at undoing "$stacksnap" restore undo $project --yes
docker container rm -f $project-app-1 >/dev/null 2>&1
umount "$disk"
claim "recover does not take an empty place for the folder" exits 1 "is not mounted" "$stacksnap" recover
mount -o loop "$disk.img" "$disk"
claim "mounted again, recover goes on" "$stacksnap" recover
claim "it is the old folder, wholly" is_old
claim "and nothing is left open" settled

claim "restored to be finished" "${restore[@]}"
claim "finish: kill -9 as soon as it begins" killed_at finishing "$stacksnap" restore finish $project --yes
claim "finish: recover" "$stacksnap" recover
claim "finish: it is the restored folder" is_new
claim "finish: nothing hidden is left" test -z "$(hidden)"

# What cannot be done is said.
mkdir "$disk/below"
claim "another filesystem inside it" mount -t tmpfs none "$disk/below"
claim "it is told" exits 1 "has another filesystem mounted inside it" "${restore[@]}"
umount "$disk/below"
exit $((failures > 0))
