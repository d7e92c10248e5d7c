/*
 * tag.h: changing the tags of snapshots, and accepting what is quarantined.
 *
 * Documents never change: a snapshot with other tags is a new object with a
 * new id, which names the first one (docs/format.md, "original"); then the old
 * one is removed.  A crash in between leaves both, which is harmless.
 *
 * Threads: one at a time.
 */
#ifndef ENGINE_TAG_H
#define ENGINE_TAG_H

#include "engine/engine.h"
#include "engine/filter.h"

struct tag_options {
	const struct snapshot_filter *filter;
	const struct strv *add;
	const struct strv *remove; /* a tag in both lists goes */
	bool accept; /* lift the quarantine (quarantine.h): its reasons are kept as accepted */
};

struct tagged {
	struct id before;
	struct id after; /* the same when nothing had to change */
	struct strv tags;
};

struct tag_result {
	struct tagged *items;
	size_t count;
};

void tag_result_release(struct tag_result *r);
static inline void UNUSED
tag_result_auto(struct tag_result *r)
{
	tag_result_release(r);
}

/* On failure, out tells what was done before. */
MUST_CHECK enum err_code tag_snapshots(
    struct engine *e, const struct tag_options *opt, struct tag_result *out, struct err *err);

#endif
