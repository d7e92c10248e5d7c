#include "tree/reach.h"

#include "base/map.h"
#include "base/room.h"
#include "base/strv.h"
#include "tree/dir.h"

/* Reasons that are kept word by word; beyond, lost chunks share one. */
#define REASONS_MAX 1000

/* A folder that is being read.  The levels are a stack of our own, since a stored tree may be
 * deeper than a thread's. */
struct level {
	struct dir_reader *reader;
	size_t path_len; /* of the folder's own path */
	bool is_whole; /* so far */
	/* How it is remembered: by the only chunk of its listing, or by the listing's digest.
	 */
	bool is_single;
	struct id chunk;
	uint8_t digest[CONTENT_DIGEST_SIZE];
};

struct reach {
	struct repo *repo;
	struct reach_options opt;
	struct chunk_set *used;
	struct chunk_set *folders; /* single chunks of listings of folders that are whole */
	struct chunk_set *lists; /* lists of data chunks that are all there */
	struct chunk_set *counted; /* likewise, of counted contents */
	struct map long_folders; /* digests of other listings of folders that are whole */
	struct map lost; /* ids of chunks that are not there, to a number among reasons */
	struct strv reasons;
	struct level *levels;
	size_t depth;
	size_t cap;
	bool root_is_whole;
	struct buf path;
	struct err why; /* of the loss at hand */
};

enum err_code
reach_new(struct reach **out, struct repo *r, const struct reach_options *opt, struct err *err)
{
	AUTO(reach) struct reach *x = calloc(1, sizeof *x);
	if (x == NULL)
		return err_nomem(err);
	x->repo = r;
	x->opt = *opt;
	map_init(&x->long_folders, CONTENT_DIGEST_SIZE, 0);
	map_init(&x->lost, ID_SIZE, sizeof(uint32_t));
	if (chunk_set_new(&x->used, r, err) || chunk_set_new_like(&x->folders, x->used, err) ||
	    chunk_set_new_like(&x->lists, x->used, err) ||
	    chunk_set_new_like(&x->counted, x->used, err))
		return err->code;
	*out = TAKE(x);
	return ERR_OK;
}

/* Close the folders that are open. */
static void
leave_all(struct reach *x)
{
	while (x->depth > 0)
		dir_reader_close(x->levels[--x->depth].reader);
}

void
reach_free(struct reach *x)
{
	if (x == NULL)
		return;
	leave_all(x);
	free(x->levels);
	chunk_set_free(x->lists);
	chunk_set_free(x->counted);
	chunk_set_free(x->folders);
	chunk_set_free(x->used);
	map_release(&x->long_folders);
	map_release(&x->lost);
	strv_release(&x->reasons);
	buf_release(&x->path);
	free(x);
}

struct chunk_set *
reach_used(struct reach *x)
{
	return x->used;
}

/* Something that is needed cannot be had; other failures are of the walk itself. */
static bool
is_loss(enum err_code code)
{
	return code == ERR_CORRUPT || code == ERR_NOT_FOUND || code == ERR_IO ||
	       code == ERR_UNSUPPORTED;
}

static enum err_code
pass_on(struct err *err, const struct err *why)
{
	*err = *why;
	return err->code;
}

/* --- chunks --- */

/* Remember a lost chunk, and why. */
static enum err_code
note_lost(struct reach *x, const struct id *id, const struct err *why, struct err *err)
{
	void *value;
	bool is_new;
	bool is_last = x->reasons.len + 1 == REASONS_MAX;
	size_t reason = x->reasons.len < REASONS_MAX ? x->reasons.len : REASONS_MAX - 1;
	if (x->reasons.len < REASONS_MAX &&
	    strv_add(&x->reasons, is_last ? "data that it needs is lost" : why->msg, err))
		return err->code;
	if (map_put(&x->lost, id->b, &value, &is_new, err))
		return err->code;
	uint32_t number = (uint32_t)reason;
	memcpy(value, &number, sizeof number);
	x->why = *why;
	return ERR_OK;
}

/* Is it known to be lost?  Then x->why says why. */
static bool
is_known_lost(struct reach *x, const struct id *id)
{
	uint32_t number;
	const void *value = x->lost.len > 0 ? map_get(&x->lost, id->b) : NULL;
	if (value == NULL)
		return false;
	memcpy(&number, value, sizeof number);
	err_set(&x->why, ERR_CORRUPT, "%s", x->reasons.items[number]);
	return true;
}

/* A chunk is needed: *is_lost, with x->why, when it cannot be had. */
static enum err_code
need_chunk(struct reach *x, const struct extent *e, bool *is_lost, struct err *err)
{
	bool is_new = false;
	struct err why;
	*is_lost = is_known_lost(x, &e->id);
	if (*is_lost)
		return ERR_OK;
	enum err_code rc = chunk_set_add(x->used, &e->id, &is_new, &why);
	if (rc == ERR_NOT_FOUND)
		err_set(&why, rc, "a chunk is in no index");
	else if (rc == ERR_OK && is_new && x->opt.chunk != NULL)
		rc = x->opt.chunk(x->opt.arg, &e->id, e->len, &why);
	else if (rc != ERR_OK) /* the index cannot be read: nothing is known of the chunk */
		return pass_on(err, &why);
	if (rc == ERR_OK)
		return ERR_OK;
	if (!is_loss(rc))
		return pass_on(err, &why);
	*is_lost = true;
	return note_lost(x, &e->id, &why, err);
}

static enum err_code need_content(
    struct reach *x, const struct content *c, bool *is_lost, struct err *err);

/* Item i of a content of lists, and all that the list names. */
static enum err_code
need_list(struct reach *x, const struct content *c, size_t i, bool *is_lost, struct err *err)
{
	AUTO(content) struct content below = CONTENT_INIT;
	const struct extent *e = &c->items[i];
	struct chunk_set *known = c->is_counted ? x->counted : x->lists;
	bool is_new;
	if (need_chunk(x, e, is_lost, err))
		return err->code;
	/* Only lists of one level are remembered, so that no list is taken for another's. */
	if (*is_lost || (c->level == 1 && chunk_set_has(known, &e->id)))
		return ERR_OK;
	struct err why;
	if (content_read_list(x->repo, c, i, &below, &why)) {
		if (!is_loss(why.code))
			return pass_on(err, &why);
		*is_lost = true;
		return note_lost(x, &e->id, &why, err);
	}
	if (need_content(x, &below, is_lost, err))
		return err->code;
	if (*is_lost || c->level > 1)
		return ERR_OK;
	return chunk_set_add(known, &e->id, &is_new, err);
}

/* All chunks of a content, also those behind a lost one: x->why tells of the first loss.  The
 * level is at most CONTENT_MAX_LEVEL, which bounds the recursion. */
static enum err_code
need_content(struct reach *x, const struct content *c, bool *is_lost, struct err *err)
{
	struct err first;
	*is_lost = false;
	for (size_t i = 0; i < c->count; i++) {
		const struct extent *e = &c->items[i];
		bool lost = false;
		if (!e->is_hole && (c->level == 0 ? need_chunk(x, e, &lost, err)
						  : need_list(x, c, i, &lost, err)))
			return err->code;
		if (lost && !*is_lost)
			first = x->why;
		*is_lost = *is_lost || lost;
	}
	if (*is_lost)
		x->why = first;
	return cancel_check(x->opt.cancel, err);
}

/* --- folders --- */

/* What x->path names is not whole, for x->why. */
static enum err_code
tell_lost(struct reach *x, bool is_dir, struct err *err)
{
	*(x->depth > 0 ? &x->levels[x->depth - 1].is_whole : &x->root_is_whole) = false;
	if (x->opt.lost == NULL)
		return ERR_OK;
	const char *path = x->path.len > 0 ? buf_cstr(&x->path) : "/";
	if (path == NULL)
		return err_nomem(err);
	return x->opt.lost(x->opt.arg, path, is_dir, x->why.msg, err);
}

static enum err_code
level_init(struct level *l, const struct tree_entry *dir, size_t path_len, struct err *err)
{
	const struct content *c = &dir->content;
	*l = (struct level){ .path_len = path_len, .is_whole = true };
	l->is_single = c->level == 0 && c->count == 1 && !c->items[0].is_hole;
	if (!l->is_single)
		return content_digest(c, l->digest, err);
	l->chunk = c->items[0].id;
	return ERR_OK;
}

static bool
is_seen(struct reach *x, const struct level *l)
{
	return l->is_single ? chunk_set_has(x->folders, &l->chunk)
			    : map_get(&x->long_folders, l->digest) != NULL;
}

static enum err_code
remember(struct reach *x, const struct level *l, struct err *err)
{
	void *value;
	bool is_new;
	return l->is_single ? chunk_set_add(x->folders, &l->chunk, &is_new, err)
			    : map_put(&x->long_folders, l->digest, &value, &is_new, err);
}

static enum err_code
push(struct reach *x, const struct level *l, struct err *err)
{
	if (ROOM(x->levels, x->depth, x->cap, 16, err))
		return err->code;
	x->levels[x->depth++] = *l;
	return ERR_OK;
}

/* Go down into the folder at x->path, unless that was done before. */
static enum err_code
enter(struct reach *x, const struct tree_entry *dir, struct err *err)
{
	struct level l;
	bool is_lost;
	if (level_init(&l, dir, x->path.len, err))
		return err->code;
	if (is_seen(x, &l))
		return cancel_check(x->opt.cancel, err);
	if (need_content(x, &dir->content, &is_lost, err))
		return err->code;
	if (!is_lost && dir_reader_open(&l.reader, x->repo, dir, &x->why)) {
		if (!is_loss(x->why.code))
			return pass_on(err, &x->why);
		is_lost = true;
	}
	if (is_lost)
		return tell_lost(x, true, err);
	if (push(x, &l, err)) {
		dir_reader_close(l.reader);
		return err->code;
	}
	return ERR_OK;
}

/* The innermost folder is done. */
static enum err_code
leave(struct reach *x, struct err *err)
{
	struct level *l = &x->levels[x->depth - 1];
	dir_reader_close(TAKE(l->reader));
	if (l->is_whole && remember(x, l, err))
		return err->code;
	x->depth--;
	if (!l->is_whole)
		*(x->depth > 0 ? &l[-1].is_whole : &x->root_is_whole) = false;
	return ERR_OK;
}

/* What x->path names. */
static enum err_code
visit(struct reach *x, const struct tree_entry *e, struct err *err)
{
	bool is_lost;
	if (e->type == TREE_DIR)
		return enter(x, e, err);
	if (e->type != TREE_FILE)
		return ERR_OK;
	if (need_content(x, &e->content, &is_lost, err))
		return err->code;
	return is_lost ? tell_lost(x, false, err) : ERR_OK;
}

/* The next entry of the innermost folder. */
static enum err_code
step(struct reach *x, struct err *err)
{
	const struct tree_entry *e;
	struct level *l = &x->levels[x->depth - 1];
	x->path.len = l->path_len;
	if (dir_reader_next(l->reader, &e, &x->why)) {
		if (!is_loss(x->why.code))
			return pass_on(err, &x->why);
		if (tell_lost(x, true, err))
			return err->code;
		e = NULL;
	}
	if (e == NULL)
		return leave(x, err);
	if (buf_u8(&x->path, '/', err) || buf_add(&x->path, e->name, e->name_len, err))
		return err->code;
	return visit(x, e, err);
}

enum err_code
reach_tree(struct reach *x, const struct tree_entry *root, bool *is_whole, struct err *err)
{
	x->path.len = 0;
	x->root_is_whole = true;
	enum err_code rc = visit(x, root, err);
	while (rc == ERR_OK && x->depth > 0)
		rc = step(x, err);
	leave_all(x);
	if (rc == ERR_OK)
		*is_whole = x->root_is_whole;
	return rc;
}
