#include "tree/compare_live.h"

#include "sys/fd.h"

#include <fcntl.h>
#include <limits.h>

#define READ_SIZE ((size_t)64 << 10)

/* --- contents --- */

struct reading {
	struct live *live;
	int fd;
	uint8_t *buf; /* READ_SIZE bytes */
	bool differs;
	bool unreadable; /* err of the walk tells why */
};

/* Compare a run with expected bytes, or with zeros when expected is NULL. */
static enum err_code
compare_run(
    struct reading *r, uint64_t offset, const uint8_t *expected, uint64_t len, struct err *err)
{
	static const uint8_t zeros[READ_SIZE];
	for (uint64_t at = 0; at < len;) {
		size_t want = len - at < READ_SIZE ? (size_t)(len - at) : READ_SIZE;
		size_t got;
		if (fd_pread_full(r->fd, r->buf, want, offset + at, &got, err)) {
			r->unreadable = true;
			return err->code;
		}
		const uint8_t *with = expected != NULL ? expected + at : zeros;
		if (got < want || memcmp(r->buf, with, want) != 0) {
			r->differs = true;
			return err_set(err, ERR_CHANGED, "the contents differ");
		}
		at += want;
		atomic_fetch_add_explicit(
		    &r->live->comparer->bytes, want, memory_order_relaxed);
	}
	return ERR_OK;
}

static enum err_code
compare_extent(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	struct reading *r = arg;
	struct chunk_view view;
	if (!comparer_goes_on(r->live->comparer))
		return err_set(err, ERR_CANCELLED, "stopped on request");
	if (e->is_hole)
		return compare_run(r, offset, NULL, e->len, err);
	if (repo_read_chunk(r->live->comparer->repo, &e->id, &view, err))
		return err->code;
	enum err_code rc =
	    view.len == e->len
		? compare_run(r, offset, view.data, view.len, err)
		: err_set(err, ERR_CORRUPT, "a chunk has another length than the file tells");
	chunk_view_release(&view);
	return rc;
}

/* One item being compared. */
struct looking {
	struct batch *batch;
	const struct item *item;
	int dir_fd;
	const char *name;
	const char *shown; /* for reports; NULL: the root */
	struct stat st;
	struct tree_entry live;
	unsigned fields; /* what differs */
};

/* Read a live file and its chunks, and note if they differ. */
static void
compare_contents(struct looking *j, int fd)
{
	struct comparer *c = j->batch->live->comparer;
	struct err err;
	struct reading r = { .live = j->batch->live, .fd = fd, .buf = malloc(READ_SIZE) };
	enum err_code rc = ERR_OK;
	if (r.buf == NULL)
		rc = err_nomem(&err);
	else
		rc = content_walk(
		    c->repo, &j->item->stored.content, compare_extent, NULL, &r, &err);
	free(r.buf);
	if (r.differs)
		j->fields |= FIELD_CONTENT;
	else if (r.unreadable)
		comparer_problem(c, TREE_UNREADABLE, j->batch->trail, j->shown, &err);
	else if (rc == ERR_CORRUPT || rc == ERR_NOT_FOUND || rc == ERR_UNSUPPORTED)
		comparer_problem(c, TREE_DAMAGED, j->batch->trail, j->shown, &err);
	else if (rc)
		comparer_fail(c, &err);
}

/* --- live things as entries --- */

static enum err_code
read_target(struct tree_entry *e, int dir_fd, const char *name, char *room, struct err *err)
{
	ssize_t n = e->type == TREE_SYMLINK ? readlinkat(dir_fd, name, room, PATH_MAX) : 0;
	if (n < 0)
		return err_sys(err, "read symlink");
	if (n == PATH_MAX)
		return err_set(err, ERR_UNSUPPORTED, "read symlink: longer than it may be");
	room[n] = '\0';
	e->target = room;
	e->target_len = (size_t)n;
	return ERR_OK;
}

void
compare_from_stat(struct tree_entry *e, const struct stat *st, const char *name)
{
	meta_from_stat(e, st, 0);
	e->name = name;
	e->name_len = strlen(name);
	e->content.size = e->type == TREE_FILE ? (uint64_t)st->st_size : 0;
}

static bool
is_same_inode(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool
is_as_it_was(const struct stat *now, const struct stat *before)
{
	return now->st_size == before->st_size &&
	       now->st_mtim.tv_sec == before->st_mtim.tv_sec &&
	       now->st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/* Contents can only be equal when these are. */
static bool
wants_contents(const struct looking *j)
{
	const struct tree_compare_options *opt = j->batch->live->comparer->opt;
	const struct tree_entry *stored = &j->item->stored;
	return j->live.type == TREE_FILE && stored->type == TREE_FILE &&
	       j->live.content.size == stored->content.size && !opt->no_contents &&
	       (opt->ignore & FIELD_CONTENT) == 0;
}

/* Compare what is in both. */
static enum err_code
compare_inside(struct looking *j, struct meta *m, struct err *err)
{
	AUTO(fd) int fd = -1;
	struct stat now;
	bool reads = wants_contents(j);
	if (reads) {
		fd = folder_open_at(&j->batch->live->folders, j->dir_fd, j->name,
		    O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
		if (fd < 0 || fstat(fd, &now) != 0)
			return err_sys(err, "open");
		if (!is_same_inode(&now, &j->st))
			return err_set(err, ERR_CHANGED, "replaced while it was read");
		compare_contents(j, fd);
	}
	if (meta_read_xattrs_at(m, &j->live, j->dir_fd, j->name, err))
		return err->code;
	j->fields |= compare_meta(&j->item->stored, &j->live);
	if ((j->fields & FIELD_TYPE) != 0)
		j->fields = FIELD_TYPE;
	if (reads && fstat(fd, &now) == 0 && !is_as_it_was(&now, &j->st))
		return err_set(err, ERR_CHANGED, "changed while it was read");
	return ERR_OK;
}

static void
compare_inodes(struct looking *j)
{
	const struct tree_entry *stored = &j->item->stored;
	struct comparer *c = j->batch->live->comparer;
	struct err err;
	uint64_t a_key[2] = { stored->dev != 0 ? stored->dev : j->batch->stored_dev,
		stored->ino };
	uint64_t b_key[2] = { j->st.st_dev, j->st.st_ino };
	if (j->fields != FIELD_TYPE &&
	    compare_links(c, stored, a_key, &j->live, b_key, &j->fields, &err))
		comparer_fail(c, &err);
}

/* What could not be looked at. */
static void
compare_missing(const struct looking *j, const struct err *err)
{
	struct comparer *c = j->batch->live->comparer;
	if (err->code != ERR_NOT_FOUND)
		comparer_problem(c, TREE_UNREADABLE, j->batch->trail, j->shown, err);
	else if (j->item->is_stored)
		compare_tell(c, j->batch->trail, j->shown, 0, &j->item->stored, NULL);
}

static void
compare_item(struct batch *b, struct meta *m, int dir_fd, const struct item *i)
{
	struct comparer *c = b->live->comparer;
	char target[PATH_MAX];
	struct looking j = { .batch = b, .item = i, .dir_fd = dir_fd, .live = TREE_ENTRY_INIT };
	struct err err;
	j.name = i->name != NULL ? i->name : i->stored.name;
	j.shown = b->is_root ? NULL : j.name;
	if (fstatat(dir_fd, j.name, &j.st, AT_SYMLINK_NOFOLLOW) != 0) {
		err_sys(&err, "stat");
		compare_missing(&j, &err);
		return;
	}
	compare_from_stat(&j.live, &j.st, j.name);
	enum err_code rc = read_target(&j.live, dir_fd, j.name, target, &err);
	if (rc == ERR_OK && !i->is_stored) {
		compare_tell(c, b->trail, j.shown, 0, NULL, &j.live);
		return;
	}
	if (rc == ERR_OK)
		rc = compare_inside(&j, m, &err);
	if (rc)
		comparer_problem(c, rc == ERR_CHANGED ? TREE_CHANGED : TREE_UNREADABLE,
		    b->trail, j.shown, &err);
	compare_inodes(&j);
	compare_tell(c, b->trail, j.shown, j.fields, &i->stored, &j.live);
	if (j.live.type == TREE_FILE) {
		struct tally t = { .files = 1, .bytes = j.live.content.size };
		report_progress(&c->report, &t);
	}
}

void
compare_batch_run(struct job *j)
{
	struct batch *b = (struct batch *)j;
	struct comparer *c = b->live->comparer;
	struct meta m;
	struct err err;
	int dir_fd;
	meta_init(&m);
	bool pinned = folder_pin(b->folder, &dir_fd, &err) == ERR_OK;
	if (!pinned)
		comparer_problem(c, TREE_UNREADABLE, b->trail, NULL, &err);
	for (size_t i = 0; i < b->count; i++) {
		if (pinned && comparer_goes_on(c))
			compare_item(b, &m, dir_fd, &b->items[i]);
		tree_entry_release(&b->items[i].stored);
		free(b->items[i].name);
	}
	if (pinned)
		folder_unpin(b->folder);
	folder_unref(b->folder);
	trail_unref(b->trail);
	meta_release(&m);
	free(b);
}
