#include "repo/row_tally.h"

#include "base/map.h"
#include "codec/chunker.h"
#include "repo/content_cursor.h"
#include "repo/repo_impl.h"

#include <assert.h>

/* Chunks of some 30 KiB: a table of four GB is known as a whole. */
#define WINDOW ((size_t)1 << 17)
/* After a chunk that was not the expected one, at most so many are not foretold. */
#define DOUBT_MAX 255
#define KEY_SIZE 16 /* of an id: enough to tell chunks apart that are hashed with a key */

/* Stored chunks that may still be counted off. */
struct waiting {
	struct extent extent;
	uint64_t offset; /* in the content */
	bool is_loose; /* holds a part of a row: never counted off */
};

/* How many equal chunks wait, and how many of these have been met in the stream. */
struct tallied {
	uint32_t waiting;
	uint32_t met;
	uint64_t last; /* number of the one that came last */
};

struct row_tally {
	struct repo *repo;
	struct spill *spill;
	struct tools *tools;

	/* the stream */
	struct chunker chunker;
	struct buf carry; /* of the chunk at hand, what came with earlier calls */
	uint64_t rows; /* that have ended in the chunk at hand */
	bool row_is_open; /* the chunk at hand ends within one */
	bool was_torn; /* the chunk before it did */
	uint64_t offset; /* behind the last chunk */
	struct row_rest rest;

	/* what is stored */
	struct content_cursor cursor;
	bool has_all; /* the cursor is at its end */
	bool stored_was_torn;
	uint64_t loaded_to; /* bytes */
	size_t window;
	struct waiting *ring;
	size_t cap; /* a power of two */
	size_t first;
	size_t count;
	uint64_t let_go; /* the number of the first */
	struct map tally; /* the first bytes of ids, to struct tallied */

	/* what the stream is likely to go on with */
	uint64_t expected; /* number of a stored chunk */
	bool expects;
	uint32_t doubt; /* grows with each disappointment */
	uint32_t wary; /* so many chunks more nothing is foretold */
};

/* One chunk in fresh; its bytes follow. */
struct fresh_head {
	uint32_t len;
	bool is_torn;
};

/* One chunk in stale. */
struct stale_record {
	uint64_t offset; /* in the content */
	uint64_t len;
	struct id id;
	bool is_torn;
};

void
row_rest_release(struct row_rest *r)
{
	spill_part_free(r->fresh);
	spill_part_free(r->stale);
	*r = (struct row_rest){ .rows = 0 };
}

enum err_code
row_tally_open(struct row_tally **out, struct repo *r, const struct row_tally_options *opt,
    struct err *err)
{
	AUTO(row_tally) struct row_tally *t = calloc(1, sizeof *t);
	if (t == NULL)
		return err_nomem(err);
	t->repo = r;
	t->spill = opt->spill;
	t->window = opt->window > 0 ? opt->window : WINDOW;
	map_init(&t->tally, KEY_SIZE, sizeof(struct tallied));
	t->expects = true;
	chunker_init(&t->chunker, &r->chunker, r->config.rows, BORDER_ROWS);
	if (content_cursor_init(&t->cursor, r, opt->stored, err) ||
	    repo_borrow_tools(r, &t->tools, err))
		return err->code;
	*out = TAKE(t);
	return ERR_OK;
}

void
row_tally_free(struct row_tally *t)
{
	if (t == NULL)
		return;
	if (t->tools != NULL)
		repo_return_tools(t->repo, t->tools);
	content_cursor_release(&t->cursor);
	row_rest_release(&t->rest);
	map_release(&t->tally);
	buf_release(&t->carry);
	free(t->ring);
	free(t);
}

static enum err_code
spill_to(struct row_tally *t, struct spill_part **part, const void *data, size_t len,
    struct err *err)
{
	if (*part == NULL && spill_part_new(part, t->spill, err))
		return err->code;
	return spill_part_write(*part, data, len, err);
}

/* --- stored chunks --- */

static struct waiting *
at(struct row_tally *t, size_t i)
{
	return &t->ring[(t->first + i) & (t->cap - 1)];
}

static enum err_code
grow(struct row_tally *t, struct err *err)
{
	size_t cap = max_size(64, 2 * t->cap);
	struct waiting *ring = calloc(cap, sizeof *ring);
	if (ring == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < t->count; i++)
		ring[i] = *at(t, i);
	free(t->ring);
	t->ring = ring;
	t->cap = cap;
	t->first = 0;
	return ERR_OK;
}

/* The first of those that wait has been met, or never will be. */
static enum err_code
let_go(struct row_tally *t, struct err *err)
{
	const struct waiting *w = at(t, 0);
	struct tallied *n = w->is_loose ? NULL : map_get(&t->tally, w->extent.id.b);
	bool is_met = n != NULL && n->met > 0;
	if (n != NULL) {
		n->met -= is_met;
		n->waiting--;
		if (n->waiting == 0)
			map_remove(&t->tally, w->extent.id.b);
	}
	if (!is_met) {
		struct stale_record s;
		memset(&s, 0, sizeof s);
		s.offset = w->offset;
		s.len = w->extent.len;
		s.id = w->extent.id;
		s.is_torn = w->extent.is_torn;
		if (spill_to(t, &t->rest.stale, &s, sizeof s, err))
			return err->code;
	}
	t->first = (t->first + 1) & (t->cap - 1);
	t->count--;
	t->let_go++;
	return ERR_OK;
}

static enum err_code
wait_for(struct row_tally *t, const struct waiting *w, struct err *err)
{
	void *n;
	bool is_new;
	if (t->count == t->window && let_go(t, err))
		return err->code;
	if (t->count == t->cap && grow(t, err))
		return err->code;
	if (!w->is_loose) {
		if (map_put(&t->tally, w->extent.id.b, &n, &is_new, err))
			return err->code;
		((struct tallied *)n)->waiting++;
		((struct tallied *)n)->last = t->let_go + t->count;
	}
	t->count++;
	*at(t, t->count - 1) = *w;
	return ERR_OK;
}

static enum err_code
load_next(struct row_tally *t, struct err *err)
{
	struct waiting w = { .offset = t->loaded_to };
	if (content_cursor_next(&t->cursor, &w.extent, &t->has_all, err))
		return err->code;
	if (t->has_all)
		return ERR_OK;
	t->loaded_to += w.extent.len;
	w.is_loose = w.extent.is_torn || t->stored_was_torn;
	t->stored_was_torn = w.extent.is_torn;
	return w.is_loose || w.extent.rows > 0 ? wait_for(t, &w, err) : ERR_OK;
}

/* Let the place that the stream has reached be in the middle of what waits. */
static enum err_code
slide(struct row_tally *t, struct err *err)
{
	while (!t->has_all) {
		uint64_t from = t->count > 0 ? at(t, 0)->offset : 0;
		if (t->count == t->window && t->offset < from + (t->loaded_to - from) / 2)
			return ERR_OK;
		if (load_next(t, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- the stream --- */

/* Is there such a chunk that no other was counted off against?  What stood behind it is likely
 * to follow. */
static bool
meet(struct row_tally *t, const struct id *id)
{
	struct tallied *n = map_get(&t->tally, id->b);
	if (n == NULL || n->met == n->waiting)
		return false;
	n->met++;
	t->expected = n->last + 1;
	t->expects = true;
	return true;
}

static enum err_code
count_off(
    struct row_tally *t, const uint8_t *data, size_t len, bool *is_shared, struct err *err)
{
	struct id id;
	t->expects = false;
	t->wary -= t->wary > 0;
	if (slide(t, err) || repo_chunk_id(t->tools, data, len, &id, err))
		return err->code;
	*is_shared = meet(t, &id);
	return ERR_OK;
}

static enum err_code
keep_fresh(struct row_tally *t, const uint8_t *data, size_t len, bool is_torn, struct err *err)
{
	struct fresh_head head;
	memset(&head, 0, sizeof head);
	head.len = (uint32_t)len;
	head.is_torn = is_torn;
	if (spill_to(t, &t->rest.fresh, &head, sizeof head, err))
		return err->code;
	return spill_part_write(t->rest.fresh, data, len, err);
}

static enum err_code
take_chunk(struct row_tally *t, const uint8_t *data, size_t len, struct err *err)
{
	bool is_torn = t->row_is_open;
	bool is_loose = is_torn || t->was_torn;
	bool is_shared = !is_loose && t->rows == 0;
	if (!is_loose && t->rows > 0 && count_off(t, data, len, &is_shared, err))
		return err->code;
	t->offset += len;
	t->rest.rows += t->rows;
	t->rows = 0;
	t->was_torn = is_torn;
	return is_shared ? ERR_OK : keep_fresh(t, data, len, is_torn, err);
}

/* A chunk ends behind these bytes of it. */
static enum err_code
end_chunk(struct row_tally *t, const uint8_t *data, size_t len, struct err *err)
{
	if (t->carry.len == 0)
		return take_chunk(t, data, len, err);
	if (buf_add(&t->carry, data, len, err) ||
	    take_chunk(t, t->carry.data, t->carry.len, err))
		return err->code;
	t->carry.len = 0;
	return ERR_OK;
}

/* The stored chunk that is likely to come now; NULL when none is. */
static const struct waiting *
expected_chunk(struct row_tally *t)
{
	bool is_at_start = t->carry.len == 0 && !t->row_is_open && !t->was_torn;
	uint64_t number = t->expected - t->let_go;
	if (!is_at_start || !t->expects || t->wary > 0 || t->expected < t->let_go ||
	    number >= t->count)
		return NULL;
	const struct waiting *w = at(t, (size_t)number);
	return w->is_loose ? NULL : w;
}

/* Where the stream goes on as what is stored did, the border is known without looking for it: a
 * fresh start, the same bytes, the same border.  *taken is 0 when that is not so. */
static enum err_code
take_foretold(struct row_tally *t, const uint8_t *data, size_t len, struct row_ends *ends,
    size_t *taken, struct err *err)
{
	struct id id;
	*taken = 0;
	if (!t->expects)
		return ERR_OK;
	if (slide(t, err))
		return err->code;
	const struct waiting *w = expected_chunk(t);
	if (w == NULL || w->extent.len > len || !row_ends_at(ends, (size_t)w->extent.len))
		return ERR_OK;
	size_t n = (size_t)w->extent.len;
	uint64_t next = t->expected + 1;
	if (repo_chunk_id(t->tools, data, n, &id, err))
		return err->code;
	if (!id_equal(&id, &w->extent.id) || !meet(t, &id)) {
		t->expects = false;
		t->doubt = (uint32_t)min_size(2 * (size_t)t->doubt + 1, DOUBT_MAX);
		t->wary = t->doubt;
		return ERR_OK;
	}
	t->expected = next;
	t->doubt = 0;
	t->offset += n;
	t->rest.rows += row_ends_pass(ends, n, &t->row_is_open);
	*taken = n;
	return ERR_OK;
}

static enum err_code
cut(struct row_tally *t, const uint8_t *data, size_t len, struct row_ends *ends,
    struct err *err)
{
	size_t start = 0;
	size_t fed = 0;
	while (fed < len) {
		bool is_end;
		size_t taken = 0;
		if (start == fed && t->chunker.pos == 0 &&
		    take_foretold(t, data + fed, len - fed, ends, &taken, err))
			return err->code;
		if (taken > 0) {
			start = fed += taken;
			continue;
		}
		taken = chunker_next_row(&t->chunker, data + fed, len - fed, ends, &is_end);
		fed += taken;
		t->rows += row_ends_pass(ends, taken, &t->row_is_open);
		if (is_end && end_chunk(t, data + start, fed - start, err))
			return err->code;
		if (is_end)
			start = fed;
	}
	return buf_add(&t->carry, data + start, len - start, err);
}

enum err_code
row_tally_write(struct row_tally *t, const void *data, size_t len, struct err *err)
{
	struct row_ends none = { .at = NULL };
	return cut(t, data, len, &none, err);
}

enum err_code
row_tally_rows(struct row_tally *t, const void *data, size_t len, const uint32_t *ends,
    size_t count, struct err *err)
{
	struct row_ends rows = { .at = ends, .count = count };
	assert(len <= UINT32_MAX);
	t->row_is_open = t->row_is_open || (count == 0 && len > 0);
	return cut(t, data, len, &rows, err);
}

enum err_code
row_tally_border(struct row_tally *t, struct err *err)
{
	t->row_is_open = false;
	if (t->carry.len == 0)
		return ERR_OK;
	chunker_init(&t->chunker, t->chunker.table, t->chunker.sizes, t->chunker.border);
	return end_chunk(t, NULL, 0, err);
}

enum err_code
row_tally_finish(struct row_tally *t, struct row_rest *out, struct err *err)
{
	if (row_tally_border(t, err))
		return err->code;
	while (!t->has_all)
		if (load_next(t, err))
			return err->code;
	while (t->count > 0)
		if (let_go(t, err))
			return err->code;
	if ((t->rest.fresh != NULL && spill_part_end(t->rest.fresh, err)) ||
	    (t->rest.stale != NULL && spill_part_end(t->rest.stale, err)))
		return err->code;
	*out = t->rest;
	t->rest = (struct row_rest){ .rows = 0 };
	return ERR_OK;
}

/* --- what is left --- */

/* Chunks that are put together until a row ends. */
struct gathered {
	struct buf bytes;
	bytes_fn *fn;
	void *arg;
};

static void
gathered_auto(struct gathered *g)
{
	buf_release(&g->bytes);
}

static enum err_code
hand_over(struct gathered *g, bool is_torn, struct err *err)
{
	if (is_torn)
		return ERR_OK;
	if (g->fn != NULL && g->fn(g->arg, g->bytes.data, g->bytes.len, err))
		return err->code;
	g->bytes.len = 0;
	return ERR_OK;
}

enum err_code
row_rest_fresh(struct row_rest *r, bytes_fn *fn, void *arg, struct err *err)
{
	AUTO(gathered) struct gathered g = { .fn = fn, .arg = arg };
	size_t got = sizeof(struct fresh_head);
	while (r->fresh != NULL) {
		struct fresh_head head;
		if (spill_part_read(r->fresh, &head, sizeof head, &got, err))
			return err->code;
		if (got == 0)
			return ERR_OK;
		if (buf_reserve(&g.bytes, head.len, err) ||
		    spill_part_read(r->fresh, g.bytes.data + g.bytes.len, head.len, &got, err))
			return err->code;
		g.bytes.len += head.len;
		if (hand_over(&g, head.is_torn, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
gather(struct gathered *g, struct repo *r, const struct id *id, uint64_t len, bool is_torn,
    struct err *err)
{
	struct chunk_view v;
	if (repo_read_chunk(r, id, &v, err))
		return err->code;
	enum err_code rc =
	    v.len == len
		? buf_add(&g->bytes, v.data, v.len, err)
		: err_set(err, ERR_CORRUPT, "content: a chunk has another length than listed");
	chunk_view_release(&v);
	return rc == ERR_OK ? hand_over(g, is_torn, err) : rc;
}

/* The next one; *got is false behind the last. */
static enum err_code
next_stale(struct row_rest *r, struct stale_record *out, bool *got, struct err *err)
{
	size_t n = 0;
	if (r->stale != NULL && spill_part_read(r->stale, out, sizeof *out, &n, err))
		return err->code;
	*got = n > 0;
	return ERR_OK;
}

static enum err_code
stale_alone(struct row_rest *r, const struct row_rest_stored *s, struct err *err)
{
	AUTO(gathered) struct gathered g = { .fn = s->fn, .arg = s->arg };
	for (;;) {
		struct stale_record x;
		bool got;
		if (next_stale(r, &x, &got, err))
			return err->code;
		if (!got)
			return ERR_OK;
		if (gather(&g, s->repo, &x.id, x.len, x.is_torn, err))
			return err->code;
	}
}

struct stored_walk {
	struct row_rest *rest;
	const struct row_rest_stored *stored;
	struct gathered all;
	struct gathered counted;
	struct stale_record stale; /* the next one */
	bool has_stale;
	bool was_torn;
};

static void
stored_walk_auto(struct stored_walk *w)
{
	gathered_auto(&w->all);
	gathered_auto(&w->counted);
}

static enum err_code
take_stored(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	struct stored_walk *w = arg;
	struct repo *r = w->stored->repo;
	bool is_loose = e->is_torn || w->was_torn;
	bool is_stale = w->has_stale && w->stale.offset == offset;
	w->was_torn = e->is_torn;
	if (!is_loose && e->rows == 0)
		return ERR_OK;
	if (gather(&w->all, r, &e->id, e->len, e->is_torn, err))
		return err->code;
	if (is_stale)
		return next_stale(w->rest, &w->stale, &w->has_stale, err);
	return gather(&w->counted, r, &e->id, e->len, e->is_torn, err);
}

enum err_code
row_rest_stale(struct row_rest *r, const struct row_rest_stored *s, struct err *err)
{
	if (!s->is_all)
		return stale_alone(r, s, err);
	AUTO(stored_walk) struct stored_walk w = {
		.rest = r,
		.stored = s,
		.all = { .fn = s->fn, .arg = s->arg },
		.counted = { .fn = s->counted, .arg = s->arg },
	};
	if (next_stale(r, &w.stale, &w.has_stale, err))
		return err->code;
	return content_walk(s->repo, s->content, take_stored, NULL, &w, err);
}
