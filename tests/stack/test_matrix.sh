#!/bin/bash
# What people run, old and new: engines, Compose and servers.  Each time a stack is seeded, written to by its
# app and by pgbench, backed up meanwhile, destroyed, restored from the repository alone, and compared.
#
#	tests/stack/run matrix                 all
#	STACKSNAP_TEST_MATRIX=newer ...        one of them: older, newer, compose1
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

# container PROJECT SERVICE: its id.
container() {
	docker ps -aq --filter "label=com.docker.compose.project=$1" --filter "label=com.docker.compose.service=$2"
}

# With docker-compose 1 containers have other names.
orders() {
	docker exec "$(container "$1" app)" cat /srv/uploads/counter | tr -dc 0-9 | sed 's/^0*//'
}

# up PROJECT: started, and waited for; docker-compose 1 cannot wait itself.
up() {
	local i
	compose "$1" up -d || return 1
	for ((i = 0; i < 900; i++)); do
		[ "$(docker inspect -f '{{.State.Health.Status}}' "$(container "$1" app)")" != healthy ] || return 0
		sleep 0.1
	done
	compose "$1" ps
	return 1
}

sql() {
	docker exec "$(container "$1" db)" psql -XAtq -v ON_ERROR_STOP=1 -U shop -d "$2" -c "$3"
}

# The two writers: the app writes by itself; pgbench does until its container goes.
start_pgbench() {
	sql "$1" shop 'CREATE DATABASE bench' &&
		docker exec "$(container "$1" db)" pgbench -q -i -s 1 -U shop bench &&
		docker exec -d "$(container "$1" db)" pgbench -n -c 2 -R 200 -T 900 -U shop bench
}

pgbench_writes() {
	local before i
	before=$(sql "$1" bench 'SELECT count(*) FROM pgbench_history')
	for ((i = 0; i < 50; i++)); do
		[ "$(sql "$1" bench 'SELECT count(*) FROM pgbench_history')" -le "$before" ] || return 0
		sleep 0.1
	done
	echo "pgbench wrote nothing in five seconds ($before)"
	return 1
}

# Every transaction adds the same to an account, a teller and a branch, and one row of history.
pgbench_is_whole() {
	local sums
	sums=$(sql "$1" bench "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers),
		(SELECT sum(bbalance) FROM pgbench_branches), (SELECT sum(delta) FROM pgbench_history),
		(SELECT count(*) FROM pgbench_history) > 0, (SELECT count(*) FROM pgbench_accounts)")
	echo "accounts, tellers, branches, history: $sums"
	[[ $sums =~ ^(-?[0-9]+)\|(-?[0-9]+)\|(-?[0-9]+)\|(-?[0-9]+)\|t\|100000$ ]] &&
		[ "$(printf '%s\n' "${BASH_REMATCH[@]:1:4}" | sort -u | wc -l)" -eq 1 ]
}

stop_writing() {
	docker stop "$(container "$1" app)" >/dev/null
}

# state PROJECT FILE: everything but pgbench's tables, whose sums are looked at instead.
state() {
	"$top/tests/testbed/fingerprint" "$1" "$2" && sed -i -E '/\tbench\.[^\t]*pgbench_/d' "$2"
}

nothing_left() {
	local kind
	for kind in container volume network; do
		test -z "$(docker $kind ls -q --filter "label=com.docker.compose.project=$1")" || return 1
	done
	test ! -e "$work/$1"
}

same_as_before() {
	local logs found
	logs=$(docker logs "$(container "$1" app)" 2>&1)
	found=$(grep -m 1 -oE 'found file=.*' <<<"$logs") &&
		"$top/tests/testbed/compare" "$work/$1.before" "$work/$1.after" --found "$found"
}

round_trip() {
	local name=$1 p=ts-matrix-$1
	export STACKSNAP_REPOSITORY=$work/repository-$name
	projects=()
	make_shop "$p" 0
	prepare_$name "$work/$p" || return 1
	echo "# $name: engine $(docker version --format '{{.Server.Version}}'), compose $(compose_version)," \
		"$(sed -n 's/^ *image: //p' "$work/$p/compose.yaml" | tr '\n' ' ')"
	claim "$name: the stack starts" up "$p"
	claim "$name: pgbench starts" start_pgbench "$p"
	"$stacksnap" init >/dev/null || return 1
	claim "$name: pgbench writes" pgbench_writes "$p"
	claim "$name: a stack that is written to is backed up" "$stacksnap" backup "$p"
	claim "$name: and again" "$stacksnap" backup "$p"
	claim "$name: the app goes on" app_goes_on "$p"
	claim "$name: so does pgbench" pgbench_writes "$p"
	stop_writing "$p"
	claim "$name: the state is written down" state "$p" "$work/$p.before"
	compose "$p" down -v >/dev/null 2>&1
	rm -rf "${work:?}/$p"
	claim "$name: nothing of it is left" nothing_left "$p"
	claim "$name: it is restored from the repository alone" "$stacksnap" restore latest --yes
	claim "$name: the restored app goes on" app_goes_on "$p"
	stop_writing "$p"
	claim "$name: the state is written down again" state "$p" "$work/$p.after"
	claim "$name: every row, key and file is the same, of one instant" same_as_before "$p"
	claim "$name: pgbench's sums agree" pgbench_is_whole "$p"
	claim "$name: what is stored is sound" "$stacksnap" verify --read-data
	remove_project "$p"
}

compose_version() { docker compose version --short; }

prepare_older() { :; }

prepare_newer() {
	sed -i -E 's/postgres:15/postgres:17/; s/mariadb:10.11/mariadb:11.8/; s/redis:7/valkey\/valkey:8/
		s/redis-(server|cli)/valkey-\1/; s/demo-app:1/demo-app:1-trixie/' "$1/compose.yaml"
	env=$("$top/tests/testbed/newer") && eval "$env"
}

prepare_compose1() {
	sed -i '/^name:/d' "$1/compose.yaml"
	env=$("$top/tests/testbed/compose1") && eval "$env"
	compose() { docker-compose --project-directory "$work/$1" -p "$1" --ansi never "${@:2}"; }
	compose_version() { docker-compose version --short; }
}

for name in ${STACKSNAP_TEST_MATRIX:-older compose1 newer}; do
	# In a shell of its own, since each has its own engine, client and Compose.
	(
		round_trip "$name" || claim "$name: the stack is made" false
		exit $((failures > 0))
	) || failures=$((failures + 1))
done
exit $((failures > 0))
