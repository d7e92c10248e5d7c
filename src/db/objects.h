/*
 * objects.h: what a server's catalogue has, to be found in its dump.
 *
 * Filled from the catalogue, at the fence or as near to it as the server allows,
 * and held against the dump's census.  An object that the dump lacks, or rows
 * that it lacks, make the dump worth nothing, whatever its tool has said.
 *
 * Pure.  Threads: one at a time.
 */
#ifndef DB_OBJECTS_H
#define DB_OBJECTS_H

#include "db/census.h"

/* Rows that a table has. */
struct object_rows {
	char *table; /* as census names it */
	uint64_t count;
	bool is_exact; /* false: at least so many */
};

struct objects {
	struct strv names; /* as census names them; twice: defined twice */
	struct object_rows *rows;
	size_t row_count;
	size_t row_cap;
};

#define OBJECTS_INIT                  \
	{                             \
		STRV_INIT, NULL, 0, 0 \
	}

void objects_release(struct objects *o);
static inline void UNUSED
objects_auto(struct objects *o)
{
	objects_release(o);
}

/*
 * Add what a session answered: rows "TITLE|COUNT|SUB|SCHEMA|NAME", the last three
 * in hexadecimal and any of them empty: "POLICY|1|own|public|secret" is "POLICY
 * own ON public.secret".  text is written to.  ERR_CORRUPT for another answer.
 */
MUST_CHECK enum err_code objects_add(struct objects *o, char *text, struct err *err);
/* And rows "EXACT|COUNT|SCHEMA|NAME", EXACT being 1 or 0. */
MUST_CHECK enum err_code objects_add_rows(struct objects *o, char *text, struct err *err);
/* Sort the names; before the functions below. */
void objects_sort(struct objects *o);

/* Take out what the other list has not: what went, or came, meanwhile.  Both sorted. */
void objects_keep_common(struct objects *o, const struct objects *other);

/* ERR_INCOMPLETE, naming the first of them, when the census lacks some.  Sorted.  *missing,
 * which may be NULL, is how many names it lacks. */
MUST_CHECK enum err_code objects_check(
    const struct objects *o, const struct census *c, size_t *missing, struct err *err);

#endif
