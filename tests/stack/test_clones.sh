#!/bin/bash
# On filesystems that share blocks between files, long files are cloned while the stack is quiet, and read
# afterwards: what the app writes then must not be in the snapshot.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

"$stacksnap" init >/dev/null 2>&1 || exit 1

unmount_all() {
	remove_project clones-xfs
	remove_project clones-btrfs
	umount "$work"/mount-* 2>/dev/null
}
trap 'unmount_all; cleanup' EXIT

# Rewrites a long file in place, without an end: each block says in which round it was written.
writer='i=0; while :; do i=$((i+1)); for b in 0 1 2 3; do
	printf "%08d" $i | dd of=/data/long bs=8 count=1 seek=$((b * 4194304)) conv=notrunc 2>/dev/null; done; done'

one_filesystem() {
	local kind=$1 at="$work/mount-$1" project="clones-$1"
	projects+=("$project")
	remove_project "$project"
	mkdir -p "$at" "$work/$project"
	truncate -s 1G "$work/$kind.img"
	claim "$kind: a filesystem" "mkfs.$kind" -q -f "$work/$kind.img"
	claim "$kind: it is mounted" mount -o loop "$work/$kind.img" "$at"
	mkdir "$at/data"
	head -c 200000000 /dev/urandom >"$at/data/long"
	head -c 3000000 /dev/urandom >"$at/data/still"
	echo short >"$at/data/short"
	cat >"$work/$project/compose.yaml" <<-EOF
		services: { app: { image: "stacksnap-testbed/root:bookworm", command: [sleep, "1000"], init: true, volumes: ["$at/data:/data"] } }
	EOF
	claim "$kind: the stack runs" compose "$project" up -d
	docker exec -d "$project-app-1" sh -c "$writer"
	sleep 0.3
	claim "$kind: the long file is cloned" exits 0 "cloned at the instant, and are read now: 1 (200.0 MB)" "$stacksnap" backup "$project"
	claim "$kind: the same without clones" exits 0 "" "$stacksnap" backup "$project" --set snapshot=none
	"$stacksnap" snapshots --json >"$work/list"
	claim "$kind: the instant is shorter by half at least" python3 - "$work/list" <<-'EOF'
		import json, sys
		a, b = json.load(open(sys.argv[1]))["snapshots"][-2:]
		print(a["skew_ns"], b["skew_ns"])
		sys.exit(0 if a["skew_ns"] * 2 < b["skew_ns"] else 1)
	EOF
	local first
	first=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["snapshots"][-2]["id"])' "$work/list")
	claim "$kind: the cloned one is restored" exits 0 "" "$stacksnap" restore "$first" --path "binds$at/data" --to "$work/out-$kind"
	# Of one instant: the rounds of the four places, in the order of writing, never grow, and differ by one at most.
	claim "$kind: it is of one instant" python3 - "$(find "$work/out-$kind" -name long)" <<-'EOF'
		import sys
		with open(sys.argv[1], "rb") as f:
		    rounds = []
		    for b in range(4):
		        f.seek(b * 8 * 4194304)
		        rounds.append(int(f.read(8)))
		print(rounds)
		sys.exit(0 if rounds == sorted(rounds, reverse=True) and rounds[0] - rounds[3] <= 1 else 1)
	EOF
	claim "$kind: the rest is as it was" cmp "$at/data/still" "$(find "$work/out-$kind" -name still)"
	claim "$kind: nothing is left beside it" test "$(find "$at/data" -type f | wc -l)" = 3
	claim "$kind: the snapshots verify" exits 0 "" "$stacksnap" verify --read-data
	remove_project "$project"
	umount "$at"
}

one_filesystem xfs
one_filesystem btrfs
exit $((failures > 0))
