#!/bin/bash
# Tools that lie, passwords that are wrong, containers that cannot be asked: never a snapshot that
# counts as complete, always a message that says what to do, and the stack as it was.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

with_passphrase
start_shop ts-refuse 18082 || exit 1
"$stacksnap" init >/dev/null || exit 1
claim "a sound stack is backed up" "$stacksnap" backup ts-refuse
before=$(count_snapshots)

# says TEXT: it is in what the last backup printed.
says() {
	grep -qi "$1" <<<"$output" || {
		printf '%s\n' "$output"
		return 1
	}
}
nothing_new() { test "$(count_snapshots)" -eq "$before"; }

# replace SERVICE TOOL SCRIPT: the tool in the container is what the script says, until mend.  The true
# one is /tmp/kept/TOOL then; its name is kept, since Debian's tools look at it.
replace() {
	kept=$2
	docker exec -i -u root "ts-refuse-$1-1" sh -c "
		tool=\$(command -v $2) && real=\$(readlink -f \"\$tool\") && mkdir -p /tmp/kept/before &&
		mv \"\$tool\" /tmp/kept/before/$2 &&
		{ [ -e \"\$real\" ] || real=/tmp/kept/before/$2; } && ln -sf \"\$real\" /tmp/kept/$2 &&
		echo \"\$tool\" >/tmp/kept/path && cat >\"\$tool\" && chmod 755 \"\$tool\"" <<<"$3"
}
mend() {
	docker exec -i -u root "ts-refuse-$1-1" sh -c \
		"mv -f /tmp/kept/before/$kept \"\$(cat /tmp/kept/path)\""
}

# refused TEXT SERVICE WORDS: the backup fails with these words about the service.
refused() {
	local text=$1 service=$2 words=$3
	claim "$text: the backup fails" exits 1 "service $service: " "$stacksnap" backup ts-refuse
	claim "$text: the message says so" says "$words"
	claim "$text: no snapshot was written" nothing_new
	claim "$text: the app runs" app_goes_on ts-refuse
}

# The lies are told on standard output; test_lying_tools.sh tells them on both ways.
export STACKSNAP_OUTLET=none
replace db pg_dump '#!/bin/sh
case "$*" in *--version*) exec /tmp/kept/pg_dump "$@";; esac
exit 0'
refused "pg_dump that writes nothing and exits 0" db "the dump is empty"
mend db
replace db pg_dump '#!/bin/sh
case "$*" in *--version*) exec /tmp/kept/pg_dump "$@";; esac
/tmp/kept/pg_dump "$@" | head -c 20000
exit 0'
refused "pg_dump that is cut off and exits 0" db "without the end mark"
mend db
replace db pg_dump '#!/bin/sh
case "$*" in *--version*) exec /tmp/kept/pg_dump "$@";; esac
echo "pg_dump: error: out of luck" >&2
exit 1'
refused "pg_dump that fails" db "out of luck"
mend db
dump_tool=$(docker exec -i ts-refuse-mysql-1 sh -c 'basename "$(command -v mariadb-dump || command -v mysqldump)"')
replace mysql "$dump_tool" '#!/bin/sh
case "$*" in *--version*|*--help*) exec /tmp/kept/'"$dump_tool"' "$@";; esac
/tmp/kept/'"$dump_tool"' "$@" | head -c 30000
exit 0'
refused "mariadb-dump that is cut off and exits 0" mysql "without the end mark"
mend mysql
unset STACKSNAP_OUTLET
claim "with its own tools again the stack is backed up" "$stacksnap" backup ts-refuse
before=$(count_snapshots)

docker pause ts-refuse-db-1 >/dev/null
claim "a paused database is named, with the way out" \
	exits 11 "docker unpause ts-refuse-db-1" "$stacksnap" backup ts-refuse
claim "it stays paused, as it was found" \
	test "$(docker inspect -f '{{.State.Status}}' ts-refuse-db-1)" = paused
docker unpause ts-refuse-db-1 >/dev/null

# A stopped server's files are at rest: they are taken as files, and it stays stopped.
compose ts-refuse stop cache >/dev/null 2>&1
claim "with a stopped database the backup is complete" "$stacksnap" backup ts-refuse
claim "its data folder is in the snapshot as files" \
	exits 0 "dump.rdb" "$stacksnap" ls latest volumes/ts-refuse_redisdata
claim "it stays stopped" test "$(docker inspect -f '{{.State.Status}}' ts-refuse-cache-1)" = exited
compose ts-refuse start cache >/dev/null 2>&1
before=$(count_snapshots)

docker exec -i ts-refuse-mysql-1 sh -c 'mariadb -uroot -p"$MARIADB_ROOT_PASSWORD" -e "ALTER USER root@localhost IDENTIFIED BY \"other\""'
claim "a database that refuses the password fails the backup" \
	exits 1 "service mysql" "$stacksnap" backup ts-refuse
claim "the message speaks of the password" says password
claim "no snapshot was written then" nothing_new
claim "the app runs then" app_goes_on ts-refuse

claim "an unknown stack is told, with those that there are" \
	exits 1 "ts-refuse" "$stacksnap" backup no-such-stack
claim "without an engine the message says where it was looked for" \
	exits 1 "$work/nothing.sock" env DOCKER_HOST="unix://$work/nothing.sock" "$stacksnap" backup ts-refuse
claim "a wrong passphrase has its own exit code" \
	exits 12 "passphrase" env STACKSNAP_PASSWORD_FILE=/dev/stdin "$stacksnap" backup ts-refuse <<<"wrong"
claim "no repository has its own exit code" \
	exits 10 "stacksnap init" "$stacksnap" backup -r "$work/none" ts-refuse
exit $((failures > 0))
