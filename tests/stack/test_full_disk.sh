#!/bin/bash
# A repository on a disk that becomes full: the message says so, earlier snapshots stay, the stack
# runs, and with room again the next backup succeeds.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

start_shop ts-full 18084 || exit 1
truncate -s 64M "$work/disk"
mkfs.ext4 -q "$work/disk"
mkdir "$work/mnt"
mount -o loop "$work/disk" "$work/mnt" || exit 1
trap 'umount "$work/mnt"; cleanup' EXIT
export STACKSNAP_REPOSITORY=$work/mnt/repository
"$stacksnap" init >/dev/null || exit 1
claim "the first backup fits" "$stacksnap" backup ts-full
head -c 90M /dev/urandom >"$work/ts-full/data/big"
claim "a full disk fails the backup and is named" exits 1 "No space left on device" "$stacksnap" backup ts-full
claim "the app runs" app_goes_on ts-full
claim "the first snapshot is the only one" test "$(count_snapshots)" -eq 1
claim "what is stored is sound" "$stacksnap" verify --read-data
rm "$work/ts-full/data/big"
rm -rf "$work/mnt/repository/tmp"
claim "with room again the next backup is complete" "$stacksnap" backup ts-full
exit $((failures > 0))
