/* What is in the target already, beside what the tree says. */
#include "tree/restore_impl.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

/* No chunk is longer (docs/format.md, "Chunk"). */
#define CHUNK_LIMIT ((uint64_t)8 << 20)
#define ZEROS_SIZE ((size_t)4096)

bool
live_is_zero(int fd, uint64_t offset, uint64_t len)
{
	static const uint8_t zeros[ZEROS_SIZE];
	uint8_t got[ZEROS_SIZE];
	struct err scratch; /* what cannot be read is not known to be zero */
	uint64_t end = offset + len;
	while (offset < end) {
		off_t data = lseek(fd, (off_t)offset, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return true;
		offset = data > (off_t)offset ? (uint64_t)data : offset;
		size_t n = 0;
		if (offset < end &&
		    (fd_pread_full(fd, got, min_size(sizeof got, (size_t)(end - offset)),
			 offset, &n, &scratch) ||
			n == 0 || memcmp(got, zeros, n) != 0))
			return false;
		offset += n;
	}
	return true;
}

struct matching {
	struct restorer *restorer;
	int fd;
	struct buf bytes;
	uint64_t differs_at;
};

static enum err_code
match_extent(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	struct matching *m = arg;
	bool is = false;
	size_t got = 0;
	m->differs_at = offset;
	if (!restorer_goes_on(m->restorer))
		return err_set(err, ERR_CANCELLED, "stopped");
	if (e->is_hole) {
		is = live_is_zero(m->fd, offset, e->len);
	} else {
		if (e->len > CHUNK_LIMIT)
			return err_set(err, ERR_CORRUPT, "content: a chunk that is too long");
		m->bytes.len = 0;
		if (buf_reserve(&m->bytes, (size_t)e->len, err) ||
		    fd_pread_full(m->fd, m->bytes.data, (size_t)e->len, offset, &got, err))
			return err->code;
		if (got == e->len &&
		    repo_chunk_is(m->restorer->repo, &e->id, m->bytes.data, got, &is, err))
			return err->code;
	}
	struct tally t = { .bytes = m->restorer->pass == PASS_READ_BACK ? e->len : 0 };
	report_progress(&m->restorer->report, &t);
	return is ? ERR_OK : err_set(err, ERR_CHANGED, "other bytes");
}

/* Is the content of an open file c?  ERR_CHANGED when it is not, *at tells where. */
static enum err_code
match_content(
    struct restorer *r, int fd, const struct content *c, uint64_t *at, struct err *err)
{
	struct matching m = { .restorer = r, .fd = fd, .bytes = BUF_INIT };
	enum err_code rc = content_walk(r->repo, c, match_extent, NULL, &m, err);
	buf_release(&m.bytes);
	*at = m.differs_at;
	return rc;
}

/* Open a file that is known to be regular, and still is. */
static int
open_live(const struct restorer *r, int dir_fd, const char *name, int flags, struct stat *st)
{
	struct stat now;
	AUTO(fd) int fd = folder_open_at(
	    &r->folders, dir_fd, name, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (fd < 0 || fstat(fd, &now) != 0 || !S_ISREG(now.st_mode) ||
	    now.st_ino != st->st_ino || now.st_dev != st->st_dev)
		return -1;
	*st = now;
	return fd_take(&fd);
}

static bool
has_mtime(const struct stat *st, const struct tree_entry *e)
{
	return st->st_mtim.tv_sec == e->modified.s &&
	       (uint32_t)st->st_mtim.tv_nsec == e->modified.ns;
}

static bool
may_be_patched(const struct live *l, struct rnode *n, const struct tree_entry *e)
{
	return n->restorer->pass == PASS_WRITE && l->st.st_nlink == 1 && e->links <= 1 &&
	       l->st.st_size > 0 && e->content.size >= RESTORE_IN_PLACE_MIN &&
	       (l->st.st_mode & (S_ISUID | S_ISGID)) == 0 &&
	       meta_owner_is(n, l->st.st_uid, l->st.st_gid, e);
}

static bool
open_for_patch(struct live *l, struct rnode *n, int dir_fd, const struct tree_entry *e)
{
	if (!may_be_patched(l, n, e))
		return false;
	/* Refused for what is being run, or may not be written by us: it is replaced whole. */
	AUTO(fd) int fd = open_live(n->restorer, dir_fd, e->name, O_RDWR, &l->st);
	if (fd < 0 || !may_be_patched(l, n, e) || meta_has_acl(fd))
		return false;
	l->fd = fd_take(&fd);
	return true;
}

/* May its metadata be set?  Names outside the tree share it. */
static bool
is_ours(const struct live *l, struct rnode *n, const struct tree_entry *e)
{
	return l->st.st_nlink == 1 || l->st.st_nlink == e->links ||
	       meta_is(n, l->fd, &l->st, e);
}

void
live_look(struct live *out, struct rnode *n, int dir_fd, const struct tree_entry *e)
{
	struct restorer *r = n->restorer;
	struct err scratch; /* what cannot be read is replaced */
	*out = (struct live){ .verdict = LIVE_ABSENT, .fd = -1 };
	if (dir_fd < 0 ||
	    (fstatat(dir_fd, e->name, &out->st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT))
		return;
	out->verdict = LIVE_OTHER;
	if (!S_ISREG(out->st.st_mode))
		return;
	bool quick = r->opt->overwrite == TREE_OVERWRITE_IF_CHANGED && has_mtime(&out->st, e);
	bool same_size = (uint64_t)out->st.st_size == e->content.size;
	if (!(quick && same_size) && open_for_patch(out, n, dir_fd, e)) {
		out->verdict = LIVE_PATCH;
		return;
	}
	if (!same_size)
		return;
	uint64_t at;
	out->fd = open_live(r, dir_fd, e->name, O_RDONLY, &out->st);
	if (out->fd >= 0 && is_ours(out, n, e) &&
	    (quick || match_content(r, out->fd, &e->content, &at, &scratch) == ERR_OK)) {
		out->verdict = LIVE_SAME;
		return;
	}
	if (out->fd >= 0)
		close(fd_take(&out->fd));
}

static bool
has_target(int dir_fd, const struct tree_entry *e)
{
	/* One byte more than the kernel allows, to see that it ends. */
	char target[4097];
	ssize_t n = readlinkat(dir_fd, e->name, target, sizeof target);
	return n >= 0 && (size_t)n == e->target_len &&
	       memcmp(target, e->target, (size_t)n) == 0;
}

bool
live_is_special(int dir_fd, const struct tree_entry *e, bool with_meta)
{
	struct stat st;
	if (dir_fd < 0 || fstatat(dir_fd, e->name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    (st.st_mode & S_IFMT) != tree_type_format(e->type))
		return false;
	if (e->type == TREE_SYMLINK && !has_target(dir_fd, e))
		return false;
	if ((e->type == TREE_CHAR_DEVICE || e->type == TREE_BLOCK_DEVICE) &&
	    st.st_rdev != makedev(e->rdev_major, e->rdev_minor))
		return false;
	if (!with_meta)
		return true;
	return st.st_uid == e->uid && st.st_gid == e->gid && e->xattr_count == 0 &&
	       has_mtime(&st, e) && (st.st_nlink == 1 || st.st_nlink == e->links) &&
	       (e->type == TREE_SYMLINK || (st.st_mode & 07777) == e->mode);
}

/* What would become of something that is not a folder, apart from a file with the right
 * contents.
 */
static void
tell_replaced(struct rnode *n, int dir_fd, const struct tree_entry *e)
{
	struct restorer *r = n->restorer;
	struct stat st;
	if (dir_fd < 0 || fstatat(dir_fd, e->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		restorer_done(n, e, TREE_MADE, 0);
	} else if (!S_ISDIR(st.st_mode)) {
		restorer_done(n, e, TREE_REPLACED, 0);
	} else if (r->opt->delete_extra) {
		delete_extra(n, e->name);
		restorer_done(n, e, TREE_REPLACED, 0);
	} else {
		restorer_problem(r, TREE_IN_THE_WAY, n->trail, e->name, "replace: %s",
		    strerrordesc_np(EISDIR));
	}
}

void
live_tell(struct rnode *n, int dir_fd, const struct tree_entry *e)
{
	struct live l = { .verdict = LIVE_OTHER, .fd = -1 };
	if (e->type == TREE_FILE)
		live_look(&l, n, dir_fd, e);
	else if (live_is_special(dir_fd, e, true))
		l.verdict = LIVE_SAME;
	if (l.fd >= 0)
		close(l.fd);
	struct tally t = { .bytes = e->content.size };
	report_progress(&n->restorer->report, &t);
	if (l.verdict == LIVE_SAME)
		restorer_done(n, e, TREE_LEFT, e->content.size);
	else
		tell_replaced(n, dir_fd, e);
}

/* Reading back */

static void
differs(struct rnode *n, const struct tree_entry *e, const char *how)
{
	atomic_fetch_add(&n->restorer->differ, 1);
	restorer_problem(n->restorer, TREE_DIFFERS, n->trail, e->name, "read back: %s", how);
}

static void
read_back_file(struct rnode *n, const struct tree_entry *e, int fd, uint64_t size)
{
	struct restorer *r = n->restorer;
	struct err err = ERR_INIT;
	char text[128];
	uint64_t at = 0;
	/* The pages are clean since the sync: what is read now comes from the disk. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	enum err_code rc = match_content(r, fd, &e->content, &at, &err);
	if (rc == ERR_OK && size == e->content.size) {
		restorer_done(n, e, TREE_LEFT, 0);
		return;
	}
	if (!restorer_goes_on(r))
		return;
	if (rc == ERR_CHANGED)
		snprintf(text, sizeof text, "other bytes than were stored, from byte %llu on",
		    (unsigned long long)at);
	else
		snprintf(text, sizeof text, "%llu bytes long, not %llu",
		    (unsigned long long)size, (unsigned long long)e->content.size);
	if (rc == ERR_OK || rc == ERR_CHANGED)
		differs(n, e, text);
	else if (rc == ERR_IO || rc == ERR_DENIED)
		differs(n, e, err.msg);
	else
		restorer_repo_error(r, n->trail, e->name, &err);
}

void
live_read_back(struct rnode *n, int dir_fd, const struct tree_entry *e)
{
	struct stat st;
	if (dir_fd < 0 || fstatat(dir_fd, e->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		atomic_fetch_add(&n->restorer->missing, 1);
		return;
	}
	if (e->type != TREE_FILE) {
		if (!live_is_special(dir_fd, e, false))
			differs(n, e, "something else than what was restored");
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		differs(n, e, "no file any more");
		return;
	}
	AUTO(fd) int fd = open_live(n->restorer, dir_fd, e->name, O_RDONLY, &st);
	if (fd < 0)
		differs(n, e, strerrordesc_np(errno));
	else
		read_back_file(n, e, fd, (uint64_t)st.st_size);
}
