/*
 * diff_sqlite.h: the SQLite databases among a snapshot's files; for diff_*.c
 * only.
 *
 *	diff_sqlite_files.c    which there are, and how each is read
 *	diff_sqlite.c          two versions of one
 */
#ifndef ENGINE_DIFF_SQLITE_H
#define ENGINE_DIFF_SQLITE_H

#include "db/sqlite_rows.h"
#include "engine/diff_rows_impl.h"
#include "engine/sqlite_scratch.h"

/* One database, as a snapshot has it. */
struct sqlite_stored {
	char *service; /* that uses it; else the member's name */
	char *database; /* the member's name and the path in it: "shop_data/app.db" */
	char *live; /* where it lies on the host that was backed up; NULL: not told */
	bool is_whole; /* one file, and not three as they were */
	struct content content;
};

struct sqlite_list {
	struct sqlite_stored *items; /* in order of service and database */
	size_t count;
};

void sqlite_list_release(struct sqlite_list *l);
static inline void UNUSED
sqlite_list_auto(struct sqlite_list *l)
{
	sqlite_list_release(l);
}
/* Those of the snapshot that are asked for. */
MUST_CHECK enum err_code sqlite_list_read(
    struct sqlite_list *out, struct row_diff *d, const struct snapshot *s, struct err *err);
int sqlite_stored_order(const struct sqlite_stored *a, const struct sqlite_stored *b);

/* A version that is open. */
struct sqlite_version {
	struct repo *repo;
	const struct content *content; /* borrowed; NULL: it is live */
	struct sqlite_file *live;
	struct sqlite_rows *rows; /* NULL: there is no such file */
};

void sqlite_version_close(struct sqlite_version *v);
static inline void UNUSED
sqlite_version_auto(struct sqlite_version *v)
{
	sqlite_version_close(v);
}
/* v stays where it is while it is open. */
MUST_CHECK enum err_code sqlite_version_stored(struct sqlite_version *v, struct row_diff *d,
    const struct sqlite_stored *s, struct err *err);
/* The file as it is now, in a folder of its own; one that is not there is no error. */
MUST_CHECK enum err_code sqlite_version_live(struct sqlite_version *v, struct row_diff *d,
    const struct sqlite_stored *s, const char *folder, struct err *err);

/* Tell what differs in the databases of both snapshots; b NULL: between a's and what is live.
 */
MUST_CHECK enum err_code diff_sqlite(
    struct row_diff *d, const struct snapshot *a, const struct snapshot *b, struct err *err);
/* Are there any? */
bool diff_has_sqlite(const struct snapshot *s);

#endif
