#include "engine/browse.h"

#include "base/room.h"
#include "base/strv.h"
#include "base/suggest.h"
#include "crypto/hash.h"
#include "engine/stored_dump.h"
#include "sys/fd.h"
#include "tree/dir.h"

#include <string.h>

#define ROOT_MAX ((size_t)16 << 20) /* of a root's encoded entry; xattrs may be large */

void
snapshot_release(struct snapshot *s)
{
	json_decref(s->document);
	tree_entry_release(&s->root);
	s->document = NULL;
}

enum err_code
snapshot_root(struct tree_entry *out, const json_t *document, struct err *err)
{
	const char *hex = json_get_str(document, "root");
	size_t len = hex != NULL ? strlen(hex) : 0;
	if (len == 0 || len % 2 != 0 || len / 2 > ROOT_MAX)
		return err_set(err, ERR_CORRUPT, "no root folder in its document");
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (buf_reserve(&raw, len / 2, err))
		return err->code;
	if (!hex_decode(raw.data, len / 2, hex, len))
		return err_set(
		    err, ERR_CORRUPT, "the root folder in its document is not hexadecimal");
	struct rd r;
	rd_init(&r, raw.data, len / 2);
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	if (tree_entry_decode(&e, &r, err))
		return err_wrap(err, "root folder");
	if (!rd_done(&r) || e.type != TREE_DIR)
		return err_set(err, ERR_CORRUPT, "the root in its document is not a folder");
	*out = e;
	e = (struct tree_entry)TREE_ENTRY_INIT;
	return ERR_OK;
}

/* A snapshot that was made since the indexes were loaded has its own, which came before it. */
static enum err_code
know_its_index(struct repo *r, const struct tree_entry *root, struct err *err)
{
	for (size_t i = 0; i < root->content.count; i++) {
		const struct extent *e = &root->content.items[i];
		if (!e->is_hole && !repo_has_chunk(r, &e->id))
			return repo_refresh(r, err);
	}
	return ERR_OK;
}

enum err_code
snapshot_open(struct snapshot *out, struct repo *r, const struct id *id, struct err *err)
{
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	AUTO(json) json_t *document = NULL;
	if (snapshot_load(r, id, &document, err))
		return err->code;
	struct tree_entry root;
	if (snapshot_root(&root, document, err))
		return err_wrap(err, "snapshot %.8s", hex);
	if (know_its_index(r, &root, err)) {
		tree_entry_release(&root);
		return err_wrap(err, "snapshot %.8s", hex);
	}
	*out = (struct snapshot){ .id = *id, .document = TAKE(document), .root = root };
	return ERR_OK;
}

/* The folders that are open on the way down, innermost last: a stack of our own, since a stored
 * tree may be deeper than a thread's. */
struct level {
	struct dir_reader *reader;
	size_t path_len;
};

struct walk {
	struct repo *repo;
	struct level *levels;
	size_t depth;
	size_t cap;
	struct buf path;
};

static void
walk_release(struct walk *w)
{
	for (size_t i = 0; i < w->depth; i++)
		dir_reader_close(w->levels[i].reader);
	free(w->levels);
	buf_release(&w->path);
}

static inline void UNUSED
walk_auto(struct walk *w)
{
	walk_release(w);
}

static enum err_code
walk_enter(struct walk *w, const struct tree_entry *dir, struct err *err)
{
	if (ROOM(w->levels, w->depth, w->cap, 16, err))
		return err->code;
	struct level *l = &w->levels[w->depth];
	if (dir_reader_open(&l->reader, w->repo, dir, err))
		return err->code;
	l->path_len = w->path.len;
	w->depth++;
	return ERR_OK;
}

static enum err_code
walk_step(struct walk *w, const struct tree_entry **e, struct err *err)
{
	struct level *top = &w->levels[w->depth - 1];
	w->path.len = top->path_len;
	if (dir_reader_next(top->reader, e, err))
		return err_wrap(err, "%s", w->path.len > 0 ? buf_cstr(&w->path) : "/");
	if (*e == NULL) {
		dir_reader_close(top->reader);
		w->depth--;
		return ERR_OK;
	}
	if (w->path.len > 0 && buf_u8(&w->path, '/', err))
		return err->code;
	return buf_add(&w->path, (*e)->name, (*e)->name_len, err);
}

/* "a//b/./c/" is "a/b/c", as tree_lookup understands it. */
static enum err_code
clean_path(struct buf *out, const char *path, struct err *err)
{
	AUTO(strv) struct strv parts = STRV_INIT;
	if (strv_split(&parts, path, '/', err))
		return err->code;
	for (size_t i = 0; i < parts.len; i++) {
		if (strcmp(parts.items[i], ".") == 0)
			continue;
		if ((out->len > 0 && buf_u8(out, '/', err)) ||
		    buf_str(out, parts.items[i], err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
browse_list(struct engine *e, const struct snapshot *s, const char *path, bool recursive,
    browse_fn *fn, void *arg, struct err *err)
{
	AUTO(tree_entry) struct tree_entry top = TREE_ENTRY_INIT;
	if (tree_find(e->repo, &s->root, path, &top, err))
		return err->code;
	AUTO(walk) struct walk w = { .repo = e->repo, .path = BUF_INIT };
	if (clean_path(&w.path, path, err))
		return err->code;
	if (top.type != TREE_DIR)
		return buf_cstr(&w.path) != NULL ? fn(arg, buf_cstr(&w.path), &top, err)
						 : err_nomem(err);
	if (walk_enter(&w, &top, err))
		return err->code;
	while (w.depth > 0) {
		const struct tree_entry *entry;
		if (cancel_check(e->cancel, err) || walk_step(&w, &entry, err))
			return err->code;
		if (entry == NULL)
			continue;
		const char *name = buf_cstr(&w.path);
		if (name == NULL)
			return err_nomem(err);
		if (fn(arg, name, entry, err))
			return err->code;
		if (recursive && entry->type == TREE_DIR && walk_enter(&w, entry, err))
			return err_wrap(err, "%s", name);
	}
	return ERR_OK;
}

/* Bytes on their way out of the repository. */
struct outflow {
	const struct cancel *cancel;
	int fd;
	struct sha256 *hash; /* NULL: not asked for */
	uint64_t bytes;
};

static enum err_code
flow_out(void *arg, const void *data, size_t len, struct err *err)
{
	struct outflow *o = arg;
	if (cancel_check(o->cancel, err))
		return err->code;
	if (o->hash != NULL && sha256_add(o->hash, data, len, err))
		return err->code;
	o->bytes += len;
	return fd_write_all(o->fd, data, len, err);
}

static enum err_code
check_digest(const struct outflow *o, const json_t *stream, const char *path, struct err *err)
{
	uint8_t sum[HASH_SIZE];
	char hex[2 * HASH_SIZE + 1];
	if (sha256_finish(o->hash, sum, err))
		return err->code;
	hex_encode(hex, sum, sizeof sum);
	const char *recorded = json_get_str(stream, "sha256");
	if (recorded == NULL || strcmp(recorded, hex) != 0)
		return err_set(err, ERR_CORRUPT,
		    "%s: SHA-256 of what was written is %.16s..., recorded was %.16s...", path,
		    hex, recorded != NULL ? recorded : "none");
	return ERR_OK;
}

/* A dump, whole, proved by the SHA-256 that was recorded. */
static enum err_code
give_dump(struct engine *e, const struct tree_entry *dump, const json_t *stream,
    const char *path, int fd, struct err *err)
{
	AUTO(sha256) struct sha256 *hash = NULL;
	if (sha256_new(&hash, err))
		return err->code;
	struct outflow o = { .cancel = e->cancel, .fd = fd, .hash = hash };
	if (stored_dump_stream(e->repo, dump, flow_out, &o, err))
		return err_wrap(err, "%s", path);
	return check_digest(&o, stream, path, err);
}

enum err_code
browse_cat(
    struct engine *e, const struct snapshot *s, const char *path, int fd, struct err *err)
{
	AUTO(tree_entry) struct tree_entry file = TREE_ENTRY_INIT;
	AUTO(bufv) struct buf clean = BUF_INIT;
	if (tree_find(e->repo, &s->root, path, &file, err) || clean_path(&clean, path, err))
		return err->code;
	const char *name = buf_cstr(&clean);
	if (name == NULL)
		return err_nomem(err);
	const json_t *dump = stored_dump_at(s->document, name);
	if (dump != NULL)
		return give_dump(e, &file, dump, name, fd, err);
	if (file.type != TREE_FILE)
		return err_set(
		    err, ERR_USAGE, "%s is a %s, not a file", path, tree_type_word(file.type));
	struct outflow o = { .cancel = e->cancel, .fd = fd };
	if (content_stream(e->repo, &file.content, flow_out, &o, err))
		return err_wrap(err, "%s", path);
	return ERR_OK;
}

/* A stream's line in the document, and where its file is. */
struct dump_place {
	const json_t *stream;
	char *path;
};

static bool
is_beside(const json_t *stream)
{
	const char *format = json_get_str(stream, "format");
	return format != NULL && strcmp(format, "json") == 0;
}

/* Add the streams of one member to names; those that match "SERVICE" or "SERVICE/STREAM" count.
 */
static enum err_code
match_streams(const json_t *member, const char *wanted, struct strv *names,
    struct dump_place *found, unsigned *matches, struct err *err)
{
	const char *service = json_get_str(member, "name");
	const char *folder = json_get_str(member, "path");
	const char *kind = json_get_str(member, "kind");
	if (service == NULL || folder == NULL || kind == NULL || strcmp(kind, "database") != 0)
		return ERR_OK;
	size_t i;
	const json_t *stream;
	json_array_foreach(json_object_get(member, "streams"), i, stream)
	{
		const char *name = json_get_str(stream, "name");
		if (name == NULL)
			continue;
		AUTO(str) char *full = NULL;
		if (str_printf(&full, err, "%s/%s", service, name) ||
		    strv_add(names, full, err))
			return err->code;
		bool is_named = strcmp(full, wanted) == 0;
		if (!is_named && (strcmp(service, wanted) != 0 || is_beside(stream)))
			continue;
		free(TAKE(found->path));
		if (str_printf(&found->path, err, "%s/%s", folder, name))
			return err->code;
		found->stream = stream;
		(*matches)++;
	}
	return ERR_OK;
}

static enum err_code
find_dump(struct dump_place *out, const json_t *document, const char *wanted, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	struct dump_place found = { NULL, NULL };
	unsigned matches = 0;
	size_t i;
	const json_t *member;
	json_array_foreach(json_object_get(document, "members"), i, member)
	{
		if (match_streams(member, wanted, &names, &found, &matches, err)) {
			free(found.path);
			return err->code;
		}
	}
	if (matches == 1) {
		*out = found;
		return ERR_OK;
	}
	free(found.path);
	AUTO(bufv) struct buf list = BUF_INIT;
	for (size_t n = 0; n < names.len; n++)
		if (buf_printf(&list, err, "%s%s", n > 0 ? ", " : "", names.items[n]))
			return err->code;
	if (names.len == 0)
		return err_set(err, ERR_NOT_FOUND, "it holds no dump of a database");
	const char *near = suggest(wanted, (const char *const *)names.items, names.len);
	if (matches == 0 && near != NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "%s is no dump of this snapshot (did you mean %s?)", wanted, near);
	return err_set(err, ERR_NOT_FOUND, "%s %s; there are %s", wanted,
	    matches == 0 ? "is no dump of this snapshot" : "has several dumps",
	    buf_cstr(&list));
}

enum err_code
browse_find_dump(const json_t **stream, char **path, const json_t *document, const char *member,
    struct err *err)
{
	struct dump_place place = { NULL, NULL };
	if (find_dump(&place, document, member, err))
		return err->code;
	*stream = place.stream;
	*path = place.path;
	return ERR_OK;
}

enum err_code
browse_dump(
    struct engine *e, const struct snapshot *s, const char *member, int fd, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(tree_entry) struct tree_entry file = TREE_ENTRY_INIT;
	const json_t *stream;
	if (browse_find_dump(&stream, &path, s->document, member, err) ||
	    tree_lookup(e->repo, &s->root, path, &file, err))
		return err->code;
	return give_dump(e, &file, stream, path, fd, err);
}
