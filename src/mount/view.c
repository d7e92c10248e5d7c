#include "mount/view_impl.h"

#define CACHE_BYTES ((size_t)32 << 20)
#define AHEAD_THREADS 2

/* Where to go on in a folder: behind ".", behind "..", and further on in the listing.  In the
 * shelves: counted from there. */
enum { FROM_START = 0, FROM_PARENT = 1, FROM_FIRST = LISTING_FIRST };

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
	    shelves_open(&v->shelves, r, events, now_ns, err))
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
	shelves_close(v->shelves);
	pieces_close(v->pieces);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

size_t
view_snapshots(struct view *v)
{
	return shelves_count(v->shelves);
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

void
view_tell(struct view *v, const struct node *dir, uint64_t number, const char *name,
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
		view_tell(v, dir, node_number(dir), NULL, err);
		return err->code;
	}
	return ERR_OK;
}

/* --- entries --- */

enum err_code
view_find_entry(struct view *v, uint64_t ino, struct node **dir, uint64_t *number,
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
		view_tell(v, node, *number, NULL, err);
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
	return *is_there ? view_find_entry(v, ino, &dir, &number, out, err) : ERR_OK;
}

enum err_code
view_stat(struct view *v, uint64_t ino, struct stat *out, bool *is_fixed, struct err *err)
{
	*is_fixed = ino >= NODE_INO_FIRST;
	if (!*is_fixed) {
		struct shelves_place p;
		if (!shelves_get(v->shelves, ino, &p))
			return err_set(err, ERR_NOT_FOUND, "the snapshot was removed");
		view_stat_place(v, &p, out);
		return ERR_OK;
	}
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct node *dir;
	uint64_t number;
	if (view_find_entry(v, ino, &dir, &number, &e, err))
		return err->code;
	view_stat_entry(&e, node_root(dir), node_dev(dir), number, out);
	return ERR_OK;
}

enum err_code
view_target(struct view *v, uint64_t ino, struct buf *out, struct err *err)
{
	struct shelves_place p;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct node *dir;
	uint64_t number;
	if (ino < NODE_INO_FIRST)
		return shelves_get(v->shelves, ino, &p) && p.kind == PLACE_LINK
			   ? buf_str(out, p.target, err)
			   : err_set(err, ERR_NOT_FOUND, "no such symlink");
	if (view_find_entry(v, ino, &dir, &number, &e, err))
		return err->code;
	if (e.type != TREE_SYMLINK)
		return err_set(err, ERR_USAGE, "no symlink");
	return buf_add(out, e.target, e.target_len, err);
}

/* --- names --- */

/* The kernel gets to know a place of the shelves, or the snapshot that it is. */
static enum err_code
know_place(
    struct view *v, const struct shelves_place *p, struct view_item *out, struct err *err)
{
	*out = (struct view_item){ .id = { p->ino, 0 }, .is_fixed = false };
	if (p->kind != PLACE_SNAPSHOT) {
		view_stat_place(v, p, &out->st);
		return ERR_OK;
	}
	if (nodes_know_root(v->nodes, p->root, &out->id, err))
		return err->code;
	view_stat_entry(&p->root->entry, p->root, p->root->entry.dev, out->id.ino, &out->st);
	return ERR_OK;
}

static enum err_code
know_entry(struct view *v, struct node *dir, uint64_t at, const struct tree_entry *e,
    struct view_item *out, struct err *err)
{
	*out = (struct view_item){ .is_fixed = true };
	if (nodes_know(v->nodes, dir, at, e, &out->id, err))
		return err->code;
	view_stat_entry(e, node_root(dir), node_dev(dir), node_number_of(dir, at), &out->st);
	return ERR_OK;
}

enum err_code
view_lookup(
    struct view *v, uint64_t dir, const char *name, struct view_item *out, struct err *err)
{
	struct shelves_place p;
	if (dir < NODE_INO_FIRST)
		return shelves_find(v->shelves, dir, name, &p)
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
		view_tell(v, node, node_number(node), NULL, err);
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
	struct shelves_place p;
	if (!give_dots(&from, dir, shelves_parent(v->shelves, dir), fn, arg))
		return ERR_OK;
	size_t pos = (size_t)(from - FROM_FIRST);
	while (shelves_next(v->shelves, dir, &pos, &p)) {
		struct view_item item = { .id = { p.ino, 0 } };
		if (detail == VIEW_ATTRIBUTES) {
			if (know_place(v, &p, &item, err))
				return err->code;
		} else {
			view_stat_place(v, &p, &item.st);
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
		out->st.st_mode = tree_type_format(raw->type);
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
		view_tell(v, node, node_number(node), NULL, err);
		return err->code;
	}
	return ERR_OK;
}
