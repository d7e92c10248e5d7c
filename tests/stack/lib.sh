# shellcheck shell=bash
# What the tests on real stacks share.  Each test file is run by tests/stack/run in a process of
# its own, with an engine up and build/stacksnap built.
#
# A test states claims: `claim "text" command...` prints "ok - text" when the command succeeds and
# "not ok - text" with what was printed when it does not.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
stacksnap=${STACKSNAP:-$top/build/stacksnap}
work=$(mktemp -d /var/tmp/stacksnap-test-XXXXXX)
failures=0
status=0
output=

export XDG_CACHE_HOME=$work/cache STACKSNAP_STATE_DIR=$work/state
export STACKSNAP_REPOSITORY=$work/repository STACKSNAP_PASSWORD_FILE=$work/passphrase
printf 'a passphrase for tests\n' >"$work/passphrase"
chmod 600 "$work/passphrase"

projects=()
cleanup() {
	local p
	for p in "${projects[@]}"; do
		remove_project "$p"
	done
	rm -rf "$work"
}
trap cleanup EXIT

claim() {
	local text=$1
	shift
	# Not in a subshell, so that later claims can look at what this one found out.
	if "$@" >"$work/claim" 2>&1; then
		echo "ok - $text"
	else
		echo "not ok - $text"
		tail -n 25 "$work/claim" | sed 's/^/#   /'
		failures=$((failures + 1))
	fi
}

# The exit code and what it printed: in $status and $output.
try() {
	status=0
	output=$("$@" 2>&1) || status=$?
}

# exits CODE TEXT COMMAND...: it ends with CODE and says TEXT.
exits() {
	local code=$1 text=$2
	shift 2
	try "$@"
	if [ "$status" -ne "$code" ] || [[ $output != *"$text"* ]]; then
		printf 'exit code %s (wanted %s); wanted "%s" in:\n%s\n' "$status" "$code" "$text" "$output"
		return 1
	fi
}

remove_project() {
	local kind ids label=label=com.docker.compose.project=$1
	mapfile -t ids < <(docker container ls -aq --filter "$label")
	[ ${#ids[@]} -eq 0 ] || docker container rm -fv "${ids[@]}" >/dev/null
	for kind in volume network; do
		mapfile -t ids < <(docker $kind ls -q --filter "$label")
		[ ${#ids[@]} -eq 0 ] || docker $kind rm "${ids[@]}" >/dev/null
	done
}

# start_shop NAME PORT: the demo's stack as a project of that name, running and being written to.
start_shop() {
	projects+=("$1")
	remove_project "$1"
	cp -a "$top/demo/stack" "$work/$1"
	chmod -R u=rwX,go=rX "$work/$1"
	sed -i "s/^name:.*/name: $1/" "$work/$1/compose.yaml"
	sed -i "s/^SHOP_PORT=.*/SHOP_PORT=$2/" "$work/$1/.env"
	compose "$1" up -d --wait >"$work/$1.log" 2>&1 || {
		tail -n 20 "$work/$1.log"
		return 1
	}
}

compose() {
	docker compose --project-directory "$work/$1" -p "$1" --ansi never "${@:2}"
}

# How many orders the app has written: it grows as long as the app runs.
orders() {
	compose "$1" exec -T app cat /srv/uploads/counter | tr -dc 0-9 | sed 's/^0*//'
}

app_goes_on() {
	local before after
	before=$(orders "$1")
	sleep 0.5
	after=$(orders "$1")
	[ "$after" -gt "$before" ] || {
		echo "the app wrote no order in half a second ($before, $after)"
		compose "$1" ps
		return 1
	}
}

# The id of the newest snapshot.
newest() {
	"$stacksnap" snapshots --json | python3 -c '
import json, sys
found = [s for line in sys.stdin for d in [json.loads(line)] for s in d.get("snapshots", [])]
print(max(found, key=lambda s: s["time_ns"])["id"] if found else "")'
}

count_snapshots() {
	"$stacksnap" snapshots --json | python3 -c '
import json, sys
print(sum(len(json.loads(line).get("snapshots", [])) for line in sys.stdin))'
}
