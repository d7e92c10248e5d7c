#include "db/sqlite.h"

#include "db/sqlite_copy.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <sys/stat.h>

/* Copies that changed meanwhile are made again so often before a lock is taken. */
#define COPY_TRIES 2
/* How long a writer is waited for where files would not stay the same. */
#define BUSY_MS 3000
/* Pages copied between two looks at the cancel. */
#define STEP_PAGES 2048
/* Instructions of a check between two looks at the cancel. */
#define CHECK_STEPS 100000
#define WHY_MAX 300

const char *const sqlite_suffixes[SQLITE_SUFFIXES] = { "-wal", "-shm", "-journal" };

struct sqlite_file {
	sqlite3 *live; /* with a read transaction; NULL otherwise */
	char *copy; /* in scratch: the bytes */
	char *taken; /* in scratch: what the backup API made */
	char *part[SQLITE_PARTS]; /* what is there in the end */
	const struct cancel *cancel;
	struct sqlite_info info;
};

const char *
sqlite_how_word(enum sqlite_how how)
{
	static const char *const words[] = { "live", "copy", "locked", "files" };
	return words[how];
}

const char *
sqlite_check_word(enum sqlite_check check)
{
	static const char *const words[] = { "ok", "unchecked", "damaged" };
	return words[check];
}

/* --- recognising --- */

bool
sqlite_has_header(const uint8_t *first, size_t n)
{
	if (n < SQLITE_HEADER_SIZE || memcmp(first, SQLITE_MAGIC, SQLITE_MAGIC_SIZE) != 0)
		return false;
	unsigned page = (unsigned)first[16] << 8 | first[17];
	bool is_sane = page == 1 || (page >= 512 && (page & (page - 1)) == 0);
	/* Versions of the format for writing and reading: 1 rollback journal, 2 WAL. */
	return is_sane && first[18] >= 1 && first[18] <= 2 && first[19] >= 1 && first[19] <= 2;
}

static bool
read_header(int dir_fd, const char *name, uint8_t out[SQLITE_HEADER_SIZE])
{
	AUTO(fd)
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       pread(fd, out, SQLITE_HEADER_SIZE, 0) == SQLITE_HEADER_SIZE;
}

bool
sqlite_is_database(int dir_fd, const char *name)
{
	uint8_t first[SQLITE_HEADER_SIZE];
	return read_header(dir_fd, name, first) && sqlite_has_header(first, sizeof first);
}

/* --- SQLite --- */

static void
sqlite_handle_auto(sqlite3 **db)
{
	sqlite3_close(*db);
}

static int
stop_if_cancelled(void *arg)
{
	return cancel_is_raised(arg) ? 1 : 0;
}

/* A database may come from anybody: its schema is not trusted with functions. */
static int
open_database(sqlite3 **out, const char *path, int flags, const struct cancel *cancel)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOFOLLOW, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_extended_result_codes(db, 1);
		sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		/* The WAL is the application's to fold in. */
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		/* The handler takes what it may not change as it is given. */
		sqlite3_progress_handler(db, CHECK_STEPS, stop_if_cancelled,
		    (void *)(uintptr_t)cancel); /* NOLINT(performance-no-int-to-ptr) */
		*out = db;
	} else {
		sqlite3_close(db);
	}
	return rc;
}

static enum err_code
keep_why(struct sqlite_info *info, const char *text, struct err *err)
{
	AUTO(str) char *why = NULL;
	if (str_printf(&why, err, "%.*s", WHY_MAX, text))
		return err->code;
	free(info->why);
	info->why = TAKE(why);
	return ERR_OK;
}

/* Begin to read: from here on the connection sees one instant. */
static bool
begin_reading(sqlite3 *db)
{
	return sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
	       sqlite3_exec(db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL) ==
		   SQLITE_OK;
}

/* Copy what db sees to a new file.  *rc is SQLite's: what is wrong with the database is not an
 * error, what is wrong with the copy is. */
static enum err_code
backup_to(sqlite3 *db, const char *path, const struct cancel *cancel, int pages, int *rc,
    struct err *err)
{
	AUTO(sqlite_handle) sqlite3 *to = NULL;
	if (unlink(path) != 0 && errno != ENOENT)
		return err_sys(err, "remove %s", path);
	AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "make %s", path);
	if (open_database(&to, path, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
	    sqlite3_exec(to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL,
		NULL) != SQLITE_OK)
		return err_set(err, ERR_IO, "open %s: %s", path, sqlite3_errmsg(to));
	sqlite3_backup *b = sqlite3_backup_init(to, "main", db, "main");
	if (b == NULL)
		return err_set(err, ERR_IO, "begin to copy a database: %s", sqlite3_errmsg(to));
	do
		*rc = sqlite3_backup_step(b, pages);
	while (*rc == SQLITE_OK && !cancel_is_raised(cancel));
	int end = sqlite3_backup_finish(b);
	if (cancel_check(cancel, err))
		return err->code;
	if (*rc == SQLITE_DONE)
		*rc = SQLITE_OK;
	if (*rc == SQLITE_OK)
		*rc = end;
	switch (*rc & 0xff) {
	case SQLITE_NOMEM:
		return err_nomem(err);
	case SQLITE_FULL:
		return err_set(err, ERR_IO, "copy a database to %s: the disk is full", path);
	default:
		return ERR_OK;
	}
}

/* --- the fence --- */

static bool
has(int dir_fd, const char *name, const char *suffix)
{
	char part[NAME_MAX + 1];
	struct stat st;
	int len = snprintf(part, sizeof part, "%s%s", name, suffix);
	return len > 0 && (size_t)len < sizeof part &&
	       fstatat(dir_fd, part, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* Where -wal and -shm are not there, SQLite would make them. */
static bool
fence_live(struct sqlite_file *f, const struct sqlite_where *at)
{
	uint8_t first[SQLITE_HEADER_SIZE];
	AUTO(sqlite_handle) sqlite3 *db = NULL;
	bool is_wal = read_header(at->dir_fd, at->name, first) && first[18] == 2;
	if (!at->may_be_live || !is_wal || !has(at->dir_fd, at->name, "-wal") ||
	    !has(at->dir_fd, at->name, "-shm"))
		return false;
	if (open_database(&db, at->path, SQLITE_OPEN_READONLY, at->cancel) != SQLITE_OK ||
	    !begin_reading(db))
		return false;
	f->live = TAKE(db);
	return true;
}

static enum err_code
fence_locked(
    struct sqlite_file *f, const struct sqlite_where *at, bool *is_done, struct err *err)
{
	uint8_t first[SQLITE_HEADER_SIZE];
	AUTO(sqlite_handle) sqlite3 *db = NULL;
	int rc = SQLITE_OK;
	/* A WAL database changes here: somebody has its -wal and -shm. */
	bool may_open = read_header(at->dir_fd, at->name, first) &&
			(first[18] == 1 || has(at->dir_fd, at->name, "-shm"));
	*is_done = false;
	if (!may_open ||
	    open_database(&db, at->path, SQLITE_OPEN_READONLY, at->cancel) != SQLITE_OK)
		return ERR_OK;
	sqlite3_busy_timeout(db, BUSY_MS);
	if (!begin_reading(db))
		return ERR_OK;
	if (backup_to(db, f->taken, at->cancel, -1, &rc, err))
		return err->code;
	*is_done = rc == SQLITE_OK;
	return ERR_OK;
}

static enum err_code
fence_copy(struct sqlite_file *f, const struct sqlite_where *at, struct err *err)
{
	bool steady = false;
	bool is_done = false;
	f->info.how = SQLITE_TAKEN_COPY;
	for (int i = 0; i < COPY_TRIES && !steady; i++)
		if (sqlite_copy(at->dir_fd, at->name, f->copy, at->cancel, &steady, err))
			return err->code;
	if (steady)
		return ERR_OK;
	if (fence_live(f, at)) {
		f->info.how = SQLITE_TAKEN_LIVE;
		return ERR_OK;
	}
	if (fence_locked(f, at, &is_done, err))
		return err->code;
	f->info.how = is_done ? SQLITE_TAKEN_LOCKED : SQLITE_TAKEN_FILES;
	f->info.is_unsteady = !is_done;
	if (is_done)
		return ERR_OK;
	return keep_why(&f->info, "its files changed while they were copied", err);
}

enum err_code
sqlite_fence(struct sqlite_file **out, const struct sqlite_where *at, struct err *err)
{
	AUTO(sqlite_file) struct sqlite_file *f = calloc(1, sizeof *f);
	if (f == NULL)
		return err_nomem(err);
	f->cancel = at->cancel;
	if (str_printf(&f->copy, err, "%s/copy", at->scratch) ||
	    str_printf(&f->taken, err, "%s/taken", at->scratch))
		return err->code;
	f->info.how = SQLITE_TAKEN_LIVE;
	if (!fence_live(f, at) && fence_copy(f, at, err))
		return err->code;
	*out = TAKE(f);
	return ERR_OK;
}

/* --- draining --- */

static enum err_code
count(sqlite3 *db, const char *sql, uint64_t *out, struct err *err)
{
	sqlite3_stmt *st = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW) {
		err_set(err, ERR_CORRUPT, "%s", sqlite3_errmsg(db));
		sqlite3_finalize(st);
		return err->code;
	}
	*out = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return ERR_OK;
}

/* What quick_check also tells, but no damage of the file: rows that break rules which the
 * application set up itself. */
static bool
is_about_rules(const char *line)
{
	return str_starts(line, "NULL value in ") ||
	       str_starts(line, "CHECK constraint failed in ");
}

static enum err_code
quick_check(sqlite3 *db, struct sqlite_info *info, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(st);
		const char *line =
		    rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : "ok";
		if (line == NULL || strcmp(line, "ok") == 0)
			continue;
		info->check =
		    is_about_rules(line) ? SQLITE_CHECK_UNKNOWN : SQLITE_CHECK_DAMAGED;
		if (keep_why(info, line, err)) {
			sqlite3_finalize(st);
			return err->code;
		}
	}
	if (rc != SQLITE_DONE && (rc & 0xff) != SQLITE_INTERRUPT) {
		/* A function, collation or module that only the application has. */
		info->check =
		    (rc & 0xff) == SQLITE_ERROR ? SQLITE_CHECK_UNKNOWN : SQLITE_CHECK_DAMAGED;
		if (keep_why(info, sqlite3_errmsg(db), err)) {
			sqlite3_finalize(st);
			return err->code;
		}
	}
	sqlite3_finalize(st);
	return ERR_OK;
}

/* Look at a copy of our own. */
static enum err_code
inspect(struct sqlite_file *f, const char *path, struct err *err)
{
	AUTO(sqlite_handle) sqlite3 *db = NULL;
	struct sqlite_info *info = &f->info;
	struct err why;
	info->check = SQLITE_CHECK_SOUND;
	int rc = open_database(&db, path, SQLITE_OPEN_READWRITE, f->cancel);
	if (rc != SQLITE_OK) {
		info->check = SQLITE_CHECK_DAMAGED;
		return keep_why(info, sqlite3_errstr(rc), err);
	}
	if (count(db, "PRAGMA page_count", &info->pages, &why) ||
	    count(db, "SELECT count(*) FROM sqlite_master WHERE type = 'table'", &info->tables,
		&why) ||
	    info->pages == 0) {
		info->check = SQLITE_CHECK_DAMAGED;
		if (cancel_check(f->cancel, err))
			return err->code;
		return keep_why(info, info->pages == 0 ? "no page" : why.msg, err);
	}
	if (quick_check(db, info, err))
		return err->code;
	return cancel_check(f->cancel, err);
}

static enum err_code
keep_part(struct sqlite_file *f, size_t i, const char *path, struct err *err)
{
	struct stat st;
	/* An empty -wal or -journal says nothing. */
	if (i > 0 && (stat(path, &st) != 0 || st.st_size == 0))
		return ERR_OK;
	return str_dup(&f->part[i], path, err);
}

static enum err_code
keep_files(struct sqlite_file *f, struct err *err)
{
	f->info.how = SQLITE_TAKEN_FILES;
	for (size_t i = 0; i < SQLITE_PARTS; i++) {
		AUTO(str) char *path = NULL;
		if (str_printf(&path, err, "%s%s", f->copy, sqlite_part_suffix[i]) ||
		    keep_part(f, i, path, err))
			return err->code;
	}
	return ERR_OK;
}

static bool
copy_has(const struct sqlite_file *f, size_t i)
{
	AUTO(str) char *path = NULL;
	struct stat st;
	struct err scratch; /* without memory the copy is looked at as a whole */
	if (str_printf(&path, &scratch, "%s%s", f->copy, sqlite_part_suffix[i]))
		return true;
	return stat(path, &st) == 0 && st.st_size > 0;
}

/* Let SQLite make one file of the copy, as the application would after a power cut. */
static enum err_code
drain_copy(struct sqlite_file *f, struct err *err)
{
	AUTO(str) char *journal = NULL;
	if (str_printf(&journal, err, "%s-journal", f->copy))
		return err->code;
	if (sqlite_journal_has_super(journal)) {
		f->info.check = SQLITE_CHECK_UNKNOWN;
		if (keep_why(
			&f->info, "a transaction over several databases was under way", err))
			return err->code;
		return keep_files(f, err);
	}
	if (!copy_has(f, 1) && !copy_has(f, 2)) {
		if (inspect(f, f->copy, err))
			return err->code;
		return str_dup(&f->part[0], f->copy, err);
	}
	AUTO(sqlite_handle) sqlite3 *db = NULL;
	int rc = open_database(&db, f->copy, SQLITE_OPEN_READWRITE, f->cancel);
	if (rc == SQLITE_OK && !begin_reading(db))
		rc = sqlite3_extended_errcode(db);
	if (rc == SQLITE_OK && backup_to(db, f->taken, f->cancel, STEP_PAGES, &rc, err))
		return err->code;
	if (rc == SQLITE_OK && inspect(f, f->taken, err))
		return err->code;
	if (rc == SQLITE_OK && f->info.check != SQLITE_CHECK_DAMAGED)
		return str_dup(&f->part[0], f->taken, err);
	f->info.check = SQLITE_CHECK_DAMAGED;
	if (rc != SQLITE_OK && keep_why(&f->info, sqlite3_errstr(rc), err))
		return err->code;
	return keep_files(f, err);
}

static enum err_code
drain_live(struct sqlite_file *f, struct err *err)
{
	int rc = SQLITE_OK;
	enum err_code code = backup_to(f->live, f->taken, f->cancel, STEP_PAGES, &rc, err);
	sqlite3_close(TAKE(f->live));
	if (code || inspect(f, f->taken, err))
		return err->code;
	if (rc != SQLITE_OK) {
		f->info.check = SQLITE_CHECK_DAMAGED;
		if (keep_why(&f->info, sqlite3_errstr(rc), err))
			return err->code;
	}
	return str_dup(&f->part[0], f->taken, err);
}

enum err_code
sqlite_drain(struct sqlite_file *f, struct err *err)
{
	switch (f->info.how) {
	case SQLITE_TAKEN_LIVE:
		return drain_live(f, err);
	case SQLITE_TAKEN_COPY:
		return drain_copy(f, err);
	case SQLITE_TAKEN_LOCKED:
		if (inspect(f, f->taken, err))
			return err->code;
		return str_dup(&f->part[0], f->taken, err);
	case SQLITE_TAKEN_FILES:
		break;
	}
	f->info.check = SQLITE_CHECK_UNKNOWN;
	return keep_files(f, err);
}

const struct sqlite_info *
sqlite_file_info(const struct sqlite_file *f)
{
	return &f->info;
}

bool
sqlite_file_is_live(const struct sqlite_file *f)
{
	return f->live != NULL;
}

const char *
sqlite_file_part(const struct sqlite_file *f, const char *suffix)
{
	for (size_t i = 0; i < SQLITE_PARTS; i++)
		if (strcmp(sqlite_part_suffix[i], suffix) == 0)
			return f->part[i];
	return NULL;
}

void
sqlite_close(struct sqlite_file *f)
{
	if (f == NULL)
		return;
	sqlite3_close(f->live);
	for (size_t i = 0; i < SQLITE_PARTS; i++)
		free(f->part[i]);
	free(f->copy);
	free(f->taken);
	free(f->info.why);
	free(f);
}
