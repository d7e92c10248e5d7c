#include "tree/save_impl.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

/* What st_blocks counts in, everywhere on Linux. */
#define BLOCK 512
/* Files that are read at length: tell the kernel. */
#define LONG_FILE ((uint64_t)4 << 20)
/* Files of /proc and the like have no size but do have bytes; the bound is for those without
 * end. */
#define SIZELESS_MAX ((uint64_t)64 << 20)

/* After a read that had to wait for the disk, so many files are read ahead. */
#define COLD_FILES 128
/* Of a file read ahead, so much; of a long one at hand, so much before the place that is read.
 */
#define AHEAD ((off_t)8 << 20)
/* What is shown of a file that is not read here. */
#define PEEK_BYTES 4096

static bool
time_is(struct tree_time t, struct timespec ts)
{
	return t.s == ts.tv_sec && t.ns == (uint32_t)ts.tv_nsec;
}

static bool
time_before(struct tree_time a, struct tree_time b)
{
	return a.s < b.s || (a.s == b.s && a.ns < b.ns);
}

bool
file_is_unchanged(const struct saver *s, const struct stat *st, dev_t holder_dev,
    const struct tree_entry *old)
{
	struct tree_entry live = TREE_ENTRY_INIT;
	meta_from_stat(&live, st, holder_dev);
	if (live.type != old->type || live.ino != old->ino ||
	    !tree_time_equal(live.modified, old->modified) ||
	    !tree_time_equal(live.changed, old->changed) ||
	    !time_before(live.changed, s->unchanged_before))
		return false;
	if (live.type == TREE_FILE && (uint64_t)st->st_size != old->content.size)
		return false;
	/* The ctime covers these; a filesystem whose ctime lies is not believed the rest
	 * either. */
	return live.mode == old->mode && live.uid == old->uid && live.gid == old->gid &&
	       live.links == old->links && live.dev == old->dev;
}

/* Where reading is. */
struct reading {
	struct worker *worker;
	int fd;
	struct stream *stream;
	const struct folder *folder;
	const char *name; /* in folder */
	bool was_peeked;
	bool is_unwanted; /* peek says so */
	int errnum; /* set when reading failed */
	bool at_end; /* the file is shorter than it was */
};

int
file_open(const struct saver *s, int dir_fd, const char *name)
{
	/* O_NONBLOCK: if a fifo has taken the file's place, do not wait for its writer. */
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
	int fd = folder_open_at(&s->folders, dir_fd, name, flags | O_NOATIME, 0);
	if (fd < 0 && errno == EPERM) /* another user's file */
		fd = folder_open_at(&s->folders, dir_fd, name, flags, 0);
	return fd;
}

void
file_read_ahead(const struct saver *s, int dir_fd, const char *name)
{
	/* What cannot be opened will be told when its turn comes. */
	AUTO(fd) int fd = file_open(s, dir_fd, name);
	if (fd >= 0)
		posix_fadvise(fd, 0, AHEAD, POSIX_FADV_WILLNEED);
}

/* pread that notes whether it had to wait for the disk. */
static ssize_t
read_some(const struct reading *r, void *where, size_t len, off_t at)
{
	struct iovec v = { where, len };
	ssize_t n = preadv2(r->fd, &v, 1, at, RWF_NOWAIT);
	if (n >= 0)
		return n;
	if (errno == EAGAIN) {
		r->worker->cold = COLD_FILES;
		posix_fadvise(r->fd, at, AHEAD, POSIX_FADV_WILLNEED);
	}
	return pread(r->fd, where, len, at);
}

/* Show the first bytes to whoever wants to see them. */
static void
peek(struct reading *r, const uint8_t *first, size_t n)
{
	const struct saver *s = r->worker->saver;
	const struct tree_save_options *opt = s->opt;
	if (opt->peek == NULL || r->was_peeked || s->root_is_file)
		return;
	r->was_peeked = true;
	if (n < opt->peek_magic_len || memcmp(first, opt->peek_magic, opt->peek_magic_len) != 0)
		return;
	const char *path = worker_path(r->worker, r->folder, r->name);
	r->is_unwanted = opt->peek(opt->peek_arg, path, strlen(path), first, n);
}

bool
file_is_unwanted(struct worker *w, int fd, const struct folder *folder, const char *name)
{
	uint8_t first[PEEK_BYTES];
	struct reading r = { .worker = w, .fd = fd, .folder = folder, .name = name };
	if (w->saver->opt->peek == NULL)
		return false;
	ssize_t n = pread(fd, first, sizeof first, 0);
	if (n > 0)
		peek(&r, first, (size_t)n);
	return r.is_unwanted;
}

static enum err_code
read_range(struct reading *r, uint64_t from, uint64_t to, struct err *err)
{
	while (from < to) {
		uint8_t *where;
		size_t room;
		if (!saver_goes_on(r->worker->saver))
			return err_set(err, ERR_CANCELLED, "stopped on request");
		if (stream_room(r->stream, &where, &room, err))
			return err->code;
		size_t wanted = to - from < room ? (size_t)(to - from) : room;
		ssize_t n = read_some(r, where, wanted, (off_t)from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r->errnum = errno;
			return ERR_OK;
		}
		if (n == 0) {
			r->at_end = true;
			return ERR_OK;
		}
		if (from == 0)
			peek(r, where, (size_t)n);
		if (r->is_unwanted)
			return ERR_OK;
		if (stream_commit(r->stream, (size_t)n, err))
			return err->code;
		from += (uint64_t)n;
		r->worker->tally.bytes += (uint64_t)n;
		if (from < to)
			worker_count(r->worker);
	}
	return ERR_OK;
}

/* Data from `from` on, which may begin with a hole: *data is where the next data begins, *end
 * where it ends; both are size when there is none. */
static bool
find_data(int fd, uint64_t from, uint64_t size, uint64_t *data, uint64_t *end)
{
	off_t d = lseek(fd, (off_t)from, SEEK_DATA);
	if (d < 0 && errno == ENXIO) {
		*data = size;
		*end = size;
		return true;
	}
	off_t e = d < 0 ? -1 : lseek(fd, d, SEEK_HOLE);
	if (e < 0)
		return false;
	*data = (uint64_t)d < size ? (uint64_t)d : size;
	*end = (uint64_t)e < size ? (uint64_t)e : size;
	return true;
}

static enum err_code
read_sparse(struct reading *r, uint64_t size, struct err *err)
{
	uint64_t at = 0;
	while (at < size && r->errnum == 0 && !r->at_end && !r->is_unwanted) {
		uint64_t data;
		uint64_t end;
		/* A filesystem without SEEK_DATA has no holes that could be seen. */
		if (!find_data(r->fd, at, size, &data, &end) || end < data || data < at)
			return read_range(r, at, size, err);
		if (data > at && stream_hole(r->stream, data - at, err))
			return err->code;
		r->worker->tally.bytes += data - at;
		if (read_range(r, data, end, err))
			return err->code;
		at = end;
	}
	return ERR_OK;
}

enum err_code
file_read(struct worker *w, int fd, const struct stat *st, const struct folder *folder,
    const char *name, struct stream *stream, struct file_reading *out, struct err *err)
{
	uint64_t size = (uint64_t)st->st_size;
	if (w->cold > 0)
		w->cold--;
	struct reading r = {
		.worker = w,
		.fd = fd,
		.stream = stream,
		.folder = folder,
		.name = name,
	};
	if (size >= LONG_FILE)
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice only */
	enum err_code rc;
	if (size == 0)
		rc = read_range(&r, 0, SIZELESS_MAX, err);
	else if ((uint64_t)st->st_blocks * BLOCK < size)
		rc = read_sparse(&r, size, err);
	else
		rc = read_range(&r, 0, size, err);
	if (rc)
		return rc;

	struct stat after;
	if (r.errnum == 0 && fstat(fd, &after) != 0)
		r.errnum = errno;
	out->errnum = r.errnum;
	out->is_unwanted = r.is_unwanted;
	struct tree_time mtime = { st->st_mtim.tv_sec, (uint32_t)st->st_mtim.tv_nsec };
	struct tree_time ctim = { st->st_ctim.tv_sec, (uint32_t)st->st_ctim.tv_nsec };
	out->is_changed =
	    r.errnum == 0 && (after.st_size != st->st_size || !time_is(mtime, after.st_mtim) ||
				 !time_is(ctim, after.st_ctim));
	return ERR_OK;
}
