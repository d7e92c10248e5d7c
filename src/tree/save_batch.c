#include "tree/save_impl.h"

#include <dirent.h>

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

void
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

static enum err_code
save_slot_with_old(struct subject *j, const struct unit *u, size_t offset, struct err *err)
{
	if (offset == NO_OLD)
		return save_slot(j, err);
	AUTO(tree_entry) struct tree_entry old = TREE_ENTRY_INIT;
	struct rd r;
	rd_init(&r, u->old.data + offset, u->old.len - offset);
	if (tree_entry_decode(&old, &r, err))
		return err_wrap(err, "read the earlier tree");
	j->old = &old;
	j->old_bytes = u->old.data + offset;
	j->old_len = (size_t)(r.p - j->old_bytes);
	return save_slot(j, err);
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
		if (save_slot_with_old(&j, u, offset, err))
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
	enum err_code rc = save_slot(&j, err);
	folder_unpin(folder);
	worker_count(w);
	if (rc == ERR_OK)
		batch_unpend(b);
	return rc;
}
