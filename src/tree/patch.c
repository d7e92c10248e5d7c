#include "tree/patch.h"

#include "tree/listing.h"

#include <string.h>

/* Deeper than any path that a change may have. */
#define DEPTH_MAX 4096

struct patch {
	struct writer *writer;
	struct repo *repo;
};

/* Changes of one folder: the parts of their paths behind `skip` bytes lie in it. */
struct range {
	const struct tree_edit *changes;
	size_t n;
	size_t skip;
	unsigned depth;
};

static const char *
rest(const struct range *in, size_t i)
{
	return in->changes[i].path + in->skip;
}

/* How many changes from i on share the first part of their paths. */
static size_t
group(const struct range *in, size_t i, size_t len)
{
	size_t n = 1;
	while (i + n < in->n && strncmp(rest(in, i + n), rest(in, i), len) == 0 &&
	       (rest(in, i + n)[len] == '/' || rest(in, i + n)[len] == '\0'))
		n++;
	return n;
}

static enum err_code
add_entry(struct buf *listing, const struct tree_entry *entry, const char *name, size_t len,
    struct err *err)
{
	struct tree_entry named = *entry;
	named.name = name;
	named.name_len = len;
	return tree_entry_encode(&named, listing, err);
}

static enum err_code patch_listing(const struct patch *p, const struct content *old,
    const struct range *in, struct content *out, struct err *err);

static enum err_code
patch_folder(const struct patch *p, const struct tree_raw *raw, const struct range *in,
    struct buf *listing, struct err *err)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(content) struct content content = CONTENT_INIT;
	struct rd r;
	rd_init(&r, raw->data, raw->len);
	if (tree_entry_decode(&e, &r, err) || patch_listing(p, &e.content, in, &content, err))
		return err->code;
	return tree_raw_with_content(raw, &content, listing, err);
}

/* The changes at i that concern one name; raw is its entry, NULL when there is none. */
static enum err_code
patch_name(const struct patch *p, const struct range *in, size_t i, size_t n,
    const struct tree_raw *raw, struct buf *listing, struct err *err)
{
	const struct tree_edit *c = &in->changes[i];
	const char *name = rest(in, i);
	size_t len = strcspn(name, "/");
	if (name[len] == '\0')
		return c->entry != NULL ? add_entry(listing, c->entry, name, len, err) : ERR_OK;
	if (raw == NULL || raw->type != TREE_DIR)
		return err_set(err, ERR_NOT_FOUND, "patch tree: no folder for %s", c->path);
	struct range below = { c, n, in->skip + len + 1, in->depth + 1 };
	return patch_folder(p, raw, &below, listing, err);
}

/* All changes whose names come before that of raw, or all when raw is behind the last. */
static enum err_code
add_before(const struct patch *p, const struct range *in, size_t *i, const struct tree_raw *raw,
    struct buf *listing, struct err *err)
{
	while (*i < in->n) {
		size_t len = strcspn(rest(in, *i), "/");
		if (raw->data != NULL &&
		    tree_name_compare(rest(in, *i), len, raw->name, raw->name_len) >= 0)
			return ERR_OK;
		size_t n = group(in, *i, len);
		if (patch_name(p, in, *i, n, NULL, listing, err))
			return err->code;
		*i += n;
	}
	return ERR_OK;
}

static enum err_code
merge(const struct patch *p, struct listing_reader *l, const struct range *in,
    struct buf *listing, struct err *err)
{
	size_t i = 0;
	for (;;) {
		struct tree_raw raw;
		if (listing_reader_next(l, &raw, err) ||
		    add_before(p, in, &i, &raw, listing, err))
			return err->code;
		if (raw.data == NULL)
			return ERR_OK;
		size_t len = i < in->n ? strcspn(rest(in, i), "/") : 0;
		bool is_named = i < in->n && tree_name_compare(
						 rest(in, i), len, raw.name, raw.name_len) == 0;
		size_t n = is_named ? group(in, i, len) : 0;
		enum err_code rc = is_named ? patch_name(p, in, i, n, &raw, listing, err)
					    : buf_add(listing, raw.data, raw.len, err);
		if (rc)
			return rc;
		i += n;
	}
}

static enum err_code
patch_listing(const struct patch *p, const struct content *old, const struct range *in,
    struct content *out, struct err *err)
{
	AUTO(bufv) struct buf listing = BUF_INIT;
	struct listing_reader l;
	if (in->depth > DEPTH_MAX)
		return err_set(err, ERR_USAGE, "patch tree: too deep");
	if (listing_begin(&listing, err) || listing_reader_init(&l, p->repo, old, err))
		return err->code;
	enum err_code rc = merge(p, &l, in, &listing, err);
	listing_reader_release(&l);
	return rc ? rc : listing_store(p->writer, &listing, out, err);
}

enum err_code
tree_patch(struct tree_entry *out, struct writer *w, struct repo *r,
    const struct tree_entry *root, const struct tree_edit *changes, size_t n, struct err *err)
{
	struct patch p = { w, r };
	struct range all = { changes, n, 0, 0 };
	AUTO(content) struct content content = CONTENT_INIT;
	if (patch_listing(&p, &root->content, &all, &content, err))
		return err->code;
	struct tree_entry e = *root;
	e.content = content;
	return tree_entry_copy(out, &e, err);
}
