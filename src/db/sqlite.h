/*
 * sqlite.h: one SQLite database file, taken as it is at one instant.
 *
 * sqlite_fence fixes the instant, sqlite_drain makes the copy.  Between the two
 * the application may go on.
 *
 *	live     a WAL database whose -wal and -shm are there: a read transaction
 *	         is begun, which holds nobody up, and SQLite's backup API copies
 *	         what it sees when the copy is drained
 *	copy     any other: the file, its -wal and its -journal are copied at the
 *	         fence, byte by byte and without a lock, until they stay the same
 *	         while they are copied; later SQLite opens the copy, as after a
 *	         power cut, and its backup API makes one file of it
 *	locked   the files would not stay the same: the backup API copies them at the
 *	         fence, under a shared lock
 *	files    the bytes of all three as they were, when SQLite cannot make one
 *	         whole file of them
 *
 * Nothing is ever made, changed or removed beside the database: it is opened
 * read-only, and only where the files that SQLite would make are there.
 *
 * While a file is live, nobody in this process may open and close the database:
 * closing any descriptor of a file drops all the process's locks on it (fcntl).
 *
 * Sources: sqlite.org/fileformat2.html (header, super-journal), backup.html,
 *          wal.html ("Read-Only Databases"), lockingv3.html (super-journals).
 * Threads: one at a time for each file.
 * Errors:  ERR_NOT_FOUND: there is no such file (any more); ERR_CHANGED: it is no
 *          regular file; ERR_IO: the copy cannot be written.  What is wrong with
 *          the database itself is no error, but told by sqlite_info.
 */
#ifndef DB_SQLITE_H
#define DB_SQLITE_H

#include "base/strv.h"
#include "sys/cancel.h"

#include <stdbool.h>

#define SQLITE_MAGIC "SQLite format 3" /* with the NUL behind it */
#define SQLITE_MAGIC_SIZE 16
#define SQLITE_HEADER_SIZE 100

/* Does a file that begins so look like a database? */
bool sqlite_has_header(const uint8_t *first, size_t n);
/* The same of a name in a folder, never through a symlink. */
bool sqlite_is_database(int dir_fd, const char *name);

/* "-wal", "-shm", "-journal": names of what belongs to a database end so. */
#define SQLITE_SUFFIXES 3
extern const char *const sqlite_suffixes[SQLITE_SUFFIXES];

enum sqlite_how {
	SQLITE_TAKEN_LIVE,
	SQLITE_TAKEN_COPY,
	SQLITE_TAKEN_LOCKED,
	SQLITE_TAKEN_FILES
};
const char *sqlite_how_word(enum sqlite_how how);

enum sqlite_check {
	SQLITE_CHECK_SOUND, /* PRAGMA quick_check found nothing */
	SQLITE_CHECK_UNKNOWN, /* it needs functions or modules that are the application's */
	SQLITE_CHECK_DAMAGED,
};
const char *sqlite_check_word(enum sqlite_check check);

struct sqlite_info {
	enum sqlite_how how;
	enum sqlite_check check;
	bool is_unsteady; /* files: they changed while they were copied */
	uint64_t pages;
	uint64_t tables;
	char *why; /* of how or check, for people; may be NULL */
};

struct sqlite_where {
	int dir_fd; /* the folder that holds the database, open during sqlite_fence */
	const char *name; /* in it */
	const char *path; /* the same, absolute and without symlinks */
	const char *scratch; /* a private folder for this file alone; exists, empty */
	const struct cancel *cancel; /* may be NULL */
	bool may_be_live; /* false: too many are open already */
};

struct sqlite_file;

MUST_CHECK enum err_code sqlite_fence(
    struct sqlite_file **out, const struct sqlite_where *where, struct err *err);
/* Once.  Afterwards the database is closed, and info and parts hold. */
MUST_CHECK enum err_code sqlite_drain(struct sqlite_file *f, struct err *err);
const struct sqlite_info *sqlite_file_info(const struct sqlite_file *f);
bool sqlite_file_is_live(const struct sqlite_file *f);

/* The path of what was taken: suffix "" is the database; NULL when there is no such part. */
const char *sqlite_file_part(const struct sqlite_file *f, const char *suffix);
void sqlite_close(struct sqlite_file *f);
AUTO_FREE(sqlite_file, struct sqlite_file *, sqlite_close)

#endif
