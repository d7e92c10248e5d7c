#include "tree/dir.h"

#include "base/room.h"
#include "base/strv.h"
#include "base/suggest.h"
#include "tree/listing.h"

struct dir_reader {
	struct listing_reader listing;
	struct tree_entry entry;
};

enum err_code
dir_reader_open(
    struct dir_reader **out, struct repo *r, const struct tree_entry *dir, struct err *err)
{
	if (dir->type != TREE_DIR)
		return err_set(err, ERR_USAGE, "not a folder");
	AUTO(mem) struct dir_reader *d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_nomem(err);
	d->entry = (struct tree_entry)TREE_ENTRY_INIT;
	if (listing_reader_init(&d->listing, r, &dir->content, err))
		return err->code;
	*out = TAKE(d);
	return ERR_OK;
}

void
dir_reader_close(struct dir_reader *d)
{
	if (d == NULL)
		return;
	tree_entry_release(&d->entry);
	listing_reader_release(&d->listing);
	free(d);
}

enum err_code
dir_reader_next_raw(struct dir_reader *d, struct tree_raw *out, struct err *err)
{
	return listing_reader_next(&d->listing, out, err);
}

enum err_code
dir_reader_next(struct dir_reader *d, const struct tree_entry **out, struct err *err)
{
	struct tree_raw raw;
	if (dir_reader_next_raw(d, &raw, err))
		return err->code;
	if (raw.data == NULL) {
		*out = NULL;
		return ERR_OK;
	}
	struct rd r;
	rd_init(&r, raw.data, raw.len);
	struct tree_entry e;
	if (tree_entry_decode(&e, &r, err))
		return err->code;
	tree_entry_release(&d->entry);
	d->entry = e;
	*out = &d->entry;
	return ERR_OK;
}

enum err_code
dir_lookup(struct repo *r, const struct tree_entry *dir, const char *name, size_t name_len,
    struct tree_entry *out, struct err *err)
{
	AUTO(dir_reader) struct dir_reader *d = NULL;
	if (dir_reader_open(&d, r, dir, err))
		return err->code;
	for (;;) {
		struct tree_raw raw;
		if (dir_reader_next_raw(d, &raw, err))
			return err->code;
		int c = raw.data == NULL
			    ? 1
			    : tree_name_compare(raw.name, raw.name_len, name, name_len);
		if (c > 0)
			return err_set(err, ERR_NOT_FOUND, "%.*s: no such entry",
			    (int)min_size(name_len, 400), name);
		if (c < 0)
			continue;
		struct rd in;
		rd_init(&in, raw.data, raw.len);
		return tree_entry_decode(out, &in, err);
	}
}

/* Cut the next part off a path; false when there is none. */
static bool
next_part(const char **path, const char **part, size_t *len)
{
	for (;;) {
		*path += strspn(*path, "/");
		*part = *path;
		*len = strcspn(*path, "/");
		*path += *len;
		if (*len == 0)
			return false;
		if (*len != 1 || (*part)[0] != '.')
			return true;
	}
}

/* The name in the folder that is nearest to the one typed; *near stays NULL when none is. */
static enum err_code
find_near(struct repo *r, const struct tree_entry *dir, const char *typed, char **near,
    struct err *err)
{
	AUTO(dir_reader) struct dir_reader *d = NULL;
	if (dir_reader_open(&d, r, dir, err))
		return err->code;
	for (;;) {
		struct tree_raw raw;
		AUTO(str) char *name = NULL;
		if (dir_reader_next_raw(d, &raw, err))
			return err->code;
		if (raw.data == NULL)
			return ERR_OK;
		if (str_dupn(&name, raw.name, raw.name_len, err))
			return err->code;
		const char *words[] = { *near != NULL ? *near : name, name };
		if (suggest(typed, words, ARRAY_LEN(words)) != name)
			continue;
		free(*near);
		*near = TAKE(name);
	}
}

/* What was typed up to the end of part is not there. */
static enum err_code
tell_near(struct repo *r, const struct tree_entry *dir, const char *path, const char *part,
    size_t len, struct err *err)
{
	AUTO(str) char *typed = NULL;
	AUTO(str) char *near = NULL;
	if (str_dupn(&typed, part, len, err) || find_near(r, dir, typed, &near, err))
		return err->code;
	int shown = (int)min_size((size_t)(part + len - path), 200);
	int above = (int)min_size((size_t)(part - path), 200);
	if (near == NULL)
		return err_set(err, ERR_NOT_FOUND, "%.*s: not in this tree", shown, path);
	return err_set(err, ERR_NOT_FOUND, "%.*s: not in this tree (did you mean %.*s%s?)",
	    shown, path, above, path, near);
}

static enum err_code
look_up(struct repo *r, const struct tree_entry *root, const char *path, bool is_typed,
    struct tree_entry *out, struct err *err)
{
	AUTO(tree_entry) struct tree_entry at = TREE_ENTRY_INIT;
	if (tree_entry_copy(&at, root, err))
		return err->code;
	const char *rest = path;
	const char *part;
	size_t len;
	while (next_part(&rest, &part, &len)) {
		int shown = (int)min_size((size_t)(part + len - path), 400);
		if (at.type != TREE_DIR)
			return err_set(err, ERR_NOT_FOUND, "%.*s: what holds it is no folder",
			    shown, path);
		struct tree_entry child;
		if (dir_lookup(r, &at, part, len, &child, err)) {
			if (err->code == ERR_NOT_FOUND && is_typed)
				return tell_near(r, &at, path, part, len, err);
			if (err->code == ERR_NOT_FOUND)
				return err_set(
				    err, ERR_NOT_FOUND, "%.*s: not in this tree", shown, path);
			return err_wrap(err, "%.*s", shown, path);
		}
		tree_entry_release(&at);
		at = child;
	}
	*out = at;
	at = (struct tree_entry)TREE_ENTRY_INIT;
	return ERR_OK;
}

enum err_code
tree_lookup(struct repo *r, const struct tree_entry *root, const char *path,
    struct tree_entry *out, struct err *err)
{
	return look_up(r, root, path, false, out, err);
}

enum err_code
tree_find(struct repo *r, const struct tree_entry *root, const char *path,
    struct tree_entry *out, struct err *err)
{
	return look_up(r, root, path, true, out, err);
}

/* Putting folders together */

struct dir_builder {
	struct built {
		char *name;
		struct tree_entry entry; /* without a name */
	} * items;
	size_t count;
	size_t last; /* the item whose name is the last in order */
	size_t cap;
};

enum err_code
dir_builder_new(struct dir_builder **out, struct err *err)
{
	struct dir_builder *b = calloc(1, sizeof *b);
	if (b == NULL)
		return err_nomem(err);
	*out = b;
	return ERR_OK;
}

void
dir_builder_free(struct dir_builder *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->count; i++) {
		free(b->items[i].name);
		tree_entry_release(&b->items[i].entry);
	}
	free(b->items);
	free(b);
}

enum err_code
dir_builder_add(
    struct dir_builder *b, const char *name, const struct tree_entry *e, struct err *err)
{
	if (!tree_name_is_valid(name, strlen(name)))
		return err_set(err, ERR_USAGE, "'%s' cannot be a name in a folder", name);
	/* Names that come in order, as many thousand parts of a dump do, need no search. */
	bool is_last = b->count == 0 || strcmp(b->items[b->last].name, name) < 0;
	for (size_t i = 0; !is_last && i < b->count; i++)
		if (strcmp(b->items[i].name, name) == 0)
			return err_set(err, ERR_EXISTS, "'%s' is in the folder already", name);
	if (ROOM(b->items, b->count, b->cap, 16, err))
		return err->code;
	AUTO(str) char *copy = NULL;
	if (str_dup(&copy, name, err))
		return err->code;
	struct built *item = &b->items[b->count];
	if (tree_entry_copy(&item->entry, e, err))
		return err_wrap(err, "%s", name);
	item->name = TAKE(copy);
	item->entry.name = item->name;
	item->entry.name_len = strlen(item->name);
	b->last = is_last ? b->count : b->last;
	b->count++;
	return ERR_OK;
}

static int
by_name(const void *a, const void *b)
{
	const struct built *x = a;
	const struct built *y = b;
	return strcmp(x->name, y->name);
}

enum err_code
dir_builder_finish(struct dir_builder *b, struct writer *w, const struct tree_entry *like,
    struct tree_entry *out, struct err *err)
{
	if (b->count > 0)
		qsort(b->items, b->count, sizeof b->items[0], by_name);
	AUTO(bufv) struct buf listing = BUF_INIT;
	if (listing_begin(&listing, err))
		return err->code;
	for (size_t i = 0; i < b->count; i++)
		if (tree_entry_encode(&b->items[i].entry, &listing, err))
			return err_wrap(err, "%s", b->items[i].name);

	struct tree_entry dir = TREE_ENTRY_INIT;
	dir.mode = 0755;
	if (like != NULL)
		dir = *like;
	dir.type = TREE_DIR;
	dir.name = "";
	dir.name_len = 0;
	dir.links = 1;
	dir.target_len = 0;
	AUTO(content) struct content content = CONTENT_INIT;
	if (listing_store(w, &listing, &content, err))
		return err_wrap(err, "store folder");
	dir.content = content;
	return tree_entry_copy(out, &dir, err);
}
