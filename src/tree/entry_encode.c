#include "tree/entry_impl.h"

#include <assert.h>

/* Signed numbers near zero become short: 0, -1, 1, -2, ... */
static uint64_t
zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
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
	if (tree_is_device(e->type) && add_rdev(out, e, err))
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
	bool wanted = tree_has_content(*(const uint8_t *)head);
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
