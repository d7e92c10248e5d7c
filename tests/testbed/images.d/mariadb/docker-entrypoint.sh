#!/usr/bin/env bash
# The official mariadb image's contract, as far as compose files rely on it: MARIADB_* and MYSQL_*
# with ROOT_PASSWORD, ROOT_HOST, DATABASE, USER, PASSWORD (each also as NAME_FILE),
# ALLOW_EMPTY_ROOT_PASSWORD and RANDOM_ROOT_PASSWORD, /docker-entrypoint-initdb.d, the healthcheck
# user with its password file in the data folder, and the server as process 1.
set -euo pipefail
shopt -s nullglob

datadir=/var/lib/mysql
socket=/run/mysqld/mysqld.sock

die() {
	echo "docker-entrypoint.sh: $*" >&2
	exit 1
}

# setting NAME DEFAULT: prints what MARIADB_NAME, MYSQL_NAME or one of their _FILE variables say.
setting() {
	local name file_name value=
	for name in "MARIADB_$1" "MYSQL_$1"; do
		file_name=${name}_FILE
		[ -z "${!name:-}" ] || [ -z "${!file_name:-}" ] || die "both $name and $file_name are set"
		[ -n "$value" ] || value=${!name:-}
		if [ -z "$value" ] && [ -n "${!file_name:-}" ]; then
			value=$(<"${!file_name}")
		fi
	done
	printf '%s' "${value:-$2}"
}

new_password() {
	head -c 24 /dev/urandom | base64 | tr '+/' '._'
}

# Prints $1 as an SQL string literal.
quoted() {
	local text=${1//\\/\\\\}
	printf "'%s'" "${text//\'/\\\'}"
}

sql() {
	mariadb --protocol=socket --socket="$socket" -uroot "$@"
}

account_sql() {
	local root=$1 host=$2 user=$3 password=$4 database=$5 health=$6 from
	echo "SET @@SESSION.SQL_LOG_BIN=0;"
	# mariadb-install-db makes roots without a password, one for the container's name of that moment.
	sql -N -e "SELECT CONCAT('DROP USER root@', QUOTE(Host), ';') FROM mysql.global_priv
		WHERE User = 'root' AND Host <> 'localhost'"
	for from in 127.0.0.1 ::1 localhost; do
		echo "CREATE USER healthcheck@$(quoted "$from") IDENTIFIED BY $(quoted "$health");"
		echo "GRANT USAGE ON *.* TO healthcheck@$(quoted "$from");"
	done
	if [ -n "$database" ]; then
		echo "CREATE DATABASE IF NOT EXISTS \`$database\`;"
	fi
	if [ -n "$user" ]; then
		echo "CREATE USER $(quoted "$user")@'%' IDENTIFIED BY $(quoted "$password");"
		[ -z "$database" ] ||
			echo "GRANT ALL ON \`${database//_/\\_}\`.* TO $(quoted "$user")@'%';"
	fi
	if [ "$host" != localhost ]; then
		echo "CREATE USER root@$(quoted "$host") IDENTIFIED BY $(quoted "$root");"
		echo "GRANT ALL ON *.* TO root@$(quoted "$host") WITH GRANT OPTION;"
		echo "GRANT PROXY ON ''@'%' TO root@$(quoted "$host") WITH GRANT OPTION;"
	fi
	echo "SET PASSWORD FOR root@localhost = PASSWORD($(quoted "$root"));"
}

run_init_file() {
	echo "$0: running $1"
	case $1 in
	*.sh)
		if [ -x "$1" ]; then
			"$1"
		else
			# shellcheck disable=SC1090 # the user's own script
			. "$1"
		fi
		;;
	*.sql) sql "${into[@]}" <"$1" ;;
	*.sql.gz) gunzip -c "$1" | sql "${into[@]}" ;;
	*.sql.xz) xzcat "$1" | sql "${into[@]}" ;;
	*.sql.zst) zstd -dc "$1" | sql "${into[@]}" ;;
	*) echo "$0: ignoring $1" ;;
	esac
}

init_server() {
	local root health database
	root=$(setting ROOT_PASSWORD "")
	if [ -z "$root" ]; then
		if [ -n "$(setting RANDOM_ROOT_PASSWORD "")" ]; then
			root=$(new_password)
			echo "GENERATED ROOT PASSWORD: $root"
		elif [ -z "$(setting ALLOW_EMPTY_ROOT_PASSWORD "${MYSQL_ALLOW_EMPTY_PASSWORD:-}")" ]; then
			die "the database is uninitialized and MARIADB_ROOT_PASSWORD is not set"
		fi
	fi
	database=$(setting DATABASE "")
	health=$(new_password)

	cp -a /usr/local/share/mariadb/made/. "$datadir/"
	"$@" --skip-networking --socket="$socket" &
	local pid=$! i
	for ((i = 0; i < 300; i++)); do
		sql -e 'SELECT 1' >/dev/null 2>&1 && break
		kill -0 "$pid" 2>/dev/null || die "the server ended while it was being initialized"
		sleep 0.1
	done

	(
		umask 0077
		printf '[mariadb-client]\nport=3306\nsocket=%s\nuser=healthcheck\npassword=%s\nprotocol=tcp\n' \
			"$socket" "$health" >"$datadir/.my-healthcheck.cnf"
	)
	account_sql "$root" "$(setting ROOT_HOST %)" "$(setting USER "")" "$(setting PASSWORD "")" \
		"$database" "$health" | sql --database=mysql

	into=()
	[ -z "$database" ] || into=(--database="$database")
	export MYSQL_PWD=$root
	for file in /docker-entrypoint-initdb.d/*; do
		run_init_file "$file"
	done
	unset MYSQL_PWD

	kill "$pid"
	wait "$pid"
	echo "MariaDB init process done. Ready for start up."
}

[ "${1#-}" = "$1" ] || set -- mariadbd "$@"

if [ "$1" = mariadbd ] || [ "$1" = mysqld ]; then
	if [ "$(id -u)" = 0 ]; then
		mkdir -p "$datadir" /run/mysqld
		find "$datadir" /run/mysqld \! -user mysql -exec chown mysql: '{}' +
		exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
	fi
	[ -d "$datadir/mysql" ] || init_server "$@"
fi

exec "$@"
