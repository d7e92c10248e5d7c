#include "repo/content.h"

#include "crypto/hash.h"
#include "repo/extents.h"

/* Added to the level of a counted content. */
#define COUNTED 16u

void
content_release(struct content *c)
{
	free(c->items);
	*c = (struct content)CONTENT_INIT;
}

enum err_code
content_copy(struct content *out, const struct content *c, struct err *err)
{
	struct extent *items = NULL;
	if (c->count > 0) {
		items = malloc(c->count * sizeof *items);
		if (items == NULL)
			return err_nomem(err);
		memcpy(items, c->items, c->count * sizeof *items);
	}
	*out = (struct content){ c->size, c->level, c->count, items, c->is_counted };
	return ERR_OK;
}

bool
content_equal(const struct content *a, const struct content *b)
{
	if (a->size != b->size || a->level != b->level || a->count != b->count ||
	    a->is_counted != b->is_counted)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct extent *x = &a->items[i];
		const struct extent *y = &b->items[i];
		if (x->len != y->len || x->is_hole != y->is_hole ||
		    (!x->is_hole && !id_equal(&x->id, &y->id)))
			return false;
		if (a->is_counted && (x->rows != y->rows || x->is_torn != y->is_torn))
			return false;
	}
	return true;
}

uint64_t
content_rows(const struct content *c)
{
	uint64_t rows = 0;
	for (size_t i = 0; c->is_counted && i < c->count; i++)
		rows += c->items[i].rows;
	return rows;
}

static enum err_code
encode_extent(const struct extent *e, bool is_counted, struct buf *out, struct err *err)
{
	if (buf_varint(out, e->len << 1 | e->is_hole, err) ||
	    (!e->is_hole && buf_add(out, e->id.b, ID_SIZE, err)))
		return err->code;
	return is_counted ? buf_varint(out, e->rows << 1 | e->is_torn, err) : ERR_OK;
}

enum err_code
extents_encode(const struct extent_list *list, struct buf *out, struct err *err)
{
	if (buf_varint(out, list->count, err))
		return err->code;
	for (size_t i = 0; i < list->count; i++)
		if (encode_extent(&list->items[i], list->is_counted, out, err))
			return err->code;
	return ERR_OK;
}

/* The size of all before it is taken into account. */
static bool
decode_extent(struct extent *e, unsigned level, bool is_counted, uint64_t size, struct rd *r)
{
	uint64_t v = rd_varint(r);
	e->len = v >> 1;
	e->is_hole = v & 1;
	const uint8_t *id = e->is_hole ? NULL : rd_bytes(r, ID_SIZE);
	if (is_counted) {
		uint64_t rows = rd_varint(r);
		e->rows = rows >> 1;
		e->is_torn = rows & 1;
	}
	if (!rd_ok(r) || e->len == 0 || e->len > UINT64_MAX / 4 - size ||
	    (e->is_hole && (level > 0 || is_counted)) || e->rows > e->len)
		return false;
	if (id != NULL)
		memcpy(e->id.b, id, ID_SIZE);
	return true;
}

/* The list as a content of the given level. */
static enum err_code
decode_list(struct content *out, unsigned level, bool is_counted, struct rd *r, struct err *err)
{
	uint64_t count = rd_varint(r);
	if (!rd_ok(r) || count > rd_left(r)) {
		r->failed = true;
		return err_set(err, ERR_CORRUPT, "content: bad count");
	}
	AUTO(mem) struct extent *items = calloc(count > 0 ? count : 1, sizeof *items);
	if (items == NULL)
		return err_nomem(err);
	uint64_t size = 0;
	for (size_t i = 0; i < count; i++) {
		if (!decode_extent(&items[i], level, is_counted, size, r)) {
			r->failed = true;
			return err_set(err, ERR_CORRUPT, "content: bad extent");
		}
		size += items[i].len;
	}
	*out = (struct content){ size, level, count, TAKE(items), is_counted };
	return ERR_OK;
}

enum err_code
content_encode(const struct content *c, struct buf *out, struct err *err)
{
	struct extent_list list = { c->items, c->count, c->is_counted };
	if (buf_varint(out, c->level + (c->is_counted ? COUNTED : 0), err))
		return err->code;
	return extents_encode(&list, out, err);
}

enum err_code
content_decode(struct content *out, struct rd *r, struct err *err)
{
	uint64_t v = rd_varint(r);
	uint64_t level = v & ~(uint64_t)COUNTED;
	if (!rd_ok(r) || level > CONTENT_MAX_LEVEL) {
		r->failed = true;
		return err_set(err, ERR_CORRUPT, "content: bad level");
	}
	struct content c;
	if (decode_list(&c, (unsigned)level, (v & COUNTED) != 0, r, err))
		return err->code;
	if (c.count > 0 && c.items[c.count - 1].is_torn) {
		content_release(&c);
		r->failed = true;
		return err_set(err, ERR_CORRUPT, "content: its last row does not end");
	}
	*out = c;
	return ERR_OK;
}

enum err_code
content_digest(const struct content *c, uint8_t out[CONTENT_DIGEST_SIZE], struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (content_encode(c, &raw, err))
		return err->code;
	return sha256_of(raw.data, raw.len, out, err);
}

struct walk {
	struct repo *repo;
	extent_fn *fn;
	extent_fn *list_fn;
	void *arg;
};

enum err_code
content_read_list(
    struct repo *r, const struct content *above, size_t i, struct content *out, struct err *err)
{
	const struct extent *e = &above->items[i];
	struct chunk_view v;
	if (repo_read_chunk(r, &e->id, &v, err))
		return err->code;
	struct rd in;
	rd_init(&in, v.data, v.len);
	AUTO(content) struct content c = CONTENT_INIT;
	enum err_code rc = decode_list(&c, above->level - 1, above->is_counted, &in, err);
	bool whole = rd_done(&in);
	chunk_view_release(&v);
	if (rc)
		return rc;
	struct extent_list list = { c.items, c.count, c.is_counted };
	struct extent sum = extents_sum(&list);
	if (!whole || sum.len != e->len || sum.rows != e->rows || sum.is_torn != e->is_torn)
		return err_set(err, ERR_CORRUPT, "content: list of extents does not fit");
	*out = c;
	c = (struct content)CONTENT_INIT;
	return ERR_OK;
}

/* level is at most CONTENT_MAX_LEVEL, which bounds the recursion. */
static enum err_code
walk_level(const struct walk *w, const struct content *c, uint64_t offset, struct err *err)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct extent *e = &c->items[i];
		if (c->level == 0) {
			if (w->fn != NULL && w->fn(w->arg, offset, e, err))
				return err->code;
		} else {
			AUTO(content) struct content below = CONTENT_INIT;
			if (w->list_fn != NULL && w->list_fn(w->arg, offset, e, err))
				return err->code;
			if (content_read_list(w->repo, c, i, &below, err) ||
			    walk_level(w, &below, offset, err))
				return err->code;
		}
		offset += e->len;
	}
	return ERR_OK;
}

enum err_code
content_walk(struct repo *r, const struct content *c, extent_fn *fn, extent_fn *list_fn,
    void *arg, struct err *err)
{
	struct walk w = { r, fn, list_fn, arg };
	return walk_level(&w, c, 0, err);
}

struct byte_stream {
	struct repo *repo;
	bytes_fn *fn;
	void *arg;
};

static enum err_code
stream_zeros(const struct byte_stream *s, uint64_t len, struct err *err)
{
	static const uint8_t zeros[65536];
	while (len > 0) {
		size_t n = (size_t)(len < sizeof zeros ? len : sizeof zeros);
		if (s->fn(s->arg, zeros, n, err))
			return err->code;
		len -= n;
	}
	return ERR_OK;
}

static enum err_code
stream_extent(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	(void)offset;
	const struct byte_stream *s = arg;
	if (e->is_hole)
		return stream_zeros(s, e->len, err);
	struct chunk_view v;
	if (repo_read_chunk(s->repo, &e->id, &v, err))
		return err->code;
	enum err_code rc =
	    v.len != e->len
		? err_set(err, ERR_CORRUPT, "content: a chunk has another length than listed")
		: s->fn(s->arg, v.data, v.len, err);
	chunk_view_release(&v);
	return rc;
}

enum err_code
content_stream(
    struct repo *r, const struct content *c, bytes_fn *fn, void *arg, struct err *err)
{
	struct byte_stream s = { r, fn, arg };
	return content_walk(r, c, stream_extent, NULL, &s, err);
}

static enum err_code
append_bytes(void *arg, const void *data, size_t len, struct err *err)
{
	return buf_add(arg, data, len, err);
}

enum err_code
content_read_all(
    struct repo *r, const struct content *c, size_t max, struct buf *out, struct err *err)
{
	if (c->size > max)
		return err_set(err, ERR_CORRUPT, "content of %llu bytes is larger than %zu",
		    (unsigned long long)c->size, max);
	return content_stream(r, c, append_bytes, out, err);
}

/* A piece of a content that is wanted, and where it goes. */
struct range {
	struct repo *repo;
	uint64_t offset; /* in the content */
	size_t len;
	uint8_t *out; /* for its first byte */
};

/* The bytes of one extent that lie in the range; the extent begins at offset. */
static enum err_code
copy_extent(const struct range *q, uint64_t offset, const struct extent *e, struct err *err)
{
	uint64_t skip = q->offset > offset ? q->offset - offset : 0;
	uint8_t *out = q->out + (offset + skip - q->offset);
	uint64_t wanted = q->offset + q->len - (offset + skip);
	size_t n = (size_t)(wanted < e->len - skip ? wanted : e->len - skip);
	if (e->is_hole) {
		memset(out, 0, n);
		return ERR_OK;
	}
	struct chunk_view v;
	if (repo_read_chunk(q->repo, &e->id, &v, err))
		return err->code;
	if (v.len != e->len)
		err_set(err, ERR_CORRUPT, "content: a chunk has another length than listed");
	else
		memcpy(out, v.data + skip, n);
	bool fits = v.len == e->len;
	chunk_view_release(&v);
	return fits ? ERR_OK : err->code;
}

/* As walk_level, passing over what lies beside the range. */
static enum err_code
read_level(const struct range *q, const struct content *c, uint64_t offset, struct err *err)
{
	for (size_t i = 0; i < c->count && offset < q->offset + q->len; i++) {
		const struct extent *e = &c->items[i];
		uint64_t end = offset + e->len;
		if (end > q->offset && c->level == 0) {
			if (copy_extent(q, offset, e, err))
				return err->code;
		} else if (end > q->offset) {
			AUTO(content) struct content below = CONTENT_INIT;
			if (content_read_list(q->repo, c, i, &below, err) ||
			    read_level(q, &below, offset, err))
				return err->code;
		}
		offset = end;
	}
	return ERR_OK;
}

enum err_code
content_read_at(struct repo *r, const struct content *c, uint64_t offset, void *out, size_t len,
    size_t *got, struct err *err)
{
	uint64_t left = offset < c->size ? c->size - offset : 0;
	struct range q = { r, offset, (size_t)(left < len ? left : len), out };
	if (q.len > 0 && read_level(&q, c, 0, err))
		return err->code;
	*got = q.len;
	return ERR_OK;
}
