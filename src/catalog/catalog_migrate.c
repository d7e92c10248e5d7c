/*
 * The tables, version by version.  A step is never changed once it was released: what comes
 * later is a step of its own.
 */
#include "catalog/catalog_impl.h"

#include <stdio.h>

static const char *const steps[] = {
	/* 1 */
	"CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT "
	"ROWID;"
	"CREATE TABLE schedule ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  kind TEXT NOT NULL CHECK (kind IN ('backup', 'verify', 'drill', 'retention')),"
	"  stack TEXT NOT NULL,"
	"  cron TEXT NOT NULL,"
	"  zone TEXT NOT NULL,"
	"  options TEXT NOT NULL,"
	"  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),"
	"  catch_up_s INTEGER NOT NULL CHECK (catch_up_s >= 0),"
	"  next_at INTEGER,"
	"  last_run INTEGER"
	") STRICT;"
	"CREATE TABLE run ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  kind TEXT NOT NULL,"
	"  stack TEXT NOT NULL,"
	"  schedule INTEGER,"
	"  asked_by TEXT NOT NULL,"
	"  argv TEXT NOT NULL,"
	"  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'complete', 'partial', "
	"'failed',"
	"    'cancelled', 'lost')),"
	"  asked_ns INTEGER NOT NULL,"
	"  began_ns INTEGER,"
	"  ended_ns INTEGER,"
	"  pid INTEGER,"
	"  pid_began INTEGER,"
	"  exit_code INTEGER,"
	"  snapshot TEXT,"
	"  summary TEXT"
	") STRICT;"
	"CREATE INDEX run_of_stack ON run (stack, id);"
	"CREATE INDEX run_unfinished ON run (state) WHERE state IN ('queued', 'running');"
	"CREATE TABLE user ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  name TEXT NOT NULL UNIQUE,"
	"  password TEXT NOT NULL,"
	"  made_ns INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE session ("
	"  hash BLOB PRIMARY KEY,"
	"  user INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
	"  csrf BLOB NOT NULL,"
	"  made_ns INTEGER NOT NULL,"
	"  used_ns INTEGER NOT NULL,"
	"  whence TEXT NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE token ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  hash BLOB NOT NULL UNIQUE,"
	"  user INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
	"  name TEXT NOT NULL,"
	"  scope TEXT NOT NULL CHECK (scope IN ('read', 'operate')),"
	"  made_ns INTEGER NOT NULL,"
	"  used_ns INTEGER"
	") STRICT;"
	"CREATE TABLE audit ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  at_ns INTEGER NOT NULL,"
	"  who TEXT NOT NULL,"
	"  whence TEXT NOT NULL,"
	"  verb TEXT NOT NULL,"
	"  subject TEXT NOT NULL,"
	"  outcome TEXT NOT NULL"
	") STRICT;",
};

#define VERSION ((int64_t)(sizeof steps / sizeof steps[0]))

static enum err_code
version_of(sqlite3 *db, int64_t *out, struct err *err)
{
	AUTO(stmt) struct stmt q = STMT_INIT;
	bool row;
	if (stmt_prepare(&q, db, "PRAGMA user_version", err) || stmt_step(&q, &row, err))
		return err->code;
	*out = row ? stmt_get_int(&q) : 0;
	return ERR_OK;
}

static enum err_code
take_step(sqlite3 *db, int64_t version, struct err *err)
{
	char note[64];
	snprintf(note, sizeof note, "PRAGMA user_version = %lld", (long long)version + 1);
	if (stmt_exec(db, steps[version], err) || stmt_exec(db, note, err))
		return err->code;
	return stmt_exec(db, "COMMIT", err);
}

enum err_code
catalog_migrate(sqlite3 *db, struct err *err)
{
	int64_t version;
	if (version_of(db, &version, err))
		return err->code;
	if (version > VERSION)
		return err_set(err, ERR_UNSUPPORTED,
		    "catalogue: it is of version %lld, this program knows up to %lld: run the "
		    "newer "
		    "stacksnap",
		    (long long)version, (long long)VERSION);
	for (; version < VERSION; version++) {
		if (stmt_exec(db, "BEGIN IMMEDIATE", err))
			return err->code;
		if (take_step(db, version, err)) {
			struct err lost;
			(void)!stmt_exec(db, "ROLLBACK", &lost);
			return err_wrap(
			    err, "bring it to version %lld", (long long)version + 1);
		}
	}
	return ERR_OK;
}
