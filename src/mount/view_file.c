/*
 * Files that are open.
 */
#include "mount/view_impl.h"

#include <stdatomic.h>

#define AHEAD_PIECES 2

struct view_file {
	struct view *view;
	struct reading *reading;
	struct node *dir; /* stays while the kernel knows the file */
	char *name;
	uint64_t number;
	_Atomic uint64_t next; /* where a reader in order goes on */
	_Atomic uint64_t asked; /* pieces up to here were asked for ahead */
	/* Guarded by the view's lock: */
	struct view_file *before;
	struct view_file *after;
	bool is_open;
};

static void
note_open(struct view_file *f)
{
	struct view *v = f->view;
	pthread_mutex_lock(&v->lock);
	f->is_open = true;
	f->after = v->open;
	if (f->after != NULL)
		f->after->before = f;
	v->open = f;
	pthread_mutex_unlock(&v->lock);
}

static void
note_closed(struct view_file *f)
{
	struct view *v = f->view;
	pthread_mutex_lock(&v->lock);
	if (f->is_open) {
		*(f->before != NULL ? &f->before->after : &v->open) = f->after;
		if (f->after != NULL)
			f->after->before = f->before;
	}
	pthread_mutex_unlock(&v->lock);
}

static void
file_auto(struct view_file **f)
{
	view_file_close(*f);
}

enum err_code
view_file_open(struct view_file **out, struct view *v, uint64_t ino, struct err *err)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	if (ino < NODE_INO_FIRST)
		return err_set(err, ERR_USAGE, "no file");
	AUTO(file) struct view_file *f = calloc(1, sizeof *f);
	if (f == NULL)
		return err_nomem(err);
	f->view = v;
	if (view_find_entry(v, ino, &f->dir, &f->number, &e, err))
		return err->code;
	if (e.type != TREE_FILE)
		return err_set(err, ERR_USAGE, "no file");
	f->name = strdup(e.name);
	if (f->name == NULL)
		return err_nomem(err);
	if (reading_open(&f->reading, v->pieces, &e.content, err))
		return err->code;
	note_open(f);
	*out = TAKE(f);
	return ERR_OK;
}

void
view_file_close(struct view_file *f)
{
	if (f == NULL)
		return;
	note_closed(f);
	reading_unref(f->reading);
	free(f->name);
	free(f);
}

/* Who reads on where the last read ended will want what comes next, too.  The kernel asks for
 * several places at once, a little out of order. */
static void
read_ahead(struct view_file *f, uint64_t offset, size_t len)
{
	uint64_t before = atomic_exchange(&f->next, offset + len);
	uint64_t apart = before > offset ? before - offset : offset - before;
	if (apart > PIECE_SIZE)
		return;
	uint64_t piece = (offset + len) / PIECE_SIZE;
	for (uint64_t n = piece + 1; n <= piece + AHEAD_PIECES; n++) {
		uint64_t asked = atomic_load(&f->asked);
		if (n <= asked && asked <= piece + AHEAD_PIECES)
			continue;
		atomic_store(&f->asked, n);
		piece_ahead(f->reading, n);
	}
}

enum err_code
view_file_read(
    struct view_file *f, uint64_t offset, size_t len, struct view_bytes *out, struct err *err)
{
	uint64_t size = reading_size(f->reading);
	struct view_bytes b = { .count = 0, .reading = f->reading };
	/* Once the kernel has its answer it may close the file before this thread goes on. */
	reading_ref(b.reading);
	if (offset < size)
		read_ahead(f, offset, len);
	while (len > 0 && offset < size && b.count < VIEW_READ_MAX) {
		struct frame *piece;
		size_t in = (size_t)(offset % PIECE_SIZE);
		if (piece_get(f->reading, offset / PIECE_SIZE, &piece, err)) {
			view_bytes_release(&b);
			view_tell(f->view, f->dir, f->number, f->name, err);
			return err->code;
		}
		size_t n = min_size(len, piece->len - in);
		b.parts[b.count] = (struct iovec){ piece->data + in, n };
		b.pieces[b.count++] = piece;
		offset += n;
		len -= n;
	}
	*out = b;
	return ERR_OK;
}

void
view_bytes_release(struct view_bytes *b)
{
	for (int i = 0; i < b->count; i++)
		piece_put(b->reading, b->pieces[i]);
	b->count = 0;
	reading_unref(TAKE(b->reading));
}
