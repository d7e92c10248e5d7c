/*
 * pick_impl.h: what the connectors that put single tables back share.
 */
#ifndef DB_PICK_IMPL_H
#define DB_PICK_IMPL_H

#include "db/pick.h"
#include "db/session.h"

/* --- pick_script.c: words, rows and words as one file of a dump source --- */

struct pick_script {
	struct dump_source base;
	const struct buf *head;
	struct dump_source *rows; /* NULL: none */
	const struct buf *tail;
	size_t at; /* in head, then in tail */
	int stage; /* 0 head, 1 rows, 2 tail */
};

/* All is borrowed. */
void pick_script_init(struct pick_script *s, const struct buf *head, struct dump_source *rows,
    const struct buf *tail);

/* --- pick_look.c --- */

/* ERR_USAGE, with what is missing and what is new, unless the live columns are those of the
 * stored rows (in any order). */
MUST_CHECK enum err_code pick_check_columns(
    const struct db_pick *pick, const struct strv *live, struct err *err);

#define PICK_SIDE_SIZE 32
/* The table of ours that keeps a table's old rows: names may be too long to be joined. */
void pick_side_name(char out[PICK_SIDE_SIZE], const char *table);

#endif
