/*
 * content_delta_impl.h: the inside of a content_delta, for content_delta*.c only.
 *
 *	content_delta.c       lists that one side has alone are read, level by level
 *	content_delta_take.c  lists and chunks that both have are marked as taken
 *	content_delta_walk.c  what lies between them becomes runs
 *	content_delta_read.c  runs get their bytes
 *
 * A side is a row of nodes, in order: lists and chunks of the content's top; those lists that
 * the other side does not have are replaced by what they hold, level by level, until only
 * lists of chunks are left.  A leaf is a node, or a chunk in such a list.  A unit is a leaf, or
 * several of which each is torn but the last: whole rows.  Units are taken, or not.
 */
#ifndef REPO_CONTENT_DELTA_IMPL_H
#define REPO_CONTENT_DELTA_IMPL_H

#include "repo/content_delta.h"

struct delta_node {
	struct extent extent;
	struct extent *items; /* of a list that was read and kept */
	uint32_t count; /* of a list that was read */
	uint8_t level; /* 0: a chunk */
	bool is_taken;
};

struct delta_side {
	struct repo *repo;
	struct delta_node *nodes;
	size_t count;
	uint64_t leaves; /* chunks in nodes that are not taken */
	uint64_t *taken; /* a bit for each unit of them */
};

struct content_delta {
	struct content_delta_options opt;
	struct delta_side sides[2];
	struct content_delta_rest rest;
};

/* Walks the leaves of a level: 0 is chunks, in the lists too; what is higher has been taken. */
struct delta_cursor {
	const struct delta_side *side;
	unsigned level;
	size_t node; /* the next one */
	const struct extent *items; /* the list at hand, NULL: none */
	struct content read; /* owns it, where it was not kept */
	size_t count;
	size_t at;
	uint64_t units; /* so far, of what levels above did not take */
	bool is_behind_torn;
};

/* Until the cursor moves on. */
struct delta_leaf {
	const struct extent *extent;
	uint64_t unit; /* its number, when no level above took it */
	bool is_taken; /* by a level above */
	bool is_of_level;
	bool begins_unit; /* it is not behind something torn */
};

void delta_cursor_init(struct delta_cursor *c, const struct delta_side *side, unsigned level);
void delta_cursor_release(struct delta_cursor *c);
static inline void UNUSED
delta_cursor_auto(struct delta_cursor *c)
{
	delta_cursor_release(c);
}
MUST_CHECK enum err_code delta_cursor_next(
    struct delta_cursor *c, struct delta_leaf *out, bool *is_end, struct err *err);

static inline bool
delta_has_bit(const struct delta_side *s, uint64_t unit)
{
	return (s->taken[unit / 64] >> unit % 64 & 1) != 0;
}

static inline bool
delta_is_taken(const struct delta_side *s, const struct delta_leaf *l)
{
	return l->is_taken || delta_has_bit(s, l->unit);
}

/* The head of a table, its tail, words between. */
static inline bool
delta_has_no_rows(const struct delta_leaf *l)
{
	return l->begins_unit && !l->extent->is_torn && l->extent->rows == 0;
}

/* Mark the units of a level that both sides have; the sides have bits for them. */
MUST_CHECK enum err_code delta_take_units(
    struct content_delta *d, unsigned level, struct err *err);

unsigned delta_threads(const struct content_delta *d);

#endif
