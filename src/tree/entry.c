#include "tree/entry.h"

#include <assert.h>

#include <sys/stat.h>

/* Field numbers of docs/format.md, "Trees"; a reader may pass over odd ones that it does not
 * know. */
enum field_tag {
	TAG_USER = 1,
	TAG_GROUP = 3,
	TAG_CHANGED = 5,
	TAG_INO = 7,
	TAG_DEV = 9,
	TAG_LINKS = 11,
	TAG_TARGET = 20,
	TAG_RDEV = 22,
	TAG_XATTRS = 24,
	TAG_CONTENT = 62, /* last of all, since it is known last */
};

#define MODE_MAX 07777
#define NS_MAX 999999999

void
tree_entry_release(struct tree_entry *e)
{
	if (e == NULL)
		return;
	content_release(&e->content);
	free(e->block);
	*e = (struct tree_entry)TREE_ENTRY_INIT;
}

bool
tree_name_is_valid(const char *name, size_t len)
{
	if (len == 0 || memchr(name, '/', len) != NULL || memchr(name, '\0', len) != NULL)
		return false;
	return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

int
tree_name_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int c = memcmp(a, b, min_size(a_len, b_len));
	return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

int
tree_path_compare(const char *a, const char *b)
{
	const unsigned char *p = (const unsigned char *)a;
	const unsigned char *q = (const unsigned char *)b;
	while (*p != '\0' && *p == *q) {
		p++;
		q++;
	}
	/* A slash comes before whatever a name may hold. */
	int x = *p == '/' ? 0 : *p;
	int y = *q == '/' ? 0 : *q;
	return x != y ? x - y : *p - *q;
}

bool
tree_time_equal(struct tree_time a, struct tree_time b)
{
	return a.s == b.s && a.ns == b.ns;
}

bool
tree_xattrs_equal(const struct tree_entry *a, const struct tree_entry *b)
{
	if (a->xattr_count != b->xattr_count)
		return false;
	for (size_t i = 0; i < a->xattr_count; i++) {
		const struct tree_xattr *x = &a->xattrs[i];
		const struct tree_xattr *y = &b->xattrs[i];
		if (strcmp(x->name, y->name) != 0 || x->len != y->len)
			return false;
		if (x->len > 0 && memcmp(x->value, y->value, x->len) != 0)
			return false;
	}
	return true;
}

uint32_t
tree_type_format(enum tree_type type)
{
	static const uint32_t formats[] = { [TREE_FILE] = S_IFREG,
		[TREE_DIR] = S_IFDIR,
		[TREE_SYMLINK] = S_IFLNK,
		[TREE_CHAR_DEVICE] = S_IFCHR,
		[TREE_BLOCK_DEVICE] = S_IFBLK,
		[TREE_FIFO] = S_IFIFO,
		[TREE_SOCKET] = S_IFSOCK };
	return formats[type];
}

const char *
tree_type_word(enum tree_type type)
{
	static const char *const words[] = {
		[TREE_FILE] = "file",
		[TREE_DIR] = "folder",
		[TREE_SYMLINK] = "symlink",
		[TREE_CHAR_DEVICE] = "char device",
		[TREE_BLOCK_DEVICE] = "block device",
		[TREE_FIFO] = "fifo",
		[TREE_SOCKET] = "socket",
	};
	size_t i = (size_t)type;
	return i < ARRAY_LEN(words) && words[i] != NULL ? words[i] : "unknown";
}

static bool
has_content(enum tree_type type)
{
	return type == TREE_FILE || type == TREE_DIR;
}

static bool
is_device(enum tree_type type)
{
	return type == TREE_CHAR_DEVICE || type == TREE_BLOCK_DEVICE;
}

/* Encoding */

/* Signed numbers near zero become short: 0, -1, 1, -2, ... */
static uint64_t
zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t
unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

static size_t
varint_size(uint64_t v)
{
	size_t n = 1;
	for (; v >= 0x80; v >>= 7)
		n++;
	return n;
}

static const char *
broken_rule(const struct tree_entry *e)
{
	if (strcmp(tree_type_word(e->type), "unknown") == 0)
		return "unknown type";
	if (e->name_len > 0 && !tree_name_is_valid(e->name, e->name_len))
		return "not a name";
	if (e->mode > MODE_MAX || e->modified.ns > NS_MAX || e->changed.ns > NS_MAX)
		return "number out of range";
	if ((e->type == TREE_SYMLINK) != (e->target_len > 0))
		return "a symlink and nothing else has a target";
	return NULL;
}

static enum err_code
add_time(struct buf *out, struct tree_time t, struct err *err)
{
	if (buf_varint(out, zigzag(t.s), err))
		return err->code;
	return buf_varint(out, t.ns, err);
}

static enum err_code
add_string(struct buf *out, enum field_tag tag, const char *s, size_t len, struct err *err)
{
	if (buf_varint(out, tag, err))
		return err->code;
	return buf_blob(out, s, len, err);
}

static enum err_code
add_number(struct buf *out, enum field_tag tag, uint64_t v, struct err *err)
{
	if (buf_varint(out, tag, err) || buf_varint(out, varint_size(v), err))
		return err->code;
	return buf_varint(out, v, err);
}

static enum err_code
add_changed(struct buf *out, struct tree_time t, struct err *err)
{
	size_t len = varint_size(zigzag(t.s)) + varint_size(t.ns);
	if (buf_varint(out, TAG_CHANGED, err) || buf_varint(out, len, err))
		return err->code;
	return add_time(out, t, err);
}

static enum err_code
add_rdev(struct buf *out, const struct tree_entry *e, struct err *err)
{
	size_t len = varint_size(e->rdev_major) + varint_size(e->rdev_minor);
	if (buf_varint(out, TAG_RDEV, err) || buf_varint(out, len, err) ||
	    buf_varint(out, e->rdev_major, err))
		return err->code;
	return buf_varint(out, e->rdev_minor, err);
}

static enum err_code
add_xattrs(struct buf *out, const struct tree_entry *e, struct err *err)
{
	size_t len = varint_size(e->xattr_count);
	for (size_t i = 0; i < e->xattr_count; i++) {
		size_t n = strlen(e->xattrs[i].name);
		len += varint_size(n) + n + varint_size(e->xattrs[i].len) + e->xattrs[i].len;
	}
	if (buf_varint(out, TAG_XATTRS, err) || buf_varint(out, len, err) ||
	    buf_varint(out, e->xattr_count, err))
		return err->code;
	for (size_t i = 0; i < e->xattr_count; i++) {
		const struct tree_xattr *x = &e->xattrs[i];
		if (buf_blob(out, x->name, strlen(x->name), err) ||
		    buf_blob(out, x->value, x->len, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
add_core(const struct tree_entry *e, struct buf *out, struct err *err)
{
	if (buf_u8(out, (uint8_t)e->type, err) || buf_blob(out, e->name, e->name_len, err) ||
	    buf_varint(out, e->mode, err) || buf_varint(out, e->uid, err) ||
	    buf_varint(out, e->gid, err))
		return err->code;
	return add_time(out, e->modified, err);
}

static enum err_code
add_fields(const struct tree_entry *e, struct buf *out, struct err *err)
{
	if (e->user != NULL && add_string(out, TAG_USER, e->user, strlen(e->user), err))
		return err->code;
	if (e->group != NULL && add_string(out, TAG_GROUP, e->group, strlen(e->group), err))
		return err->code;
	if (add_changed(out, e->changed, err))
		return err->code;
	if (e->ino != 0 && add_number(out, TAG_INO, e->ino, err))
		return err->code;
	if (e->dev != 0 && add_number(out, TAG_DEV, e->dev, err))
		return err->code;
	if (e->links > 1 && add_number(out, TAG_LINKS, e->links, err))
		return err->code;
	if (e->target_len > 0 && add_string(out, TAG_TARGET, e->target, e->target_len, err))
		return err->code;
	if (is_device(e->type) && add_rdev(out, e, err))
		return err->code;
	if (e->xattr_count > 0 && add_xattrs(out, e, err))
		return err->code;
	return ERR_OK;
}

enum err_code
tree_entry_encode_head(const struct tree_entry *e, struct buf *head, struct err *err)
{
	const char *broken = broken_rule(e);
	if (broken != NULL)
		return err_set(err, ERR_USAGE, "tree entry: %s", broken);
	size_t start = head->len;
	if (add_core(e, head, err) || add_fields(e, head, err)) {
		head->len = start;
		return err->code;
	}
	return ERR_OK;
}

enum err_code
tree_entry_join(const void *head, size_t head_len, const struct content *content,
    struct buf *out, struct err *err)
{
	size_t start = out->len;
	assert(head_len > 0);
	bool wanted = has_content(*(const uint8_t *)head);
	AUTO(bufv) struct buf tail = BUF_INIT;
	if (wanted) {
		AUTO(bufv) struct buf raw = BUF_INIT;
		if (content_encode(content, &raw, err) || buf_varint(&tail, TAG_CONTENT, err) ||
		    buf_blob(&tail, raw.data, raw.len, err))
			return err->code;
	}
	if (buf_varint(out, head_len + tail.len, err) || buf_add(out, head, head_len, err) ||
	    buf_add(out, tail.data, tail.len, err)) {
		out->len = start;
		return err->code;
	}
	return ERR_OK;
}

enum err_code
tree_entry_encode(const struct tree_entry *e, struct buf *out, struct err *err)
{
	AUTO(bufv) struct buf head = BUF_INIT;
	if (tree_entry_encode_head(e, &head, err))
		return err->code;
	return tree_entry_join(head.data, head.len, &e->content, out, err);
}

enum err_code
tree_entry_copy(struct tree_entry *out, const struct tree_entry *e, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (tree_entry_encode(e, &raw, err))
		return err->code;
	struct rd r;
	rd_init(&r, raw.data, raw.len);
	return tree_entry_decode(out, &r, err);
}

/* Decoding */

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
	return content == has_content(type) && target == (type == TREE_SYMLINK) &&
	       rdev == is_device(type);
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
