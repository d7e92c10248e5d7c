#include "db/sqlite_pages.h"

#include "db/sqlite.h"

#include <string.h>

#define LEAF_TABLE 0x0d
#define INTERIOR_TABLE 0x05
#define LEAF_HEADER 8
#define INTERIOR_HEADER 12

static uint32_t
big16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t
big32(const uint8_t *p)
{
	return big16(p) << 16 | big16(p + 2);
}

static enum err_code
is_damaged(struct err *err, uint32_t page)
{
	return err_set(err, ERR_CORRUPT, "page %u is not as expected", page);
}

/* SQLite's variable-length integer: 7 bits a byte, of the ninth all 8.  The bytes it takes; 0:
 * it does not end before end. */
static size_t
read_varint(const uint8_t *p, const uint8_t *end, uint64_t *out)
{
	uint64_t v = 0;
	for (size_t i = 0; i < 9; i++) {
		if (p + i >= end)
			return 0;
		if (i == 8) {
			*out = v << 8 | p[i];
			return 9;
		}
		v = v << 7 | (p[i] & 0x7f);
		if ((p[i] & 0x80) == 0) {
			*out = v;
			return i + 1;
		}
	}
	return 0;
}

/* --- the file --- */

enum err_code
sqlite_pages_init(struct sqlite_pages *out, const struct sqlite_bytes *file, struct err *err)
{
	uint8_t header[SQLITE_HEADER_SIZE];
	if (file->size < sizeof header)
		return err_set(err, ERR_CORRUPT, "it is no SQLite database");
	if (file->read(file->arg, header, sizeof header, 0, err))
		return err->code;
	if (!sqlite_has_header(header, sizeof header))
		return err_set(err, ERR_CORRUPT, "it is no SQLite database");
	uint32_t size = big16(header + 16);
	size = size == 1 ? 65536 : size;
	uint64_t count = file->size / size;
	if (count > UINT32_MAX - 1 || size - header[20] < 480)
		return err_set(err, ERR_CORRUPT, "its header makes no sense");
	*out = (struct sqlite_pages){ file, size, size - header[20], (uint32_t)count };
	return ERR_OK;
}

/* Page number, from 1, into size bytes. */
static enum err_code
read_page(const struct sqlite_pages *p, uint32_t number, uint8_t *out, struct err *err)
{
	if (number == 0 || number > p->count)
		return err_set(err, ERR_CORRUPT, "there is no page %u", number);
	return p->file->read(p->file->arg, out, p->size, (uint64_t)(number - 1) * p->size, err);
}

/* --- sets --- */

static enum err_code
page_set_init(struct page_set *s, uint32_t count, struct err *err)
{
	*s = (struct page_set){ calloc(1, (size_t)count / 8 + 1), count };
	return s->bits != NULL ? ERR_OK : err_nomem(err);
}

void
page_set_release(struct page_set *s)
{
	free(s->bits);
	*s = (struct page_set){ NULL, 0 };
}

bool
page_set_has(const struct page_set *s, uint32_t number)
{
	return s->bits != NULL && number <= s->count &&
	       (s->bits[number / 8] >> (number % 8) & 1) != 0;
}

static void
page_set_add(struct page_set *s, uint32_t number)
{
	s->bits[number / 8] |= (uint8_t)(1U << (number % 8));
}

/* --- walking --- */

enum err_code
leaf_walk_init(
    struct leaf_walk *w, const struct sqlite_pages *pages, uint32_t root, struct err *err)
{
	*w = (struct leaf_walk){
		.pages = pages,
		.room = malloc((size_t)pages->size * SQLITE_DEPTH_MAX),
		.root = { root, INT64_MIN, INT64_MAX },
	};
	if (w->room == NULL)
		return err_nomem(err);
	return page_set_init(&w->seen, pages->count, err);
}

void
leaf_walk_release(struct leaf_walk *w)
{
	free(w->room);
	page_set_release(&w->seen);
	*w = (struct leaf_walk)LEAF_WALK_INIT;
}

static uint8_t *
page_of(const struct leaf_walk *w, size_t level)
{
	return w->room + level * w->pages->size;
}

/* Read a page; a leaf is given out, an interior page becomes the deepest level. */
static enum err_code
enter(struct leaf_walk *w, const struct sqlite_leaf *at, bool *is_leaf, struct err *err)
{
	/* The root of a table is never page 1, which holds the file's header. */
	if (at->page < 2 || at->page > w->pages->count || page_set_has(&w->seen, at->page) ||
	    w->depth == SQLITE_DEPTH_MAX)
		return is_damaged(err, at->page);
	page_set_add(&w->seen, at->page);
	*is_leaf = w->knows_leaves && w->depth == w->leaf_depth;
	if (*is_leaf)
		return ERR_OK;
	uint8_t *page = page_of(w, w->depth);
	if (read_page(w->pages, at->page, page, err))
		return err->code;
	*is_leaf = page[0] == LEAF_TABLE;
	if (*is_leaf) {
		w->knows_leaves = true;
		w->leaf_depth = w->depth;
		return ERR_OK;
	}
	uint32_t cells = big16(page + 3);
	if (page[0] != INTERIOR_TABLE || INTERIOR_HEADER + 2 * cells > w->pages->usable)
		return is_damaged(err, at->page);
	w->levels[w->depth++] = (struct leaf_level){ 0, cells + 1, at->first, at->last };
	return ERR_OK;
}

/* The next child of the deepest level. */
static enum err_code
next_child(struct leaf_walk *w, struct sqlite_leaf *out, struct err *err)
{
	struct leaf_level *l = &w->levels[w->depth - 1];
	const uint8_t *page = page_of(w, w->depth - 1);
	const uint8_t *end = page + w->pages->usable;
	uint32_t i = l->next++;
	if (i + 1 == l->children) {
		*out = (struct sqlite_leaf){ big32(page + 8), l->first, l->last };
		return ERR_OK;
	}
	uint32_t at = big16(page + INTERIOR_HEADER + (size_t)2 * i);
	uint64_t key = 0;
	if (at + 4 >= w->pages->usable || read_varint(page + at + 4, end, &key) == 0)
		return err_set(err, ERR_CORRUPT, "an interior page is not as expected");
	int64_t last = (int64_t)key;
	if (last < l->first || last >= l->last)
		return err_set(err, ERR_CORRUPT, "keys of an interior page are not in order");
	*out = (struct sqlite_leaf){ big32(page + at), l->first, last };
	l->first = last + 1;
	return ERR_OK;
}

enum err_code
leaf_walk_next(struct leaf_walk *w, struct sqlite_leaf *out, bool *got, struct err *err)
{
	struct sqlite_leaf at = w->root;
	w->root.page = 0;
	for (;;) {
		bool is_leaf = false;
		if (cancel_check(w->pages->file->cancel, err))
			return err->code;
		if (at.page != 0 && enter(w, &at, &is_leaf, err))
			return err->code;
		if (is_leaf) {
			*out = at;
			*got = true;
			return ERR_OK;
		}
		while (w->depth > 0 &&
		       w->levels[w->depth - 1].next == w->levels[w->depth - 1].children)
			w->depth--;
		if (w->depth == 0) {
			*got = false;
			return ERR_OK;
		}
		if (next_child(w, &at, err))
			return err->code;
		if (at.page == 0)
			return err_set(err, ERR_CORRUPT, "a page has a child of number 0");
	}
}

/* --- what is the same --- */

struct page_pair {
	const struct sqlite_pages *a;
	const struct sqlite_pages *b;
	const struct page_hint *hint;
	uint8_t *in_a;
	uint8_t *in_b;
};

/* in_a is read even where the hint knows. */
static enum err_code
compare_page(const struct page_pair *p, uint32_t number, bool *is_same, struct err *err)
{
	uint64_t offset = (uint64_t)(number - 1) * p->a->size;
	*is_same = false;
	if (number == 0 || number > p->a->count || number > p->b->count)
		return ERR_OK;
	if (read_page(p->a, number, p->in_a, err))
		return err->code;
	*is_same =
	    p->hint->is_same != NULL && p->hint->is_same(p->hint->arg, offset, p->a->size);
	if (*is_same)
		return ERR_OK;
	if (read_page(p->b, number, p->in_b, err))
		return err->code;
	*is_same = memcmp(p->in_a, p->in_b, p->a->size) == 0;
	return ERR_OK;
}

/* The overflow pages of a cell that has some; *is_same stays true when they are. */
static enum err_code
compare_chain(struct page_pair *p, uint32_t first, uint64_t len, bool *is_same, struct err *err)
{
	uint64_t pages = (len + p->a->usable - 5) / (p->a->usable - 4);
	for (uint32_t at = first; pages > 0 && *is_same; pages--) {
		if (cancel_check(p->a->file->cancel, err) || compare_page(p, at, is_same, err))
			return err->code;
		at = big32(p->in_a);
	}
	return ERR_OK;
}

/* What of a cell's payload lies in the leaf ("Cell Payload Overflow Pages"). */
static uint64_t
local_size(const struct sqlite_pages *p, uint64_t payload)
{
	uint64_t u = p->usable;
	uint64_t x = u - 35;
	if (payload <= x)
		return payload;
	uint64_t m = (u - 12) * 32 / 255 - 23;
	uint64_t k = m + (payload - m) % (u - 4);
	return k <= x ? k : m;
}

static enum err_code
compare_overflow(
    struct page_pair *p, const uint8_t *leaf, uint32_t number, bool *is_same, struct err *err)
{
	const uint8_t *end = leaf + p->a->usable;
	uint32_t cells = big16(leaf + 3);
	if (LEAF_HEADER + 2 * cells > p->a->usable)
		return is_damaged(err, number);
	for (uint32_t i = 0; i < cells && *is_same; i++) {
		const uint8_t *at = leaf + big16(leaf + LEAF_HEADER + (size_t)2 * i);
		uint64_t payload = 0;
		uint64_t rowid;
		size_t n = at < end ? read_varint(at, end, &payload) : 0;
		size_t m = n > 0 ? read_varint(at + n, end, &rowid) : 0;
		uint64_t local = local_size(p->a, payload);
		if (m == 0 || payload > INT32_MAX)
			return is_damaged(err, number);
		if (local == payload)
			continue;
		if (n + m + local + 4 > (size_t)(end - at))
			return is_damaged(err, number);
		if (compare_chain(p, big32(at + n + m + local), payload - local, is_same, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
list_leaves(
    struct page_set *out, const struct sqlite_pages *pages, uint32_t root, struct err *err)
{
	AUTO(leaf_walk) struct leaf_walk w = LEAF_WALK_INIT;
	struct sqlite_leaf leaf;
	bool got = true;
	if (page_set_init(out, pages->count, err) || leaf_walk_init(&w, pages, root, err))
		return err->code;
	while (got) {
		if (leaf_walk_next(&w, &leaf, &got, err))
			return err->code;
		if (got)
			page_set_add(out, leaf.page);
	}
	return ERR_OK;
}

enum err_code
sqlite_same_leaves(struct page_set *out, const struct sqlite_pages *a, uint32_t root_a,
    const struct sqlite_pages *b, uint32_t root_b, const struct page_hint *hint,
    struct err *err)
{
	AUTO(page_set) struct page_set in_a = { NULL, 0 };
	AUTO(page_set) struct page_set in_b = { NULL, 0 };
	if (page_set_init(out, a->count < b->count ? a->count : b->count, err))
		return err->code;
	if (a->size != b->size || a->usable != b->usable)
		return ERR_OK;
	AUTO(mem) uint8_t *room = malloc((size_t)3 * a->size);
	if (room == NULL)
		return err_nomem(err);
	struct page_pair p = { a, b, hint, room, room + a->size };
	uint8_t *leaf = room + (size_t)2 * a->size;
	if (list_leaves(&in_a, a, root_a, err) || list_leaves(&in_b, b, root_b, err))
		return err->code;
	for (uint32_t i = 2; i <= out->count; i++) {
		bool is_same = false;
		if (!page_set_has(&in_a, i) || !page_set_has(&in_b, i))
			continue;
		if (cancel_check(a->file->cancel, err) || compare_page(&p, i, &is_same, err))
			return err->code;
		/* A damaged tree may have something else there. */
		if (!is_same || p.in_a[0] != LEAF_TABLE)
			continue;
		memcpy(leaf, p.in_a, a->size);
		if (compare_overflow(&p, leaf, i, &is_same, err))
			return err->code;
		if (is_same)
			page_set_add(out, i);
	}
	return ERR_OK;
}
