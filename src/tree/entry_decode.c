#include "tree/entry_impl.h"

#include <assert.h>

static int64_t
unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

bool
tree_raw_next(struct rd *r, struct tree_raw *out)
{
	const uint8_t *start = r->p;
	size_t body_len;
	const uint8_t *body = rd_blob(r, &body_len);
	if (body == NULL)
		return false;
	struct rd in;
	rd_init(&in, body, body_len);
	uint8_t type = rd_u8(&in);
	size_t name_len;
	const uint8_t *name = rd_blob(&in, &name_len);
	if (!rd_ok(&in)) {
		r->failed = true;
		return false;
	}
	*out = (struct tree_raw){ start, (size_t)(r->p - start), type, (const char *)name,
		name_len };
	return true;
}

/* Step over what stands before an entry's fields. */
static void
skip_core(struct rd *r)
{
	size_t len;
	rd_u8(r);
	rd_blob(r, &len);
	for (int i = 0; i < 5; i++)
		rd_varint(r);
}

enum err_code
tree_raw_with_content(
    const struct tree_raw *raw, const struct content *content, struct buf *out, struct err *err)
{
	struct rd r;
	size_t body_len;
	rd_init(&r, raw->data, raw->len);
	const uint8_t *body = rd_blob(&r, &body_len);
	struct rd in;
	rd_init(&in, body, body != NULL ? body_len : 0);
	skip_core(&in);
	const uint8_t *start = in.p; /* of the content's field */
	uint64_t tag = 0;
	while (rd_ok(&in) && rd_left(&in) > 0 && tag != TAG_CONTENT) {
		size_t len;
		start = in.p;
		tag = rd_varint(&in);
		rd_blob(&in, &len);
	}
	if (!rd_ok(&in) || tag != TAG_CONTENT)
		return err_set(err, ERR_CORRUPT, "tree entry: malformed");
	AUTO(bufv) struct buf all = BUF_INIT;
	AUTO(bufv) struct buf encoded = BUF_INIT;
	if (content_encode(content, &encoded, err) ||
	    buf_add(&all, body, (size_t)(start - body), err) ||
	    buf_varint(&all, TAG_CONTENT, err) ||
	    buf_blob(&all, encoded.data, encoded.len, err) ||
	    buf_add(&all, in.p, rd_left(&in), err))
		return err->code;
	return buf_blob(out, all.data, all.len, err);
}

/* Where the strings of an entry are put, one behind the other. */
struct block {
	uint8_t *at;
	uint8_t *end;
};

static const uint8_t *
block_add(struct block *b, const uint8_t *data, size_t len)
{
	assert((size_t)(b->end - b->at) > len);
	uint8_t *at = b->at;
	if (len > 0)
		memcpy(at, data, len);
	at[len] = '\0';
	b->at += len + 1;
	return at;
}

/* A string without NUL in it; marks r as failed when there is one, or nothing. */
static const char *
block_text(struct block *b, struct rd *r, const uint8_t *data, size_t len)
{
	if (len == 0 || memchr(data, '\0', len) != NULL) {
		r->failed = true;
		return NULL;
	}
	return (const char *)block_add(b, data, len);
}

static struct tree_time
read_time(struct rd *r)
{
	struct tree_time t;
	t.s = unzigzag(rd_varint(r));
	uint64_t ns = rd_varint(r);
	if (ns > NS_MAX)
		r->failed = true;
	t.ns = (uint32_t)ns;
	return t;
}

static uint32_t
read_u32(struct rd *r, uint32_t max)
{
	uint64_t v = rd_varint(r);
	if (v > max)
		r->failed = true;
	return (uint32_t)v;
}

static void
read_xattrs(struct tree_entry *e, struct tree_xattr *room, struct block *b, struct rd *r)
{
	size_t count = (size_t)rd_varint(r);
	for (size_t i = 0; i < count && rd_ok(r); i++) {
		size_t name_len;
		size_t len;
		const uint8_t *name = rd_blob(r, &name_len);
		const uint8_t *value = rd_blob(r, &len);
		if (!rd_ok(r))
			return;
		room[i].name = block_text(b, r, name, name_len);
		room[i].value = block_add(b, value, len);
		room[i].len = len;
		if (rd_ok(r) && i > 0 && strcmp(room[i - 1].name, room[i].name) >= 0)
			r->failed = true;
	}
	if (count == 0)
		r->failed = true;
	e->xattrs = room;
	e->xattr_count = count;
}

/* How many xattrs a body claims to have: 0 when it cannot be so. */
static size_t
count_xattrs(struct rd r)
{
	while (rd_left(&r) > 0 && rd_ok(&r)) {
		uint64_t tag = rd_varint(&r);
		size_t len;
		const uint8_t *data = rd_blob(&r, &len);
		if (tag != TAG_XATTRS || data == NULL)
			continue;
		struct rd in;
		rd_init(&in, data, len);
		uint64_t n = rd_varint(&in);
		return rd_ok(&in) && n <= len / 2 ? (size_t)n : 0;
	}
	return 0;
}

static void
read_core(struct tree_entry *e, struct block *b, struct rd *r)
{
	e->type = rd_u8(r);
	size_t name_len;
	const uint8_t *name = rd_blob(r, &name_len);
	e->mode = read_u32(r, MODE_MAX);
	e->uid = read_u32(r, UINT32_MAX);
	e->gid = read_u32(r, UINT32_MAX);
	e->modified = read_time(r);
	if (!rd_ok(r))
		return;
	e->name = (const char *)block_add(b, name, name_len);
	e->name_len = name_len;
	if (name_len > 0 && !tree_name_is_valid(e->name, name_len))
		r->failed = true;
}

struct decoder {
	struct tree_entry *entry;
	struct block block;
	struct tree_xattr *xattr_room;
	size_t xattr_room_count;
	uint64_t seen; /* bit for each tag below 64 */
};

/* One field that this build knows; in holds just its bytes. */
static enum err_code
read_field(struct decoder *d, uint64_t tag, struct rd *in, struct err *err)
{
	struct tree_entry *e = d->entry;
	size_t len = rd_left(in);
	switch (tag) {
	case TAG_USER:
		e->user = block_text(&d->block, in, rd_bytes(in, len), len);
		break;
	case TAG_GROUP:
		e->group = block_text(&d->block, in, rd_bytes(in, len), len);
		break;
	case TAG_CHANGED:
		e->changed = read_time(in);
		break;
	case TAG_INO:
		e->ino = rd_varint(in);
		break;
	case TAG_DEV:
		e->dev = rd_varint(in);
		break;
	case TAG_LINKS:
		e->links = rd_varint(in);
		break;
	case TAG_TARGET:
		e->target = block_text(&d->block, in, rd_bytes(in, len), len);
		e->target_len = len;
		break;
	case TAG_RDEV:
		e->rdev_major = read_u32(in, UINT32_MAX);
		e->rdev_minor = read_u32(in, UINT32_MAX);
		break;
	case TAG_XATTRS:
		if (d->xattr_room_count == 0)
			in->failed = true;
		else
			read_xattrs(e, d->xattr_room, &d->block, in);
		break;
	case TAG_CONTENT:
		return content_decode(&e->content, in, err);
	default:
		assert(false && "a field that is not known");
	}
	return ERR_OK;
}

static bool
is_known(uint64_t tag)
{
	static const uint64_t known = UINT64_C(1) << TAG_USER | UINT64_C(1) << TAG_GROUP |
				      UINT64_C(1) << TAG_CHANGED | UINT64_C(1) << TAG_INO |
				      UINT64_C(1) << TAG_DEV | UINT64_C(1) << TAG_LINKS |
				      UINT64_C(1) << TAG_TARGET | UINT64_C(1) << TAG_RDEV |
				      UINT64_C(1) << TAG_XATTRS | UINT64_C(1) << TAG_CONTENT;
	return tag < 64 && (known >> tag & 1) != 0;
}

static enum err_code
malformed(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "tree entry: malformed");
}

static enum err_code
read_fields(struct decoder *d, struct rd *r, struct err *err)
{
	uint64_t last = 0;
	while (rd_ok(r) && rd_left(r) > 0) {
		uint64_t tag = rd_varint(r);
		size_t len;
		const uint8_t *data = rd_blob(r, &len);
		if (data == NULL || tag <= last)
			return malformed(err);
		last = tag;
		if (!is_known(tag)) {
			if (tag % 2 == 0)
				return err_set(err, ERR_UNSUPPORTED,
				    "tree entry: field %llu is of a later format",
				    (unsigned long long)tag);
			continue;
		}
		struct rd in;
		rd_init(&in, data, len);
		if (read_field(d, tag, &in, err))
			return err_wrap(err, "tree entry");
		if (!rd_done(&in))
			return malformed(err);
		d->seen |= UINT64_C(1) << tag;
	}
	return rd_ok(r) ? ERR_OK : malformed(err);
}

static bool
has_its_fields(const struct decoder *d)
{
	enum tree_type type = d->entry->type;
	bool content = (d->seen >> TAG_CONTENT & 1) != 0;
	bool target = (d->seen >> TAG_TARGET & 1) != 0;
	bool rdev = (d->seen >> TAG_RDEV & 1) != 0;
	return content == tree_has_content(type) && target == (type == TREE_SYMLINK) &&
	       rdev == tree_is_device(type);
}

static enum err_code
decode_body(struct tree_entry *e, struct rd *r, struct err *err)
{
	/* Every string gets a NUL more than its bytes; each of them has a length byte before it
	 * that is not copied, so the body's own size is enough, and one for an empty body. */
	size_t body_len = rd_left(r);
	struct rd fields = *r;
	skip_core(&fields);
	size_t xattrs = rd_ok(&fields) ? count_xattrs(fields) : 0;

	uint8_t *block = malloc(xattrs * sizeof(struct tree_xattr) + body_len + 1);
	if (block == NULL)
		return err_nomem(err);
	e->block = block;
	struct decoder d = { .entry = e, .xattr_room_count = xattrs };
	d.xattr_room = (struct tree_xattr *)(void *)block;
	d.block.at = block + xattrs * sizeof(struct tree_xattr);
	d.block.end = d.block.at + body_len + 1;

	read_core(e, &d.block, r);
	if (!rd_ok(r))
		return malformed(err);
	if (strcmp(tree_type_word(e->type), "unknown") == 0)
		return err_set(err, ERR_UNSUPPORTED, "tree entry: type %u is of a later format",
		    (unsigned)e->type);
	if (read_fields(&d, r, err))
		return err->code;
	return has_its_fields(&d) ? ERR_OK : malformed(err);
}

enum err_code
tree_entry_decode(struct tree_entry *out, struct rd *r, struct err *err)
{
	size_t body_len;
	const uint8_t *body = rd_blob(r, &body_len);
	if (body == NULL)
		return malformed(err);
	struct rd in;
	rd_init(&in, body, body_len);
	struct tree_entry e = TREE_ENTRY_INIT;
	if (decode_body(&e, &in, err)) {
		tree_entry_release(&e);
		return err->code;
	}
	*out = e;
	return ERR_OK;
}
