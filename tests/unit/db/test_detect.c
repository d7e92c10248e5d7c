#include "testing.h"

#include "base/strv.h"
#include "db/connector.h"

/* A service as one line each for env, entrypoint and command, words split by ';'. */
struct service {
	enum db_kind kind;
	const char *image;
	const char *env;
	const char *entrypoint;
	const char *command;
	const char *ports;
};

static const char pg_env[] = "PG_MAJOR=15;PGDATA=/var/lib/postgresql/data;POSTGRES_PASSWORD=x";

static const struct service services[] = {
	{ DB_POSTGRES, "postgres", pg_env, "docker-entrypoint.sh", "postgres", "5432/tcp" },
	{ DB_POSTGRES, "postgres:15-alpine@sha256:00ff", "", "", "", "" },
	{ DB_POSTGRES, "docker.io/library/postgres:16", "", "docker-entrypoint.sh",
	    "postgres;-c;max_connections=200", "" },
	{ DB_POSTGRES, "postgres:16", "", "docker-entrypoint.sh", "-c;shared_buffers=1GB", "" },
	{ DB_POSTGRES, "bitnami/postgresql:15", "BITNAMI_APP_NAME=postgresql",
	    "/opt/bitnami/scripts/postgresql/entrypoint.sh",
	    "/opt/bitnami/scripts/postgresql/run.sh", "5432/tcp" },
	{ DB_POSTGRES, "postgis/postgis:15-3.4", "", "docker-entrypoint.sh", "postgres", "" },
	{ DB_POSTGRES, "timescale/timescaledb:latest-pg15", "", "", "postgres", "" },
	{ DB_POSTGRES, "pgvector/pgvector:pg17", "", "", "", "" },
	{ DB_POSTGRES, "ghcr.io:443/acme/postgres:1", "", "", "", "" },
	{ DB_POSTGRES, "registry.example/shop-database:7", pg_env, "docker-entrypoint.sh",
	    "postgres", "5432/tcp" },
	{ DB_POSTGRES, "supabase/postgres:15", "", "", "postgres;-D;/etc/postgresql", "" },
	{ DB_MARIADB, "mariadb:10.11", "", "docker-entrypoint.sh", "mariadbd", "3306/tcp" },
	{ DB_MARIADB, "mariadb", "", "docker-entrypoint.sh", "--character-set-server=utf8mb4",
	    "" },
	{ DB_MARIADB, "lscr.io/linuxserver/mariadb:latest", "", "/init", "", "3306/tcp" },
	{ DB_MARIADB, "acme/data", "MARIADB_VERSION=1:10.11", "docker-entrypoint.sh",
	    "mariadbd", "3306/tcp" },
	{ DB_MYSQL, "mysql:8", "MYSQL_MAJOR=8.0", "docker-entrypoint.sh", "mysqld",
	    "3306/tcp" },
	{ DB_MYSQL, "percona/percona-server:8.0", "", "", "mysqld", "" },
	{ DB_REDIS, "redis:7-alpine", "", "docker-entrypoint.sh", "redis-server", "6379/tcp" },
	{ DB_REDIS, "redis", "", "docker-entrypoint.sh", "--requirepass;x", "" },
	{ DB_REDIS, "redis", "", "docker-entrypoint.sh", "/etc/redis/redis.conf", "" },
	{ DB_REDIS, "redis", "", "docker-entrypoint.sh",
	    "sh;-c;exec redis-server --requirepass \"$PW\"", "" },
	{ DB_REDIS, "redis/redis-stack-server", "", "/entrypoint.sh", "", "6379/tcp" },
	{ DB_MONGODB, "mongo:8", "", "docker-entrypoint.sh", "mongod", "27017/tcp" },
	{ DB_MONGODB, "mongo", "", "docker-entrypoint.sh", "--replSet;rs0;--bind_ip_all", "" },
	{ DB_MONGODB, "mongodb/mongodb-community-server:7.0-ubi9", "", "", "", "27017/tcp" },
	{ DB_MONGODB, "bitnami/mongodb", "", "", "/opt/bitnami/scripts/mongodb/run.sh", "" },
	{ DB_MONGODB, "percona/percona-server-mongodb:7", "", "", "", "" },
	{ DB_MONGODB, "acme/data", "MONGO_VERSION=8.0", "docker-entrypoint.sh", "mongod",
	    "27017/tcp" },
	{ DB_NONE, "mongo:8", "", "docker-entrypoint.sh", "mongosh;--eval;rs.initiate()", "" },
	{ DB_NONE, "mongo-express", "", "", "", "8081/tcp" },
	{ DB_VALKEY, "valkey/valkey:8", "", "docker-entrypoint.sh", "valkey-server",
	    "6379/tcp" },

	{ DB_NONE, "nginx", "", "", "", "80/tcp" },
	{ DB_NONE, "shop/app", "POSTGRES_PASSWORD=x;POSTGRES_HOST=db", "", "node;app.js",
	    "3000/tcp" },
	{ DB_NONE, "prometheuscommunity/postgres-exporter", "", "/bin/postgres_exporter", "",
	    "" },
	{ DB_NONE, "dpage/pgadmin4", "", "/entrypoint.sh", "", "80/tcp" },
	{ DB_NONE, "edoburu/pgbouncer", "", "", "", "5432/tcp" },
	{ DB_NONE, "oliver006/redis_exporter", "", "/redis_exporter", "", "9121/tcp" },
	{ DB_NONE, "rediscommander/redis-commander", "", "", "", "8081/tcp" },
	{ DB_NONE, "phpmyadmin", "", "", "apache2-foreground", "80/tcp" },
	{ DB_NONE, "databack/mysql-backup", "", "/entrypoint", "", "" },
	{ DB_NONE, "prodrigestivill/postgres-backup-local:15", pg_env, "", "/init.sh",
	    "5432/tcp" },
	{ DB_NONE, "postgres:15", pg_env, "docker-entrypoint.sh", "pg_dump;-h;db", "5432/tcp" },
	{ DB_NONE, "postgres:15", pg_env, "docker-entrypoint.sh", "sh;-c;psql -h db -f x.sql",
	    "" },
	{ DB_NONE, "redis:7", "", "docker-entrypoint.sh", "redis-cli;monitor", "" },
	{ DB_NONE, "redis:7", "", "docker-entrypoint.sh", "redis-sentinel;/s.conf", "" },
};

struct lists {
	struct strv env;
	struct strv entrypoint;
	struct strv command;
	struct strv ports;
};

static void
fill(struct db_target *t, struct lists *l, const struct service *s)
{
	struct err err;
	*l = (struct lists){ STRV_INIT, STRV_INIT, STRV_INIT, STRV_INIT };
	if (strv_split(&l->env, s->env, ';', &err) ||
	    strv_split(&l->entrypoint, s->entrypoint, ';', &err) ||
	    strv_split(&l->command, s->command, ';', &err) ||
	    strv_split(&l->ports, s->ports, ';', &err))
		abort();
	*t = (struct db_target){ .service = "db",
		.image = s->image,
		.env = &l->env,
		.entrypoint = &l->entrypoint,
		.command = &l->command,
		.ports = &l->ports };
}

static void
lists_release(struct lists *l)
{
	strv_release(&l->env);
	strv_release(&l->entrypoint);
	strv_release(&l->command);
	strv_release(&l->ports);
}

static void
servers_are_known_and_their_companions_are_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		struct db_target t;
		struct lists l;
		fill(&t, &l, &services[i]);
		enum db_kind kind = connector_detect(&t);
		if (kind != services[i].kind)
			fail_msg("%s %s: %s", services[i].image, services[i].command,
			    db_kind_word(kind));
		lists_release(&l);
	}
}

static void
service_of_which_nothing_is_known_but_its_image_is_judged_by_that(void **state)
{
	(void)state;
	struct db_target t = { .service = "db", .image = "postgres:15" };
	assert_int_equal(connector_detect(&t), DB_POSTGRES);
	t.image = "";
	assert_int_equal(connector_detect(&t), DB_NONE);
}

static enum db_mount_use
use_of(const struct service *s, const char *mount)
{
	struct db_target t;
	struct lists l;
	fill(&t, &l, s);
	enum db_mount_use use = connector_mount_use(&t, s->kind, mount);
	lists_release(&l);
	return use;
}

static void
data_folder_and_what_is_below_it_are_not_captured_as_files(void **state)
{
	(void)state;
	const struct service pg = { DB_POSTGRES, "postgres", "", "", "", "" };
	assert_int_equal(use_of(&pg, "/var/lib/postgresql/data"), DB_MOUNT_DATA);
	assert_int_equal(use_of(&pg, "/var/lib/postgresql/data/"), DB_MOUNT_DATA);
	assert_int_equal(use_of(&pg, "/var/lib/postgresql/data/pg_wal"), DB_MOUNT_DATA);
	assert_int_equal(use_of(&pg, "/var/lib/postgresql"), DB_MOUNT_AROUND);
	assert_int_equal(use_of(&pg, "/var/lib/postgresql/data2"), DB_MOUNT_OTHER);
	assert_int_equal(use_of(&pg, "/docker-entrypoint-initdb.d"), DB_MOUNT_OTHER);
	const struct service maria = { DB_MARIADB, "mariadb", "", "", "", "" };
	assert_int_equal(use_of(&maria, "/var/lib/mysql"), DB_MOUNT_DATA);
	assert_int_equal(use_of(&maria, "/etc/mysql/conf.d"), DB_MOUNT_OTHER);
	assert_int_equal(use_of(&maria, "/"), DB_MOUNT_AROUND);
	const struct service none = { DB_NONE, "app", "", "", "", "" };
	assert_int_equal(use_of(&none, "/data"), DB_MOUNT_OTHER);
}

static void
data_folder_may_be_moved_by_environment_or_command(void **state)
{
	(void)state;
	const struct service pg18 = { DB_POSTGRES, "postgres:18",
		"PGDATA=/var/lib/postgresql/18/docker", "", "", "" };
	assert_int_equal(use_of(&pg18, "/var/lib/postgresql"), DB_MOUNT_AROUND);
	assert_int_equal(use_of(&pg18, "/var/lib/postgresql/18/docker"), DB_MOUNT_DATA);
	const struct service maria = { DB_MARIADB, "mariadb", "", "", "mariadbd;--datadir=/db/",
		"" };
	assert_int_equal(use_of(&maria, "/db"), DB_MOUNT_DATA);
	assert_int_equal(use_of(&maria, "/var/lib/mysql"), DB_MOUNT_OTHER);
	const struct service redis = { DB_REDIS, "redis", "", "",
		"sh;-c;redis-server --dir ${D}/x --save ''", "" };
	assert_int_equal(use_of(&redis, "/x"), DB_MOUNT_DATA);
	const struct service bitnami = { DB_REDIS, "bitnami/redis", "BITNAMI_APP_NAME=redis",
		"", "", "" };
	assert_int_equal(use_of(&bitnami, "/bitnami/redis/data"), DB_MOUNT_DATA);
	assert_int_equal(use_of(&bitnami, "/bitnami/redis"), DB_MOUNT_AROUND);
}

static void
kinds_have_words_that_lead_back_to_them(void **state)
{
	(void)state;
	for (int kind = DB_NONE; kind <= DB_MONGODB; kind++)
		assert_int_equal(
		    db_kind_of_word(db_kind_word((enum db_kind)kind)), (enum db_kind)kind);
	assert_int_equal(db_kind_of_word("oracle"), DB_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_are_known_and_their_companions_are_not),
		cmocka_unit_test(
		    service_of_which_nothing_is_known_but_its_image_is_judged_by_that),
		cmocka_unit_test(data_folder_and_what_is_below_it_are_not_captured_as_files),
		cmocka_unit_test(data_folder_may_be_moved_by_environment_or_command),
		cmocka_unit_test(kinds_have_words_that_lead_back_to_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
