#!/bin/bash
# SQLite files in a volume, written to all the time: each snapshot holds both databases whole, of one
# instant, and the application is held up for no longer than it is paused.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

backups=${STACKSNAP_TEST_BACKUPS:-5}
p=sqlite-t
export STACKSNAP_CONFIG=$work/stacksnap.ini
: >"$STACKSNAP_CONFIG"
projects+=("$p")
remove_project "$p"
mkdir -p "$work/$p"
cp "$top/tests/stack/sqlite_app.py" "$work/$p/app.py"
chmod -R a+rX "$work/$p"
cat >"$work/$p/compose.yaml" <<-EOF
	services:
	  app:
	    image: redis:7
	    entrypoint: [python3, /app.py]
	    user: "33:33"
	    environment: {PAD: "64"}
	    network_mode: none
	    volumes: [data:/data, ./app.py:/app.py:ro]
	    stop_grace_period: 0s
	    depends_on: {own: {condition: service_completed_successfully}}
	  own:
	    image: redis:7
	    entrypoint: [chown, "33:33", /data]
	    network_mode: none
	    volumes: [data:/data]
	volumes: {data: }
EOF
compose "$p" up -d >"$work/$p.log" 2>&1 || {
	tail -n 20 "$work/$p.log"
	exit 1
}
in_app() { docker exec -i "$p-app-1" "$@"; }
for ((i = 0; i < 100; i++)); do
	in_app test -s /data/longest 2>/dev/null && break
	sleep 0.3
done
"$stacksnap" init >/dev/null 2>&1 || exit 1

# look DIR: "STEP-OF-WAL STEP-OF-JOURNAL", when both databases are whole.
look() {
	[ ! -e "$1/wal.db-wal" ] && [ ! -e "$1/wal.db-shm" ] && [ ! -e "$1/old/journal.db-journal" ] &&
		python3 - "$1" <<-'EOF'
			import sqlite3, sys
			steps = []
			for name in ("wal.db", "old/journal.db"):
			    db = sqlite3.connect(sys.argv[1] + "/" + name)
			    found = db.execute("PRAGMA integrity_check").fetchall()
			    assert found == [("ok",)], (name, found)
			    total = db.execute("SELECT sum(n) FROM account").fetchone()[0]
			    assert total == 10000, (name, total)
			    steps.append(db.execute("SELECT n FROM step").fetchone()[0])
			    db.close()
			print(*steps)
			assert 0 <= steps[0] - steps[1] <= 1, steps
		EOF
}
look_beside() {
	rm -f "$1/wal.db-shm"
	look "$1"
}
owners() { in_app stat -c '%n %u %g %a' /data /data/wal.db /data/wal.db-wal /data/wal.db-shm /data/old/journal.db; }
longest() { in_app cat /data/longest; }
goes_on() {
	local before after
	before=$(steps_now)
	sleep 1
	after=$(steps_now)
	[ "$after" -gt "$before" ]
}
steps_now() {
	in_app python3 -c '
import sqlite3
print(sqlite3.connect("file:/data/wal.db?mode=ro", uri=True).execute("SELECT n FROM step").fetchone()[0])'
}
show_says() {
	"$stacksnap" --json show latest | python3 -c '
import json, sys
d = [json.loads(l) for l in sys.stdin][-1]["snapshot"]
found = {s["path"]: s for m in d["members"] for s in m.get("sqlite", [])}
print(found)
assert sorted(found) == ["old/journal.db", "wal.db"], found
assert found["wal.db"]["how"] == "live", found
assert found["old/journal.db"]["how"] == "copy", found
assert all(s["check"] == "ok" and s["tables"] == 3 and s["pages"] > 0 for s in found.values()), found'
}

claim_before=$(owners)
good=0
for ((i = 1; i <= backups; i++)); do
	in_app touch /data/reset
	sleep 0.3
	try "$stacksnap" backup "$p"
	if [ "$status" -ne 0 ]; then
		echo "not ok - backup $i of a stack that writes to SQLite files is complete"
		printf '%s\n' "$output" | tail -n 20
		exit 1
	fi
	sleep 0.3
	quiet=$(printf '%s\n' "$output" | grep -oE 'runs again after [0-9]+ ms' | head -n 1 | tr -dc 0-9)
	rm -rf "$work/out"
	"$stacksnap" restore latest --path "volumes/${p}_data" --to "$work/out" >/dev/null 2>&1 || exit 1
	held=$(longest)
	echo "# backup $i: paused for ${quiet:-?} ms, longest time between two writes $held ms, $(look "$work/out" 2>&1 | tail -n 1)"
	look "$work/out" >/dev/null 2>&1 && [ "$held" -lt $((${quiet:-0} + 1500)) ] && good=$((good + 1))
done
claim "$good of $backups snapshots hold both databases whole and of one instant, and held nobody up" \
	test "$good" -eq "$backups"
claim "the certificate says how each was taken" show_says

# rows_are_told A B: in both databases the one step and some accounts have changed, nothing else.
rows_are_told() {
	# 3: a file that the application wrote meanwhile could not be compared.
	"$stacksnap" diff --json "$1" "$2" >"$work/diff" || [ $? -eq 3 ] || {
		tail -n 3 "$work/diff"
		return 1
	}
	python3 - "$work/diff" "$p" <<-'PY'
		import json, sys
		lines = [json.loads(line) for line in open(sys.argv[1])]
		tables = {(t["service"], t["database"], t["table"]): t for t in lines if t.get("type") == "table"}
		wanted = {("app", f"{sys.argv[2]}_data/{f}", t) for f in ("wal.db", "old/journal.db") for t in ("step", "account")}
		print(*tables.values(), *(x for x in lines if x.get("type") == "unknown"), sep="\n")
		good = set(tables) == wanted
		for (_, _, name), t in tables.items():
		    good = good and t["added"] == t["removed"] == 0 and (t["changed"] == 1 if name == "step" else t["changed"] > 1)
		sys.exit(not good)
	PY
}
"$stacksnap" backup "$p" >/dev/null 2>&1
one=$(newest)
sleep 0.5
"$stacksnap" backup "$p" >/dev/null 2>&1
claim "rows that were written between two backups are told" rows_are_told "$one" latest
claim "and since a backup" rows_are_told latest live
claim "show tells it to people" exits 0 "SQLite databases in ${p}_data" "$stacksnap" show latest
claim "nothing beside the databases has changed hands" test "$(owners)" = "$claim_before"
claim "the application goes on" goes_on
claim "no copy stays in the state folder" \
	bash -c '! ls "$1" | grep -q ^sqlite-' - "$STACKSNAP_STATE_DIR"

claim "without a pause both are whole too" exits 0 "" "$stacksnap" backup "$p" --quiesce none
rm -rf "$work/out"
"$stacksnap" restore latest --path "volumes/${p}_data" --to "$work/out" >/dev/null 2>&1
whole_but_not_of_one_instant() {
	# That they are some steps apart is no fault here.
	local seen
	seen=$(look "$work/out" 2>&1)
	echo "$seen"
	grep -qE '^[0-9]+ [0-9]+$' <<<"$seen"
}
claim "and are what a reader would have seen" whole_but_not_of_one_instant

sed -i 's/user: /labels: {stacksnap.sqlite: files}\n    user: /' "$work/$p/compose.yaml"
compose "$p" up -d >"$work/$p.log" 2>&1
sleep 1
claim "with stacksnap.sqlite=files they are files" exits 0 "" "$stacksnap" backup "$p"
rm -rf "$work/out"
"$stacksnap" restore latest --path "volumes/${p}_data" --to "$work/out" >/dev/null 2>&1
claim "with their logs beside them" test -s "$work/out/wal.db-wal"
"$stacksnap" backup "$p" >/dev/null 2>&1

# An old log beside a restored database would be applied to it.
first=$("$stacksnap" --json snapshots | python3 -c '
import json, sys
print(min((s for l in sys.stdin for s in json.loads(l).get("snapshots", [])), key=lambda s: s["time_ns"])["id"])')
claim "an older snapshot goes over a folder with logs" exits 0 "wal.db-wal.before-restore" \
	"$stacksnap" restore "$first" --path "volumes/${p}_data" --to "$work/out" --yes
claim "and is whole there" look_beside "$work/out"

# The whole stack comes back, over what is there.
sed -i '/stacksnap.sqlite/d' "$work/$p/compose.yaml"
compose "$p" up -d >"$work/$p.log" 2>&1
sleep 1
claim "databases are found again after that" exits 0 "" "$stacksnap" backup "$p"
id=$(newest)
claim "the stack is restored over the running one" exits 0 "" "$stacksnap" restore "$id" --yes
claim "and goes on from there" goes_on
claim "all that is stored is sound" "$stacksnap" verify --read-data
exit $((failures > 0))
