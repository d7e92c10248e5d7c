#!/usr/bin/env bash
# The official redis and valkey images' contract: arguments that begin with a dash or name a .conf
# file go to the server, /data belongs to its user, and the server is process 1.
set -euo pipefail

flavour=$REDIS_FLAVOUR
if [ $# -eq 0 ] || [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
	set -- "$flavour-server" "$@"
fi

case $1 in
redis-server | valkey-server)
	shift
	# The official images are built with protected mode off; Debian's binary has it on.
	[[ " $* " == *" --protected-mode "* ]] || set -- "$@" --protected-mode no
	set -- "$flavour-server" "$@"
	if [ "$(id -u)" = 0 ]; then
		find . \! -user "$flavour" -exec chown "$flavour" '{}' +
		exec setpriv --reuid="$flavour" --regid="$flavour" --init-groups "$0" "$@"
	fi
	umask 0077
	;;
esac

exec "$@"
