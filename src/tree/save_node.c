#include "tree/save_impl.h"

#include <dirent.h>

struct node {
	struct saver *saver;
	struct node *up; /* NULL for the root */
	size_t seq; /* the unit of up that this node is the result of */
	struct folder *folder;
	struct buf head; /* its own entry, but for content */
	struct buf old_entry; /* that in the parent; empty when there is none */
	struct content old_content;
	size_t refs; /* guarded by saver->lock, like the four below */
	struct node *work_below; /* in saver->work */
	struct node *work_above;
	bool in_work;
	struct node *before; /* in saver->nodes */
	struct node *after;

	pthread_mutex_t lock; /* guards all below */
	struct names names; /* fixed once begun */
	size_t next; /* name not yet handed out */
	struct listing_reader *old; /* the parent's listing; NULL: there is none */
	struct tree_raw peeked; /* its next entry, if has_peeked */
	bool has_peeked;
	bool is_changed; /* the listing cannot be the parent's */
	bool all_taken;
	size_t taken; /* units handed out */
	size_t given; /* results appended to the listing, which are the first ones */
	struct buf listing;
	struct result {
		struct buf bytes;
		bool is_there;
	} * waiting; /* results that came early, by their number; waiting_cap of them */
	size_t waiting_cap;
};

/* The lists of saver; its lock is held. */

static void
work_push(struct saver *s, struct node *n)
{
	n->in_work = true;
	n->work_below = s->work;
	if (s->work != NULL)
		s->work->work_above = n;
	s->work = n;
}

static void
work_remove(struct saver *s, struct node *n)
{
	if (!n->in_work)
		return;
	n->in_work = false;
	if (n->work_above != NULL)
		n->work_above->work_below = n->work_below;
	else
		s->work = n->work_below;
	if (n->work_below != NULL)
		n->work_below->work_above = n->work_above;
	n->work_above = NULL;
	n->work_below = NULL;
}

static void
node_free(struct node *n)
{
	folder_unref(n->folder);
	buf_release(&n->head);
	buf_release(&n->old_entry);
	content_release(&n->old_content);
	names_release(&n->names);
	if (n->old != NULL)
		listing_reader_release(n->old);
	free(n->old);
	buf_release(&n->listing);
	for (size_t i = 0; i < n->waiting_cap; i++)
		buf_release(&n->waiting[i].bytes);
	free(n->waiting);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static void
nodes_add(struct saver *s, struct node *n)
{
	n->after = s->nodes;
	if (s->nodes != NULL)
		s->nodes->before = n;
	s->nodes = n;
}

static void
nodes_remove(struct saver *s, struct node *n)
{
	if (n->before != NULL)
		n->before->after = n->after;
	else
		s->nodes = n->after;
	if (n->after != NULL)
		n->after->before = n->before;
}

static void
node_unref(struct saver *s, struct node *n)
{
	pthread_mutex_lock(&s->lock);
	bool last = --n->refs == 0;
	if (last) {
		work_remove(s, n);
		nodes_remove(s, n);
	}
	pthread_mutex_unlock(&s->lock);
	if (last)
		node_free(n);
}

void
nodes_free(struct saver *s)
{
	while (s->nodes != NULL) {
		struct node *n = s->nodes;
		s->nodes = n->after;
		node_free(n);
	}
	s->work = NULL;
}

/* The parent's listing of a folder that is begun. */
static enum err_code
open_old(struct node *n, const struct tree_raw *old, struct err *err)
{
	if (old->data == NULL || old->type != TREE_DIR) {
		n->is_changed = true;
		return ERR_OK;
	}
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct rd r;
	rd_init(&r, old->data, old->len);
	if (tree_entry_decode(&e, &r, err))
		return err->code;
	AUTO(mem) struct listing_reader *l = malloc(sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	if (buf_add(&n->old_entry, old->data, old->len, err) ||
	    listing_reader_init(l, n->saver->repo, &e.content, err))
		return err->code;
	n->old = TAKE(l);
	n->old_content = e.content;
	e.content = (struct content)CONTENT_INIT;
	return ERR_OK;
}

static void finish_upwards(struct saver *s, struct node *n);

enum err_code
node_begin(struct saver *s, const struct place *at, struct folder *folder, struct names *names,
    const struct tree_entry *entry, struct err *err)
{
	struct node *n = calloc(1, sizeof *n);
	if (n == NULL)
		return err_nomem(err);
	n->saver = s;
	n->up = at->up;
	n->seq = at->seq;
	n->folder = folder;
	folder_ref(folder);
	n->refs = 1; /* for its last result */
	pthread_mutex_init(&n->lock, NULL);
	if (tree_entry_encode_head(entry, &n->head, err) || listing_begin(&n->listing, err)) {
		node_free(n);
		return err->code;
	}
	if (open_old(n, &at->old, err)) {
		err_wrap(err, "read the earlier tree");
		node_free(n);
		return err->code;
	}
	n->names = *names;
	*names = (struct names)NAMES_INIT;
	bool is_empty = n->names.count == 0;
	n->all_taken = is_empty;

	pthread_mutex_lock(&s->lock);
	nodes_add(s, n);
	if (!is_empty) {
		work_push(s, n);
		pthread_cond_broadcast(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
	if (is_empty) {
		/* Whatever the parent's listing holds is gone: the two differ unless it is as
		 * empty. */
		struct content nothing = n->old_content;
		n->is_changed = n->is_changed || nothing.size != n->listing.len;
		finish_upwards(s, n);
	}
	return ERR_OK;
}

/* Handing out; the node's lock is held. */

/* Files handed out at once: enough that taking them costs nothing beside saving them, few
 * enough that all threads have some. */
#define BATCH_MAX 128
#define BATCH_MIN_OLD 32 /* a look at an unchanged file costs a microsecond */
#define BATCH_MIN_NEW 4

static size_t
batch_size(const struct node *n)
{
	size_t run = 0;
	size_t most = min_size(n->names.count - n->next, (size_t)BATCH_MAX * 4);
	while (run < most && n->names.items[n->next + run].type != DT_DIR)
		run++;
	size_t least = n->old != NULL ? BATCH_MIN_OLD : BATCH_MIN_NEW;
	size_t share = max_size(run / (n->saver->threads * 2), least);
	return min_size(run, min_size(share, BATCH_MAX));
}

static enum err_code
peek_old(struct node *n, struct err *err)
{
	if (n->has_peeked)
		return ERR_OK;
	if (listing_reader_next(n->old, &n->peeked, err))
		return err_wrap(err, "read the earlier tree");
	n->has_peeked = true;
	return ERR_OK;
}

/* Copy the parent's entry of a name to the unit, if there is one. */
static enum err_code
find_old(struct node *n, const char *name, struct unit *u, size_t *offset, struct err *err)
{
	size_t len = strlen(name);
	*offset = NO_OLD;
	for (;;) {
		if (peek_old(n, err))
			return err->code;
		const struct tree_raw *p = &n->peeked;
		int c =
		    p->data == NULL ? 1 : tree_name_compare(p->name, p->name_len, name, len);
		if (c >= 0)
			n->is_changed = n->is_changed || c > 0;
		if (c > 0)
			return ERR_OK;
		n->has_peeked = false;
		if (c == 0) {
			*offset = u->old.len;
			return buf_add(&u->old, p->data, p->len, err);
		}
		n->is_changed = true; /* a name that is gone */
	}
}

static enum err_code
find_all_old(struct node *n, struct unit *u, struct err *err)
{
	if (n->old == NULL)
		return ERR_OK;
	u->old_offset = malloc(u->count * sizeof *u->old_offset);
	if (u->old_offset == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < u->count; i++)
		if (find_old(n, names_text(&n->names, u->first + i), u, &u->old_offset[i], err))
			return err->code;
	if (n->next < n->names.count)
		return ERR_OK;
	if (peek_old(n, err))
		return err->code;
	n->is_changed = n->is_changed || n->peeked.data != NULL;
	listing_reader_release(n->old);
	free(TAKE(n->old));
	return ERR_OK;
}

/* The node's next unit; count 0 when none is left. */
static enum err_code
take(struct node *n, struct unit *u, struct err *err)
{
	*u = (struct unit){ .node = n, .folder = n->folder, .names = &n->names };
	if (n->all_taken)
		return ERR_OK;
	u->seq = n->taken++;
	u->first = n->next;
	u->is_dir = n->names.items[n->next].type == DT_DIR;
	u->count = u->is_dir ? 1 : batch_size(n);
	n->next += u->count;
	n->all_taken = n->next == n->names.count;
	return find_all_old(n, u, err);
}

void
unit_release(struct unit *u)
{
	buf_release(&u->old);
	free(u->old_offset);
	u->old_offset = NULL;
}

/* Nothing is left but clones: only units find new work.  The lock is held. */
static bool
is_at_rest(struct saver *s)
{
	return s->work == NULL && s->active == 0 && clones_wait(&s->clones);
}

/* Wait for a node with work, and take a reference to it.  Its unit counts as active from here
 * on. */
static struct node *
next_node(struct saver *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->work == NULL && !s->finished && !atomic_load(&s->stop) && !is_at_rest(s))
		pthread_cond_wait(&s->wake, &s->lock);
	struct node *n = s->finished || atomic_load(&s->stop) ? NULL : s->work;
	if (n != NULL) {
		n->refs++;
		s->active++;
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

void
saver_unit_done(struct saver *s)
{
	pthread_mutex_lock(&s->lock);
	if (--s->active == 0)
		pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

bool
saver_next_unit(struct saver *s, struct unit *out)
{
	for (;;) {
		struct node *n = next_node(s);
		if (n == NULL)
			return false;
		struct err err;
		pthread_mutex_lock(&n->lock);
		enum err_code rc = take(n, out, &err);
		bool exhausted = n->all_taken;
		pthread_mutex_unlock(&n->lock);
		if (exhausted) {
			pthread_mutex_lock(&s->lock);
			work_remove(s, n);
			pthread_mutex_unlock(&s->lock);
		}
		node_unref(s, n);
		if (rc == ERR_OK && out->count > 0)
			return true;
		saver_unit_done(s);
		if (rc) {
			unit_release(out);
			saver_fail(s, &err);
			return false;
		}
	}
}

/* Results */

static enum err_code
keep_early(struct node *n, size_t seq, struct buf *bytes, struct err *err)
{
	if (seq >= n->waiting_cap) {
		size_t cap = max_size(max_size(16, n->waiting_cap * 2), seq + 1);
		struct result *more = realloc(n->waiting, cap * sizeof *more);
		if (more == NULL)
			return err_nomem(err);
		memset(more + n->waiting_cap, 0, (cap - n->waiting_cap) * sizeof *more);
		n->waiting = more;
		n->waiting_cap = cap;
	}
	n->waiting[seq] = (struct result){ *bytes, true };
	*bytes = (struct buf)BUF_INIT;
	return ERR_OK;
}

/* Append a result to the listing if it is its turn, and those that waited for it; the node's
 * lock is held. */
static enum err_code
accept(struct node *n, size_t seq, struct buf *bytes, struct err *err)
{
	if (seq != n->given)
		return keep_early(n, seq, bytes, err);
	if (buf_add(&n->listing, bytes->data, bytes->len, err))
		return err->code;
	n->given++;
	while (n->given < n->waiting_cap && n->waiting[n->given].is_there) {
		struct buf *early = &n->waiting[n->given].bytes;
		if (buf_add(&n->listing, early->data, early->len, err))
			return err->code;
		buf_release(early);
		n->given++;
	}
	return ERR_OK;
}

/* Store the listing of a node that has all its results; out gets its entry. */
static enum err_code
finish(struct node *n, struct buf *out, bool *is_same, struct err *err)
{
	AUTO(content) struct content content = CONTENT_INIT;
	enum err_code rc = ERR_OK;
	if (n->is_changed)
		rc = listing_store(n->saver->writer, &n->listing, &content, err);
	else
		rc = content_copy(&content, &n->old_content, err);
	if (rc || tree_entry_join(n->head.data, n->head.len, &content, out, err))
		return err->code;
	*is_same =
	    out->len == n->old_entry.len && memcmp(out->data, n->old_entry.data, out->len) == 0;
	return ERR_OK;
}

/* A node has its last result: give its own to the node above, and so on. */
static void
finish_upwards(struct saver *s, struct node *n)
{
	struct err err;
	for (;;) {
		struct buf bytes = BUF_INIT;
		bool is_same = false;
		if (finish(n, &bytes, &is_same, &err)) {
			err_wrap(&err, "store folder");
			saver_fail(s, &err);
			buf_release(&bytes);
			return;
		}
		struct node *up = n->up;
		size_t seq = n->seq;
		node_unref(s, n);
		if (up == NULL) {
			saver_finish(s, &bytes);
			return;
		}
		pthread_mutex_lock(&up->lock);
		up->is_changed = up->is_changed || !is_same;
		enum err_code rc = accept(up, seq, &bytes, &err);
		bool complete = up->all_taken && up->given == up->taken;
		pthread_mutex_unlock(&up->lock);
		buf_release(&bytes);
		if (rc)
			saver_fail(s, &err);
		if (rc || !complete)
			return;
		n = up;
	}
}

void
node_give(struct saver *s, struct node *n, size_t seq, struct buf *bytes, bool is_same)
{
	struct err err;
	pthread_mutex_lock(&n->lock);
	n->is_changed = n->is_changed || !is_same;
	enum err_code rc = accept(n, seq, bytes, &err);
	bool complete = n->all_taken && n->given == n->taken;
	pthread_mutex_unlock(&n->lock);
	buf_release(bytes);
	if (rc)
		saver_fail(s, &err);
	else if (complete)
		finish_upwards(s, n);
}
