/* The walk over the stored tree, and the batches of files that it hands out. */
#include "tree/restore_impl.h"

#include "base/room.h"
#include "tree/names.h"

/*
 * Files handed to the pool at once.  A batch is of one folder, and as large as may be: two
 * threads that make files in the same folder wait for each other in the kernel, spinning.
 */
#define BATCH_MAX 512
#define BATCH_BYTES ((uint64_t)4 << 20)

struct rbatch {
	struct job job;
	struct rnode *node;
	uint64_t bytes;
	size_t count;
	size_t cap;
	struct tree_entry *entries;
};

static void
write_one(struct rnode *n, int dir_fd, struct tree_entry *e)
{
	struct err err;
	struct rfile *f;
	bool made;
	if (e->type != TREE_FILE) {
		special_restore(n, dir_fd, e, &made);
	} else if (rfile_create(&f, n, dir_fd, e, false, &made, &err)) {
		restorer_fail(n->restorer, &err);
	} else if (f != NULL) {
		rfile_fill(f);
	}
}

void
restore_one(struct rnode *n, int dir_fd, struct tree_entry *e)
{
	switch (n->restorer->pass) {
	case PASS_WRITE:
		write_one(n, dir_fd, e);
		break;
	case PASS_LOOK:
		live_tell(n, dir_fd, e);
		break;
	case PASS_READ_BACK:
		live_read_back(n, dir_fd, e);
		break;
	}
}

static void
rbatch_free(struct rbatch *b)
{
	for (size_t i = 0; i < b->count; i++)
		tree_entry_release(&b->entries[i]);
	free(b->entries);
	free(b);
}

static void
rbatch_run(struct job *j)
{
	struct rbatch *b = (struct rbatch *)j;
	struct rnode *n = b->node;
	struct err err;
	int dir_fd = -1;
	bool failed = !n->absent && folder_pin(n->folder, &dir_fd, &err) != ERR_OK;
	if (failed)
		restorer_problem(n->restorer, TREE_FAILED, n->trail, NULL, "%s", err.msg);
	for (size_t i = 0; i < b->count && !failed && restorer_goes_on(n->restorer); i++)
		restore_one(n, dir_fd, &b->entries[i]);
	if (dir_fd >= 0)
		folder_unpin(n->folder);
	rbatch_free(b);
	rnode_unpend(n);
}

/* The walk */

/* A folder on the way down. */
struct frame {
	struct rnode *node;
	struct dir_reader *reader; /* NULL: its listing cannot be read */
	struct rbatch *batch; /* being filled */
	bool ask; /* about each child */
	bool prune; /* what is in live but not in the tree goes */
	struct names live; /* what the folder held */
	size_t next_live;
	struct frame *up;
};

struct walk {
	struct restorer *restorer;
	struct link_names *links;
	struct frame *top;
	struct buf path;
};

static void
send_batch(struct frame *f)
{
	struct rbatch *b = TAKE(f->batch);
	if (b == NULL)
		return;
	b->job.run = rbatch_run;
	pool_submit(f->node->restorer->pool, &b->job);
}

static enum err_code
add_to_batch(struct frame *f, struct tree_entry *e, struct err *err)
{
	if (f->batch == NULL) {
		f->batch = calloc(1, sizeof *f->batch);
		if (f->batch == NULL)
			return err_nomem(err);
		f->batch->node = f->node;
		rnode_pend(f->node);
	}
	struct rbatch *b = f->batch;
	if (ROOM(b->entries, b->count, b->cap, 16, err))
		return err->code;
	b->bytes += e->content.size;
	b->entries[b->count++] = *e;
	*e = (struct tree_entry)TREE_ENTRY_INIT;
	if (b->count == BATCH_MAX || b->bytes >= BATCH_BYTES)
		send_batch(f);
	return ERR_OK;
}

/* Read what a folder holds that is taken whole, before anything is made in it. */
static enum err_code
look_for_extras(struct frame *f, struct err *err)
{
	struct rnode *n = f->node;
	struct restorer *r = n->restorer;
	int fd;
	if (!r->opt->delete_extra || r->pass == PASS_READ_BACK || f->ask || !n->was_there)
		return ERR_OK;
	AUTO(mem) void *scratch = malloc(NAMES_SCRATCH_SIZE);
	if (scratch == NULL)
		return err_nomem(err);
	enum err_code rc = folder_pin(n->folder, &fd, err);
	if (rc == ERR_OK) {
		rc = names_read(&f->live, fd, scratch, NULL, NULL, err);
		folder_unpin(n->folder);
	}
	f->prune = rc == ERR_OK;
	if (rc && rc != ERR_NO_MEMORY) {
		restorer_problem(r, TREE_NOT_DELETED, n->trail, NULL, "%s", err->msg);
		rc = ERR_OK;
	}
	return rc;
}

/* Remove what the folder holds before name in order, which the tree has not; NULL: to the end.
 * Both lists are sorted alike. */
static void
prune_up_to(struct frame *f, const char *name)
{
	while (
	    f->prune && f->next_live < f->live.count && restorer_goes_on(f->node->restorer)) {
		const char *live = names_text(&f->live, f->next_live);
		int c = name != NULL ? strcmp(live, name) : -1;
		if (c > 0)
			return;
		f->next_live++;
		if (c == 0)
			return;
		delete_extra(f->node, live);
	}
}

/* Go down into a node, which becomes the walk's to unpend. */
static enum err_code
push(struct walk *w, struct rnode *n, bool ask, struct err *err)
{
	struct restorer *r = w->restorer;
	struct frame *f = calloc(1, sizeof *f);
	if (f == NULL) {
		rnode_unpend(n);
		return err_nomem(err);
	}
	f->node = n;
	f->ask = ask;
	f->up = w->top;
	w->top = f;
	if (dir_reader_open(&f->reader, r->repo, &n->entry, err)) {
		if (err->code == ERR_NO_MEMORY)
			return err->code;
		restorer_repo_error(r, n->trail, NULL, err);
		return ERR_OK;
	}
	return look_for_extras(f, err);
}

static void
pop(struct walk *w)
{
	struct frame *f = w->top;
	w->top = f->up;
	send_batch(f);
	dir_reader_close(f->reader);
	names_release(&f->live);
	rnode_unpend(f->node);
	free(f);
}

static enum err_code
ask(struct walk *w, const struct frame *f, const struct tree_entry *e, enum tree_select *out,
    struct err *err)
{
	const struct tree_restore_options *opt = w->restorer->opt;
	*out = TREE_TAKE;
	if (!f->ask)
		return ERR_OK;
	w->path.len = 0;
	if (trail_path(f->node->trail, e->name, &w->path, err))
		return err->code;
	*out = opt->select(opt->select_arg, (const char *)w->path.data, w->path.len, e);
	return ERR_OK;
}

static void
show_path(struct walk *w, const struct rnode *n)
{
	struct tree_progress *p = w->restorer->report.progress;
	struct err scratch; /* only for show */
	w->path.len = 0;
	if (p != NULL && trail_path(n->trail, NULL, &w->path, &scratch) == ERR_OK)
		tree_progress_set_path(p, (const char *)w->path.data, w->path.len);
}

static enum err_code
descend(struct walk *w, struct tree_entry *e, bool make, struct err *err)
{
	struct rnode *n;
	if (rnode_new(&n, w->restorer, w->top->node, e, err))
		return err->code;
	if (make && rnode_make(n, err)) {
		rnode_unpend(n);
		return err->code;
	}
	if (n->failed) {
		rnode_unpend(n);
		return ERR_OK;
	}
	show_path(w, n);
	/* What is before it in its folder need not wait. */
	send_batch(w->top);
	return push(w, n, !make, err);
}

static enum err_code
restore_child(struct walk *w, struct tree_entry *e, struct err *err)
{
	struct frame *f = w->top;
	enum tree_select choice;
	if (ask(w, f, e, &choice, err))
		return err->code;
	if (e->type == TREE_DIR && choice != TREE_SKIP)
		return descend(w, e, choice == TREE_TAKE, err);
	if (choice != TREE_TAKE)
		return ERR_OK;
	if (rnode_make(f->node, err))
		return err->code;
	if (f->node->failed)
		return ERR_OK;
	bool copy = true;
	if (w->links != NULL && e->links > 1 && e->ino != 0 &&
	    link_names_restore(w->links, f->node, e, &copy, err))
		return err->code;
	return copy ? add_to_batch(f, e, err) : ERR_OK;
}

/* One entry of the folder at the top, or the end of it. */
static enum err_code
step(struct walk *w, struct err *err)
{
	struct frame *f = w->top;
	struct tree_raw raw = { .data = NULL };
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	enum err_code rc =
	    f->reader != NULL ? dir_reader_next_raw(f->reader, &raw, err) : ERR_OK;
	if (rc == ERR_OK && raw.data != NULL) {
		struct rd r;
		rd_init(&r, raw.data, raw.len);
		rc = tree_entry_decode(&e, &r, err);
	}
	if (rc == ERR_NO_MEMORY)
		return rc;
	if (rc) {
		/* The rest of this folder is lost, but not what is beside it; and what is
		 * there may be what is lost. */
		restorer_repo_error(w->restorer, f->node->trail, NULL, err);
		f->prune = false;
		raw.data = NULL;
	}
	if (raw.data == NULL) {
		prune_up_to(f, NULL);
		pop(w);
		return ERR_OK;
	}
	prune_up_to(f, e.name);
	return restore_child(w, &e, err);
}

void
walk_tree(struct restorer *r, struct rnode *root, struct link_names *links)
{
	struct walk w = { .restorer = r, .links = links };
	struct err err;
	enum err_code rc = push(&w, root, r->opt->select != NULL, &err);
	while (rc == ERR_OK && w.top != NULL && restorer_goes_on(r))
		rc = step(&w, &err);
	if (rc)
		restorer_fail(r, &err);
	while (w.top != NULL)
		pop(&w);
	buf_release(&w.path);
}
