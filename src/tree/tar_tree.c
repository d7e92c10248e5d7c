#include "tree/tar_tree.h"

#include "base/strv.h"
#include "tree/listing.h"

#include <pthread.h>
#include <search.h>
#include <stdio.h>

/* Restoring goes deeper; but no archive that is meant well does. */
#define DEPTH_MAX 1000

struct tar_inode {
	struct tar_tree *tree;
	uint64_t number; /* tells hard links apart from others */
	uint64_t names; /* and one while a content is on its way */
	uint64_t links; /* names alone */
	enum tree_type type;
	void *children; /* of a folder: struct name, by tsearch */
	size_t child_count;
	struct content content; /* of a file */
	struct buf entry; /* encoded, without name and content */
};

struct name {
	struct tar_inode *inode;
	char text[];
};

struct tar_tree {
	struct tar_inode *root;
	uint64_t last_number;
	struct buf path; /* at hand, its parts ended by NULs */
	pthread_mutex_t lock; /* guards what is below, and contents and references of files */
	pthread_cond_t done;
	size_t expected; /* contents that are on their way */
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static void inode_unref(struct tar_inode *i);

static void
name_free(void *name)
{
	inode_unref(((struct name *)name)->inode);
	free(name);
}

/* The tree's lock is held, or nobody else is there. */
static void
inode_unref(struct tar_inode *i)
{
	if (--i->names > 0)
		return;
	tdestroy(i->children, name_free);
	content_release(&i->content);
	buf_release(&i->entry);
	free(i);
}

static enum err_code
encode_bare(const struct tree_entry *e, struct buf *out, struct err *err)
{
	struct tree_entry bare = *e;
	bare.name = "";
	bare.name_len = 0;
	bare.ino = 0;
	bare.dev = 0;
	bare.links = 1;
	bare.content = (struct content)CONTENT_INIT;
	return tree_entry_encode(&bare, out, err);
}

static enum err_code
inode_new(
    struct tar_inode **out, struct tar_tree *t, const struct tree_entry *e, struct err *err)
{
	struct tar_inode *i = calloc(1, sizeof *i);
	if (i == NULL)
		return err_nomem(err);
	if (encode_bare(e, &i->entry, err)) {
		buf_release(&i->entry);
		free(i);
		return err->code;
	}
	i->tree = t;
	i->number = ++t->last_number;
	i->type = e->type;
	*out = i;
	return ERR_OK;
}

/* A folder that nothing was said about. */
static const struct tree_entry implied = {
	.type = TREE_DIR,
	.name = "",
	.mode = 0755,
	.links = 1,
};

enum err_code
tar_tree_new(struct tar_tree **out, struct err *err)
{
	struct tar_tree *t = calloc(1, sizeof *t);
	if (t == NULL)
		return err_nomem(err);
	if (inode_new(&t->root, t, &implied, err)) {
		free(t);
		return err->code;
	}
	t->root->names = 1;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->done, NULL);
	*out = t;
	return ERR_OK;
}

static void
wait_for_contents(struct tar_tree *t)
{
	pthread_mutex_lock(&t->lock);
	while (t->expected > 0)
		pthread_cond_wait(&t->done, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

void
tar_tree_free(struct tar_tree *t)
{
	if (t == NULL)
		return;
	wait_for_contents(t);
	inode_unref(t->root);
	buf_release(&t->path);
	pthread_cond_destroy(&t->done);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* --- names --- */

static enum err_code
name_new(struct name **out, const char *text, struct tar_inode *i, struct err *err)
{
	size_t size = strlen(text) + 1;
	struct name *n = malloc(sizeof *n + size);
	if (n == NULL)
		return err_nomem(err);
	n->inode = i;
	memcpy(n->text, text, size);
	*out = n;
	return ERR_OK;
}

/* *out becomes NULL when there is none. */
static enum err_code
find(const struct tar_inode *dir, const char *text, struct name **out, struct err *err)
{
	AUTO(mem) struct name *key = NULL;
	if (name_new(&key, text, NULL, err))
		return err->code;
	void *at = tfind(key, &dir->children, by_text);
	*out = at != NULL ? *(struct name **)at : NULL;
	return ERR_OK;
}

/* A new name for an inode, which gets a reference; nothing has that name. */
static enum err_code
put(struct tar_inode *dir, const char *text, struct tar_inode *i, struct err *err)
{
	struct name *n;
	if (name_new(&n, text, i, err))
		return err->code;
	if (tsearch(n, &dir->children, by_text) == NULL) {
		free(n);
		return err_nomem(err);
	}
	dir->child_count++;
	pthread_mutex_lock(&i->tree->lock);
	i->names++;
	i->links++;
	pthread_mutex_unlock(&i->tree->lock);
	return ERR_OK;
}

static void
remove_name(struct tar_inode *dir, struct name *n)
{
	struct tar_tree *t = n->inode->tree;
	tdelete(n, &dir->children, by_text);
	dir->child_count--;
	pthread_mutex_lock(&t->lock);
	n->inode->links--;
	name_free(n);
	pthread_mutex_unlock(&t->lock);
}

/* A new inode under a name that nothing has. */
static enum err_code
put_new(struct tar_inode *dir, const char *text, const struct tree_entry *e,
    struct tar_inode **out, struct err *err)
{
	struct tar_inode *i;
	if (inode_new(&i, dir->tree, e, err))
		return err->code;
	if (put(dir, text, i, err)) {
		i->names = 1;
		inode_unref(i);
		return err->code;
	}
	*out = i;
	return ERR_OK;
}

static enum err_code
refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_USAGE, "%s", why);
}

/* The next part of a path, ended by a NUL; NULL behind the last. */
static char *
next_part(char **rest)
{
	char *part;
	while ((part = strsep(rest, "/")) != NULL)
		if (*part != '\0' && strcmp(part, ".") != 0)
			return part;
	return NULL;
}

/* Go to the folder that holds path, making what is missing if make is set.  *name becomes the
 * last part, NULL for the root; it lies in the tree until the next call. */
static enum err_code
walk_to(struct tar_tree *t, const char *path, bool make, struct tar_inode **dir, char **name,
    struct err *err)
{
	t->path.len = 0;
	if (buf_add(&t->path, path, strlen(path) + 1, err))
		return err->code;
	char *rest = (char *)t->path.data;
	struct tar_inode *at = t->root;
	char *part = next_part(&rest);
	char *next;
	if (part != NULL && strcmp(part, "..") == 0)
		return refuse(err, "a name with \"..\" in it");
	for (size_t depth = 1; part != NULL && (next = next_part(&rest)) != NULL;
	     part = next, depth++) {
		if (strcmp(next, "..") == 0)
			return refuse(err, "a name with \"..\" in it");
		if (depth > DEPTH_MAX)
			return refuse(err, "it lies in more than 1000 folders");
		struct name *n;
		if (find(at, part, &n, err))
			return err->code;
		if (n == NULL && !make)
			return refuse(err, "not in this archive");
		if (n != NULL)
			at = n->inode;
		else if (put_new(at, part, &implied, &at, err))
			return err->code;
		if (at->type != TREE_DIR)
			return refuse(err, "what should hold it is no folder");
	}
	*dir = at;
	*name = part;
	return ERR_OK;
}

/* A folder that is there gets new metadata. */
static enum err_code
describe(struct tar_inode *i, const struct tree_entry *e, struct err *err)
{
	struct buf entry = BUF_INIT;
	if (encode_bare(e, &entry, err)) {
		buf_release(&entry);
		return err->code;
	}
	buf_release(&i->entry);
	i->entry = entry;
	return ERR_OK;
}

/* Make way for what comes to a name that is taken. */
static enum err_code
make_way(struct tar_inode *dir, struct name *n, struct err *err)
{
	if (n->inode->type == TREE_DIR && n->inode->child_count > 0)
		return refuse(err, "a folder that holds something has its name");
	remove_name(dir, n);
	return ERR_OK;
}

enum err_code
tar_tree_add(struct tar_tree *t, const char *path, const struct tree_entry *e,
    struct tar_inode **out, struct err *err)
{
	struct tar_inode *dir;
	struct name *there = NULL;
	char *name;
	if (walk_to(t, path, true, &dir, &name, err))
		return err->code;
	if (name == NULL && e->type != TREE_DIR)
		return refuse(err, "it has no name");
	if (name != NULL && find(dir, name, &there, err))
		return err->code;
	struct tar_inode *old = name == NULL ? t->root : there != NULL ? there->inode : NULL;
	if (old != NULL && old->type == TREE_DIR && e->type == TREE_DIR) {
		*out = old;
		return describe(old, e, err);
	}
	if (there != NULL && make_way(dir, there, err))
		return err->code;
	return put_new(dir, name, e, out, err);
}

enum err_code
tar_tree_link(struct tar_tree *t, const char *path, const char *target, struct err *err)
{
	struct tar_inode *dir;
	char *name;
	if (walk_to(t, target, false, &dir, &name, err))
		return err_wrap(err, "hard link to %.200s", target);
	struct name *n = NULL;
	if (name != NULL && find(dir, name, &n, err))
		return err->code;
	if (n == NULL || n->inode->type == TREE_DIR)
		return err_set(err, ERR_USAGE, "hard link to %.200s: %s", target,
		    n == NULL ? "not in this archive" : "a folder");
	struct tar_inode *i = n->inode;
	if (walk_to(t, path, true, &dir, &name, err))
		return err->code;
	if (name == NULL)
		return refuse(err, "it has no name");
	struct name *there;
	if (find(dir, name, &there, err))
		return err->code;
	if (there == n)
		return ERR_OK; /* linked to itself */
	if (there != NULL && make_way(dir, there, err))
		return err->code;
	return put(dir, name, i, err);
}

/* --- contents --- */

void
tar_tree_expect(struct tar_tree *t, struct tar_inode *i)
{
	pthread_mutex_lock(&t->lock);
	t->expected++;
	i->names++;
	pthread_mutex_unlock(&t->lock);
}

void
tar_inode_failed(struct tar_inode *i)
{
	struct tar_tree *t = i->tree;
	pthread_mutex_lock(&t->lock);
	inode_unref(i);
	t->expected--;
	pthread_cond_broadcast(&t->done);
	pthread_mutex_unlock(&t->lock);
}

void
tar_inode_done(void *inode, struct content *content)
{
	struct tar_inode *i = inode;
	pthread_mutex_lock(&i->tree->lock);
	i->content = *content;
	*content = (struct content)CONTENT_INIT;
	pthread_mutex_unlock(&i->tree->lock);
	tar_inode_failed(i);
}

/* --- storing --- */

struct storing {
	struct writer *writer;
	struct tar_count *count;
	struct buf *listing; /* of the folder at hand */
	struct err *err; /* the first that occurred */
};

static void
add_up(struct tar_count *c, const struct tar_inode *i)
{
	c->files += i->type == TREE_FILE;
	c->dirs += i->type == TREE_DIR;
	c->others += i->type != TREE_FILE && i->type != TREE_DIR;
	c->bytes += i->type == TREE_FILE ? i->content.size : 0;
}

static enum err_code store_folder(
    struct storing *s, const struct tar_inode *dir, struct content *out);

/* Append an inode under a name to out. */
static enum err_code
store_inode(struct storing *s, const struct tar_inode *i, const char *name, struct buf *out)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(content) struct content listing = CONTENT_INIT;
	struct rd r;
	add_up(s->count, i);
	rd_init(&r, i->entry.data, i->entry.len);
	if (tree_entry_decode(&e, &r, s->err) ||
	    (i->type == TREE_DIR && store_folder(s, i, &listing)))
		return s->err->code;
	struct tree_entry named = e;
	named.name = name;
	named.name_len = strlen(name);
	named.ino = i->number;
	named.links = i->type == TREE_DIR ? 1 : i->links;
	named.content = i->type == TREE_DIR ? listing : i->content;
	return tree_entry_encode(&named, out, s->err);
}

static void
store_name(const void *node, VISIT which, void *closure)
{
	struct storing *s = closure;
	const struct name *n = *(const struct name *const *)node;
	if (s->err->code == ERR_OK && (which == postorder || which == leaf) &&
	    store_inode(s, n->inode, n->text, s->listing))
		return; /* it sticks in err */
}

static enum err_code
store_folder(struct storing *s, const struct tar_inode *dir, struct content *out)
{
	AUTO(bufv) struct buf listing = BUF_INIT;
	struct buf *outer = s->listing;
	if (listing_begin(&listing, s->err))
		return s->err->code;
	s->listing = &listing;
	twalk_r(dir->children, store_name, s);
	s->listing = outer;
	if (s->err->code != ERR_OK)
		return s->err->code;
	return listing_store(s->writer, &listing, out, s->err);
}

enum err_code
tar_tree_store(struct tar_tree *t, struct writer *w, struct tree_entry *root,
    struct tar_count *count, struct err *err)
{
	AUTO(bufv) struct buf entry = BUF_INIT;
	struct tar_count sum = { 0 };
	struct storing s = { .writer = w, .count = &sum, .err = err };
	struct rd r;
	wait_for_contents(t);
	if (writer_check(w, err))
		return err->code;
	*err = (struct err)ERR_INIT;
	if (store_inode(&s, t->root, "", &entry))
		return err->code;
	rd_init(&r, entry.data, entry.len);
	if (tree_entry_decode(root, &r, err))
		return err->code;
	*count = sum;
	return ERR_OK;
}
