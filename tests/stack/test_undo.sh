#!/bin/bash
# After a restore the old data is kept: undo brings back the stack that was there, to the last row and
# file; finish removes it.  Meanwhile no other restore of the stack begins.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

start_shop undo-shop 0 || exit 1
"$stacksnap" init >/dev/null || exit 1
sleep 1
# At rest, so that before and after can be compared to the last row.
compose undo-shop stop app >/dev/null 2>&1

print_of() { "$top/tests/testbed/fingerprint" undo-shop "$work/$1"; }
same() { "$top/tests/testbed/compare" "$work/$1" "$work/$2"; }
leftovers() {
	find "$work" -mindepth 1 -maxdepth 1 -name '.stacksnap-*'
	docker volume ls -q --filter label=com.docker.compose.project=undo-shop | while read -r v; do
		find "$(dirname "$(docker volume inspect -f '{{.Mountpoint}}' "$v")")" -mindepth 1 -maxdepth 1 -name '.stacksnap-*'
	done
	ls "$work/state"/restore-*.json 2>/dev/null
}
nothing_left() { [ -z "$(leftovers)" ] || { leftovers; return 1; }; }

claim "a backup" "$stacksnap" backup undo-shop
id=$(newest)

# Another state: rows, keys, files, and a file in no snapshot.
docker exec undo-shop-db-1 psql -qU shop shop -c 'CREATE TABLE later (n int); INSERT INTO later VALUES (42)'
docker exec undo-shop-mysql-1 sh -c 'mariadb -uroot -p"$MARIADB_ROOT_PASSWORD" shop -e "CREATE TABLE later (n int); INSERT INTO later VALUES (42)"'
docker exec undo-shop-cache-1 redis-cli set later 42 >/dev/null
echo later >"$work/undo-shop/data/later.txt"
claim "the later state is fingerprinted" print_of later

claim "an undo without a restore is refused" exits 1 "no restore that could be undone" "$stacksnap" restore undo undo-shop --yes
claim "the backup is restored over it" exits 0 "restore undo" "$stacksnap" restore "$id" --yes
claim "the later table is gone" bash -c '! docker exec undo-shop-db-1 psql -qU shop shop -c "SELECT * FROM later"'
claim "status tells of it" exits 0 "restore finish, or undo" "$stacksnap" restore status
claim "status tells of it as JSON" exits 0 '"state":"kept"' "$stacksnap" restore status --json
claim "another restore is refused, with both ways on" exits 1 "restore undo undo-shop" "$stacksnap" restore "$id" --yes
claim "recover leaves it alone" exits 0 "nothing to recover" "$stacksnap" recover
claim "an undo asks first" exits 1 "as it is now" "$stacksnap" restore undo undo-shop </dev/null
claim "a dry run of the undo changes nothing" exits 0 "what was written since the restore" "$stacksnap" restore undo undo-shop --dry-run
claim "still kept" exits 0 '"state":"kept"' "$stacksnap" restore status --json
claim "the restore is undone" exits 0 "as it was before" "$stacksnap" restore undo undo-shop --yes
claim "its fingerprint is taken" print_of undone
claim "every table, key and file is the later one" same later undone
claim "no restored data is left behind" nothing_left
claim "the app that was stopped is stopped" test "$(docker inspect -f '{{.State.Running}}' undo-shop-app-1)" = false

claim "restored again" "$stacksnap" restore "$id" --yes
claim "a finish of younger ones only leaves it" exits 0 "nothing to finish" "$stacksnap" restore finish --all --older-than 7d --yes
claim "finish removes the old data" exits 0 "freed" "$stacksnap" restore finish undo-shop --yes
claim "no old data is left behind" nothing_left
claim "after that there is nothing to undo" exits 1 "no restore that could be undone" "$stacksnap" restore undo undo-shop --yes
claim "the restored stack runs" test "$(docker inspect -f '{{.State.Running}}' undo-shop-db-1)" = true
exit $((failures > 0))
