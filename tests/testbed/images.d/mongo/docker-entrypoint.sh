#!/usr/bin/env bash
# The official mongo image's contract: arguments that begin with a dash go to the server, which runs as its
# own user on /data/db; with MONGO_INITDB_ROOT_USERNAME and _PASSWORD (or _FILE) the first start makes that
# user, and the server asks for a login.
set -euo pipefail

if [ $# -eq 0 ] || [ "${1#-}" != "$1" ]; then
	set -- mongod "$@"
fi
[ "$1" = mongod ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
	chown -R mongodb:mongodb /data/db
	for name in MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD; do
		file=${name}_FILE
		[ -z "${!file:-}" ] || export "$name=$(cat "${!file}")"
	done
	export HOME=/data/db
	exec setpriv --reuid=mongodb --regid=mongodb --init-groups "$0" "$@"
fi
[ -z "${MONGO_INITDB_ROOT_USERNAME:-}" ] || set -- "$@" --auth
exec "$@"
