#include "repo/extents.h"

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

/* Replace the list by the list of its lists, in place. */
static enum err_code
raise_level(
    struct writer *w, struct extent *items, size_t *count, bool is_counted, struct err *err)
{
	size_t lists = 0;
	size_t start = 0;
	for (size_t i = 0; i < *count; i++) {
		if (!ends_list(&items[i], i + 1 - start) && i + 1 < *count)
			continue;
		struct extent_list list = { items + start, i + 1 - start, is_counted };
		struct extent sum;
		if (store_list_chunk(w, &list, &sum, err))
			return err->code;
		items[lists++] = sum;
		start = i + 1;
	}
	*count = lists;
	return ERR_OK;
}

enum err_code
extents_to_content(struct writer *w, struct extent *items, size_t count, bool is_counted,
    struct content *out, struct err *err)
{
	AUTO(mem) struct extent *owned = items;
	uint64_t size = 0;
	for (size_t i = 0; i < count; i++)
		size += items[i].len;
	unsigned level = 0;
	while (count > CONTENT_MAX_ITEMS) {
		if (raise_level(w, items, &count, is_counted, err))
			return err->code;
		level++;
	}
	*out = (struct content){ size, level, count, TAKE(owned), is_counted };
	return ERR_OK;
}
