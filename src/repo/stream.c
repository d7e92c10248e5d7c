#include "repo/stream.h"

#include "base/room.h"
#include "repo/extents.h"
#include "repo/repo_impl.h"

#include <assert.h>
#include <inttypes.h>

#define ROOM_MIN ((size_t)64 << 10)

/* Read so much at once: what was read is then cut while it is still in the processor's cache.
 */
#define ROOM_MAX ((size_t)512 << 10)

/* So often are extents looked through for those that can go into the lists. */
#define PASS_EVERY 128

struct intake {
	struct writer *writer;
	struct group *group; /* NULL until first needed */
	struct slab *slab; /* NULL until first needed */
	size_t used; /* bytes of the slab that are taken */
};

/* An extent that is in no list yet. */
struct arrival {
	struct extent extent;
	bool has_id;
};

/*
 * A stream is fed by one thread, while its ids arrive from the workers.  It
 * ends when it has been finished and no id is missing.  Meanwhile extents wait until all before
 * them have their ids, and then go into lists, which are stored as they end: so many wait as
 * the workers have chunks at hand, however long the stream is.
 */
struct stream {
	struct intake *intake;
	struct writer *writer;
	enum chunk_kind kind;
	struct chunker chunker;
	size_t chunk_start; /* in the slab */
	size_t fed; /* in the slab: how far the chunker has looked */
	bool is_counted;
	uint64_t rows; /* that have ended in the chunk at hand */
	bool row_is_open; /* the chunk at hand ends within one */
	struct extent_lists
	    lists; /* of the thread that feeds, then of the one that completes */

	pthread_mutex_t lock; /* guards all below */
	struct arrival *items; /* only the thread that feeds moves them */
	size_t first; /* number of items[0] in the stream */
	size_t count;
	size_t cap;
	size_t pending; /* chunks without an id */
	bool finished;
	bool aborted;
	stream_done *done;
	void *arg;
};

enum err_code
intake_new(struct intake **out, struct writer *w, struct err *err)
{
	struct intake *in = calloc(1, sizeof *in);
	if (in == NULL)
		return err_nomem(err);
	in->writer = w;
	writer_allow_slabs(w, 1);
	*out = in;
	return ERR_OK;
}

void
intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	group_free(in->group);
	slab_unref(in->slab);
	writer_allow_slabs(in->writer, -1);
	free(in);
}

static struct chunk_sizes
sizes_of(const struct writer *w, enum chunk_kind kind)
{
	const struct config *c = &writer_repo(w)->config;
	return kind == CHUNK_DATA ? c->data : kind == CHUNK_ROWS ? c->rows : c->tree;
}

static enum err_code
open_kind(struct stream **out, struct intake *in, enum chunk_kind kind,
    enum chunk_border border, struct err *err)
{
	struct stream *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	s->intake = in;
	s->writer = in->writer;
	s->kind = kind;
	s->chunk_start = s->fed = in->used;
	pthread_mutex_init(&s->lock, NULL);
	s->is_counted = border == BORDER_ROWS;
	s->lists.is_counted = s->is_counted;
	chunker_init(
	    &s->chunker, &writer_repo(in->writer)->chunker, sizes_of(in->writer, kind), border);
	*out = s;
	return ERR_OK;
}

enum err_code
stream_open(struct stream **out, struct intake *in, enum chunk_kind kind, struct err *err)
{
	return open_kind(out, in, kind, kind == CHUNK_ROWS ? BORDER_LINES : BORDER_ANY, err);
}

enum err_code
stream_open_rows(struct stream **out, struct intake *in, struct err *err)
{
	return open_kind(out, in, CHUNK_ROWS, BORDER_ROWS, err);
}

static void
stream_free(struct stream *s)
{
	free(s->items);
	extent_lists_release(&s->lists);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static enum err_code
make_content(struct stream *s, struct content *out, struct err *err)
{
	for (size_t i = 0; i < s->count; i++)
		if (extent_lists_add(&s->lists, s->writer, &s->items[i].extent, err))
			return err->code;
	return extent_lists_finish(&s->lists, s->writer, out, err);
}

/* All ids are there: make the content, tell, free. */
static void
complete(struct stream *s)
{
	struct content c = CONTENT_INIT;
	struct err err;
	/* A failure here is the writer's, which keeps it; the content is then empty. */
	if (!s->aborted && make_content(s, &c, &err))
		c = (struct content)CONTENT_INIT;
	if (s->done != NULL)
		s->done(s->arg, &c);
	else
		content_release(&c);
	stream_free(s);
}

static void
chunk_is_known(void *arg, size_t index, const struct id *id)
{
	struct stream *s = arg;
	pthread_mutex_lock(&s->lock);
	struct arrival *a = &s->items[index - s->first];
	a->extent.id = *id;
	a->has_id = true;
	bool last = --s->pending == 0 && s->finished;
	pthread_mutex_unlock(&s->lock);
	if (last)
		complete(s);
}

/* Move extents into the lists, as far as ids are known.  The last one stays: a hole may grow.
 */
static enum err_code
pass_known(struct stream *s, struct err *err)
{
	size_t n = 0;
	pthread_mutex_lock(&s->lock);
	while (n + 1 < s->count && s->items[n].has_id)
		n++;
	pthread_mutex_unlock(&s->lock);
	/* Workers touch no extent that has its id. */
	for (size_t i = 0; i < n; i++)
		if (extent_lists_add(&s->lists, s->writer, &s->items[i].extent, err))
			return err->code;
	pthread_mutex_lock(&s->lock);
	if (n > 0)
		memmove(s->items, s->items + n, (s->count - n) * sizeof *s->items);
	s->first += n;
	s->count -= n;
	pthread_mutex_unlock(&s->lock);
	return ERR_OK;
}

/* Append an extent; its number goes to *index.  Unless its id is known, one is pending. */
static enum err_code
add_extent(
    struct stream *s, const struct extent *e, bool is_pending, size_t *index, struct err *err)
{
	if ((s->first + s->count + 1) % PASS_EVERY == 0 && pass_known(s, err))
		return err->code;
	pthread_mutex_lock(&s->lock);
	enum err_code rc = ROOM(s->items, s->count, s->cap, 1, err);
	if (rc == ERR_OK) {
		*index = s->first + s->count;
		s->items[s->count++] = (struct arrival){ *e, !is_pending };
		s->pending += is_pending;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static enum err_code
add_small_chunk(struct stream *s, const uint8_t *data, struct extent e, struct err *err)
{
	struct intake *in = s->intake;
	size_t index;
	if (in->group == NULL && group_new(&in->group, s->writer, err))
		return err->code;
	if (group_add(in->group, s->kind, data, (size_t)e.len, &e.id, err))
		return err->code;
	return add_extent(s, &e, false, &index, err);
}

static enum err_code
add_large_chunk(struct stream *s, size_t start, const struct extent *e, struct err *err)
{
	size_t index;
	if (add_extent(s, e, true, &index, err))
		return err->code;
	if (writer_add(s->writer, s->kind, s->intake->slab, start, (size_t)e->len,
		chunk_is_known, s, index, err)) {
		pthread_mutex_lock(&s->lock);
		s->pending--;
		pthread_mutex_unlock(&s->lock);
		return err->code;
	}
	return ERR_OK;
}

/* Of the chunk that ends here. */
static struct extent
next_extent(struct stream *s, size_t len)
{
	struct extent e = { .len = len, .rows = s->rows, .is_torn = s->row_is_open };
	s->rows = 0;
	return e;
}

/* Hand over the chunk that ends at s->fed. */
static enum err_code
end_chunk(struct stream *s, struct err *err)
{
	size_t start = s->chunk_start;
	struct extent e = next_extent(s, s->fed - start);
	s->chunk_start = s->fed;
	if (writer_is_large(s->kind, (size_t)e.len))
		return add_large_chunk(s, start, &e, err);
	return add_small_chunk(s, s->intake->slab->data + start, e, err);
}

enum err_code
stream_room(struct stream *s, uint8_t **where, size_t *room, struct err *err)
{
	struct intake *in = s->intake;
	if (in->slab == NULL || in->slab->size - in->used < ROOM_MIN) {
		struct slab *fresh;
		if (writer_get_slab(s->writer, &fresh, err))
			return err->code;
		/* The chunk at hand moves along; it is shorter than a slab. */
		size_t carry = in->used - s->chunk_start;
		if (carry > 0)
			memcpy(fresh->data, in->slab->data + s->chunk_start, carry);
		slab_unref(in->slab);
		in->slab = fresh;
		s->fed -= s->chunk_start;
		s->chunk_start = 0;
		in->used = carry;
	}
	*where = in->slab->data + in->used;
	*room = min_size(in->slab->size - in->used, ROOM_MAX);
	return ERR_OK;
}

/* n more bytes are in the slab. */
static enum err_code
cut(struct stream *s, size_t n, struct row_ends *ends, struct err *err)
{
	struct intake *in = s->intake;
	in->used += n;
	while (s->fed < in->used) {
		bool is_end;
		size_t taken = chunker_next_row(
		    &s->chunker, in->slab->data + s->fed, in->used - s->fed, ends, &is_end);
		s->fed += taken;
		s->rows += row_ends_pass(ends, taken, &s->row_is_open);
		if (is_end && end_chunk(s, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
stream_commit(struct stream *s, size_t n, struct err *err)
{
	struct row_ends none = { 0 };
	return cut(s, n, &none, err);
}

/* Copy what is the chunk's into the slab. */
static enum err_code
keep(struct stream *s, const uint8_t *data, size_t len, struct err *err)
{
	while (len > 0) {
		uint8_t *where;
		size_t room;
		if (stream_room(s, &where, &room, err))
			return err->code;
		size_t n = min_size(len, room);
		memcpy(where, data, n);
		s->intake->used += n;
		s->fed = s->intake->used;
		data += n;
		len -= n;
	}
	return ERR_OK;
}

/* A chunk that is whole where it came from is not copied, unless it goes to the workers. */
static enum err_code
put(struct stream *s, const void *data, size_t len, struct row_ends *ends, struct err *err)
{
	const uint8_t *p = data;
	while (len > 0) {
		bool is_end;
		size_t n = chunker_next_row(&s->chunker, p, len, ends, &is_end);
		s->rows += row_ends_pass(ends, n, &s->row_is_open);
		bool is_whole = is_end && s->fed == s->chunk_start;
		if (is_whole && !writer_is_large(s->kind, n)) {
			if (add_small_chunk(s, p, next_extent(s, n), err))
				return err->code;
		} else if (keep(s, p, n, err) || (is_end && end_chunk(s, err))) {
			return err->code;
		}
		p += n;
		len -= n;
	}
	return ERR_OK;
}

enum err_code
stream_write(struct stream *s, const void *data, size_t len, struct err *err)
{
	struct row_ends none = { 0 };
	return put(s, data, len, &none, err);
}

enum err_code
stream_rows(struct stream *s, const void *data, size_t len, const uint32_t *ends, size_t count,
    struct err *err)
{
	struct row_ends rows = { .at = ends, .count = count };
	assert(s->is_counted && len <= UINT32_MAX);
	s->row_is_open = s->row_is_open || (count == 0 && len > 0);
	return put(s, data, len, &rows, err);
}

static enum err_code
end_last_chunk(struct stream *s, struct err *err)
{
	s->row_is_open = false;
	if (s->fed == s->chunk_start)
		return ERR_OK;
	chunker_init(&s->chunker, s->chunker.table, s->chunker.sizes, s->chunker.border);
	return end_chunk(s, err);
}

enum err_code
stream_border(struct stream *s, struct err *err)
{
	return end_last_chunk(s, err);
}

enum err_code
stream_chunk(struct stream *s, const void *data, const struct extent *e, struct err *err)
{
	assert(s->is_counted);
	if (e->len > SLAB_SIZE - ROOM_MIN)
		return err_set(err, ERR_UNSUPPORTED,
		    "a chunk of %" PRIu64 " bytes is larger than this StackSnap writes",
		    e->len);
	if (end_last_chunk(s, err) || keep(s, data, (size_t)e->len, err))
		return err->code;
	s->rows = e->rows;
	s->row_is_open = e->is_torn;
	enum err_code rc = end_chunk(s, err);
	s->row_is_open = false;
	return rc;
}

enum err_code
stream_hole(struct stream *s, uint64_t len, struct err *err)
{
	size_t index;
	assert(!s->is_counted);
	if (len == 0)
		return ERR_OK;
	if (end_last_chunk(s, err))
		return err->code;
	if (s->count > 0 && s->items[s->count - 1].extent.is_hole) {
		s->items[s->count - 1].extent.len += len;
		return ERR_OK;
	}
	struct extent e = { .len = len, .is_hole = true };
	return add_extent(s, &e, false, &index, err);
}

enum err_code
stream_stored(struct stream *s, const struct extent *e, struct err *err)
{
	size_t index;
	if (end_last_chunk(s, err))
		return err->code;
	return add_extent(s, e, false, &index, err);
}

/* No more bytes; s may be gone on return. */
static void
finish(struct stream *s, bool aborted, stream_done *done, void *arg)
{
	pthread_mutex_lock(&s->lock);
	s->finished = true;
	s->aborted = aborted;
	s->done = done;
	s->arg = arg;
	bool last = s->pending == 0;
	pthread_mutex_unlock(&s->lock);
	if (last)
		complete(s);
}

enum err_code
stream_finish(struct stream *s, stream_done *done, void *arg, struct err *err)
{
	if (end_last_chunk(s, err)) {
		finish(s, true, NULL, NULL);
		return err->code;
	}
	finish(s, false, done, arg);
	return ERR_OK;
}

void
stream_abort(struct stream *s)
{
	if (s != NULL)
		finish(s, true, NULL, NULL);
}

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool is_done;
	struct content content;
};

static void
wake(void *arg, struct content *content)
{
	struct waiter *q = arg;
	pthread_mutex_lock(&q->lock);
	q->content = *content;
	q->is_done = true;
	pthread_cond_signal(&q->ended);
	pthread_mutex_unlock(&q->lock);
}

enum err_code
stream_close(struct stream *s, struct content *out, struct err *err)
{
	struct writer *w = s->writer;
	struct waiter q = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false,
		CONTENT_INIT };
	if (stream_finish(s, wake, &q, err))
		return err->code;
	pthread_mutex_lock(&q.lock);
	while (!q.is_done)
		pthread_cond_wait(&q.ended, &q.lock);
	pthread_mutex_unlock(&q.lock);
	if (writer_check(w, err)) {
		content_release(&q.content);
		return err->code;
	}
	*out = q.content;
	return ERR_OK;
}

enum err_code
stream_store_records(struct writer *w, const void *data, size_t len, const uint64_t *border,
    size_t borders, struct content *out, struct err *err)
{
	const struct repo *r = writer_repo(w);
	AUTO(extent_lists) struct extent_lists lists = { .is_counted = false };
	size_t next = 0; /* first border behind what is stored */
	size_t start = 0;
	while (start < len) {
		struct chunker c;
		bool cut;
		chunker_init(&c, &r->chunker, r->config.tree, BORDER_ANY);
		size_t end =
		    start + chunker_next(&c, (const uint8_t *)data + start, len - start, &cut);
		/* The hash finds a place; the chunk ends where the record there does. */
		while (next < borders && border[next] < end)
			next++;
		end = next < borders ? (size_t)border[next] : len;
		struct extent e = { .len = end - start };
		if (writer_add_now(w, CHUNK_TREE, (const uint8_t *)data + start, end - start,
			&e.id, err) ||
		    extent_lists_add(&lists, w, &e, err))
			return err->code;
		start = end;
	}
	return extent_lists_finish(&lists, w, out, err);
}
