#include "engine/layout.h"

#include "base/room.h"
#include "base/strv.h"
#include "tree/dir.h"

/* A folder made here, or a leaf that holds somebody's entry. */
struct node {
	char *name;
	bool is_leaf;
	bool has_entry;
	struct tree_entry entry; /* of leaves; of folders, what gives the metadata */
	struct node **children;
	size_t count;
};

struct layout {
	struct node root;
};

static void
node_release(struct node *n)
{
	for (size_t i = 0; i < n->count; i++) {
		node_release(n->children[i]);
		free(n->children[i]);
	}
	free(n->children);
	free(n->name);
	tree_entry_release(&n->entry);
}

enum err_code
layout_new(struct layout **out, struct err *err)
{
	struct layout *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	*out = l;
	return ERR_OK;
}

void
layout_free(struct layout *l)
{
	if (l == NULL)
		return;
	node_release(&l->root);
	free(l);
}

static struct node *
find_child(const struct node *n, const char *name, size_t len)
{
	for (size_t i = 0; i < n->count; i++)
		if (strncmp(n->children[i]->name, name, len) == 0 &&
		    n->children[i]->name[len] == '\0')
			return n->children[i];
	return NULL;
}

static enum err_code
add_child(struct node *n, const char *name, size_t len, struct node **out, struct err *err)
{
	if (ROOM_SHORT(n->children, n->count, err))
		return err->code;
	struct node *child = calloc(1, sizeof *child);
	if (child == NULL)
		return err_nomem(err);
	if (str_dupn(&child->name, name, len, err)) {
		free(child);
		return err->code;
	}
	n->children[n->count++] = child;
	*out = child;
	return ERR_OK;
}

/* The node at path, made with all before it; *is_new tells whether the last one was. */
static enum err_code
reach(struct layout *l, const char *path, struct node **out, bool *is_new, struct err *err)
{
	struct node *n = &l->root;
	*is_new = false;
	for (const char *p = path; *p != '\0';) {
		if (*p == '/') {
			p++;
			continue;
		}
		size_t len = strcspn(p, "/");
		if (n->is_leaf)
			return err_set(
			    err, ERR_EXISTS, "snapshot tree: %s lies inside a member", path);
		struct node *next = find_child(n, p, len);
		*is_new = next == NULL;
		if (next == NULL && add_child(n, p, len, &next, err))
			return err->code;
		n = next;
		p += len;
	}
	*out = n;
	return ERR_OK;
}

enum err_code
layout_add(struct layout *l, const char *path, const struct tree_entry *e, struct err *err)
{
	struct node *n;
	bool is_new;
	if (reach(l, path, &n, &is_new, err))
		return err->code;
	/* The root may be one entry alone: a snapshot of "/". */
	if (!is_new && !(n == &l->root && n->count == 0 && !n->is_leaf))
		return err_set(err, ERR_EXISTS, "snapshot tree: %s is taken", path);
	if (tree_entry_copy(&n->entry, e, err))
		return err->code;
	n->is_leaf = true;
	n->has_entry = true;
	return ERR_OK;
}

enum err_code
layout_set_folder(
    struct layout *l, const char *path, const struct tree_entry *like, struct err *err)
{
	struct node *n;
	bool is_new;
	if (reach(l, path, &n, &is_new, err))
		return err->code;
	if (n->has_entry)
		return ERR_OK;
	if (tree_entry_copy(&n->entry, like, err))
		return err->code;
	n->has_entry = true;
	return ERR_OK;
}

/* The depth is that of the paths given, which the engine made. */
static enum err_code
store_node(const struct node *n, struct writer *w, struct tree_entry *out, struct err *err)
{
	if (n->is_leaf)
		return tree_entry_copy(out, &n->entry, err);
	AUTO(dir_builder) struct dir_builder *b = NULL;
	if (dir_builder_new(&b, err))
		return err->code;
	for (size_t i = 0; i < n->count; i++) {
		AUTO(tree_entry) struct tree_entry child = TREE_ENTRY_INIT;
		if (store_node(n->children[i], w, &child, err) ||
		    dir_builder_add(b, n->children[i]->name, &child, err))
			return err->code;
	}
	return dir_builder_finish(b, w, n->has_entry ? &n->entry : NULL, out, err);
}

enum err_code
layout_store(struct layout *l, struct writer *w, struct tree_entry *root, struct err *err)
{
	return store_node(&l->root, w, root, err);
}
