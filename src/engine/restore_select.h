/*
 * restore_select.h: which part of a snapshot's tree is restored, and what a
 * restore that deletes may delete; for restore*.c only.
 *
 * Paths are below the root of the snapshot's tree.  Only a folder that lies at
 * or below a member was saved whole: the folders on the way to it hold more
 * than the snapshot knows of.  What a backup left out by its rules stays.
 *
 * Threads: one for restore_select_ask, any for restore_select_keeps.
 */
#ifndef ENGINE_RESTORE_SELECT_H
#define ENGINE_RESTORE_SELECT_H

#include "engine/browse.h"
#include "tree/restore.h"

struct restore_select;

struct restore_select_options {
	const struct snapshot *snapshot;
	const char *prefix; /* of what is restored, in the tree; "" for all of it */
	const char *target; /* what that becomes */
	const struct strv *paths; /* only these; may be NULL */
	const struct strv
	    *include; /* and what these rules of tree/ignore.h name; may be NULL */
	bool deletes;
};

/* ERR_NOT_FOUND for a path that is not in the snapshot, ERR_USAGE for what is none. */
MUST_CHECK enum err_code restore_select_new(struct restore_select **out, struct repo *r,
    const struct restore_select_options *opt, struct err *err);
void restore_select_free(struct restore_select *s);
AUTO_FREE(restore_select, struct restore_select *, restore_select_free)

/* Fill in what of o is decided here. */
void restore_select_apply(struct restore_select *s, struct tree_restore_options *o);
/* Was only a part asked for? */
bool restore_select_is_part(const struct restore_select *s);

#endif
