#!/usr/bin/env bash
# The official postgres image's contract, as far as compose files rely on it: POSTGRES_USER,
# POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_INITDB_ARGS (each also as NAME_FILE),
# POSTGRES_HOST_AUTH_METHOD, PGDATA, /docker-entrypoint-initdb.d, and the server as process 1.
set -euo pipefail
shopt -s nullglob

die() {
	echo "docker-entrypoint.sh: $*" >&2
	exit 1
}

# from_file NAME DEFAULT: sets NAME from NAME_FILE, or to the default.
from_file() {
	local file_name=${1}_FILE value=${!1:-}
	if [ -n "${!file_name:-}" ]; then
		[ -z "$value" ] || die "both $1 and $file_name are set"
		value=$(<"${!file_name}")
	fi
	export "$1=${value:-$2}"
	unset "$file_name"
}

server_runs() {
	[ "$1" = postgres ] && [[ " $* " != *" --version "* && " $* " != *" --help "* ]]
}

is_copy=no
init_cluster() {
	from_file POSTGRES_PASSWORD ""
	from_file POSTGRES_USER postgres
	from_file POSTGRES_DB "$POSTGRES_USER"
	from_file POSTGRES_INITDB_ARGS ""
	: "${POSTGRES_HOST_AUTH_METHOD:=scram-sha-256}"
	[ -n "$POSTGRES_PASSWORD" ] || [ "$POSTGRES_HOST_AUTH_METHOD" = trust ] ||
		die "the database is uninitialized and POSTGRES_PASSWORD is not set"

	if [ -z "$POSTGRES_INITDB_ARGS" ]; then
		cp -a /usr/local/share/postgresql/made/. "$PGDATA/"
		is_copy=yes
	else
		local args=()
		eval "args=($POSTGRES_INITDB_ARGS)"
		initdb --no-sync --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${args[@]}"
	fi
	printf '\nhost all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >>"$PGDATA/pg_hba.conf"
}

# The superuser of a cluster that was copied gets its password and its name.  One cannot rename oneself by
# ALTER ROLE.
name_superuser() {
	psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username postgres --dbname postgres \
		--set password="$POSTGRES_PASSWORD" --set name="$POSTGRES_USER" <<-'SQL'
			SELECT :'password' <> '' AS has_password \gset
			\if :has_password
			ALTER ROLE postgres PASSWORD :'password';
			\endif
			UPDATE pg_authid SET rolname = :'name' WHERE rolname = 'postgres';
		SQL
}

run_sql() {
	psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --no-password --dbname "$POSTGRES_DB" "$@"
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
	*.sql) run_sql -f "$1" ;;
	*.sql.gz) gunzip -c "$1" | run_sql ;;
	*.sql.xz) xzcat "$1" | run_sql ;;
	*.sql.zst) zstd -dc "$1" | run_sql ;;
	*) echo "$0: ignoring $1" ;;
	esac
}

# A server that only answers on its own socket while the init files run.
init_databases() {
	PGUSER=$POSTGRES_USER pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
	[ $is_copy = no ] || name_superuser
	[ "$POSTGRES_DB" = postgres ] ||
		run_sql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
	for file in /docker-entrypoint-initdb.d/*; do
		run_init_file "$file"
	done
	PGUSER=$POSTGRES_USER pg_ctl -D "$PGDATA" -m fast -w stop
}

[ "${1#-}" = "$1" ] || set -- postgres "$@"

if server_runs "$@"; then
	if [ "$(id -u)" = 0 ]; then
		mkdir -p "$PGDATA" /var/run/postgresql
		chmod 0700 "$PGDATA"
		chmod 03775 /var/run/postgresql
		find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
		chown postgres:postgres /var/run/postgresql
		exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
	fi
	if [ ! -s "$PGDATA/PG_VERSION" ]; then
		init_cluster
		init_databases
		echo "PostgreSQL init process complete; ready for start up."
	fi
	unset POSTGRES_PASSWORD
fi

exec "$@"
