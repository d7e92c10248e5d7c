#include "catalog/catalog_impl.h"

#include "base/buf.h"
#include "base/strv.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define BUSY_MS 5000

static enum err_code
take_lock(struct catalog *c, const char *path, struct err *err)
{
	AUTO(str) char *name = NULL;
	if (str_printf(&name, err, "%s.lock", path))
		return err->code;
	c->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->lock_fd < 0)
		return err_sys(err, "open %s", name);
	if (flock(c->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return ERR_OK;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_LOCKED,
		    "%s is in use by another stacksnap serve: stop that one first", path);
	return err_sys(err, "lock %s", name);
}

/* SQLite looks at its own pages; a damaged one must not be written to. */
static enum err_code
check_sound(struct catalog *c, const char *path, struct err *err)
{
	AUTO(stmt) struct stmt q = STMT_INIT;
	AUTO(str) char *said = NULL;
	bool row = false;
	enum err_code rc = stmt_prepare(&q, c->db, "PRAGMA quick_check(1)", err);
	if (rc == ERR_OK)
		rc = stmt_step(&q, &row, err);
	if (rc == ERR_OK && row)
		rc = stmt_get_text(&q, &said, err);
	if (rc == ERR_OK && (said == NULL || strcmp(said, "ok") != 0))
		rc = err_set(err, ERR_CORRUPT, "%s", said != NULL ? said : "it says nothing");
	if (rc == ERR_CORRUPT)
		return err_set(err, ERR_CORRUPT,
		    "%s is damaged: put it aside and start again; runs and schedules are read "
		    "anew from the "
		    "files beside it and from the repository, users and tokens must be made "
		    "again",
		    path);
	return rc;
}

static enum err_code
open_database(struct catalog *c, const char *path, struct err *err)
{
	int rc = sqlite3_open_v2(path, &c->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX |
		SQLITE_OPEN_NOFOLLOW,
	    NULL);
	if (rc != SQLITE_OK)
		return c->db != NULL ? stmt_failed(c->db, rc, path, err) : err_nomem(err);
	sqlite3_extended_result_codes(c->db, 1);
	sqlite3_busy_timeout(c->db, BUSY_MS);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (check_sound(c, path, err) || stmt_exec(c->db,
					     "PRAGMA journal_mode = WAL; PRAGMA synchronous = "
					     "FULL; PRAGMA foreign_keys = ON",
					     err))
		return err->code;
	return catalog_migrate(c->db, err);
}

enum err_code
catalog_open(struct catalog **out, const char *path, struct err *err)
{
	AUTO(catalog) struct catalog *c = calloc(1, sizeof *c);
	if (c == NULL)
		return err_nomem(err);
	c->lock_fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	mode_t mask = umask(0077);
	enum err_code rc = take_lock(c, path, err);
	if (rc == ERR_OK)
		rc = open_database(c, path, err);
	umask(mask);
	if (rc == ERR_OK)
		*out = TAKE(c);
	return rc;
}

void
catalog_close(struct catalog *c)
{
	if (c == NULL)
		return;
	sqlite3_close(c->db);
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static enum err_code
transact(struct catalog *c, catalog_work *work, void *arg, struct err *err)
{
	if (stmt_exec(c->db, "BEGIN IMMEDIATE", err))
		return err->code;
	enum err_code rc = work(c, arg, err);
	if (rc == ERR_OK)
		rc = stmt_exec(c->db, "COMMIT", err);
	struct err lost; /* why it is taken back matters more */
	if (rc != ERR_OK && sqlite3_get_autocommit(c->db) == 0)
		(void)!stmt_exec(c->db, "ROLLBACK", &lost);
	return rc;
}

enum err_code
catalog_transact(struct catalog *c, catalog_work *work, void *arg, struct err *err)
{
	pthread_mutex_lock(&c->lock);
	enum err_code rc = transact(c, work, arg, err);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

enum err_code
catalog_look(struct catalog *c, catalog_work *work, void *arg, struct err *err)
{
	pthread_mutex_lock(&c->lock);
	enum err_code rc = work(c, arg, err);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

/* --- settings --- */

struct setting {
	const char *name;
	const char *value;
	char *found;
};

static enum err_code
get_setting(struct catalog *c, void *arg, struct err *err)
{
	struct setting *s = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	bool row;
	if (stmt_prepare(&q, c->db, "SELECT value FROM setting WHERE name = ?", err))
		return err->code;
	stmt_text(&q, s->name);
	if (stmt_step(&q, &row, err))
		return err->code;
	return row ? stmt_get_text(&q, &s->found, err) : ERR_OK;
}

static enum err_code
put_setting(struct catalog *c, void *arg, struct err *err)
{
	const struct setting *s = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		s->value != NULL ? "INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)"
				 : "DELETE FROM setting WHERE name = ?",
		err))
		return err->code;
	stmt_text(&q, s->name);
	if (s->value != NULL)
		stmt_text(&q, s->value);
	return stmt_run(&q, err);
}

enum err_code
catalog_get(struct catalog *c, const char *name, char **value, struct err *err)
{
	struct setting s = { name, NULL, NULL };
	if (catalog_look(c, get_setting, &s, err))
		return err->code;
	*value = s.found;
	return ERR_OK;
}

enum err_code
catalog_put(struct catalog *c, const char *name, const char *value, struct err *err)
{
	struct setting s = { name, value, NULL };
	return catalog_transact(c, put_setting, &s, err);
}
