/*
 * table_record.h: which part of a server is being put back, durable for as long as that takes.
 *
 * A part (a table, a collection, keys that begin alike) is exchanged in one step of its server
 * wherever that has one (docs/decisions/0031-selective-restore.md).  Where it has not, and for
 * what was loaded beside, the record says what to look at after a run that died.  It is JSON in
 * state_dir/table-HASH.json.  Beside it, table-HASH.lock is locked (flock) while a process is
 * at work: a record without a lock was left by one that died.
 *
 * Threads: one at a time.
 * Errors:  ERR_LOCKED while another process is at the same part; ERR_EXISTS when one has died
 *          at it, ERR_USAGE without a state folder; ERR_CORRUPT and ERR_UNSUPPORTED name the
 *          file.
 */
#ifndef ENGINE_TABLE_RECORD_H
#define ENGINE_TABLE_RECORD_H

#include "base/json.h"
#include "engine/engine.h"

/* All but stack, service and table may be NULL. */
struct table_part {
	const char *host; /* of the engine; NULL: the engine's own */
	const char *stack;
	const char *service;
	const char *database;
	const char *table;
	const char *key_prefix;
	const char *into; /* NULL: in place */
};

/* state_dir/PREFIX-HASH.json; ERR_USAGE without a state folder. */
MUST_CHECK enum err_code table_part_path(char **path, const struct engine *e,
    const char *prefix, const struct table_part *p, struct err *err);
/* Paths of all that there are. */
MUST_CHECK enum err_code table_part_files(
    struct strv *paths, const struct engine *e, const char *prefix, struct err *err);
/* Its fields, and the one that is not read as it stands: the caller's, or NULL. */
void table_part_json(struct json_writer *w, const struct table_part *p);
MUST_CHECK enum err_code table_part_prefix(char **out, const json_t *doc, struct err *err);

/* A record that this process holds the lock of. */
struct table_record {
	char *path;
	int lock;
	json_t *doc; /* of one that was found: it owns the texts of part, but for */
	char *key_prefix; /* which may be any bytes */
	struct table_part part;
};
#define TABLE_RECORD_INIT                \
	{                                \
		.path = NULL, .lock = -1 \
	}

/* The lock goes, the file stays. */
void table_record_close(struct table_record *r);
static inline void UNUSED
table_record_auto(struct table_record *r)
{
	table_record_close(r);
}

/* May the part be put back now?  Nothing is written. */
MUST_CHECK enum err_code table_record_check(
    const struct engine *e, const struct table_part *p, struct err *err);
/* The same, and write it down. r is TABLE_RECORD_INIT, also below. */
MUST_CHECK enum err_code table_record_begin(struct table_record *r, const struct engine *e,
    const struct table_part *p, struct err *err);
/* It is settled: the file goes, durably. */
MUST_CHECK enum err_code table_record_end(struct table_record *r, struct err *err);
/* The file of that part goes, if there is one that nobody is at. */
MUST_CHECK enum err_code table_record_forget(
    const struct engine *e, const struct table_part *p, struct err *err);

/* One that was left. */
MUST_CHECK enum err_code table_record_open(
    struct table_record *r, const char *path, struct err *err);
/* Paths of all that there are. */
MUST_CHECK enum err_code table_record_list(
    struct strv *paths, const struct engine *e, struct err *err);

#endif
