/* connector_detect and what follows from it: which folder and mounts are the database's own. */
#include "db/connector.h"
#include "db/target.h"

#include <string.h>

/* What is known of a kind of server. */
struct signature {
	enum db_kind kind;
	const char *images[12]; /* last components of image names */
	const char *servers[4]; /* programs */
	const char *image_env[2]; /* set by the official image and what is built on it */
	const char *port;
};

static const struct signature signatures[] = {
	{ DB_POSTGRES,
	    { "postgres", "postgresql", "postgis", "timescaledb", "timescaledb-ha", "pgvector",
		"pgvecto-rs", "vectorchord-postgres", "citus", "pgrouting", "paradedb" },
	    { "postgres", "postmaster" }, { "PGDATA", "PG_MAJOR" }, "5432/tcp" },
	{ DB_MARIADB, { "mariadb", "mariadb-galera" }, { "mariadbd", "mysqld" },
	    { "MARIADB_VERSION" }, "3306/tcp" },
	{ DB_MYSQL, { "mysql", "mysql-server", "percona", "percona-server" }, { "mysqld" },
	    { "MYSQL_MAJOR" }, "3306/tcp" },
	{ DB_VALKEY, { "valkey", "valkey-bundle" }, { "valkey-server" }, { "VALKEY_VERSION" },
	    "6379/tcp" },
	{ DB_REDIS, { "redis", "redis-stack-server", "redis-stack" }, { "redis-server" },
	    { "REDIS_VERSION" }, "6379/tcp" },
	{ DB_MONGODB,
	    { "mongo", "mongodb", "mongodb-community-server", "mongodb-enterprise-server",
		"mongodb-atlas-local", "percona-server-mongodb" },
	    { "mongod" }, { "MONGO_VERSION" }, "27017/tcp" },
};

/* "ghcr.io:443/acme/postgres:15@sha256:..." gives "postgres". */
static size_t
image_name(const char *image, const char **name)
{
	size_t len = strcspn(image, "@");
	const char *begin = memrchr(image, '/', len);
	begin = begin != NULL ? begin + 1 : image;
	const char *end = memchr(begin, ':', len - (size_t)(begin - image));
	*name = begin;
	return (size_t)((end != NULL ? end : image + len) - begin);
}

static bool
image_is_listed(const struct signature *s, const char *image)
{
	const char *name;
	size_t len = image_name(image, &name);
	for (size_t i = 0; i < ARRAY_LEN(s->images) && s->images[i] != NULL; i++)
		if (strlen(s->images[i]) == len && memcmp(s->images[i], name, len) == 0)
			return true;
	return false;
}

static bool
names_server(const struct signature *s, const char *word)
{
	const char *base = path_base(word);
	for (size_t i = 0; i < ARRAY_LEN(s->servers) && s->servers[i] != NULL; i++)
		if (strcmp(base, s->servers[i]) == 0)
			return true;
	return false;
}

static bool
is_entrypoint_script(const char *word)
{
	const char *base = path_base(word);
	return strcmp(base, "docker-entrypoint.sh") == 0 || strcmp(base, "entrypoint.sh") == 0;
}

enum intent {
	RUNS_SERVER, /* a word is the server's program */
	RUNS_OTHER, /* the command is some other program */
	RUNS_IMAGE, /* nothing, or only options: what the image does by itself */
};

static enum intent
intent_of(const struct signature *s, const struct db_target *t)
{
	AUTO(strv) struct strv words = STRV_INIT;
	struct err ignored; /* without memory nothing is detected, and the next step says why */
	if (target_words(&words, t, &ignored))
		return RUNS_OTHER;
	for (size_t i = 0; i < words.len; i++)
		if (names_server(s, words.items[i]))
			return RUNS_SERVER;
	if (t->command == NULL || t->command->len == 0)
		return RUNS_IMAGE;
	/* Official entrypoints put the server before options and before a configuration file.
	 */
	const char *first = t->command->items[0];
	if (first[0] == '-' || str_ends(first, ".conf"))
		return RUNS_IMAGE;
	/* Images of others run a script of their own, like /opt/bitnami/scripts/redis/run.sh.
	 */
	return str_ends(first, "/run.sh") ? RUNS_IMAGE : RUNS_OTHER;
}

static bool
has_image_env(const struct signature *s, const struct db_target *t)
{
	for (size_t i = 0; i < ARRAY_LEN(s->image_env) && s->image_env[i] != NULL; i++)
		if (target_env(t, s->image_env[i]) == NULL)
			return false;
	return true;
}

/* Is the entrypoint what such an image has, or none? */
static bool
has_usual_entrypoint(const struct db_target *t)
{
	return t->entrypoint == NULL || t->entrypoint->len == 0 ||
	       is_entrypoint_script(t->entrypoint->items[0]);
}

static bool
matches(const struct signature *s, const struct db_target *t)
{
	enum intent intent = intent_of(s, t);
	if (intent == RUNS_OTHER)
		return false;
	if (image_is_listed(s, t->image))
		return true;
	/* An image of one's own, built on the official one: no name to go by. */
	bool exposed = t->ports != NULL && strv_has(t->ports, s->port);
	if (!exposed || !has_image_env(s, t))
		return false;
	return intent == RUNS_SERVER || has_usual_entrypoint(t);
}

enum db_kind
connector_detect(const struct db_target *t)
{
	for (size_t i = 0; i < ARRAY_LEN(signatures); i++)
		if (matches(&signatures[i], t))
			return signatures[i].kind;
	return DB_NONE;
}

static bool
has_env_prefix(const struct db_target *t, const char *prefix)
{
	for (size_t i = 0; t->env != NULL && i < t->env->len; i++)
		if (str_starts(t->env->items[i], prefix))
			return true;
	return false;
}

/* Where the image keeps its data when nothing says otherwise. */
static const char *
default_folder(const struct db_target *t, enum db_kind kind)
{
	bool bitnami = has_env_prefix(t, "BITNAMI_");
	switch (kind) {
	case DB_POSTGRES:
		return bitnami ? "/bitnami/postgresql/data" : "/var/lib/postgresql/data";
	case DB_MARIADB:
		return bitnami ? "/bitnami/mariadb/data" : "/var/lib/mysql";
	case DB_MYSQL:
		return bitnami ? "/bitnami/mysql/data" : "/var/lib/mysql";
	case DB_REDIS:
		return bitnami ? "/bitnami/redis/data" : "/data";
	case DB_VALKEY:
		return bitnami ? "/bitnami/valkey/data" : "/data";
	case DB_MONGODB:
		return bitnami ? "/bitnami/mongodb/data/db" : "/data/db";
	case DB_NONE:
		break;
	}
	return "/";
}

static const char *
configured_folder(const struct db_target *t, enum db_kind kind, const struct strv *words)
{
	switch (kind) {
	case DB_POSTGRES: {
		const char *set = words_setting(words, "data_directory");
		return set != NULL ? set : target_env(t, "PGDATA");
	}
	case DB_MARIADB:
	case DB_MYSQL:
		return words_option(words, "datadir");
	case DB_REDIS:
	case DB_VALKEY:
		return words_option(words, "dir");
	case DB_MONGODB:
		return words_option(words, "dbpath");
	case DB_NONE:
		break;
	}
	return NULL;
}

enum err_code
connector_data_folder(char **out, const struct db_target *t, enum db_kind kind, struct err *err)
{
	AUTO(strv) struct strv words = STRV_INIT;
	if (target_words(&words, t, err))
		return err->code;
	const char *set = configured_folder(t, kind, &words);
	if (set == NULL || set[0] != '/')
		set = default_folder(t, kind);
	size_t len = strlen(set);
	while (len > 1 && set[len - 1] == '/')
		len--;
	return str_dupn(out, set, len, err);
}

/* Is path the folder or below it? */
static bool
is_within(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	while (n > 1 && folder[n - 1] == '/')
		n--;
	if (n == 1 && folder[0] == '/')
		return path[0] == '/';
	return strncmp(path, folder, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

enum db_mount_use
connector_mount_use(const struct db_target *t, enum db_kind kind, const char *destination)
{
	if (kind == DB_NONE)
		return DB_MOUNT_OTHER;
	AUTO(str) char *folder = NULL;
	struct err ignored; /* without memory the mount is captured as files: nothing is lost */
	if (connector_data_folder(&folder, t, kind, &ignored))
		return DB_MOUNT_OTHER;
	if (is_within(destination, folder))
		return DB_MOUNT_DATA;
	return is_within(folder, destination) ? DB_MOUNT_AROUND : DB_MOUNT_OTHER;
}
