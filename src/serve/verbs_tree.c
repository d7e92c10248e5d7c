#include "serve/verbs_snapshot.h"

#include "base/bytes.h"
#include "serve/look.h"
#include "serve/preview.h"
#include "serve/reply.h"
#include "tree/dir.h"
#include "ui/entry_view.h"
#include "ui/tables_view.h"

#define FOREVER_MS 600000 /* a snapshot never changes */
#define PAGE 100
#define TABLES_PAGE 1000

/* The path asked for: "path", or "path_hex" for one that is not UTF-8. */
static enum err_code
path_of(const struct ask *ask, char **out, struct err *err)
{
	const char *hex = ask_text(ask, "path_hex");
	const char *path = ask_text(ask, "path");
	if (hex == NULL)
		return str_dup(out, path != NULL ? path : "", err);
	size_t len = strlen(hex) / 2;
	AUTO(str) char *bytes = calloc(1, len + 1);
	if (bytes == NULL)
		return err_nomem(err);
	if (path != NULL || !hex_decode((uint8_t *)bytes, len, hex, strlen(hex)) ||
	    strlen(bytes) != len)
		return err_set(err, ERR_USAGE,
		    "path_hex: must be the bytes of a path in hexadecimal, in place of path");
	*out = TAKE(bytes);
	return ERR_OK;
}

/* --- a folder --- */

struct page {
	struct json_writer *w;
	int64_t offset;
	int64_t limit;
	int64_t seen;
	bool has_more;
};

/* What ends a listing early, as it wants: it is no failure. */
static enum err_code
stop(struct page *p, struct err *err)
{
	p->has_more = true;
	return err_set(err, ERR_CANCELLED, "enough");
}

static enum err_code
put_entry(void *arg, const char *path, const struct tree_entry *e, struct err *err)
{
	struct page *p = arg;
	int64_t at = p->seen++;
	if (at < p->offset)
		return ERR_OK;
	if (at - p->offset >= p->limit)
		return stop(p, err);
	json_obj(p->w, NULL);
	entry_view_json(p->w, path, e);
	json_obj_end(p->w);
	return ERR_OK;
}

enum err_code
snapshot_tree(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(snapshot) struct snapshot s = { .root = TREE_ENTRY_INIT };
	AUTO(str) char *path = NULL;
	AUTO(reply) struct reply r;
	const struct point *x;
	reply_begin(&r);
	if (path_of(ask, &path, err) || look_at(&l, &x, ask, err) ||
	    point_open_tree(&s, x, err))
		return err->code;
	struct page p = { &r.w, ask_int(ask, "offset", 0), ask_int(ask, "limit", PAGE), 0,
		false };
	json_bytes(&r.w, "path", path, strlen(path));
	json_arr(&r.w, "entries");
	if (browse_list(&l.engine, &s, path, false, put_entry, &p, err) && !p.has_more)
		return err->code;
	json_arr_end(&r.w);
	json_i64(&r.w, "offset", p.offset);
	json_flag(&r.w, "has_more", p.has_more);
	out->keep_ms = FOREVER_MS;
	return reply_end(&r, out, err);
}

/* --- a file --- */

static enum err_code
find_file(struct look *l, const struct ask *ask, const struct point **x, char **path,
    struct tree_entry *file, struct err *err)
{
	AUTO(snapshot) struct snapshot s = { .root = TREE_ENTRY_INIT };
	if (path_of(ask, path, err) || look_at(l, x, ask, err) || point_open_tree(&s, *x, err))
		return err->code;
	return tree_lookup(l->repo, &s.root, *path, file, err);
}

enum err_code
snapshot_file(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(tree_entry) struct tree_entry file = TREE_ENTRY_INIT;
	AUTO(str) char *path = NULL;
	AUTO(reply) struct reply r;
	const struct point *x;
	reply_begin(&r);
	if (find_file(&l, ask, &x, &path, &file, err))
		return err->code;
	if (file.type != TREE_FILE)
		return err_set(err, ERR_USAGE, "path: this is a %s, not a file",
		    tree_type_word(file.type));
	json_obj(&r.w, "entry");
	entry_view_json(&r.w, path, &file);
	json_obj_end(&r.w);
	if (preview_write(&r.w, l.repo, &file.content, err))
		return err->code;
	out->keep_ms = FOREVER_MS;
	return reply_end(&r, out, err);
}

/* Its bytes come from a program of the command line; what it would be called is for people. */
static enum err_code
give(const struct ask *ask, const char *const *argv, const char *path, int64_t bytes,
    struct answer *out, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	if (!str_is_utf8(name, strlen(name)))
		name = "file";
	if (keeper_stream(ask->keeper, argv, &out->fd, err))
		return err->code;
	out->download =
	    json_pack("{s:s, s:s}", "name", name, "type", "application/octet-stream");
	if (out->download == NULL || (bytes >= 0 && json_object_set_new(out->download, "bytes",
							json_integer(bytes)) != 0))
		return err_nomem(err);
	return ERR_OK;
}

enum err_code
snapshot_download(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(tree_entry) struct tree_entry file = TREE_ENTRY_INIT;
	AUTO(str) char *path = NULL;
	const struct point *x;
	if (find_file(&l, ask, &x, &path, &file, err))
		return err->code;
	if (file.type != TREE_FILE)
		return err_set(err, ERR_USAGE, "path: this is a %s, not a file",
		    tree_type_word(file.type));
	const char *const argv[] = { "cat", "--", x->hex, path, NULL };
	return give(ask, argv, path, (int64_t)file.content.size, out, err);
}

enum err_code
snapshot_dump(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(json) json_t *document = NULL;
	AUTO(str) char *path = NULL;
	const char *member = ask_text(ask, "member");
	const json_t *stream;
	const struct point *x;
	if (look_at(&l, &x, ask, err) || snapshot_load(l.repo, &x->id, &document, err) ||
	    browse_find_dump(&stream, &path, document, member, err))
		return err->code;
	const char *const argv[] = { "dump", "--", x->hex, member, NULL };
	return give(ask, argv, path, json_get_int(stream, "bytes", -1), out, err);
}

/* --- databases --- */

enum err_code
snapshot_databases(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(snapshot) struct snapshot s = { .root = TREE_ENTRY_INIT };
	AUTO(json) json_t *databases = NULL;
	AUTO(reply) struct reply r;
	struct err why = ERR_INIT;
	const struct point *x;
	reply_begin(&r);
	if (look_at(&l, &x, ask, err) || point_open(&s, l.repo, x, err))
		return err->code;
	struct tables_range range = { (uint64_t)ask_int(ask, "offset", 0),
		(uint64_t)ask_int(ask, "limit", TABLES_PAGE), 0 };
	/* Damage in one place is no reason to show nothing. */
	if (tables_json(&databases, &l.engine, &s, &range, &why) != ERR_OK &&
	    why.code != ERR_CORRUPT && why.code != ERR_NOT_FOUND && why.code != ERR_IO) {
		*err = why;
		return err->code;
	}
	if (databases != NULL) {
		json_value(&r.w, "databases", databases);
		out->keep_ms = FOREVER_MS;
	} else {
		json_nil(&r.w, "databases");
		json_str(&r.w, "databases_problem", why.msg);
	}
	json_u64(&r.w, "total", range.total);
	json_u64(&r.w, "offset", range.offset);
	json_flag(&r.w, "has_more", range.offset + range.limit < range.total);
	return reply_end(&r, out, err);
}
