#include "tree/save_impl.h"

#include "sys/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

/* A name is looked at again when it stops being what it was between two calls, but not for
 * ever. */
#define TRIES 3

/* Files that are read ahead of the one at hand; a batch has up to 128. */
#define FILES_AHEAD 32

static struct batch *
batch_new(struct saver *s, struct node *n, struct folder *folder, size_t seq, size_t count)
{
	struct batch *b = calloc(1, sizeof *b + count * sizeof b->slots[0]);
	if (b == NULL)
		return NULL;
	b->saver = s;
	b->node = n;
	b->folder = folder;
	folder_ref(folder);
	b->seq = seq;
	b->count = count;
	b->is_same = true;
	atomic_init(&b->pending, 1);
	for (size_t i = 0; i < count; i++)
		b->slots[i].batch = b;
	pthread_mutex_lock(&s->lock);
	b->after = s->batches;
	if (s->batches != NULL)
		s->batches->before = b;
	s->batches = b;
	pthread_mutex_unlock(&s->lock);
	return b;
}

static void
batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		content_release(&b->slots[i].content);
	buf_release(&b->bytes);
	folder_unref(b->folder);
	free(b);
}

static void
batch_remove(struct saver *s, struct batch *b)
{
	pthread_mutex_lock(&s->lock);
	if (b->before != NULL)
		b->before->after = b->after;
	else
		s->batches = b->after;
	if (b->after != NULL)
		b->after->before = b->before;
	pthread_mutex_unlock(&s->lock);
}

void
batches_free(struct saver *s)
{
	while (s->batches != NULL) {
		struct batch *b = s->batches;
		s->batches = b->after;
		batch_free(b);
	}
}

/* All the batch's entries, in order. */
static enum err_code
join_slots(struct batch *b, struct buf *out, struct err *err)
{
	if (b->is_same) {
		*out = b->bytes; /* nothing but the parent's entries */
		b->bytes = (struct buf)BUF_INIT;
		return ERR_OK;
	}
	if (buf_reserve(out, b->bytes.len + b->count * (ID_SIZE + 16), err))
		return err->code;
	for (size_t i = 0; i < b->count; i++) {
		const struct slot *slot = &b->slots[i];
		const uint8_t *bytes = b->bytes.data + slot->offset;
		if (slot->len == 0)
			continue;
		enum err_code rc = slot->is_whole ? buf_add(out, bytes, slot->len, err)
						  : tree_entry_join(bytes, slot->len,
							&slot->content, out, err);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

/* One thing less to wait for; the last gives the result. */
static void
batch_unpend(struct batch *b)
{
	if (atomic_fetch_sub(&b->pending, 1) > 1)
		return;
	struct saver *s = b->saver;
	struct buf out = BUF_INIT;
	struct err err;
	enum err_code rc = join_slots(b, &out, &err);
	struct node *n = b->node;
	size_t seq = b->seq;
	bool is_same = b->is_same;
	batch_remove(s, b);
	batch_free(b);
	if (rc) {
		buf_release(&out);
		saver_fail(s, &err);
	} else if (n != NULL) {
		node_give(s, n, seq, &out, is_same);
	} else {
		saver_finish(s, &out);
	}
}

/* Contents */

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

/* Entries */

/* What is being saved just now. */
struct subject {
	struct worker *worker;
	struct slot *slot;
	int dir_fd;
	dev_t holder_dev;
	uint8_t type; /* DT_ value, as far as it is known */
	const char *name;
	const struct tree_entry *old; /* in the parent, or NULL */
	const uint8_t *old_bytes;
	size_t old_len;
};

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

static enum err_code
slot_save(const struct subject *j, struct err *err)
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

static enum err_code
slot_save_with_old(struct subject *j, const struct unit *u, size_t offset, struct err *err)
{
	if (offset == NO_OLD)
		return slot_save(j, err);
	AUTO(tree_entry) struct tree_entry old = TREE_ENTRY_INIT;
	struct rd r;
	rd_init(&r, u->old.data + offset, u->old.len - offset);
	if (tree_entry_decode(&old, &r, err))
		return err_wrap(err, "read the earlier tree");
	j->old = &old;
	j->old_bytes = u->old.data + offset;
	j->old_len = (size_t)(r.p - j->old_bytes);
	return slot_save(j, err);
}

/* Where files come from a disk, have the next ones read while this one is at work, so that the
 * disk always has several to choose from. */
static void
read_ahead(struct worker *w, const struct unit *u, size_t from, size_t *ahead, int dir_fd,
    size_t count)
{
	size_t end = min_size(from + FILES_AHEAD, count);
	for (*ahead = max_size(*ahead, from); w->cold > 0 && *ahead < end; ++*ahead) {
		size_t i = *ahead;
		bool has_old = u->old_offset != NULL && u->old_offset[i] != NO_OLD;
		/* What is in the parent is likely as it was, and not read at all. */
		if (u->names->items[u->first + i].type == DT_REG && !has_old)
			file_read_ahead(w->saver, dir_fd, names_text(u->names, u->first + i));
	}
}

static enum err_code
save_slots(struct worker *w, struct batch *b, const struct unit *u, int dir_fd, struct err *err)
{
	size_t ahead = 0;
	for (size_t i = 0; i < b->count; i++) {
		if (!saver_goes_on(w->saver))
			return err_set(err, ERR_CANCELLED, "stopped on request");
		read_ahead(w, u, i + 1, &ahead, dir_fd, b->count);
		struct slot *slot = &b->slots[i];
		slot->name = names_text(u->names, u->first + i);
		struct subject j = {
			.worker = w,
			.slot = slot,
			.dir_fd = dir_fd,
			.holder_dev = folder_dev(b->folder),
			.type = u->names->items[u->first + i].type,
			.name = slot->name,
		};
		size_t offset = u->old_offset != NULL ? u->old_offset[i] : NO_OLD;
		if (slot_save_with_old(&j, u, offset, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
batch_run(struct worker *w, struct unit *u, struct err *err)
{
	struct batch *b = batch_new(w->saver, u->node, u->folder, u->seq, u->count);
	if (b == NULL)
		return err_nomem(err);
	int dir_fd;
	enum err_code rc = ERR_OK;
	if (folder_pin(b->folder, &dir_fd, err) == ERR_OK) {
		rc = save_slots(w, b, u, dir_fd, err);
		folder_unpin(b->folder);
	} else if (err->code == ERR_NO_MEMORY) {
		rc = err->code;
	} else {
		worker_problem(w, TREE_UNREADABLE, b->folder, NULL, err);
		b->is_same = false;
	}
	worker_count(w);
	/* After an error the batch stays for batches_free: contents may be on their way to it.
	 */
	if (rc == ERR_OK)
		batch_unpend(b);
	return rc;
}

enum err_code
batch_run_root(struct worker *w, struct folder *folder, const char *name, struct err *err)
{
	struct batch *b = batch_new(w->saver, NULL, folder, 0, 1);
	if (b == NULL)
		return err_nomem(err);
	const struct tree_entry *parent = w->saver->opt->parent;
	AUTO(bufv) struct buf old = BUF_INIT;
	if (parent != NULL && tree_entry_encode(parent, &old, err))
		return err_wrap(err, "the earlier tree");
	int dir_fd;
	if (folder_pin(folder, &dir_fd, err))
		return err->code;
	b->slots[0].name = name;
	struct subject j = {
		.worker = w,
		.slot = &b->slots[0],
		.dir_fd = dir_fd,
		.type = DT_UNKNOWN,
		.name = name,
		.old = parent,
		.old_bytes = old.data,
		.old_len = old.len,
	};
	enum err_code rc = slot_save(&j, err);
	folder_unpin(folder);
	worker_count(w);
	if (rc == ERR_OK)
		batch_unpend(b);
	return rc;
}
