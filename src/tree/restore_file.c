#include "tree/restore_impl.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>

/* Files longer than this are written by several threads, this much at a time. */
#define SEGMENT ((uint64_t)8 << 20)
#define SEGMENT_ITEMS 64

#define TEMPORARY_NAME_SIZE 64

struct rfile {
	struct job job;
	struct rnode *node;
	struct tree_entry entry;
	int fd;
	char temporary[TEMPORARY_NAME_SIZE]; /* its name until it is whole; empty: its own */
	struct rfile_fate *fate; /* NULL: nobody is linked to it */
	atomic_bool failed;
	atomic_size_t pending; /* segments, and one for who hands them out */
};

/* A run of chunks of a long file. */
struct segment {
	struct job job;
	struct rfile *file;
	uint64_t len;
	size_t count;
	struct {
		uint64_t offset;
		struct id id;
		uint64_t len;
	} items[SEGMENT_ITEMS];
};

/* Making */

bool
clear_the_way(struct rnode *n, int dir_fd, const char *name)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return true;
	if (errno == EISDIR || errno == EPERM)
		restorer_problem(n->restorer, TREE_IN_THE_WAY, n->trail, name,
		    "a folder, or a file that cannot be removed, is there already");
	else
		restorer_errno(n->restorer, TREE_IN_THE_WAY, n->trail, name, "replace");
	return false;
}

#define CREATE (O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC)

static int
create_temporary(struct rfile *f, int dir_fd)
{
	struct restorer *r = f->node->restorer;
	int fd;
	do {
		snprintf(f->temporary, sizeof f->temporary, ".stacksnap-restore-%d-%llu",
		    (int)getpid(),
		    (unsigned long long)atomic_fetch_add(&r->temporary_names, 1));
		fd = folder_open_at(&r->folders, dir_fd, f->temporary, CREATE, 0600);
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		f->temporary[0] = '\0';
	return fd;
}

/* -1 when that was a problem. */
static int
create(struct rfile *f, int dir_fd, bool final_name)
{
	struct rnode *n = f->node;
	struct restorer *r = n->restorer;
	const char *name = f->entry.name;
	int fd = folder_open_at(&r->folders, dir_fd, name, CREATE, 0600);
	if (fd < 0 && errno == EEXIST && r->opt->overwrite == TREE_OVERWRITE_REPLACE) {
		if (!final_name) {
			fd = create_temporary(f, dir_fd);
		} else {
			if (!clear_the_way(n, dir_fd, name))
				return -1;
			fd = folder_open_at(&r->folders, dir_fd, name, CREATE, 0600);
		}
	}
	if (fd < 0)
		restorer_errno(r, errno == EEXIST ? TREE_IN_THE_WAY : TREE_FAILED, n->trail,
		    name, "create");
	return fd;
}

enum err_code
rfile_create(struct rfile **out, struct rnode *n, int dir_fd, struct tree_entry *e,
    bool final_name, struct err *err)
{
	struct rfile *f = calloc(1, sizeof *f);
	if (f == NULL)
		return err_nomem(err);
	f->node = n;
	f->entry = *e;
	*e = (struct tree_entry)TREE_ENTRY_INIT;
	atomic_init(&f->pending, 1);
	f->fd = create(f, dir_fd, final_name);
	if (f->fd < 0) {
		tree_entry_release(&f->entry);
		free(f);
		*out = NULL;
		return ERR_OK;
	}
	rnode_pend(n);
	*out = f;
	return ERR_OK;
}

struct rfile_fate *
rfile_fate(struct rfile *f)
{
	f->fate = calloc(1, sizeof *f->fate);
	if (f->fate != NULL)
		atomic_init(&f->fate->refs, 2);
	return f->fate;
}

void
rfile_fate_unref(struct rfile_fate *fate)
{
	if (fate != NULL && atomic_fetch_sub(&fate->refs, 1) == 1)
		free(fate);
}

/* Finishing */

static void
remove_unfinished(struct rfile *f)
{
	struct err scratch; /* the file's own problem was told already */
	int dir_fd;
	/* First, so that whoever finds the name gone can know why. */
	if (f->fate != NULL)
		atomic_store(&f->fate->lost, true);
	if (folder_pin(f->node->folder, &dir_fd, &scratch))
		return;
	unlinkat(dir_fd, f->temporary[0] != '\0' ? f->temporary : f->entry.name, 0);
	folder_unpin(f->node->folder);
}

/* Give it its own name. */
static bool
settle(struct rfile *f)
{
	struct rnode *n = f->node;
	struct err err;
	int dir_fd;
	if (f->temporary[0] == '\0')
		return true;
	if (folder_pin(n->folder, &dir_fd, &err)) {
		restorer_problem(
		    n->restorer, TREE_FAILED, n->trail, f->entry.name, "%s", err.msg);
		return false;
	}
	bool ok = renameat(dir_fd, f->temporary, dir_fd, f->entry.name) == 0;
	if (!ok)
		restorer_errno(n->restorer, errno == EISDIR ? TREE_IN_THE_WAY : TREE_FAILED,
		    n->trail, f->entry.name, "replace");
	folder_unpin(n->folder);
	return ok;
}

static bool
set_size(struct rfile *f)
{
	const struct content *c = &f->entry.content;
	/* Only a hole at the end leaves the file too short; inside lists one cannot see it. */
	bool sure = c->count == 0 || (c->level == 0 && !c->items[c->count - 1].is_hole);
	if (sure || ftruncate(f->fd, (off_t)c->size) == 0)
		return true;
	restorer_errno(
	    f->node->restorer, TREE_FAILED, f->node->trail, f->entry.name, "set size");
	return false;
}

static void
finish(struct rfile *f)
{
	struct rnode *n = f->node;
	struct restorer *r = n->restorer;
	bool whole = !atomic_load(&f->failed) && !atomic_load(&r->stop) && set_size(f);
	if (whole)
		meta_apply(n, f->entry.name, f->fd, &f->entry);
	if (close(f->fd) != 0 && whole) {
		restorer_errno(r, TREE_FAILED, n->trail, f->entry.name, "close");
		whole = false;
	}
	if (whole && settle(f)) {
		struct tally t = { .files = 1 };
		report_progress(&r->report, &t);
		atomic_fetch_add(&r->files, 1);
		atomic_fetch_add(&r->bytes, f->entry.content.size);
	} else {
		remove_unfinished(f);
	}
	rfile_fate_unref(f->fate);
	tree_entry_release(&f->entry);
	free(f);
	rnode_unpend(n);
}

static void
rfile_unpend(struct rfile *f)
{
	if (atomic_fetch_sub(&f->pending, 1) == 1)
		finish(f);
}

/* Writing */

/* False when the file has failed. */
static bool
write_chunk(struct rfile *f, uint64_t offset, const struct id *id, uint64_t len)
{
	struct restorer *r = f->node->restorer;
	struct chunk_view view;
	struct err err;
	if (!restorer_goes_on(r) || atomic_load_explicit(&f->failed, memory_order_relaxed))
		return false;
	if (repo_read_chunk(r->repo, id, &view, &err)) {
		if (!atomic_exchange(&f->failed, true))
			restorer_repo_error(r, f->node->trail, f->entry.name, &err);
		return false;
	}
	bool fits = view.len == len;
	bool ok = fits && fd_pwrite_all(f->fd, view.data, view.len, offset, &err) == ERR_OK;
	int errnum = errno;
	chunk_view_release(&view);
	if (ok) {
		struct tally t = { .bytes = len };
		report_progress(&r->report, &t);
		return true;
	}
	if (atomic_exchange(&f->failed, true))
		return false;
	if (!fits)
		restorer_problem(r, TREE_DAMAGED, f->node->trail, f->entry.name,
		    "a chunk has another length than the file tells");
	else {
		errno = errnum;
		restorer_errno(r, TREE_FAILED, f->node->trail, f->entry.name, "write");
	}
	return false;
}

static void
segment_run(struct job *j)
{
	struct segment *g = (struct segment *)j;
	for (size_t i = 0; i < g->count; i++)
		if (!write_chunk(g->file, g->items[i].offset, &g->items[i].id, g->items[i].len))
			break;
	rfile_unpend(g->file);
	free(g);
}

/* What hands out a file. */
struct handing {
	struct rfile *file;
	bool in_segments;
	struct segment *open;
};

static void
hand_out(struct handing *h)
{
	struct segment *g = TAKE(h->open);
	if (g == NULL)
		return;
	atomic_fetch_add(&g->file->pending, 1);
	g->job.run = segment_run;
	if (!pool_try_submit(g->file->node->restorer->pool, &g->job))
		segment_run(&g->job);
}

static enum err_code
each_extent(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	struct handing *h = arg;
	struct rfile *f = h->file;
	if (e->is_hole)
		return ERR_OK;
	if (!h->in_segments)
		return write_chunk(f, offset, &e->id, e->len)
			   ? ERR_OK
			   : err_set(err, ERR_CANCELLED, "the file failed");
	if (atomic_load(&f->failed))
		return err_set(err, ERR_CANCELLED, "the file failed");
	if (h->open == NULL) {
		h->open = calloc(1, sizeof *h->open);
		if (h->open == NULL)
			return err_nomem(err);
		h->open->file = f;
	}
	struct segment *g = h->open;
	g->items[g->count].offset = offset;
	g->items[g->count].id = e->id;
	g->items[g->count].len = e->len;
	g->count++;
	g->len += e->len;
	if (g->count == SEGMENT_ITEMS || g->len >= SEGMENT)
		hand_out(h);
	return ERR_OK;
}

void
rfile_fill(struct rfile *f)
{
	struct restorer *r = f->node->restorer;
	struct handing h = { .file = f, .in_segments = f->entry.content.size > 2 * SEGMENT };
	struct err err;
	if (!restorer_goes_on(r)) {
		atomic_store(&f->failed, true);
	} else if (content_walk(r->repo, &f->entry.content, each_extent, NULL, &h, &err) &&
		   !atomic_exchange(&f->failed, true)) {
		restorer_repo_error(r, f->node->trail, f->entry.name, &err);
	}
	hand_out(&h);
	rfile_unpend(f);
}

static void
fill_run(struct job *j)
{
	rfile_fill((struct rfile *)j);
}

void
rfile_submit(struct rfile *f)
{
	f->job.run = fill_run;
	pool_submit(f->node->restorer->pool, &f->job);
}

/* Other things */

static int
make_special(int dir_fd, const struct tree_entry *e)
{
	dev_t rdev = makedev(e->rdev_major, e->rdev_minor);
	switch (e->type) {
	case TREE_SYMLINK:
		return symlinkat(e->target, dir_fd, e->name);
	case TREE_CHAR_DEVICE:
		return mknodat(dir_fd, e->name, S_IFCHR | 0600, rdev);
	case TREE_BLOCK_DEVICE:
		return mknodat(dir_fd, e->name, S_IFBLK | 0600, rdev);
	case TREE_FIFO:
		return mknodat(dir_fd, e->name, S_IFIFO | 0600, 0);
	default:
		return mknodat(dir_fd, e->name, S_IFSOCK | 0600, 0);
	}
}

void
special_restore(struct rnode *n, int dir_fd, const struct tree_entry *e, bool *made)
{
	struct restorer *r = n->restorer;
	*made = false;
	int rc = make_special(dir_fd, e);
	if (rc != 0 && errno == EEXIST && r->opt->overwrite == TREE_OVERWRITE_REPLACE) {
		if (!clear_the_way(n, dir_fd, e->name))
			return;
		rc = make_special(dir_fd, e);
	}
	if (rc != 0) {
		enum tree_problem_kind kind = errno == EEXIST           ? TREE_IN_THE_WAY
					      : e->type == TREE_SYMLINK ? TREE_FAILED
									: TREE_SPECIAL;
		char what[32];
		snprintf(what, sizeof what, "create %s", tree_type_word(e->type));
		restorer_errno(r, kind, n->trail, e->name, what);
		return;
	}
	*made = true;
	meta_apply_special(n, dir_fd, e->name, e);
	struct tally t = { .others = 1 };
	report_progress(&r->report, &t);
	atomic_fetch_add(&r->others, 1);
}
