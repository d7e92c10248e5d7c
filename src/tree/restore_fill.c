/* Writing the content of files, chunk by chunk. */
#include "tree/restore_impl.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>

/* Files longer than this are written by several threads, this much at a time. */
#define SEGMENT ((uint64_t)8 << 20)
#define SEGMENT_ITEMS 64

/* A run of extents of a long file. */
struct segment {
	struct job job;
	struct rfile *file;
	uint64_t len;
	size_t count;
	struct {
		uint64_t offset;
		struct extent extent;
	} items[SEGMENT_ITEMS];
};

static void
count_bytes(const struct rfile *f, uint64_t len)
{
	struct tally t = { .bytes = len };
	report_progress(&f->node->restorer->report, &t);
}

/* Note that the file has failed; true for who was first, and is to tell. */
static bool
fails(struct rfile *f)
{
	return !atomic_exchange(&f->failed, true);
}

/* Before the first byte of a file that is there is written: nobody may read more of it than of
 * what it is about to be. */
static bool
touch(struct rfile *f)
{
	mode_t now = f->before.st_mode & 07777;
	mode_t narrow = (now & f->entry.mode & 0777) | 0600;
	if (!f->patch || atomic_exchange(&f->touched, true) || (now & ~narrow) == 0)
		return true;
	return fchmod(f->fd, now & narrow) == 0;
}

static bool
write_error(struct rfile *f)
{
	int errnum = errno;
	if (fails(f)) {
		errno = errnum;
		restorer_errno(
		    f->node->restorer, TREE_FAILED, f->node->trail, f->entry.name, "write");
	}
	return false;
}

/* Is the range of a file that is patched as it should be already? */
static bool
is_right(struct rfile *f, uint64_t offset, const struct extent *e)
{
	struct err scratch; /* then it is written */
	bool is = false;
	size_t got;
	if (!f->patch || offset + e->len > (uint64_t)f->before.st_size)
		return false;
	AUTO(mem) uint8_t *data = malloc((size_t)e->len);
	if (data == NULL ||
	    fd_pread_full(f->fd, data, (size_t)e->len, offset, &got, &scratch) ||
	    got != e->len ||
	    repo_chunk_is(f->node->restorer->repo, &e->id, data, got, &is, &scratch))
		return false;
	return is;
}

static bool
write_chunk(struct rfile *f, uint64_t offset, const struct extent *e)
{
	struct restorer *r = f->node->restorer;
	struct chunk_view view;
	struct err err;
	if (is_right(f, offset, e)) {
		atomic_fetch_add(&f->left, e->len);
		count_bytes(f, e->len);
		return true;
	}
	if (repo_read_chunk(r->repo, &e->id, &view, &err)) {
		if (fails(f))
			restorer_repo_error(r, f->node->trail, f->entry.name, &err);
		return false;
	}
	bool fits = view.len == e->len;
	bool ok = fits && touch(f) &&
		  fd_pwrite_all(f->fd, view.data, view.len, offset, &err) == ERR_OK;
	int errnum = errno;
	chunk_view_release(&view);
	errno = errnum;
	if (!fits && fails(f))
		restorer_problem(r, TREE_DAMAGED, f->node->trail, f->entry.name,
		    "a chunk has another length than the file tells");
	if (!fits)
		return false;
	if (!ok)
		return write_error(f);
	count_bytes(f, e->len);
	return true;
}

/* A hole in a new file is there by itself; in one that is patched it may have to be made. */
static bool
write_hole(struct rfile *f, uint64_t offset, const struct extent *e)
{
	static const uint8_t zeros[65536];
	struct err scratch; /* errno tells */
	count_bytes(f, e->len);
	off_t data = f->patch ? lseek(f->fd, (off_t)offset, SEEK_DATA) : -1;
	if (data < 0 || (uint64_t)data >= offset + e->len) {
		atomic_fetch_add(&f->left, f->patch ? e->len : 0);
		return true;
	}
	if (!touch(f))
		return write_error(f);
	if (fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
		(off_t)e->len) == 0)
		return true;
	/* No holes on this filesystem. */
	for (uint64_t at = 0; at < e->len; at += sizeof zeros)
		if (fd_pwrite_all(f->fd, zeros,
			(size_t)(e->len - at < sizeof zeros ? e->len - at : sizeof zeros),
			offset + at, &scratch))
			return write_error(f);
	return true;
}

/* False when the file has failed. */
static bool
write_extent(struct rfile *f, uint64_t offset, const struct extent *e)
{
	if (!restorer_goes_on(f->node->restorer) ||
	    atomic_load_explicit(&f->failed, memory_order_relaxed))
		return false;
	return e->is_hole ? write_hole(f, offset, e) : write_chunk(f, offset, e);
}

static void
segment_run(struct job *j)
{
	struct segment *g = (struct segment *)j;
	struct rfile *f = g->file;
	bool ok = true;
	for (size_t i = 0; i < g->count && ok; i++)
		ok = write_extent(f, g->items[i].offset, &g->items[i].extent);
	/* A favour: what it cannot do now, the sync will. */
	if (ok && !f->node->restorer->opt->no_sync)
		(void)sync_file_range(
		    f->fd, (off_t)g->items[0].offset, (off_t)g->len, SYNC_FILE_RANGE_WRITE);
	rfile_unpend(f);
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
	bool now = !h->in_segments || e->is_hole;
	if (now && write_extent(f, offset, e))
		return ERR_OK;
	if (now || atomic_load(&f->failed))
		return err_set(err, ERR_CANCELLED, "the file failed");
	if (h->open == NULL) {
		h->open = calloc(1, sizeof *h->open);
		if (h->open == NULL)
			return err_nomem(err);
		h->open->file = f;
	}
	struct segment *g = h->open;
	g->items[g->count].offset = offset;
	g->items[g->count].extent = *e;
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
		   fails(f)) {
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
