/* One name of a folder that is saved: what it is, and its content on its way. */
#include "tree/save_impl.h"

#include "sys/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

/* A name is looked at again when it stops being what it was between two calls, but not for
 * ever. */
#define TRIES 3

/* --- contents --- */

static void
count_in_flight(struct saver *s, int change)
{
	pthread_mutex_lock(&s->lock);
	s->in_flight = (size_t)((ptrdiff_t)s->in_flight + change);
	if (s->in_flight == 0)
		pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* On any thread: the content of a slot is known. */
static void
slot_done(void *arg, struct content *content)
{
	struct slot *slot = arg;
	struct batch *b = slot->batch;
	struct saver *s = b->saver;
	struct slot *waited = NULL;
	struct err err;
	slot->content = *content;
	if (slot->link != NULL && links_done(&s->links, slot, &waited, &err))
		saver_fail(s, &err);
	while (waited != NULL) {
		struct slot *next = waited->next_waiter;
		batch_unpend(waited->batch);
		waited = next;
	}
	batch_unpend(b);
	count_in_flight(s, -1); /* last of all: the save may end now */
}

enum read_result {
	READ_GOES_ON, /* the content is on its way */
	READ_FAILED, /* reported, or left out by peek */
};

/* Files that are long at hand are shown; of others, their folder is. */
#define SHOWN ((off_t)16 << 20)

static void
show_path(struct worker *w, const struct slot *slot)
{
	const char *path = worker_path(w, slot->batch->folder, slot->name);
	tree_progress_set_path(w->saver->report.progress, path, strlen(path));
}

static enum err_code
slot_read(struct worker *w, struct slot *slot, int fd, const struct stat *st,
    enum read_result *result, struct err *err)
{
	struct saver *s = w->saver;
	struct stream *stream;
	if (w->intake == NULL && intake_new(&w->intake, s->writer, err))
		return err->code;
	if (stream_open(&stream, w->intake, CHUNK_DATA, err))
		return err->code;
	if (st->st_size >= SHOWN && s->report.progress != NULL)
		show_path(w, slot);
	struct file_reading found = { .errnum = 0 };
	if (file_read(w, fd, st, slot->batch->folder, slot->name, stream, &found, err)) {
		stream_abort(stream);
		return err->code;
	}
	struct err told;
	*result = READ_FAILED;
	if (found.is_unwanted) {
		stream_abort(stream);
		return ERR_OK;
	}
	if (found.errnum != 0) {
		stream_abort(stream);
		err_errno(&told, found.errnum, "read");
		worker_problem(w, TREE_UNREADABLE, slot->batch->folder, slot->name, &told);
		return ERR_OK;
	}
	if (found.is_changed) {
		err_set(&told, ERR_CHANGED, "changed while it was read");
		worker_problem(w, TREE_CHANGED, slot->batch->folder, slot->name, &told);
	}
	w->tally.files++;
	count_in_flight(s, 1);
	*result = READ_GOES_ON;
	if (stream_finish(stream, slot_done, slot, err)) {
		count_in_flight(s, -1);
		return err->code;
	}
	return ERR_OK;
}

/* Another name of a file that could not be read under its first: try under this one. */
static enum err_code
slot_read_again(struct worker *w, struct slot *slot, enum read_result *result, struct err *err)
{
	struct err told;
	int dir_fd;
	*result = READ_FAILED;
	if (folder_pin(slot->batch->folder, &dir_fd, &told)) {
		worker_problem(w, TREE_VANISHED, slot->batch->folder, slot->name, &told);
		return ERR_OK;
	}
	AUTO(fd) int fd = file_open(w->saver, dir_fd, slot->name);
	struct stat st;
	bool is_open = fd >= 0 && fstat(fd, &st) == 0;
	if (!is_open)
		err_sys(&told, "open");
	folder_unpin(slot->batch->folder);
	if (!is_open) {
		worker_problem(w, TREE_UNREADABLE, slot->batch->folder, slot->name, &told);
		return ERR_OK;
	}
	return slot_read(w, slot, fd, &st, result, err);
}

/* A slot whose turn it is; those that wait for it take over as long as reading fails. */
static enum err_code
slot_read_or_pass_on(
    struct worker *w, struct slot *slot, int fd, const struct stat *st, struct err *err)
{
	enum read_result result = READ_FAILED;
	enum err_code rc = slot_read(w, slot, fd, st, &result, err);
	while (rc == ERR_OK && result == READ_FAILED) {
		struct slot *next =
		    slot->link != NULL ? links_failed(&w->saver->links, slot) : NULL;
		slot->len = 0;
		batch_unpend(slot->batch);
		if (next == NULL)
			return ERR_OK;
		slot = next;
		rc = slot_read_again(w, slot, &result, err);
	}
	return rc;
}

/* --- entries --- */

static enum err_code
slot_reuse(const struct subject *j, const struct stat *st, struct err *err)
{
	struct worker *w = j->worker;
	struct batch *b = j->slot->batch;
	j->slot->offset = b->bytes.len;
	j->slot->len = j->old_len;
	j->slot->is_whole = true;
	if (S_ISREG(st->st_mode)) {
		w->tally.files++;
		w->tally.files_unchanged++;
		w->tally.bytes_unchanged += (uint64_t)st->st_size;
	} else {
		w->tally.others++;
	}
	return buf_add(&b->bytes, j->old_bytes, j->old_len, err);
}

static void
left_out(const struct subject *j, const char *what, int errnum)
{
	struct err told;
	j->slot->batch->is_same = false;
	err_errno(&told, errnum, "%s", what);
	worker_problem(j->worker, errnum == ENOENT ? TREE_VANISHED : TREE_UNREADABLE,
	    j->slot->batch->folder, j->slot->name, &told);
}

static void
describe(const struct subject *j, const struct stat *st, struct tree_entry *e)
{
	meta_from_stat(e, st, j->holder_dev);
	/* The root's name is empty, whatever it is on disk. */
	if (j->slot->batch->node != NULL) {
		e->name = j->name;
		e->name_len = strlen(j->name);
	}
}

static enum err_code
add_meta(const struct subject *j, struct tree_entry *e, int fd, struct err *err)
{
	struct worker *w = j->worker;
	if (meta_read_owner(&w->meta, e, err))
		return err->code;
	enum err_code rc = fd >= 0 ? meta_read_xattrs(&w->meta, e, fd, err)
				   : meta_read_xattrs_at(&w->meta, e, j->dir_fd, j->name, err);
	if (rc == ERR_NO_MEMORY)
		return rc;
	/* A name that has just vanished has told all that it could. */
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		worker_problem(w, TREE_METADATA, j->slot->batch->folder, j->name, err);
	return ERR_OK;
}

/* A symlink, device, fifo or socket. */
static enum err_code
slot_special(const struct subject *j, const struct stat *st, struct err *err)
{
	char target[PATH_MAX];
	struct batch *b = j->slot->batch;
	struct tree_entry e = TREE_ENTRY_INIT;
	describe(j, st, &e);
	if (e.type == TREE_SYMLINK) {
		ssize_t n = readlinkat(j->dir_fd, j->name, target, sizeof target);
		if (n <= 0) {
			left_out(j, "read symlink", n < 0 ? errno : ENOENT);
			return ERR_OK;
		}
		e.target = target;
		e.target_len = (size_t)n;
	}
	if (add_meta(j, &e, -1, err))
		return err->code;
	j->slot->offset = b->bytes.len;
	j->slot->is_whole = true;
	if (tree_entry_encode(&e, &b->bytes, err))
		return err->code;
	j->slot->len = b->bytes.len - j->slot->offset;
	j->worker->tally.others++;
	return ERR_OK;
}

/* Leave the reading for later, if a clone can be had.  What peek wants is read at once. */
static bool
slot_clone(const struct subject *j, int fd, const struct stat *st)
{
	struct worker *w = j->worker;
	struct clone_list *clones = &w->saver->clones;
	struct stat after;
	if (clones->cap == 0 || w->saver->root_is_file || st->st_size < CLONE_MIN ||
	    file_is_unwanted(w, fd, j->slot->batch->folder, j->name))
		return false;
	if (!clones_add(clones, j->slot, j->dir_fd, fd, st))
		return false;
	if (fstat(fd, &after) == 0 && after.st_size == st->st_size &&
	    after.st_mtim.tv_sec == st->st_mtim.tv_sec &&
	    after.st_mtim.tv_nsec == st->st_mtim.tv_nsec)
		return true;
	struct err told;
	err_set(&told, ERR_CHANGED, "changed while it was cloned");
	worker_problem(w, TREE_CHANGED, j->slot->batch->folder, j->name, &told);
	return true;
}

enum err_code
slot_read_clone(struct worker *w, const struct clone *c, struct err *err)
{
	AUTO(fd) int fd = c->fd;
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_sys(err, "look at a clone");
	return slot_read_or_pass_on(w, c->slot, fd, &st, err);
}

/* The content of an open file whose head is written. */
static enum err_code
slot_content(const struct subject *j, int fd, const struct stat *st, struct err *err)
{
	struct slot *slot = j->slot;
	enum link_turn turn = LINK_READ;
	/* Before anybody can bring the content. */
	atomic_fetch_add(&slot->batch->pending, 1);
	if (st->st_nlink > 1 &&
	    links_turn(&j->worker->saver->links, st, slot, &turn, &slot->content, err))
		return err->code;
	if (turn == LINK_READ)
		return slot_clone(j, fd, st)
			   ? ERR_OK
			   : slot_read_or_pass_on(j->worker, slot, fd, st, err);
	j->worker->tally.files++;
	j->worker->tally.bytes += (uint64_t)st->st_size;
	if (turn == LINK_COPY)
		batch_unpend(slot->batch);
	return ERR_OK;
}

/* Open and read a regular file.  *other: that is not what is there. */
static enum err_code
slot_file(const struct subject *j, bool *other, struct err *err)
{
	struct batch *b = j->slot->batch;
	AUTO(fd) int fd = file_open(j->worker->saver, j->dir_fd, j->name);
	struct stat st;
	*other = false;
	if (fd < 0 || fstat(fd, &st) != 0) {
		/* ELOOP: a symlink has taken its place; ENXIO: a socket. */
		*other = errno == ELOOP || errno == ENXIO;
		if (!*other)
			left_out(j, "open", errno);
		return ERR_OK;
	}
	if (!S_ISREG(st.st_mode)) {
		*other = true;
		return ERR_OK;
	}
	struct tree_entry e = TREE_ENTRY_INIT;
	describe(j, &st, &e);
	if (add_meta(j, &e, fd, err))
		return err->code;
	j->slot->offset = b->bytes.len;
	if (tree_entry_encode_head(&e, &b->bytes, err))
		return err->code;
	j->slot->len = b->bytes.len - j->slot->offset;
	return slot_content(j, fd, &st, err);
}

enum err_code
save_slot(const struct subject *j, struct err *err)
{
	bool look = j->type != DT_REG || j->old != NULL;
	for (int i = 0; i < TRIES; i++) {
		struct stat st;
		if (look && fstatat(j->dir_fd, j->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
			left_out(j, "stat", errno);
			return ERR_OK;
		}
		if (j->old != NULL &&
		    file_is_unchanged(j->worker->saver, &st, j->holder_dev, j->old))
			return slot_reuse(j, &st, err);
		j->slot->batch->is_same = false;
		if (look && S_ISDIR(st.st_mode))
			break;
		if (look && !S_ISREG(st.st_mode))
			return slot_special(j, &st, err);
		bool other = false;
		enum err_code rc = slot_file(j, &other, err);
		if (rc || !other)
			return rc;
		look = true;
	}
	struct err told;
	err_set(&told, ERR_CHANGED, "became something else while it was looked at");
	worker_problem(j->worker, TREE_VANISHED, j->slot->batch->folder, j->slot->name, &told);
	return ERR_OK;
}
