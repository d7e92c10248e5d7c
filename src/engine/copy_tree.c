#include "engine/copy_tree.h"

#include "base/map.h"
#include "base/room.h"
#include "engine/copy_delta.h"
#include "tree/dir.h"
#include "tree/listing.h"

#include <pthread.h>

struct level;

/* An entry of the folder that is being put together. */
struct slot {
	struct level *level;
	bool has_content;
	bool has_links; /* other names of the same file */
	uint8_t digest[CONTENT_DIGEST_SIZE]; /* of its content in the source; with links only */
	struct content content; /* in the target; guarded by the copier's lock while pending */
	size_t len;
	uint8_t raw[]; /* as it stands in the source */
};

/* What stood in an entry's place in an earlier tree, and its copy: both or none. */
struct old_pair {
	const struct tree_entry *from;
	const struct tree_entry *to;
};

/* A folder of an earlier tree, read in step with the one at hand. */
struct side {
	struct dir_reader *reader; /* NULL: there is none */
	const struct tree_entry *at;
};

/* A folder that is being copied. */
struct level {
	struct copier *copier;
	struct level *up;
	struct slot *self; /* in the level above; NULL: the root */
	struct dir_reader *reader;
	struct side old_from;
	struct side old_to;
	size_t path_len;
	size_t pending; /* slots whose content is not known yet; guarded by the copier's lock */
	struct slot **slots;
	size_t count;
	size_t cap;
};

struct copier {
	const struct copy_tree_options *opt;
	struct intake *intake;
	struct level *top;
	struct buf path; /* of the entry at hand */
	struct map
	    linked; /* digests of contents in the source to struct content in the target */
	struct content root; /* when all is done */
	bool is_source; /* the failure is of what was read */
	pthread_mutex_t lock;
	pthread_cond_t arrived;
};

/* A failure of the source: say of what. */
static enum err_code
source_failed(struct copier *c, struct err *err)
{
	c->is_source = true;
	return err_wrap(err, "%s", c->path.len > 0 ? buf_cstr(&c->path) : "/");
}

/* --- levels --- */

static void
side_drop(struct side *s)
{
	dir_reader_close(s->reader);
	*s = (struct side){ NULL, NULL };
}

/* What cannot be read is no help, and does no harm. */
static void
side_open(struct side *s, struct repo *r, const struct tree_entry *dir)
{
	struct err scratch;
	*s = (struct side){ NULL, NULL };
	if (dir != NULL && dir->type == TREE_DIR &&
	    (dir_reader_open(&s->reader, r, dir, &scratch) ||
		dir_reader_next(s->reader, &s->at, &scratch)))
		side_drop(s);
}

/* The entry of this name; names are asked for in order. */
static const struct tree_entry *
side_find(struct side *s, const struct tree_entry *e)
{
	struct err scratch; /* as above */
	int order = -1;
	while (s->at != NULL && (order = tree_name_compare(
				     s->at->name, s->at->name_len, e->name, e->name_len)) < 0)
		if (dir_reader_next(s->reader, &s->at, &scratch))
			side_drop(s);
	return s->at != NULL && order == 0 ? s->at : NULL;
}

/* Contents that are still on their way arrive first: also when the writer has failed. */
static void
wait_for_contents(struct copier *c, struct level *l)
{
	pthread_mutex_lock(&c->lock);
	while (l->pending > 0)
		pthread_cond_wait(&c->arrived, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

static void
pop(struct copier *c)
{
	struct level *l = c->top;
	wait_for_contents(c, l);
	c->top = l->up;
	dir_reader_close(l->reader);
	side_drop(&l->old_from);
	side_drop(&l->old_to);
	for (size_t i = 0; i < l->count; i++) {
		content_release(&l->slots[i]->content);
		free(l->slots[i]);
	}
	free(l->slots);
	free(l);
}

static enum err_code
push(struct copier *c, struct slot *self, const struct tree_entry *dir,
    const struct old_pair *old, struct err *err)
{
	struct level *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	l->copier = c;
	l->up = c->top;
	l->self = self;
	l->path_len = c->path.len;
	c->top = l;
	if (dir_reader_open(&l->reader, c->opt->from, dir, err))
		return source_failed(c, err);
	if (old->from != NULL) {
		side_open(&l->old_from, c->opt->from, old->from);
		side_open(&l->old_to, writer_repo(c->opt->to), old->to);
	}
	return ERR_OK;
}

static enum err_code
add_slot(struct level *l, const struct tree_raw *raw, struct slot **out, struct err *err)
{
	if (ROOM(l->slots, l->count, l->cap, 16, err))
		return err->code;
	struct slot *s = calloc(1, sizeof *s + raw->len);
	if (s == NULL)
		return err_nomem(err);
	s->level = l;
	s->len = raw->len;
	memcpy(s->raw, raw->data, raw->len);
	l->slots[l->count++] = s;
	*out = s;
	return ERR_OK;
}

/* --- files --- */

struct file_copy {
	struct copier *copier;
	const struct content *content;
	struct stream *stream;
	const struct delta *delta; /* of counted contents; may be NULL */
	bool is_target; /* the failure is of the stream */
};

static enum err_code
copy_chunk(struct file_copy *f, const struct extent *e, struct err *err)
{
	const struct copy_tree_options *opt = f->copier->opt;
	struct chunk_view v;
	if (repo_read_chunk(opt->from, &e->id, &v, err))
		return err->code;
	if (v.len != e->len) {
		chunk_view_release(&v);
		return err_set(err, ERR_CORRUPT, "a chunk has another length than listed");
	}
	enum err_code rc = f->content->is_counted ? stream_chunk(f->stream, v.data, e, err)
						  : stream_write(f->stream, v.data, v.len, err);
	f->is_target = rc != ERR_OK;
	chunk_view_release(&v);
	atomic_fetch_add(&opt->progress->bytes, e->len);
	return rc;
}

static enum err_code
copy_bytes(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	struct file_copy *f = arg;
	(void)offset;
	if (cancel_check(f->copier->opt->cancel, err))
		return err->code;
	if (!e->is_hole)
		return copy_chunk(f, e, err);
	f->is_target = true;
	if (stream_hole(f->stream, e->len, err))
		return err->code;
	f->is_target = false;
	return ERR_OK;
}

/* Rows can only be counted where the connector's words are known: a chunk of them stays one. */
static enum err_code
copy_rows(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	struct file_copy *f = arg;
	(void)offset;
	const struct extent *known = f->delta != NULL ? delta_find(f->delta, e) : NULL;
	if (cancel_check(f->copier->opt->cancel, err))
		return err->code;
	if (known == NULL)
		return copy_chunk(f, e, err);
	f->is_target = true;
	if (stream_stored(f->stream, known, err))
		return err->code;
	f->is_target = false;
	return ERR_OK;
}

/* On any thread. */
static void
note_content(void *arg, struct content *content)
{
	struct slot *s = arg;
	struct copier *c = s->level->copier;
	pthread_mutex_lock(&c->lock);
	s->content = *content;
	s->level->pending--;
	pthread_cond_signal(&c->arrived);
	pthread_mutex_unlock(&c->lock);
}

static enum chunk_kind
kind_of(struct copier *c)
{
	const char *path = buf_cstr(&c->path);
	if (path == NULL || c->opt->rows == NULL || *path != '/')
		return CHUNK_DATA;
	if (strv_has(c->opt->rows, path + 1))
		return CHUNK_ROWS;
	char folder[4096];
	size_t len = (size_t)(strrchr(path, '/') - path);
	if (len == 0 || len >= sizeof folder)
		return CHUNK_DATA;
	memcpy(folder, path, len);
	folder[len] = '\0';
	return strv_has(c->opt->rows, folder + 1) ? CHUNK_ROWS : CHUNK_DATA;
}

/* Read from the source what the target does not have. */
static enum err_code
copy_range(struct file_copy *f, const struct delta_part *part, struct err *err)
{
	struct copier *c = f->copier;
	uint8_t *where;
	size_t room;
	size_t got;
	for (uint64_t done = 0; done < part->len; done += got) {
		f->is_target = true;
		if (stream_room(f->stream, &where, &room, err))
			return err->code;
		f->is_target = false;
		uint64_t left = part->len - done;
		size_t wanted = left < room ? (size_t)left : room;
		if (cancel_check(c->opt->cancel, err) ||
		    content_read_at(c->opt->from, f->content, part->offset + done, where,
			wanted, &got, err))
			return err->code;
		if (got != wanted)
			return err_set(err, ERR_CORRUPT, "it is shorter than its lists say");
		f->is_target = true;
		if (stream_commit(f->stream, got, err))
			return err->code;
		f->is_target = false;
		atomic_fetch_add(&c->opt->progress->bytes, got);
	}
	return ERR_OK;
}

static enum err_code
copy_part(void *arg, const struct delta_part *part, struct err *err)
{
	struct file_copy *f = arg;
	struct extent e = { .len = part->len, .id = part->id };
	if (part->kind == DELTA_READ)
		return copy_range(f, part, err);
	f->is_target = true;
	if (part->kind == DELTA_HOLE ? stream_hole(f->stream, part->len, err)
				     : stream_stored(f->stream, &e, err))
		return err->code;
	f->is_target = false;
	return ERR_OK;
}

/* NULL when the file has to be read whole. */
static struct delta *
find_delta(struct copier *c, const struct content *now, const struct old_pair *old)
{
	struct delta *d = NULL;
	struct err scratch; /* an old tree that cannot be read is no help, and does no harm */
	if (old->from == NULL)
		return NULL;
	struct delta_files files = { c->opt->from, writer_repo(c->opt->to), now,
		&old->from->content, &old->to->content };
	if (!delta_is_useful(&files) || delta_new(&d, &files, &scratch))
		return NULL;
	return d;
}

static enum err_code
copy_file(struct copier *c, struct slot *s, const struct tree_entry *e,
    const struct old_pair *old, struct err *err)
{
	struct file_copy f = { .copier = c, .content = &e->content };
	AUTO(delta) struct delta *d = find_delta(c, &e->content, old);
	bool is_counted = e->content.is_counted;
	f.delta = d;
	if (is_counted ? stream_open_rows(&f.stream, c->intake, err)
		       : stream_open(&f.stream, c->intake, kind_of(c), err))
		return err->code;
	if (!is_counted && d != NULL
		? delta_walk(d, copy_part, &f, err)
		: content_walk(c->opt->from, &e->content, is_counted ? copy_rows : copy_bytes,
		      NULL, &f, err)) {
		stream_abort(f.stream);
		return f.is_target || err->code == ERR_CANCELLED ? err->code
								 : source_failed(c, err);
	}
	pthread_mutex_lock(&c->lock);
	s->level->pending++;
	pthread_mutex_unlock(&c->lock);
	if (stream_finish(f.stream, note_content, s, err) == ERR_OK)
		return ERR_OK;
	pthread_mutex_lock(&c->lock);
	s->level->pending--; /* it will not be told */
	pthread_mutex_unlock(&c->lock);
	return err->code;
}

/* A file of several names is read once, if its first name lies in a folder that is done. */
static enum err_code
copy_linked(struct copier *c, struct slot *s, const struct tree_entry *e,
    const struct old_pair *old, struct err *err)
{
	struct content known;
	if (content_digest(&e->content, s->digest, err))
		return err->code;
	s->has_links = true;
	const void *value = map_get(&c->linked, s->digest);
	if (value == NULL)
		return copy_file(c, s, e, old, err);
	memcpy(&known, value, sizeof known);
	return content_copy(&s->content, &known, err);
}

static enum err_code
remember_links(struct copier *c, const struct slot *s, struct err *err)
{
	void *value;
	bool is_new;
	struct content copy;
	if (!s->has_links || map_get(&c->linked, s->digest) != NULL)
		return ERR_OK;
	if (content_copy(&copy, &s->content, err))
		return err->code;
	if (map_put(&c->linked, s->digest, &value, &is_new, err)) {
		content_release(&copy);
		return err->code;
	}
	memcpy(value, &copy, sizeof copy);
	return ERR_OK;
}

/* --- folders --- */

/* Its listing is stored when all contents are known. */
static enum err_code
leave(struct copier *c, struct err *err)
{
	struct level *l = c->top;
	AUTO(bufv) struct buf listing = BUF_INIT;
	AUTO(content) struct content content = CONTENT_INIT;
	wait_for_contents(c, l);
	if (writer_check(c->opt->to, err) || listing_begin(&listing, err))
		return err->code;
	for (size_t i = 0; i < l->count; i++) {
		const struct slot *s = l->slots[i];
		struct tree_raw raw = { .data = s->raw, .len = s->len };
		if ((s->has_content ? tree_raw_with_content(&raw, &s->content, &listing, err)
				    : buf_add(&listing, s->raw, s->len, err)) ||
		    remember_links(c, s, err))
			return err->code;
	}
	if (listing_store(c->opt->to, &listing, &content, err))
		return err_wrap(err, "store folder");
	*(l->self != NULL ? &l->self->content : &c->root) = content;
	content = (struct content)CONTENT_INIT;
	pop(c);
	return ERR_OK;
}

/* What an entry is made of, in the target. */
static enum err_code
copy_content(struct copier *c, struct slot *s, const struct tree_entry *e,
    const struct old_pair *old, struct err *err)
{
	if (old->from != NULL && content_equal(&old->from->content, &e->content))
		return content_copy(&s->content, &old->to->content, err);
	if (e->type == TREE_DIR)
		return push(c, s, e, old, err);
	return e->links > 1 ? copy_linked(c, s, e, old, err) : copy_file(c, s, e, old, err);
}

/* Of the same type, or none. */
static struct old_pair
find_old(struct level *l, const struct tree_entry *e)
{
	const struct tree_entry *from = side_find(&l->old_from, e);
	const struct tree_entry *to = side_find(&l->old_to, e);
	bool fits = from != NULL && to != NULL && from->type == e->type && to->type == e->type;
	return fits ? (struct old_pair){ from, to } : (struct old_pair){ NULL, NULL };
}

static enum err_code
copy_entry(struct copier *c, const struct tree_raw *raw, struct err *err)
{
	struct level *l = c->top;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct slot *s;
	struct rd r;
	rd_init(&r, raw->data, raw->len);
	if (tree_entry_decode(&e, &r, err))
		return source_failed(c, err);
	if (buf_u8(&c->path, '/', err) || buf_add(&c->path, e.name, e.name_len, err) ||
	    add_slot(l, raw, &s, err))
		return err->code;
	s->has_content = e.type == TREE_FILE || e.type == TREE_DIR;
	if (e.type == TREE_FILE)
		atomic_fetch_add(&c->opt->progress->files, 1);
	struct old_pair old = find_old(l, &e);
	return s->has_content ? copy_content(c, s, &e, &old, err) : ERR_OK;
}

static enum err_code
step(struct copier *c, struct err *err)
{
	struct level *l = c->top;
	struct tree_raw raw;
	c->path.len = l->path_len;
	if (cancel_check(c->opt->cancel, err))
		return err->code;
	if (dir_reader_next_raw(l->reader, &raw, err))
		return source_failed(c, err);
	return raw.data == NULL ? leave(c, err) : copy_entry(c, &raw, err);
}

static enum err_code
copy_root(struct copier *c, const struct buf *raw, struct buf *out, struct err *err)
{
	const struct copy_tree_options *o = c->opt;
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	struct rd r;
	rd_init(&r, raw->data, raw->len);
	if (tree_entry_decode(&root, &r, err))
		return source_failed(c, err);
	if (root.type != TREE_DIR) {
		err_set(err, ERR_CORRUPT, "the root is not a folder");
		return source_failed(c, err);
	}
	struct old_pair old = { o->old_from, o->old_to };
	bool is_same = old.from != NULL && content_equal(&old.from->content, &root.content);
	if (is_same ? content_copy(&c->root, &old.to->content, err)
		    : push(c, NULL, &root, &old, err))
		return err->code;
	while (c->top != NULL)
		if (step(c, err))
			return err->code;
	struct tree_raw whole = { .data = raw->data, .len = raw->len };
	return tree_raw_with_content(&whole, &c->root, out, err);
}

static void
forget_links(struct copier *c)
{
	size_t pos = 0;
	const void *key;
	void *value;
	while (map_next(&c->linked, &pos, &key, &value)) {
		struct content known;
		memcpy(&known, value, sizeof known);
		content_release(&known);
	}
	map_release(&c->linked);
}

enum err_code
copy_tree(const struct copy_tree_options *opt, const struct buf *raw, struct buf *out,
    bool *is_source, struct err *err)
{
	struct copier c = { .opt = opt,
		.root = CONTENT_INIT,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.arrived = PTHREAD_COND_INITIALIZER };
	map_init(&c.linked, CONTENT_DIGEST_SIZE, sizeof(struct content));
	enum err_code rc = intake_new(&c.intake, opt->to, err);
	if (rc == ERR_OK)
		rc = copy_root(&c, raw, out, err);
	while (c.top != NULL)
		pop(&c);
	intake_free(c.intake);
	forget_links(&c);
	content_release(&c.root);
	buf_release(&c.path);
	pthread_cond_destroy(&c.arrived);
	pthread_mutex_destroy(&c.lock);
	*is_source = c.is_source;
	return rc;
}
