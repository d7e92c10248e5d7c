# shellcheck shell=bash
# What the tests on real stacks share.  Each test file is run by tests/stack/run in a process of
# its own, with an engine up and build/stacksnap built.
#
# A test states claims: `claim "text" command...` prints "ok - text" when the command succeeds and
# "not ok - text" with what was printed when it does not.  With STACKSNAP_TEST_TIMES=1 it also prints how
# many seconds the test is old after each.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
stacksnap=${STACKSNAP:-$top/build/stacksnap}
work=$(mktemp -d /var/tmp/stacksnap-test-XXXXXX)
failures=0
status=0
output=

export XDG_CACHE_HOME=$work/cache STACKSNAP_STATE_DIR=$work/state
# A key file, since a passphrase costs a fifth of a second of a processor each time.
export STACKSNAP_REPOSITORY=$work/repository STACKSNAP_KEY_FILE=$work/key
(umask 077 && head -c 64 /dev/urandom >"$work/key")

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
	[ -z "${STACKSNAP_TEST_TIMES:-}" ] || echo "# $SECONDS s"
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

# make_shop NAME PORT: the folder of the demo's stack as a project of that name.
make_shop() {
	projects+=("$1")
	remove_project "$1"
	cp -a "$top/demo/stack" "$work/$1"
	chmod -R u=rwX,go=rX "$work/$1"
	# Some sixty orders a second in place of 290, and health checks (processes in containers) two seconds apart:
	# several shops write at a time.  Where the instant is what is tested, SHOP_PACE is 1.
	sed -i "s/\"pace_ms\": 1,/\"pace_ms\": ${SHOP_PACE:-12},/" "$work/$1/config/shop.json"
	sed -i "s/^name:.*/name: $1/; s/interval: 1s/interval: 2s/" "$work/$1/compose.yaml"
	sed -i "s/^SHOP_PORT=.*/SHOP_PORT=$2/" "$work/$1/.env"
}

shop_volume() { docker volume inspect -f '{{.Mountpoint}}' "$1_$2"; }

# first_shop NAME: starts it, and keeps its volumes at rest for those that come after.
first_shop() {
	local v kept=$STACKSNAP_TEST_SHARED/shop
	compose "$1" up -d --wait && compose "$1" stop || return 1
	mkdir "$kept.new"
	for v in pgdata mysqldata redisdata uploads; do
		cp -a "$(shop_volume "$1" $v)" "$kept.new/$v" || return 1
	done
	mv "$kept.new" "$kept"
}
next_shop() {
	local v
	compose "$1" create || return 1
	for v in pgdata mysqldata redisdata uploads; do
		cp -a "$STACKSNAP_TEST_SHARED/shop/$v/." "$(shop_volume "$1" $v)/" || return 1
	done
}

# In a run of many tests (STACKSNAP_TEST_SHARED is a folder of its own) servers are set up once.
fill_shop() {
	[ -n "${STACKSNAP_TEST_SHARED:-}" ] || return 0
	(
		flock 7
		[ -d "$STACKSNAP_TEST_SHARED/shop" ] || first_shop "$1" 7>&-
	) 7>"$STACKSNAP_TEST_SHARED/lock" || return 1
	[ -n "$(docker ps -aq --filter "label=com.docker.compose.project=$1")" ] || next_shop "$1"
}

# run_shop NAME: what make_shop has made runs.
run_shop() {
	{ fill_shop "$1" && compose "$1" up -d --wait; } >"$work/$1.log" 2>&1 || {
		tail -n 20 "$work/$1.log"
		return 1
	}
}

# start_shop NAME PORT: the demo's stack as a project of that name, running and being written to.
start_shop() {
	make_shop "$1" "$2"
	run_shop "$1"
}

compose() {
	docker compose --project-directory "$work/$1" -p "$1" --ansi never "${@:2}"
}

# How many orders the app has written: it grows as long as the app runs.
orders() {
	docker exec "$1-app-1" cat /srv/uploads/counter | tr -dc 0-9 | sed 's/^0*//'
}

app_goes_on() {
	local before after i
	before=$(orders "$1")
	for ((i = 0; i < 5; i++)); do
		sleep 0.1
		after=$(orders "$1")
		[ "$after" -le "$before" ] || return 0
	done
	echo "the app wrote no order in half a second ($before, $after)"
	compose "$1" ps
	return 1
}

# The id of the newest snapshot.
newest() {
	"$stacksnap" snapshots --json | python3 -c '
import json, sys
found = [s for line in sys.stdin for d in [json.loads(line)] for s in d.get("snapshots", [])]
print(max(found, key=lambda s: s["time_ns"])["id"] if found else "")'
}

# One object is one snapshot.
count_snapshots() {
	find "$STACKSNAP_REPOSITORY/snapshots" -type f | wc -l
}

# with_passphrase: this test's repository is opened with a passphrase.
with_passphrase() {
	unset STACKSNAP_KEY_FILE
	export STACKSNAP_PASSWORD_FILE=$work/passphrase
	(umask 077 && printf 'a passphrase for tests\n' >"$work/passphrase")
}
