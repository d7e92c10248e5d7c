#include "tree/restore_impl.h"

#include "base/strv.h"
#include "sys/fd.h"
#include "sys/thread.h"
#include "tree/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

/* Files handed to the pool at once, and the bytes at which a batch is full. */
#define BATCH_MAX 64
#define BATCH_BYTES ((uint64_t)4 << 20)
#define BATCHES_PER_THREAD 4

void
restorer_fail(struct restorer *r, const struct err *err)
{
	pthread_mutex_lock(&r->lock);
	if (!atomic_load(&r->stop)) {
		r->err = *err;
		atomic_store(&r->stop, true);
	}
	pthread_mutex_unlock(&r->lock);
}

bool
restorer_goes_on(struct restorer *r)
{
	struct err err;
	if (cancel_check(r->opt->cancel, &err))
		restorer_fail(r, &err);
	return !atomic_load_explicit(&r->stop, memory_order_relaxed);
}

/* A root that is a file and is lost leaves nothing: that is an error. */
static bool
is_loss(enum tree_problem_kind kind)
{
	return kind == TREE_SPECIAL || kind == TREE_IN_THE_WAY || kind == TREE_FAILED ||
	       kind == TREE_DAMAGED;
}

static enum err_code
loss_code(enum tree_problem_kind kind)
{
	return kind == TREE_DAMAGED      ? ERR_CORRUPT
	       : kind == TREE_IN_THE_WAY ? ERR_EXISTS
					 : ERR_IO;
}

void
restorer_problem(struct restorer *r, enum tree_problem_kind kind, const struct trail *t,
    const char *name, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (r->root_is_file && is_loss(kind)) {
		struct err err;
		err_set(&err, loss_code(kind), "%s", text);
		restorer_fail(r, &err);
		return;
	}
	AUTO(bufv) struct buf path = BUF_INIT;
	struct err scratch; /* without memory a problem is told without its path */
	if (!r->root_is_file && trail_path(t, name, &path, &scratch))
		path.len = 0;
	report_problem(&r->report, kind, path.len > 0 ? (const char *)path.data : "", path.len,
	    "%s", text);
}

bool
errno_is_fatal(int errnum)
{
	return errnum == ENOSPC || errnum == EDQUOT || errnum == EROFS || errnum == ENOMEM;
}

void
restorer_errno(struct restorer *r, enum tree_problem_kind kind, const struct trail *t,
    const char *name, const char *what)
{
	int errnum = errno;
	if (!errno_is_fatal(errnum)) {
		restorer_problem(r, kind, t, name, "%s: %s", what, strerrordesc_np(errnum));
		return;
	}
	AUTO(bufv) struct buf path = BUF_INIT;
	struct err err;
	struct err scratch; /* as above */
	if (r->root_is_file || trail_path(t, name, &path, &scratch))
		path.len = 0;
	err_errno(&err, errnum, "%s %.200s", what,
	    path.len > 0 ? (const char *)path.data : "the target");
	restorer_fail(r, &err);
}

void
restorer_repo_error(
    struct restorer *r, const struct trail *t, const char *name, const struct err *err)
{
	if (err->code == ERR_CORRUPT || err->code == ERR_NOT_FOUND ||
	    err->code == ERR_UNSUPPORTED)
		restorer_problem(r, TREE_DAMAGED, t, name, "%s", err->msg);
	else
		restorer_fail(r, err);
}

/* Batches of files */

struct rbatch {
	struct job job;
	struct rnode *node;
	uint64_t bytes;
	size_t count;
	struct tree_entry entries[BATCH_MAX];
};

static void
restore_one(struct rnode *n, int dir_fd, struct tree_entry *e)
{
	struct err err;
	struct rfile *f;
	bool made;
	if (e->type != TREE_FILE) {
		special_restore(n, dir_fd, e, &made);
	} else if (rfile_create(&f, n, dir_fd, e, false, &err)) {
		restorer_fail(n->restorer, &err);
	} else if (f != NULL) {
		rfile_fill(f);
	}
}

static void
rbatch_run(struct job *j)
{
	struct rbatch *b = (struct rbatch *)j;
	struct rnode *n = b->node;
	struct err err;
	int dir_fd;
	bool pinned = folder_pin(n->folder, &dir_fd, &err) == ERR_OK;
	if (!pinned)
		restorer_problem(n->restorer, TREE_FAILED, n->trail, NULL, "%s", err.msg);
	for (size_t i = 0; i < b->count; i++) {
		if (pinned && restorer_goes_on(n->restorer))
			restore_one(n, dir_fd, &b->entries[i]);
		tree_entry_release(&b->entries[i]);
	}
	if (pinned)
		folder_unpin(n->folder);
	free(b);
	rnode_unpend(n);
}

/* The walk */

/* A folder on the way down. */
struct frame {
	struct rnode *node;
	struct dir_reader *reader; /* NULL: its listing cannot be read */
	struct rbatch *batch; /* being filled */
	bool ask; /* about each child */
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
	b->bytes += e->content.size;
	b->entries[b->count++] = *e;
	*e = (struct tree_entry)TREE_ENTRY_INIT;
	if (b->count == BATCH_MAX || b->bytes >= BATCH_BYTES)
		send_batch(f);
	return ERR_OK;
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
	}
	return ERR_OK;
}

static void
pop(struct walk *w)
{
	struct frame *f = w->top;
	w->top = f->up;
	send_batch(f);
	dir_reader_close(f->reader);
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
	if (e->links > 1 && e->ino != 0 && link_names_restore(w->links, f->node, e, &copy, err))
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
		/* The rest of this folder is lost, but not what is beside it. */
		restorer_repo_error(w->restorer, f->node->trail, NULL, err);
		raw.data = NULL;
	}
	if (raw.data == NULL) {
		pop(w);
		return ERR_OK;
	}
	return restore_child(w, &e, err);
}

static void
walk(struct restorer *r, struct rnode *root, struct link_names *links)
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

/* Targets */

static enum err_code
look_inside(int dir_fd, bool *is_empty, struct err *err)
{
	struct names names;
	AUTO(mem) void *scratch = malloc(NAMES_SCRATCH_SIZE);
	if (scratch == NULL)
		return err_nomem(err);
	if (names_read(&names, dir_fd, scratch, NULL, NULL, err))
		return err->code;
	*is_empty = names.count == 0;
	names_release(&names);
	return ERR_OK;
}

/* Open the target folder, made when it is missing. */
static enum err_code
open_target(
    int *out, bool *was_there, const struct restorer *r, const char *target, struct err *err)
{
	*was_there = mkdir(target, 0700) != 0;
	if (*was_there && errno != EEXIST)
		return err_sys(err, "create folder %s", target);
	AUTO(fd) int fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", target);
	bool is_empty = true;
	if (*was_there && r->opt->overwrite == TREE_OVERWRITE_NEVER) {
		if (look_inside(fd, &is_empty, err))
			return err_wrap(err, "%s", target);
		if (!is_empty)
			return err_set(err, ERR_EXISTS, "%s: the folder is not empty", target);
	}
	*out = fd_take(&fd);
	return ERR_OK;
}

static enum err_code
restore_dir(struct restorer *r, const struct tree_entry *e, const char *target, int *root_fd,
    struct link_names *links, struct err *err)
{
	AUTO(tree_entry) struct tree_entry copy = TREE_ENTRY_INIT;
	struct rnode *root;
	bool was_there;
	AUTO(fd) int fd = -1;
	if (open_target(&fd, &was_there, r, target, err) || tree_entry_copy(&copy, e, err) ||
	    rnode_new(&root, r, NULL, &copy, err))
		return err->code;
	root->keep_meta = r->opt->leave_root;
	*root_fd = dup(fd);
	if (*root_fd < 0 || rnode_adopt(root, fd, was_there, err)) {
		if (*root_fd < 0)
			err_sys(err, "open %s", target);
		rnode_unpend(root);
		return err->code;
	}
	fd_take(&fd);
	walk(r, root, links);
	return ERR_OK;
}

/* Split a path into the folder that holds it and the name there. */
static enum err_code
split(const char *target, char **folder, char **name, struct err *err)
{
	size_t len = strlen(target);
	while (len > 1 && target[len - 1] == '/')
		len--;
	size_t start = len;
	while (start > 0 && target[start - 1] != '/')
		start--;
	if (!tree_name_is_valid(target + start, len - start))
		return err_set(err, ERR_USAGE, "%s: not the path of a file", target);
	if (str_dupn(name, target + start, len - start, err))
		return err->code;
	return start == 0 ? str_dup(folder, ".", err) : str_dupn(folder, target, start, err);
}

static enum err_code
restore_file(struct restorer *r, const struct tree_entry *e, const char *target, int *root_fd,
    struct err *err)
{
	AUTO(str) char *folder = NULL;
	AUTO(str) char *name = NULL;
	if (split(target, &folder, &name, err))
		return err->code;
	AUTO(fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", folder);
	struct stat st;
	if (r->opt->overwrite == TREE_OVERWRITE_NEVER &&
	    fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(err, ERR_EXISTS, "%s is there already", target);

	struct tree_entry renamed = *e;
	renamed.name = name;
	renamed.name_len = strlen(name);
	AUTO(tree_entry) struct tree_entry copy = TREE_ENTRY_INIT;
	struct tree_entry holder = TREE_ENTRY_INIT;
	struct rnode *root;
	if (tree_entry_copy(&copy, &renamed, err) || rnode_new(&root, r, NULL, &holder, err))
		return err->code;
	root->keep_meta = true;
	*root_fd = dup(fd);
	enum err_code rc =
	    *root_fd < 0 ? err_sys(err, "open %s", folder) : rnode_adopt(root, fd, true, err);
	if (rc == ERR_OK)
		restore_one(root, fd_take(&fd), &copy);
	rnode_unpend(root);
	return rc;
}

static void
restorer_init(struct restorer *r, struct repo *repo, const struct tree_restore_options *opt)
{
	*r = (struct restorer){ .repo = repo, .opt = opt };
	bool openat2 = opt->resolve == TREE_RESOLVE_OPENAT2 ||
		       (opt->resolve == TREE_RESOLVE_BEST && folder_has_openat2());
	r->is_superuser = geteuid() == 0;
	folder_set_init(&r->folders, openat2, false);
	reporter_init(&r->report, opt->problem, opt->problem_arg, opt->progress);
	map_init(&r->users, 36, sizeof(uint32_t));
	map_init(&r->groups, 36, sizeof(uint32_t));
	pthread_mutex_init(&r->lock, NULL);
}

static void
restorer_release(struct restorer *r)
{
	owners_release(r);
	reporter_release(&r->report);
	folder_set_release(&r->folders);
	pthread_mutex_destroy(&r->lock);
}

static enum err_code
run(struct restorer *r, const struct tree_entry *e, const char *target, struct err *err)
{
	unsigned threads = r->opt->threads > 0 ? r->opt->threads : thread_cpus();
	struct link_names *links;
	AUTO(fd) int root_fd = -1;
	if (link_names_new(&links, err))
		return err->code;
	enum err_code rc =
	    pool_open(&r->pool, threads, (size_t)threads * BATCHES_PER_THREAD, "restore", err);
	if (rc == ERR_OK)
		rc = e->type == TREE_DIR ? restore_dir(r, e, target, &root_fd, links, err)
					 : restore_file(r, e, target, &root_fd, err);
	pool_close(r->pool);
	link_names_finish(links, r);
	link_names_free(links);
	if (rc)
		return rc;
	if (atomic_load(&r->stop)) {
		*err = r->err;
		return err->code;
	}
	if (!r->opt->no_sync && syncfs(root_fd) != 0)
		return err_sys(err, "sync %s", target);
	return ERR_OK;
}

enum err_code
tree_restore(struct tree_restored *out, struct repo *repo, const struct tree_entry *e,
    const char *target, const struct tree_restore_options *opt, struct err *err)
{
	struct restorer r;
	restorer_init(&r, repo, opt);
	r.root_is_file = e->type != TREE_DIR;
	enum err_code rc = run(&r, e, target, err);
	struct tree_restored done = { .files = r.files,
		.dirs = r.dirs,
		.others = r.others,
		.bytes = r.bytes,
		.problems = r.report.problems,
		.owners_unset = r.owners_unset };
	restorer_release(&r);
	if (rc)
		return err_wrap(err, "restore to %s", target);
	*out = done;
	return ERR_OK;
}
