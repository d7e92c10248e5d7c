#!/bin/bash
# Making a stack quiet, in every way, and giving it back, whatever happens: nothing is left down.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

rounds=${STACKSNAP_TEST_KILLS:-2}
p=taking-t
export STACKSNAP_CONFIG=$work/stacksnap.ini
: >"$STACKSNAP_CONFIG"

# app (two of it) and slow write into a volume; slow does not heed SIGTERM for a while; job has done its
# work; idle was stopped by somebody else.
projects+=("$p" taking-u)
make_stack() {
	remove_project "$1"
	mkdir -p "$work/$1"
	echo "WHO=world" >"$work/$1/.env"
	cat >"$work/$1/compose.yaml" <<-EOF
		services:
		  db:
		    image: redis:7
		    volumes: [dbdata:/data]
		    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, start_period: 30s}
		  app:
		    image: redis:7
		    command: [sh, -c, "trap 'exit 0' TERM; while :; do date >>/data/log; sleep 0.1 & wait \$\$!; done"]
		    environment: {HELLO: "\${WHO:-nobody}"}
		    depends_on: {db: {condition: service_healthy}, job: {condition: service_completed_successfully}}
		    deploy: {replicas: 2}
		    volumes: [files:/data]
		  slow:
		    image: redis:7
		    command: [sh, -c, "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1 & wait \$\$!; done"]
		    volumes: [files:/data]
		    profiles: [extra]
		  job:
		    image: redis:7
		    command: ["true"]
		    volumes: [files:/data]
		  idle:
		    image: redis:7
		    command: [sleep, "1000"]
		    stop_grace_period: 0s
		    volumes: [files:/data]
		volumes: {files: , dbdata: }
	EOF
	compose "$1" --profile extra up -d >"$work/$1.log" 2>&1 &&
		compose "$1" stop idle >>"$work/$1.log" 2>&1 || {
		tail -n 20 "$work/$1.log"
		return 1
	}
}

# "app running" of each container: where Compose was killed at work, their numbers may be others.
states() {
	docker ps -a --filter "label=com.docker.compose.project=$p" \
		--format '{{.Label "com.docker.compose.service"}} {{.State}}' | sort
}
running() { states | grep -v -E ' (exited|created)$'; }
as_before() {
	local now
	now=$(running)
	[ "$now" = "$before" ] || {
		printf 'wanted:\n%s\nare:\n%s\n' "$before" "$now"
		return 1
	}
}
now_ms() { date +%s%3N; }
# soon_as_before SECONDS: in $took_ms how long it took.
soon_as_before() {
	local begun
	begun=$(now_ms)
	while ! as_before >/dev/null; do
		took_ms=$(($(now_ms) - begun))
		[ $took_ms -lt $(($1 * 1000)) ] || { as_before; return 1; }
	done
	took_ms=$(($(now_ms) - begun))
}
journal() { test -e "$STACKSNAP_STATE_DIR/quiet-$p.json"; }
# until COMMAND...: at most ten seconds.
until_true() {
	local i
	for ((i = 0; i < 1000; i++)); do
		"$@" && return 0
		sleep 0.01
	done
	return 1
}
is_state() { [ "$(docker inspect -f '{{.State.Status}}' "$1" 2>/dev/null)" = "$2" ]; }
says() { grep -q -- "$1" <<<"$output" || { printf 'wanted "%s" in:\n%s\n' "$1" "$output"; return 1; }; }
says_not() { ! says "$1" >/dev/null; }

make_stack "$p" || exit 1
"$stacksnap" init >/dev/null || exit 1
before=$(running)
claim "two of app, slow and the database run" test "$(wc -l <<<"$before")" -eq 4

# --- each way ---

for how in none pause stop down; do
	claim "$how: the backup is complete" exits 0 "" "$stacksnap" backup --quiesce $how "$p"
	claim "$how: just what ran runs again" soon_as_before 1
	claim "$how: no journal is left" test ! -e "$STACKSNAP_STATE_DIR/quiet-$p.json"
done
claim "down: the compose file's variables are as they were" \
	test "$(docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' "$p-app-1" | grep HELLO)" = HELLO=world
claim "down: the database's files are in the snapshot" \
	exits 0 "dump.rdb" "$stacksnap" ls latest "volumes/${p}_dbdata"

docker pause "$p-slow-1" >/dev/null
claim "what somebody else has paused stays so" exits 0 "complete" "$stacksnap" backup --quiesce stop "$p"
claim "it is paused" is_state "$p-slow-1" paused
claim "down refuses a paused container, with the way out" \
	exits 14 "docker unpause $p-slow-1" "$stacksnap" backup --quiesce down "$p"
docker unpause "$p-slow-1" >/dev/null
sed -i 's/WHO=.*/WHO=moon/' "$work/$p/.env"
claim "down refuses when another container would come up" \
	exits 14 "is not what the compose files say now" "$stacksnap" backup --quiesce down "$p"
sed -i 's/WHO=.*/WHO=world/' "$work/$p/.env"
claim "nothing was touched by that" as_before

# --- kill -9 ---

# killed HOW WHO MS: once its journal is there, kill it after so many milliseconds; with WHO both, its
# watchdog too.
killed() {
	local how=$1 who=$2 ms=$3 pid dog=
	"$stacksnap" backup --quiesce "$how" "$p" >"$work/killed.log" 2>&1 &
	pid=$!
	until_true journal || { echo "# no journal"; cat "$work/killed.log"; }
	sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
	if [ "$who" = both ]; then
		kill -STOP $pid 2>/dev/null
		dog=$(pgrep -P $pid -f "watchdog $STACKSNAP_STATE_DIR/quiet-$p.json")
		[ -z "$dog" ] || kill -9 "$dog"
	fi
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
}
has_watchdog() { pgrep -f "watchdog $STACKSNAP_STATE_DIR/quiet-$p.json" >/dev/null; }
# given_back SECONDS: in $took_ms when it was last seen not to be as before.  It may have been killed
# before its watchdog was there: then nothing was touched, and the journal waits for the next run.
given_back() {
	local begun
	begun=$(now_ms)
	took_ms=0
	while :; do
		if ! as_before >/dev/null; then
			took_ms=$(($(now_ms) - begun))
			[ $took_ms -lt $(($1 * 1000)) ] || { as_before; return 1; }
		elif ! { journal && has_watchdog; }; then
			break
		fi
		[ $(($(now_ms) - begun)) -lt 90000 ] || { echo "the watchdog does not end"; return 1; }
	done
	! journal || "$stacksnap" recover >/dev/null 2>&1
	as_before && ! journal
}
declare -A worst
declare -A delays=(
	[pause]="0 10 20 30 40 60 80 120"
	[stop]="0 20 50 200 500 900 1300 1800"
	[down]="0 20 50 300 800 1500 2500 3500 5000"
)
for how in pause stop down; do
	bad=0 n=0 worst[$how]=0
	for ((i = 0; i < rounds; i++)); do
		for ms in ${delays[$how]}; do
			killed $how one $((ms + RANDOM % 10))
			n=$((n + 1))
			given_back 30 || { echo "# $how $ms: not given back"; bad=$((bad + 1)); }
			[ "$took_ms" -le "${worst[$how]}" ] || worst[$how]=$took_ms
		done
	done
	claim "$how: after kill -9 ($n times, at each step) just what ran runs again" test $bad -eq 0
	echo "# $how: after ${worst[$how]} ms at the most"
	# What is being stopped is let to its end, and the machine may be busy.
	limit=5000
	[ $how = pause ] || limit=${STACKSNAP_TEST_SECONDS:-10}000
	claim "$how: within $((limit / 1000)) seconds" test "${worst[$how]}" -le $limit
done

# left_down HOW MS: killed with its watchdog so that services are left down.
left_down() {
	local try
	for ((try = 0; try < 20; try++)); do
		killed "$1" both $(($2 + RANDOM % 20))
		sleep 0.5
		as_before >/dev/null || return 0
		"$stacksnap" recover >/dev/null 2>&1
	done
	echo "never"
	return 1
}
for how in pause stop down; do
	ms=20
	[ $how = pause ] || ms=1200
	claim "$how: with its watchdog killed, too, services stay down" left_down $how $ms
	if [ $how = stop ]; then
		claim "$how: the next backup gives them back first" \
			exits 0 "an earlier run that died had left it quiet" "$stacksnap" backup "$p"
	else
		claim "$how: 'stacksnap recover' gives them back" \
			exits 0 "again" env -i PATH="$PATH" DOCKER_CONFIG="$DOCKER_CONFIG" WHO=mars \
			STACKSNAP_STATE_DIR="$STACKSNAP_STATE_DIR" "$stacksnap" recover
	fi
	claim "$how: just what ran runs again" soon_as_before 1
	claim "$how: there is nothing more to recover" exits 0 "nothing to recover" "$stacksnap" recover
done

# --- not for too long ---

snapshots=$(count_snapshots)
nothing_new() { test "$(count_snapshots)" -eq "$snapshots"; }
claim "what takes longer than it may fails" \
	exits 1 "quiet for longer than 300ms (--max-downtime)" \
	"$stacksnap" backup --quiesce stop --max-downtime 300ms "$p"
claim "the services run again then" soon_as_before 1
claim "and there is no snapshot" nothing_new
claim "with enough time it is complete" \
	exits 0 "complete" "$stacksnap" backup --quiesce stop --max-downtime 60s "$p"
docker exec "$p-app-1" sh -c 'head -c 200000000 /dev/urandom >/data/big'
"$stacksnap" backup "$p" >/dev/null 2>&1
docker exec -d "$p-app-1" sh -c 'while :; do head -c 200000000 /dev/urandom | dd of=/data/big conv=notrunc bs=1M 2>/dev/null; done'
sleep 0.2
snapshots=$(count_snapshots)
begun=$(now_ms)
claim "reading that takes too long is cut off" \
	exits 1 "quiet for longer than 100ms" "$stacksnap" backup --max-downtime 100ms "$p"
claim "the services run again after that" soon_as_before 1
claim "and there is no snapshot of it" nothing_new
docker exec "$p-app-1" sh -c 'kill -9 $(pidof dd head) 2>/dev/null; rm -f /data/big' 2>/dev/null
docker restart -t 0 "$p-app-1" >/dev/null 2>&1
docker exec "$p-app-1" rm -f /data/big

# --- stopped by the user ---

# interrupted SIGNAL HOW: a signal when it begins to make the stack quiet.
interrupted() {
	local signal=$1 how=$2 pid
	: >"$work/stopped.log"
	"$stacksnap" backup --quiesce "$how" "$p" >"$work/stopped.log" 2>&1 &
	pid=$!
	until_true grep -q "fix the instant" "$work/stopped.log" || echo "# never so far"
	kill -"$signal" $pid
	sleep 0.05
	[ "$signal" != INT ] || kill -INT $pid 2>/dev/null
	status=0
	wait $pid || status=$?
	output=$(<"$work/stopped.log")
}
snapshots=$(count_snapshots)
for how in pause stop down; do
	for signal in INT TERM HUP; do
		# Bash lets its background jobs ignore SIGINT; a program that catches it does not care.
		interrupted $signal $how
		claim "$signal while the stack is made quiet ($how): exit code 130" test "$status" -eq 130
		claim "$signal ($how): it says what stands" says "its services run again, and no snapshot was written"
		[ $signal != INT ] || [ $how = pause ] ||
			claim "a second Ctrl-C says that the first was heard" says "stopping already"
		claim "$signal ($how): just what ran runs again" soon_as_before 1
		claim "$signal ($how): no journal is left" test ! -e "$STACKSNAP_STATE_DIR/quiet-$p.json"
	done
done
claim "no snapshot was written by any of them" nothing_new

# --- hooks ---

hooks() {
	printf '[stack %s service app]\n%s\n' "$p" "$1" >"$STACKSNAP_CONFIG"
	chmod 600 "$STACKSNAP_CONFIG"
}
in_app() { docker exec "$p-app-1" "$@"; }
hooks 'hook.before = ["sh", "-c", "echo before >/data/hooks"]
hook.after = ["sh", "-c", "echo after >>/data/hooks"]'
claim "with hooks the backup is complete" exits 0 "complete" "$stacksnap" backup --allow-shrink "$p"
claim "both have run, in order" test "$(in_app cat /data/hooks | tr '\n' ' ')" = "before after "
claim "what hook.before has written is in the snapshot, hook.after came later" \
	test "$("$stacksnap" cat latest "volumes/${p}_files/hooks")" = before
snapshots=$(count_snapshots)
hooks 'hook.before = ["sh", "-c", "echo one; echo not today >&2; exit 7"]
hook.after = ["sh", "-c", "echo cleaned up >/data/hooks"]'
claim "a hook.before that fails fails the run" \
	exits 1 "hook.before of service app: exit status 7: not today" "$stacksnap" backup "$p"
claim "nothing was made quiet" says_not paused
claim "its hook.after ran" test "$(in_app cat /data/hooks)" = "cleaned up"
claim "there is no snapshot" nothing_new
hooks 'hook.after = ["sh", "-c", "echo oh no; exit 1"]'
claim "a hook.after that fails makes it partial" exits 3 "partial" "$stacksnap" backup "$p"
claim "and is told" says "hook.after of service app: exit status 1: oh no"
hooks 'hook.before = ["sh", "-c", "sleep 987 & sleep 986"]
hook.timeout = 1s'
claim "a hook that does not end is a failure" \
	exits 1 "sh has not ended within 1 s" "$stacksnap" backup "$p"
no_sleepers() { ! docker top "$p-app-1" | grep -q -E 'sleep 98[67]'; }
claim "and is killed, with what it started" until_true no_sleepers
hooks 'hook.before = ["sh", "-c", "echo maintenance >/data/hooks; sleep 30"]
hook.after = ["sh", "-c", "echo open >/data/hooks"]'
"$stacksnap" backup "$p" >/dev/null 2>&1 &
pid=$!
until_true eval 'in_app grep -q maintenance /data/hooks'
kill -9 $pid
wait $pid 2>/dev/null
claim "killed after hook.before, hook.after runs all the same" until_true eval 'in_app grep -q open /data/hooks'
: >"$STACKSNAP_CONFIG"
in_app sh -c 'kill -9 $(pidof sleep)' 2>/dev/null

# --- several stacks ---

make_stack taking-u || exit 1
claim "of several stacks, one that fails leaves the others alone" \
	exits 1 "no stack named taking-none" "$stacksnap" backup "$p" taking-none taking-u
claim "the first is there" says "of stack $p: complete"
claim "the failure is told" says "stack taking-none: failed, no snapshot was written"
claim "the last is there" says "of stack taking-u: complete"
printf '[stack taking-u]\nhook.after = false\n' >"$STACKSNAP_CONFIG"
outcomes() {
	"$stacksnap" backup --json --allow-shrink "$p" taking-none taking-u 2>/dev/null | tail -n 1 | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["exit_code"], d["outcome"], *[r["source"]["name"] + "=%s:%d" % (r["outcome"], r["exit_code"]) for r in d["runs"]])'
}
claim "complete, partial and failed in one JSON result" \
	test "$(outcomes)" = "1 failed $p=complete:0 taking-none=failed:1 taking-u=partial:3"
exit $((failures > 0))
