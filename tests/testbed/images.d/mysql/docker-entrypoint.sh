#!/usr/bin/env bash
# The official mysql image's contract, as far as compose files rely on it: MYSQL_ROOT_PASSWORD, ROOT_HOST,
# DATABASE, USER and PASSWORD (each also as NAME_FILE), MYSQL_ALLOW_EMPTY_PASSWORD, *.sql and *.sh in
# /docker-entrypoint-initdb.d, and the server as process 1.
set -euo pipefail
shopt -s nullglob

datadir=/var/lib/mysql
socket=/var/run/mysqld/mysqld.sock

die() {
	echo "docker-entrypoint.sh: $*" >&2
	exit 1
}

# setting NAME DEFAULT: prints what MYSQL_NAME or MYSQL_NAME_FILE says.
setting() {
	local name=MYSQL_$1 file_name=MYSQL_$1_FILE
	if [ -n "${!file_name:-}" ]; then
		printf '%s' "$(<"${!file_name}")"
	else
		printf '%s' "${!name:-$2}"
	fi
}

# Prints $1 as an SQL string literal.
quoted() {
	local text=${1//\\/\\\\}
	printf "'%s'" "${text//\'/\\\'}"
}

sql() {
	mysql --protocol=socket --socket="$socket" -uroot "$@"
}

account_sql() {
	local root=$1 host=$2 user=$3 password=$4 database=$5
	echo "SET @@SESSION.SQL_LOG_BIN=0;"
	[ -z "$database" ] || echo "CREATE DATABASE IF NOT EXISTS \`$database\`;"
	if [ -n "$user" ]; then
		echo "CREATE USER $(quoted "$user")@'%' IDENTIFIED BY $(quoted "$password");"
		[ -z "$database" ] || echo "GRANT ALL ON \`${database//_/\\_}\`.* TO $(quoted "$user")@'%';"
	fi
	if [ "$host" != localhost ]; then
		echo "CREATE USER root@$(quoted "$host") IDENTIFIED BY $(quoted "$root");"
		echo "GRANT ALL ON *.* TO root@$(quoted "$host") WITH GRANT OPTION;"
	fi
	echo "ALTER USER root@localhost IDENTIFIED BY $(quoted "$root");"
}

init_server() {
	local root database pid i file into=()
	root=$(setting ROOT_PASSWORD "")
	[ -n "$root" ] || [ -n "${MYSQL_ALLOW_EMPTY_PASSWORD:-}" ] ||
		die "the database is uninitialized and MYSQL_ROOT_PASSWORD is not set"
	database=$(setting DATABASE "")
	"$@" --initialize-insecure
	"$@" --skip-networking --socket="$socket" &
	pid=$!
	for ((i = 0; i < 300; i++)); do
		sql -e 'SELECT 1' >/dev/null 2>&1 && break
		kill -0 "$pid" 2>/dev/null || die "the server ended while it was being initialized"
		sleep 0.1
	done
	account_sql "$root" "$(setting ROOT_HOST %)" "$(setting USER "")" "$(setting PASSWORD "")" "$database" | sql
	[ -z "$database" ] || into=(--database="$database")
	export MYSQL_PWD=$root
	for file in /docker-entrypoint-initdb.d/*; do
		case $file in
		*.sql) sql "${into[@]}" <"$file" ;;
		*.sh) bash "$file" ;;
		esac
	done
	unset MYSQL_PWD
	kill "$pid"
	wait "$pid"
	echo "MySQL init process done. Ready for start up."
}

[ "${1#-}" = "$1" ] || set -- mysqld "$@"

if [ "$1" = mysqld ]; then
	if [ "$(id -u)" = 0 ]; then
		mkdir -p "$datadir" "${socket%/*}"
		find "$datadir" "${socket%/*}" \! -user mysql -exec chown mysql: '{}' +
		exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
	fi
	[ -d "$datadir/mysql" ] || init_server "$@"
fi

exec "$@"
