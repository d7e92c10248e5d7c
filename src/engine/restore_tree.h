/*
 * restore_tree.h: one stored tree made live, with what happens to it told as
 * events; for restore*.c only.
 *
 * Threads: one at a time for each pen.
 */
#ifndef ENGINE_RESTORE_TREE_H
#define ENGINE_RESTORE_TREE_H

#include "engine/engine.h"
#include "tree/restore.h"

/* What writes several trees as one step: they share progress and problems. */
struct restore_pen {
	struct engine *engine;
	const char *prefix; /* before the paths of problems: where the tree at hand goes */
	uint64_t bytes_total; /* 0: not known */
	uint64_t files_total;
	struct tree_progress progress;
	struct tree_restored done; /* of all trees */
	uint64_t problems_told;
	uint64_t damaged; /* problems that mean that data is missing */
	struct meter *meter;
};

void restore_pen_init(
    struct restore_pen *p, struct engine *e, uint64_t bytes_total, uint64_t files_total);
/* Tells of the problems that were too many to be told one by one. */
void restore_pen_release(struct restore_pen *p);
static inline void UNUSED
restore_pen_auto(struct restore_pen *p)
{
	restore_pen_release(p);
}

/* Make target that entry.  Of opt, problem and progress are the pen's. */
MUST_CHECK enum err_code restore_pen_write(struct restore_pen *p,
    const struct tree_entry *entry, const char *target, const struct tree_restore_options *opt,
    struct err *err);
/* Compare what was written with what is stored (tree_read_back).  lost: entries that were left
 * out, and told. */
MUST_CHECK enum err_code restore_pen_read_back(struct restore_pen *p,
    const struct tree_entry *entry, const char *target, const struct tree_restore_options *opt,
    uint64_t lost, struct tree_read_back *out, struct err *err);

#endif
