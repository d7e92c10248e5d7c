/*
 * tables_view.h: the tables of a snapshot's databases, with rows, sizes and
 * roots (engine/tables.h).
 *
 * Threads: one at a time.
 */
#ifndef UI_TABLES_VIEW_H
#define UI_TABLES_VIEW_H

#include "base/json.h"
#include "engine/tables.h"

/* On stdout, for people; nothing when there are none.  Roots are cut. */
MUST_CHECK enum err_code tables_print(
    struct engine *e, const struct snapshot *s, struct err *err);
/* Which tables of all dumps together; the dumps are all there. */
struct tables_range {
	uint64_t offset;
	uint64_t limit;
	uint64_t total; /* set: how many there are */
};

/* An array of dumps, each with its tables; *out is the caller's.  range may be NULL: all. */
MUST_CHECK enum err_code tables_json(json_t **out, struct engine *e, const struct snapshot *s,
    struct tables_range *range, struct err *err);

#endif
