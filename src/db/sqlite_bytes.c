#include "db/sqlite_bytes.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define VALUE_MAX (256 << 20)
#define SQL_MAX (4 << 20)
/* Instructions between two looks at the cancel. */
#define STEPS 100000
/* Where the header says how the file is written and read: 1 rollback journal, 2 WAL. */
#define WRITE_VERSION 18
#define READ_VERSION 19

struct sqlite_reader {
	sqlite3_vfs vfs;
	char name[40];
	bool is_registered;
	const struct sqlite_bytes *file;
	sqlite3 *db;
	struct err failed; /* the callback's first error */
};

struct reader_file {
	sqlite3_file base;
	struct sqlite_reader *reader;
};

/* --- the file --- */

static int
file_close(sqlite3_file *f)
{
	(void)f;
	return SQLITE_OK;
}

static void
hide_wal(uint8_t *out, size_t len, uint64_t offset)
{
	for (uint64_t at = WRITE_VERSION; at <= READ_VERSION; at++)
		if (at >= offset && at < offset + len && out[at - offset] == 2)
			out[at - offset] = 1;
}

static int
file_read(sqlite3_file *f, void *out, int len, sqlite3_int64 offset)
{
	struct sqlite_reader *r = ((struct reader_file *)f)->reader;
	struct err err;
	uint64_t at = (uint64_t)offset;
	size_t want = (size_t)len;
	size_t there = at < r->file->size
			   ? (size_t)(r->file->size - at < want ? r->file->size - at : want)
			   : 0;
	if (there > 0 && r->file->read(r->file->arg, out, there, at, &err)) {
		if (r->failed.code == ERR_OK)
			r->failed = err;
		return SQLITE_IOERR_READ;
	}
	memset((uint8_t *)out + there, 0, want - there);
	hide_wal(out, there, at);
	return there == want ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int
file_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 offset)
{
	(void)f;
	(void)data;
	(void)len;
	(void)offset;
	return SQLITE_READONLY;
}

static int
file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	(void)f;
	(void)size;
	return SQLITE_READONLY;
}

static int
file_flag(sqlite3_file *f, int flag)
{
	(void)f;
	(void)flag;
	return SQLITE_OK;
}

static int
file_size(sqlite3_file *f, sqlite3_int64 *out)
{
	*out = (sqlite3_int64)((struct reader_file *)f)->reader->file->size;
	return SQLITE_OK;
}

static int
file_is_reserved(sqlite3_file *f, int *out)
{
	(void)f;
	*out = 0;
	return SQLITE_OK;
}

static int
file_control(sqlite3_file *f, int op, void *arg)
{
	(void)f;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int
file_sector_size(sqlite3_file *f)
{
	(void)f;
	return 4096;
}

static int
file_character(sqlite3_file *f)
{
	(void)f;
	return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_flag,
	.xFileSize = file_size,
	.xLock = file_flag,
	.xUnlock = file_flag,
	.xCheckReservedLock = file_is_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_character,
};

/* --- the place --- */

/* No temporary file, no journal, no attached database. */
static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	(void)name;
	struct reader_file *file = (struct reader_file *)f;
	struct sqlite_reader *r = vfs->pAppData;
	file->base.pMethods = NULL;
	if ((flags & SQLITE_OPEN_MAIN_DB) == 0)
		return SQLITE_CANTOPEN;
	file->base.pMethods = &methods;
	file->reader = r;
	if (out_flags != NULL)
		*out_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
	return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	(void)name;
	(void)sync;
	return SQLITE_READONLY;
}

static int
vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	(void)vfs;
	(void)name;
	(void)flags;
	*out = 0;
	return SQLITE_OK;
}

static int
vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	(void)vfs;
	snprintf(out, (size_t)size, "%s", name);
	return SQLITE_OK;
}

static int
vfs_random(sqlite3_vfs *vfs, int len, char *out)
{
	(void)vfs;
	memset(out, 0, (size_t)len);
	return len;
}

static int
vfs_sleep(sqlite3_vfs *vfs, int us)
{
	(void)vfs;
	return us;
}

static int
vfs_time(sqlite3_vfs *vfs, double *out)
{
	(void)vfs;
	*out = 2440587.5; /* 1970 */
	return SQLITE_OK;
}

static int
vfs_last_error(sqlite3_vfs *vfs, int len, char *out)
{
	(void)vfs;
	if (len > 0)
		*out = '\0';
	return 0;
}

/* --- opening --- */

static int
stop_if_cancelled(void *arg)
{
	const struct sqlite_reader *r = arg;
	return cancel_is_raised(r->file->cancel) ? 1 : 0;
}

static enum err_code
register_vfs(struct sqlite_reader *r, struct err *err)
{
	static atomic_uint_fast64_t last;
	snprintf(r->name, sizeof r->name, "stacksnap-bytes-%llu",
	    (unsigned long long)atomic_fetch_add(&last, 1));
	r->vfs = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = (int)sizeof(struct reader_file),
		.mxPathname = 64,
		.zName = r->name,
		.pAppData = r,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_path,
		.xRandomness = vfs_random,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_time,
		.xGetLastError = vfs_last_error,
	};
	int rc = sqlite3_vfs_register(&r->vfs, 0);
	r->is_registered = rc == SQLITE_OK;
	return r->is_registered ? ERR_OK : sqlite_reader_failed(r, rc, err);
}

static int
defend(struct sqlite_reader *r)
{
	sqlite3 *db = r->db;
	sqlite3_extended_result_codes(db, 1);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, SQL_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
	sqlite3_progress_handler(db, STEPS, stop_if_cancelled, r);
	return sqlite3_exec(db,
	    "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; "
	    "PRAGMA cache_size=-8192; PRAGMA query_only=ON",
	    NULL, NULL, NULL);
}

enum err_code
sqlite_reader_open(struct sqlite_reader **out, const struct sqlite_bytes *file, struct err *err)
{
	struct sqlite_reader *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	r->file = file;
	enum err_code code = register_vfs(r, err);
	if (code == ERR_OK) {
		int rc = sqlite3_open_v2("database", &r->db, SQLITE_OPEN_READONLY, r->name);
		if (rc == SQLITE_OK)
			rc = defend(r);
		if (rc != SQLITE_OK)
			code = sqlite_reader_failed(r, rc, err);
	}
	if (code) {
		sqlite_reader_close(r);
		return code;
	}
	*out = r;
	return ERR_OK;
}

void
sqlite_reader_close(struct sqlite_reader *r)
{
	if (r == NULL)
		return;
	sqlite3_close(r->db);
	if (r->is_registered)
		sqlite3_vfs_unregister(&r->vfs);
	free(r);
}

sqlite3 *
sqlite_reader_db(struct sqlite_reader *r)
{
	return r->db;
}

enum err_code
sqlite_reader_failed(struct sqlite_reader *r, int rc, struct err *err)
{
	const char *text = r->db != NULL ? sqlite3_errmsg(r->db) : sqlite3_errstr(rc);
	if (r->failed.code != ERR_OK) {
		*err = r->failed;
		return err->code;
	}
	if (cancel_is_raised(r->file->cancel))
		return cancel_check(r->file->cancel, err);
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return err_nomem(err);
	case SQLITE_TOOBIG:
		return err_set(
		    err, ERR_UNSUPPORTED, "a row is longer than %d bytes", VALUE_MAX);
	case SQLITE_ERROR:
		return err_set(err, ERR_UNSUPPORTED, "SQLite: %.300s", text);
	default:
		return err_set(err, ERR_CORRUPT, "SQLite: %.300s", text);
	}
}
