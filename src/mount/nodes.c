#include "mount/nodes.h"

#include "base/room.h"

#include <pthread.h>

#define PLACE_BITS 36
#define PLACE_MASK ((UINT64_C(1) << PLACE_BITS) - 1)
#define NUMBER_MAX ((size_t)1 << (64 - PLACE_BITS))
#define VIEWS_MAX 1024
#define VIEWS_MAX_BYTES ((size_t)16 << 20)

struct node {
	size_t number;
	struct node *parent; /* NULL: the root of a snapshot */
	uint64_t at; /* of its entry in the parent's listing */
	const struct tree_root *root;
	uint64_t dev;
	struct node *next_in_bucket;
	/* Guarded by the lock: */
	uint64_t refs; /* what the kernel knows: it, and what is in it */
	struct listing_view *view; /* NULL: not loaded now */
	size_t cost;
	struct node *newer;
	struct node *older;
	char name[];
};

struct slot {
	struct node *node;
	uint32_t generation;
	size_t next_free;
};

struct nodes {
	struct pieces *pieces;
	pthread_mutex_t lock; /* guards all below */
	struct slot *slots; /* by number; 0 is nobody's */
	size_t n_slots;
	size_t cap;
	size_t free_slot; /* 0: none */
	struct node **buckets;
	size_t n_buckets; /* a power of two */
	size_t count;
	struct node *newest; /* with a view */
	struct node *oldest;
	size_t views;
	size_t view_bytes;
};

enum err_code
nodes_open(struct nodes **out, struct pieces *p, struct err *err)
{
	AUTO(nodes) struct nodes *n = calloc(1, sizeof *n);
	if (n == NULL)
		return err_nomem(err);
	pthread_mutex_init(&n->lock, NULL);
	n->pieces = p;
	n->n_buckets = 256;
	n->buckets = calloc(n->n_buckets, sizeof *n->buckets);
	if (n->buckets == NULL)
		return err_nomem(err);
	n->n_slots = 1;
	*out = TAKE(n);
	return ERR_OK;
}

void
nodes_close(struct nodes *n)
{
	if (n == NULL)
		return;
	for (size_t i = 1; i < n->n_slots; i++) {
		if (n->slots[i].node == NULL)
			continue;
		listing_view_unref(n->slots[i].node->view);
		free(n->slots[i].node);
	}
	free(n->slots);
	free(n->buckets);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

/* --- the table --- */

static struct node **
bucket_of(struct nodes *n, const struct node *parent, const struct tree_root *root, uint64_t at)
{
	uint64_t h = parent != NULL ? parent->number : (uintptr_t)root;
	h = (h ^ at * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xff51afd7ed558ccd);
	return &n->buckets[(h >> 32) & (n->n_buckets - 1)];
}

static struct node *
find(struct nodes *n, const struct node *parent, const struct tree_root *root, uint64_t at)
{
	struct node *x = *bucket_of(n, parent, root, at);
	while (x != NULL && (x->parent != parent || x->root != root || x->at != at))
		x = x->next_in_bucket;
	return x;
}

/* Without room for more buckets the lists only get longer. */
static void
grow_table(struct nodes *n)
{
	struct node **old = n->buckets;
	size_t n_old = n->n_buckets;
	struct node **more = calloc(2 * n_old, sizeof *more);
	if (more == NULL)
		return;
	n->buckets = more;
	n->n_buckets = 2 * n_old;
	for (size_t i = 0; i < n_old; i++) {
		for (struct node *x = old[i]; x != NULL;) {
			struct node *next = x->next_in_bucket;
			struct node **b = bucket_of(n, x->parent, x->root, x->at);
			x->next_in_bucket = *b;
			*b = x;
			x = next;
		}
	}
	free(old);
}

static enum err_code
take_slot(struct nodes *n, size_t *number, struct err *err)
{
	if (n->free_slot != 0) {
		*number = n->free_slot;
		n->free_slot = n->slots[*number].next_free;
		return ERR_OK;
	}
	if (n->n_slots >= NUMBER_MAX)
		return err_set(err, ERR_NO_MEMORY, "too many folders are in use");
	if (ROOM(n->slots, n->n_slots, n->cap, 64, err))
		return err->code;
	*number = n->n_slots++;
	n->slots[*number] = (struct slot){ NULL, 0, 0 };
	return ERR_OK;
}

static enum err_code
add(struct nodes *n, const struct node *like, const char *name, struct node **out,
    struct err *err)
{
	size_t len = strlen(name);
	AUTO(mem) struct node *x = malloc(sizeof *x + len + 1);
	if (x == NULL)
		return err_nomem(err);
	*x = *like;
	memcpy(x->name, name, len + 1);
	if (take_slot(n, &x->number, err))
		return err->code;
	if (n->count >= n->n_buckets)
		grow_table(n);
	struct node **b = bucket_of(n, x->parent, x->root, x->at);
	x->next_in_bucket = *b;
	*b = x;
	n->slots[x->number].node = x;
	if (x->parent != NULL)
		x->parent->refs++;
	n->count++;
	*out = TAKE(x);
	return ERR_OK;
}

/* --- views that are kept --- */

static void
unlink_view(struct nodes *n, struct node *x)
{
	*(x->newer != NULL ? &x->newer->older : &n->newest) = x->older;
	*(x->older != NULL ? &x->older->newer : &n->oldest) = x->newer;
	n->views--;
	n->view_bytes -= x->cost;
}

static void
link_view(struct nodes *n, struct node *x)
{
	x->newer = NULL;
	x->older = n->newest;
	*(n->newest != NULL ? &n->newest->newer : &n->oldest) = x;
	n->newest = x;
	x->cost = listing_view_cost(x->view);
	n->views++;
	n->view_bytes += x->cost;
}

static void
drop_view(struct nodes *n, struct node *x)
{
	if (x->view == NULL)
		return;
	unlink_view(n, x);
	listing_view_unref(TAKE(x->view));
}

/* --- knowing and forgetting --- */

static struct node_name
name_of(const struct nodes *n, uint64_t ino)
{
	return (struct node_name){ ino, n->slots[ino >> PLACE_BITS].generation };
}

/* A folder, which is added unless it is known; like and name are what it is added with. */
static enum err_code
know_folder(struct nodes *n, const struct node *like, const char *name, struct node_name *out,
    struct err *err)
{
	pthread_mutex_lock(&n->lock);
	struct node *x = find(n, like->parent, like->root, like->at);
	if (x != NULL || add(n, like, name, &x, err) == ERR_OK) {
		x->refs++;
		*out = name_of(n, (uint64_t)x->number << PLACE_BITS);
	}
	pthread_mutex_unlock(&n->lock);
	return x != NULL ? ERR_OK : err->code;
}

enum err_code
nodes_know_root(
    struct nodes *n, const struct tree_root *root, struct node_name *out, struct err *err)
{
	struct node like = { .root = root, .dev = root->entry.dev };
	return know_folder(n, &like, root->name, out, err);
}

enum err_code
nodes_know(struct nodes *n, struct node *dir, uint64_t at, const struct tree_entry *e,
    struct node_name *out, struct err *err)
{
	if (at > PLACE_MASK)
		return err_set(err, ERR_UNSUPPORTED, "the folder is too large to be mounted");
	if (e->type == TREE_DIR) {
		struct node like = {
			.parent = dir,
			.at = at,
			.root = dir->root,
			.dev = e->dev != 0 ? e->dev : dir->dev,
		};
		return know_folder(n, &like, e->name, out, err);
	}
	pthread_mutex_lock(&n->lock);
	dir->refs++;
	*out = name_of(n, node_number_of(dir, at));
	pthread_mutex_unlock(&n->lock);
	return ERR_OK;
}

static void
remove_node(struct nodes *n, struct node *x)
{
	struct node **p = bucket_of(n, x->parent, x->root, x->at);
	while (*p != x)
		p = &(*p)->next_in_bucket;
	*p = x->next_in_bucket;
	drop_view(n, x);
	struct slot *s = &n->slots[x->number];
	s->node = NULL;
	s->generation++;
	s->next_free = n->free_slot;
	n->free_slot = x->number;
	n->count--;
	free(x);
}

void
nodes_forget(struct nodes *n, uint64_t ino, uint64_t count)
{
	pthread_mutex_lock(&n->lock);
	struct node *x = n->slots[ino >> PLACE_BITS].node;
	for (; x != NULL; count = 1) {
		x->refs -= count < x->refs ? count : x->refs;
		if (x->refs > 0)
			break;
		struct node *parent = x->parent;
		remove_node(n, x);
		x = parent;
	}
	pthread_mutex_unlock(&n->lock);
}

struct node *
nodes_find(struct nodes *n, uint64_t ino, uint64_t *place)
{
	size_t number = (size_t)(ino >> PLACE_BITS);
	*place = ino & PLACE_MASK;
	pthread_mutex_lock(&n->lock);
	struct node *x = number < n->n_slots && number > 0 ? n->slots[number].node : NULL;
	pthread_mutex_unlock(&n->lock);
	return x;
}

/* --- listings --- */

static struct listing_view *
kept_view(struct nodes *n, struct node *x)
{
	pthread_mutex_lock(&n->lock);
	struct listing_view *l = x->view;
	if (l != NULL) {
		listing_view_ref(l);
		unlink_view(n, x);
		link_view(n, x);
	}
	pthread_mutex_unlock(&n->lock);
	return l;
}

static void
keep_view(struct nodes *n, struct node *x, struct listing_view *l)
{
	pthread_mutex_lock(&n->lock);
	if (x->view == NULL) {
		listing_view_ref(l);
		x->view = l;
		link_view(n, x);
	}
	while (n->oldest != x && (n->views > VIEWS_MAX || n->view_bytes > VIEWS_MAX_BYTES))
		drop_view(n, n->oldest);
	pthread_mutex_unlock(&n->lock);
}

/* up is the listing of the folder that holds x; NULL for a root. */
static enum err_code
load_view(struct nodes *n, struct node *x, struct listing_view *up, struct listing_view **out,
    struct err *err)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(listing_view) struct listing_view *l = NULL;
	if (up != NULL && listing_view_entry(up, x->at, &e, err))
		return err->code;
	if (listing_view_open(&l, n->pieces, up != NULL ? &e : &x->root->entry, err))
		return err->code;
	keep_view(n, x, l);
	*out = TAKE(l);
	return ERR_OK;
}

enum err_code
node_view(struct nodes *n, struct node *node, struct listing_view **out, struct err *err)
{
	/* Up to the nearest that is kept, and down again: trees may be deeper than the stack.
	 */
	size_t depth = 0;
	for (struct node *x = node; x != NULL; x = x->parent)
		depth++;
	AUTO(mem) struct node **way = malloc(depth * sizeof *way);
	if (way == NULL)
		return err_nomem(err);
	AUTO(listing_view) struct listing_view *l = NULL;
	size_t missing = 0;
	for (struct node *x = node; x != NULL && (l = kept_view(n, x)) == NULL; x = x->parent)
		way[missing++] = x;
	while (missing > 0) {
		struct listing_view *next;
		if (load_view(n, way[--missing], l, &next, err))
			return err->code;
		listing_view_unref(l);
		l = next;
	}
	*out = TAKE(l);
	return ERR_OK;
}

const struct tree_root *
node_root(const struct node *node)
{
	return node->root;
}

uint64_t
node_dev(const struct node *node)
{
	return node->dev;
}

uint64_t
node_number_of(const struct node *dir, uint64_t at)
{
	return (uint64_t)dir->number << PLACE_BITS | at;
}

uint64_t
node_number(const struct node *node)
{
	return node->parent != NULL ? node_number_of(node->parent, node->at)
				    : (uint64_t)node->number << PLACE_BITS;
}

enum err_code
node_path(const struct node *node, const char *name, struct buf *out, struct err *err)
{
	size_t depth = 0;
	for (const struct node *x = node; x != NULL; x = x->parent)
		depth++;
	AUTO(mem) const struct node **way = malloc(depth * sizeof *way);
	if (way == NULL)
		return err_nomem(err);
	size_t i = depth;
	for (const struct node *x = node; x != NULL; x = x->parent)
		way[--i] = x;
	if (buf_str(out, "snapshots", err))
		return err->code;
	for (; i < depth; i++)
		if (buf_printf(out, err, "/%s", way[i]->name))
			return err->code;
	return name != NULL ? buf_printf(out, err, "/%s", name) : ERR_OK;
}
