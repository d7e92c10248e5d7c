#!/usr/bin/env bash
# The two checks of the official image's healthcheck.sh that compose files use:
# --connect (the server accepts TCP) and --innodb_initialized.
set -euo pipefail

cnf=/var/lib/mysql/.my-healthcheck.cnf
client=(mariadb)
[ ! -r "$cnf" ] || client+=(--defaults-extra-file="$cnf")

connect() {
	local answer
	answer=$("${client[@]}" -h 127.0.0.1 --protocol tcp -BN -e 'SELECT @@skip_networking' 2>&1) || true
	# A refusal by the server (SQLSTATE 28000) is a connection too.
	[ "$answer" = 0 ] || [[ $answer == *"(28000)"* ]]
}

innodb_initialized() {
	local answer
	answer=$("${client[@]}" --protocol socket -BN -e \
		"SELECT 1 FROM information_schema.ENGINES WHERE engine = 'innodb' AND support IN ('YES', 'DEFAULT', 'ENABLED')")
	[ "$answer" = 1 ]
}

[ $# -gt 0 ] || set -- --connect
for check; do
	case $check in
	--connect | --innodb_initialized) "${check#--}" || {
		echo "healthcheck ${check#--} failed" >&2
		exit 1
	} ;;
	*)
		echo "healthcheck.sh: unknown check: $check" >&2
		exit 1
		;;
	esac
done
