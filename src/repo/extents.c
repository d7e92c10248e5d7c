#include "repo/extents.h"

#include "base/room.h"

/*
 * A list of extents is cut where an id says so, so that a change in the middle
 * of a large file changes one list on each level.  Cutting at one id in 128
 * makes lists of about 5 KB.
 */
#define LIST_MIN 32
#define LIST_MAX 512
#define LIST_MASK 0x7f

static bool
ends_list(const struct extent *e, size_t len)
{
	return len >= LIST_MAX ||
	       (len >= LIST_MIN && !e->is_hole && (e->id.b[0] & LIST_MASK) == 0);
}

struct extent
extents_sum(const struct extent_list *list)
{
	struct extent sum = { .len = 0 };
	for (size_t i = 0; i < list->count; i++) {
		sum.len += list->items[i].len;
		sum.rows += list->items[i].rows;
	}
	sum.is_torn = list->count > 0 && list->items[list->count - 1].is_torn;
	return sum;
}

static enum err_code
store_list_chunk(
    struct writer *w, const struct extent_list *list, struct extent *out, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (extents_encode(list, &raw, err))
		return err->code;
	*out = extents_sum(list);
	return writer_add_now(w, CHUNK_TREE, raw.data, raw.len, &out->id, err);
}

void
extent_lists_release(struct extent_lists *l)
{
	for (size_t i = 0; i < ARRAY_LEN(l->levels); i++)
		free(l->levels[i].items);
	*l = (struct extent_lists){ .size = 0 };
}

static enum err_code
append(struct extent_level *v, const struct extent *e, struct err *err)
{
	if (ROOM(v->items, v->count, v->cap, 1, err))
		return err->code;
	v->items[v->count++] = *e;
	return ERR_OK;
}

static enum err_code add_at(struct extent_lists *l, struct writer *w, unsigned level,
    const struct extent *e, struct err *err);

/* Items start to end of the level become one of the next. */
static enum err_code
store_run(struct extent_lists *l, struct writer *w, unsigned level, size_t start, size_t end,
    struct err *err)
{
	struct extent_list list = { l->levels[level].items + start, end - start,
		l->is_counted };
	struct extent sum;
	if (store_list_chunk(w, &list, &sum, err))
		return err->code;
	return add_at(l, w, level + 1, &sum, err);
}

/* All that ends in items from on; of what is before, none ends a list. */
static enum err_code
store_ended(
    struct extent_lists *l, struct writer *w, unsigned level, size_t from, struct err *err)
{
	struct extent_level *v = &l->levels[level];
	size_t start = 0;
	for (size_t i = from; i < v->count; i++) {
		if (!ends_list(&v->items[i], i + 1 - start))
			continue;
		if (store_run(l, w, level, start, i + 1, err))
			return err->code;
		start = i + 1;
	}
	v->count -= start;
	if (start > 0 && v->count > 0)
		memmove(v->items, v->items + start, v->count * sizeof *v->items);
	return ERR_OK;
}

/* A list has 32 extents and more, so the levels do not run out before the bytes do. */
static enum err_code
add_at(struct extent_lists *l, struct writer *w, unsigned level, const struct extent *e,
    struct err *err)
{
	if (level > CONTENT_MAX_LEVEL)
		return err_set(err, ERR_UNSUPPORTED, "a content of more than %d levels",
		    CONTENT_MAX_LEVEL);
	struct extent_level *v = &l->levels[level];
	if (append(v, e, err))
		return err->code;
	if (v->is_cut)
		return store_ended(l, w, level, v->count - 1, err);
	if (v->count <= CONTENT_MAX_ITEMS)
		return ERR_OK;
	v->is_cut = true;
	return store_ended(l, w, level, 0, err);
}

enum err_code
extent_lists_add(
    struct extent_lists *l, struct writer *w, const struct extent *e, struct err *err)
{
	l->size += e->len;
	return add_at(l, w, 0, e, err);
}

enum err_code
extent_lists_finish(
    struct extent_lists *l, struct writer *w, struct content *out, struct err *err)
{
	unsigned level = 0;
	for (; l->levels[level].is_cut; level++) {
		size_t left = l->levels[level].count;
		if (left > 0 && store_run(l, w, level, 0, left, err))
			return err->code;
	}
	struct extent_level *top = &l->levels[level];
	*out = (struct content){ l->size, level, top->count, TAKE(top->items), l->is_counted };
	extent_lists_release(l);
	return ERR_OK;
}
