#include "mount/view.h"

#include "sys/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/sysmacros.h>

#define CACHE_BYTES ((size_t)32 << 20)
#define AHEAD_THREADS 2
#define AHEAD_PIECES 2
#define BLOCK_SIZE 131072
#define TOLD_MAX 64

/* Where to go on in a folder: behind ".", behind "..", and further on in the listing.  In the
 * catalog: counted from there. */
enum { FROM_START = 0, FROM_PARENT = 1, FROM_FIRST = LISTING_FIRST };

struct view {
	struct pieces *pieces;
	struct nodes *nodes;
	struct catalog *catalog;
	struct event_sink *events;
	uid_t uid; /* who owns what is of no snapshot */
	gid_t gid;
	pthread_mutex_t lock; /* guards all below */
	uint64_t told[TOLD_MAX]; /* damage that was told lately, by ino */
	size_t next_told;
	struct view_file *open; /* what nobody has closed yet when it is unmounted */
};

enum err_code
view_open(struct view **out, struct repo *r, struct event_sink *events, int64_t (*now_ns)(void),
    struct err *err)
{
	AUTO(view) struct view *v = calloc(1, sizeof *v);
	if (v == NULL)
		return err_nomem(err);
	pthread_mutex_init(&v->lock, NULL);
	v->events = events;
	v->uid = geteuid();
	v->gid = getegid();
	if (pieces_open(&v->pieces, r, CACHE_BYTES, AHEAD_THREADS, err) ||
	    nodes_open(&v->nodes, v->pieces, err) ||
	    catalog_open(&v->catalog, r, events, now_ns, err))
		return err->code;
	*out = TAKE(v);
	return ERR_OK;
}

void
view_close(struct view *v)
{
	if (v == NULL)
		return;
	while (v->open != NULL)
		view_file_close(v->open);
	nodes_close(v->nodes);
	catalog_close(v->catalog);
	pieces_close(v->pieces);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

size_t
view_snapshots(struct view *v)
{
	return catalog_count(v->catalog);
}

/* --- damage --- */

/* Every reader meets it again: once is enough. */
static bool
was_told(struct view *v, uint64_t number)
{
	bool found = false;
	pthread_mutex_lock(&v->lock);
	for (size_t i = 0; i < TOLD_MAX && !found; i++)
		found = v->told[i] == number;
	if (!found)
		v->told[v->next_told++ % TOLD_MAX] = number;
	pthread_mutex_unlock(&v->lock);
	return found;
}

/* number tells it apart from other damage; name may be NULL for dir itself. */
static void
tell(struct view *v, const struct node *dir, uint64_t number, const char *name,
    const struct err *why)
{
	AUTO(bufv) struct buf path = BUF_INIT;
	struct err scratch; /* then it is told without its path */
	const char *subject = NULL;
	if (was_told(v, number))
		return;
	if (node_path(dir, name, &path, &scratch) == ERR_OK)
		subject = buf_cstr(&path);
	event_problem(v->events, subject, "cannot be read: %s", why->msg);
}

/* The listing of a folder, or what is wrong with it told. */
static enum err_code
view_of(struct view *v, struct node *dir, struct listing_view **out, struct err *err)
{
	if (node_view(v->nodes, dir, out, err)) {
		tell(v, dir, node_number(dir), NULL, err);
		return err->code;
	}
	return ERR_OK;
}

/* --- attributes --- */

static mode_t
type_bits(enum tree_type type)
{
	switch (type) {
	case TREE_FILE:
		return S_IFREG;
	case TREE_DIR:
		return S_IFDIR;
	case TREE_SYMLINK:
		return S_IFLNK;
	case TREE_CHAR_DEVICE:
		return S_IFCHR;
	case TREE_BLOCK_DEVICE:
		return S_IFBLK;
	case TREE_FIFO:
		return S_IFIFO;
	case TREE_SOCKET:
		return S_IFSOCK;
	}
	return 0;
}

/* Holes take no space.  What a list of extents says further down is not fetched for it. */
static uint64_t
allocated(const struct content *c)
{
	if (c->level > 0)
		return c->size;
	uint64_t bytes = 0;
	for (size_t i = 0; i < c->count; i++)
		bytes += c->items[i].is_hole ? 0 : c->items[i].len;
	return bytes;
}

/* Names of one inode have one number, whichever folders they are in. */
static uint64_t
shared_number(const struct tree_root *root, uint64_t dev, uint64_t ino)
{
	uint64_t h = get_u64(root->snapshot.b);
	h = (h ^ dev) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ (h >> 29) ^ ino) * UINT64_C(0xff51afd7ed558ccd);
	return (h ^ (h >> 32)) | UINT64_C(1) << 63;
}

static void
stat_of(const struct tree_entry *e, const struct tree_root *root, uint64_t folder_dev,
    uint64_t number, struct stat *st)
{
	uint64_t dev = e->dev != 0 ? e->dev : folder_dev;
	memset(st, 0, sizeof *st);
	st->st_ino = number;
	if (e->links > 1 && e->type != TREE_DIR && e->ino != 0)
		st->st_ino = shared_number(root, dev, e->ino);
	st->st_mode = type_bits(e->type) | (mode_t)e->mode;
	/* One link: how many folders are in it is not known, and "find" must look. */
	st->st_nlink = e->type == TREE_DIR ? 1 : (nlink_t)e->links;
	st->st_uid = e->uid;
	st->st_gid = e->gid;
	st->st_mtim = (struct timespec){ e->modified.s, e->modified.ns };
	st->st_ctim = (struct timespec){ e->changed.s, e->changed.ns };
	st->st_atim = st->st_mtim;
	st->st_blksize = BLOCK_SIZE;
	if (e->type == TREE_FILE || e->type == TREE_DIR) {
		st->st_size = (off_t)e->content.size;
		st->st_blocks = (blkcnt_t)((allocated(&e->content) + 511) / 512);
	} else if (e->type == TREE_SYMLINK) {
		st->st_size = (off_t)e->target_len;
	} else if (e->type == TREE_CHAR_DEVICE || e->type == TREE_BLOCK_DEVICE) {
		st->st_rdev = makedev(e->rdev_major, e->rdev_minor);
	}
}

static void
stat_of_place(const struct view *v, const struct catalog_place *p, struct stat *st)
{
	memset(st, 0, sizeof *st);
	bool is_link = p->kind == PLACE_LINK;
	st->st_ino = p->ino;
	st->st_mode = is_link ? S_IFLNK | 0777 : S_IFDIR | 0555;
	st->st_nlink = 1;
	st->st_uid = v->uid;
	st->st_gid = v->gid;
	st->st_size = is_link ? (off_t)strlen(p->target) : 0;
	st->st_mtim = (struct timespec){ p->time_ns / NS_PER_S, p->time_ns % NS_PER_S };
	st->st_ctim = st->st_mtim;
	st->st_atim = st->st_mtim;
	st->st_blksize = BLOCK_SIZE;
}

/* The entry behind an ino of a snapshot. */
static enum err_code
entry_of(struct view *v, uint64_t ino, struct node **dir, uint64_t *number,
    struct tree_entry *out, struct err *err)
{
	uint64_t at;
	struct node *node = nodes_find(v->nodes, ino, &at);
	AUTO(listing_view) struct listing_view *l = NULL;
	if (node == NULL)
		return err_set(err, ERR_NOT_FOUND, "no such file");
	if (view_of(v, node, &l, err))
		return err->code;
	*dir = node;
	*number = at == 0 ? node_number(node) : node_number_of(node, at);
	if (at == 0 ? tree_entry_copy(out, listing_view_dir(l), err)
		    : listing_view_entry(l, at, out, err)) {
		tell(v, node, *number, NULL, err);
		return err->code;
	}
	return ERR_OK;
}

enum err_code
view_entry(
    struct view *v, uint64_t ino, struct tree_entry *out, bool *is_there, struct err *err)
{
	struct node *dir;
	uint64_t number;
	*is_there = ino >= NODE_INO_FIRST;
	return *is_there ? entry_of(v, ino, &dir, &number, out, err) : ERR_OK;
}

enum err_code
view_stat(struct view *v, uint64_t ino, struct stat *out, bool *is_fixed, struct err *err)
{
	*is_fixed = ino >= NODE_INO_FIRST;
	if (!*is_fixed) {
		struct catalog_place p;
		if (!catalog_get(v->catalog, ino, &p))
			return err_set(err, ERR_NOT_FOUND, "the snapshot was removed");
		stat_of_place(v, &p, out);
		return ERR_OK;
	}
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct node *dir;
	uint64_t number;
	if (entry_of(v, ino, &dir, &number, &e, err))
		return err->code;
	stat_of(&e, node_root(dir), node_dev(dir), number, out);
	return ERR_OK;
}

enum err_code
view_target(struct view *v, uint64_t ino, struct buf *out, struct err *err)
{
	struct catalog_place p;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct node *dir;
	uint64_t number;
	if (ino < NODE_INO_FIRST)
		return catalog_get(v->catalog, ino, &p) && p.kind == PLACE_LINK
			   ? buf_str(out, p.target, err)
			   : err_set(err, ERR_NOT_FOUND, "no such symlink");
	if (entry_of(v, ino, &dir, &number, &e, err))
		return err->code;
	if (e.type != TREE_SYMLINK)
		return err_set(err, ERR_USAGE, "no symlink");
	return buf_add(out, e.target, e.target_len, err);
}

/* --- names --- */

/* The kernel gets to know a place of the catalog, or the snapshot that it is. */
static enum err_code
know_place(
    struct view *v, const struct catalog_place *p, struct view_item *out, struct err *err)
{
	*out = (struct view_item){ .id = { p->ino, 0 }, .is_fixed = false };
	if (p->kind != PLACE_SNAPSHOT) {
		stat_of_place(v, p, &out->st);
		return ERR_OK;
	}
	if (nodes_know_root(v->nodes, p->root, &out->id, err))
		return err->code;
	stat_of(&p->root->entry, p->root, p->root->entry.dev, out->id.ino, &out->st);
	return ERR_OK;
}

static enum err_code
know_entry(struct view *v, struct node *dir, uint64_t at, const struct tree_entry *e,
    struct view_item *out, struct err *err)
{
	*out = (struct view_item){ .is_fixed = true };
	if (nodes_know(v->nodes, dir, at, e, &out->id, err))
		return err->code;
	stat_of(e, node_root(dir), node_dev(dir), node_number_of(dir, at), &out->st);
	return ERR_OK;
}

enum err_code
view_lookup(
    struct view *v, uint64_t dir, const char *name, struct view_item *out, struct err *err)
{
	struct catalog_place p;
	if (dir < NODE_INO_FIRST)
		return catalog_find(v->catalog, dir, name, &p)
			   ? know_place(v, &p, out, err)
			   : err_set(err, ERR_NOT_FOUND, "no such file");
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(listing_view) struct listing_view *l = NULL;
	uint64_t at;
	struct node *node = nodes_find(v->nodes, dir, &at);
	bool is_there = false;
	if (node == NULL || at != 0)
		return err_set(err, ERR_NOT_FOUND, "no such folder");
	if (view_of(v, node, &l, err))
		return err->code;
	if (listing_view_find(l, name, &is_there, &at, &e, err)) {
		tell(v, node, node_number(node), NULL, err);
		return err->code;
	}
	if (!is_there)
		return err_set(err, ERR_NOT_FOUND, "no such file");
	return know_entry(v, node, at, &e, out, err);
}

void
view_forget(struct view *v, uint64_t ino, uint64_t count)
{
	if (ino >= NODE_INO_FIRST)
		nodes_forget(v->nodes, ino, count);
}

/* --- folders --- */

static bool
give_dot(const char *name, uint64_t ino, view_item_fn *fn, void *arg, uint64_t next)
{
	struct view_item item = { .name = name, .name_len = strlen(name), .id = { ino, 0 } };
	item.st.st_ino = ino;
	item.st.st_mode = S_IFDIR;
	return fn(arg, &item, next);
}

/* Both dots, as far as they are behind *from.  False when there is no more room. */
static bool
give_dots(uint64_t *from, uint64_t self, uint64_t parent, view_item_fn *fn, void *arg)
{
	if (*from == FROM_START) {
		if (!give_dot(".", self, fn, arg, FROM_PARENT))
			return false;
		*from = FROM_PARENT;
	}
	if (*from == FROM_PARENT) {
		if (!give_dot("..", parent, fn, arg, FROM_FIRST))
			return false;
		*from = FROM_FIRST;
	}
	return true;
}

static enum err_code
list_places(struct view *v, uint64_t dir, uint64_t from, enum view_detail detail,
    view_item_fn *fn, void *arg, struct err *err)
{
	struct catalog_place p;
	if (!give_dots(&from, dir, catalog_parent(v->catalog, dir), fn, arg))
		return ERR_OK;
	size_t pos = (size_t)(from - FROM_FIRST);
	while (catalog_next(v->catalog, dir, &pos, &p)) {
		struct view_item item = { .id = { p.ino, 0 } };
		if (detail == VIEW_ATTRIBUTES) {
			if (know_place(v, &p, &item, err))
				return err->code;
		} else {
			stat_of_place(v, &p, &item.st);
		}
		item.name = p.name;
		item.name_len = strlen(p.name);
		if (!fn(arg, &item, FROM_FIRST + pos)) {
			if (detail == VIEW_ATTRIBUTES)
				view_forget(v, item.id.ino, 1);
			break;
		}
	}
	return ERR_OK;
}

/* One entry of a listing. */
static enum err_code
make_item(struct view *v, struct node *dir, uint64_t at, const struct tree_raw *raw,
    enum view_detail detail, struct view_item *out, struct err *err)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	if (detail == VIEW_NAMES) {
		*out = (struct view_item){ .is_fixed = true };
		out->st.st_ino = node_number_of(dir, at);
		out->st.st_mode = type_bits(raw->type);
	} else {
		struct rd r;
		rd_init(&r, raw->data, raw->len);
		if (tree_entry_decode(&e, &r, err) || know_entry(v, dir, at, &e, out, err))
			return err->code;
	}
	out->name = raw->name;
	out->name_len = raw->name_len;
	return ERR_OK;
}

static enum err_code
list_entries(struct view *v, struct node *dir, struct cursor *c, enum view_detail detail,
    view_item_fn *fn, void *arg, struct err *err)
{
	for (;;) {
		uint64_t at = c->at;
		struct tree_raw raw;
		struct view_item item;
		if (cursor_next(c, &raw, err))
			return err->code;
		if (raw.data == NULL)
			return ERR_OK;
		if (!tree_name_is_valid(raw.name, raw.name_len))
			return err_set(err, ERR_CORRUPT, "listing: a name that cannot be one");
		if (make_item(v, dir, at, &raw, detail, &item, err))
			return err->code;
		if (fn(arg, &item, c->at))
			continue;
		if (detail == VIEW_ATTRIBUTES)
			view_forget(v, item.id.ino, 1);
		return ERR_OK;
	}
}

enum err_code
view_list(struct view *v, uint64_t dir, uint64_t from, enum view_detail detail,
    view_item_fn *fn, void *arg, struct err *err)
{
	if (dir < NODE_INO_FIRST)
		return list_places(v, dir, from, detail, fn, arg, err);
	AUTO(listing_view) struct listing_view *l = NULL;
	uint64_t at;
	struct node *node = nodes_find(v->nodes, dir, &at);
	if (node == NULL || at != 0)
		return err_set(err, ERR_NOT_FOUND, "no such folder");
	if (view_of(v, node, &l, err))
		return err->code;
	/* What lies above is not known to anybody who walks by names: the number is only told.
	 */
	if (!give_dots(&from, dir, dir, fn, arg))
		return ERR_OK;
	AUTO(cursor) struct cursor c;
	cursor_init(&c, l, from);
	if (list_entries(v, node, &c, detail, fn, arg, err)) {
		tell(v, node, node_number(node), NULL, err);
		return err->code;
	}
	return ERR_OK;
}

/* --- files --- */

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
	if (entry_of(v, ino, &f->dir, &f->number, &e, err))
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
			tell(f->view, f->dir, f->number, f->name, err);
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
