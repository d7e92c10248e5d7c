/*
 * content_cursor.h: the data's extents of a content, one when it is asked for:
 * for walks that must stop and go on.
 *
 * Memory: one list on each level.  Threads: one at a time.
 * Errors: those of content_read_list.
 */
#ifndef REPO_CONTENT_CURSOR_H
#define REPO_CONTENT_CURSOR_H

#include "repo/content.h"

struct content_cursor {
	struct repo *repo;
	unsigned depth;
	struct {
		struct content content;
		size_t next;
	} levels[CONTENT_MAX_LEVEL + 1];
};

/* A value; c is copied.  Release it also when this failed. */
MUST_CHECK enum err_code content_cursor_init(
    struct content_cursor *cur, struct repo *r, const struct content *c, struct err *err);
void content_cursor_release(struct content_cursor *cur);
/* *at_end: there are no more, and *out is as it was. */
MUST_CHECK enum err_code content_cursor_next(
    struct content_cursor *cur, struct extent *out, bool *at_end, struct err *err);

#endif
