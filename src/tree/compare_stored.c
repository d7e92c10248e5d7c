#include "tree/compare_impl.h"

/* One side of a folder that is being compared. */
struct side {
	struct dir_reader *reader; /* NULL: the folder is on the other side only */
	const struct tree_entry *at; /* the next entry, the reader's; NULL at the end */
	uint64_t dev;
};

/* A folder on the way down. */
struct level {
	struct trail *trail;
	struct side a;
	struct side b;
	struct level *up;
};

/* A damaged folder is a problem, and ends there; other errors stop. */
static enum err_code
forgive(struct comparer *c, const struct level *l, struct err *err)
{
	if (err->code != ERR_CORRUPT && err->code != ERR_UNSUPPORTED)
		return err->code;
	comparer_problem(c, TREE_DAMAGED, l->trail, NULL, err);
	return ERR_OK;
}

static enum err_code
advance(struct comparer *c, const struct level *l, struct side *s, struct err *err)
{
	const struct tree_entry *e = NULL;
	if (s->reader != NULL && dir_reader_next(s->reader, &e, err)) {
		if (forgive(c, l, err))
			return err->code;
		e = NULL;
	}
	s->at = e;
	return ERR_OK;
}

static enum err_code
open_side(struct comparer *c, const struct level *l, struct side *s,
    const struct tree_entry *dir, uint64_t dev, struct err *err)
{
	if (dir == NULL)
		return ERR_OK;
	s->dev = dir->dev != 0 ? dir->dev : dev;
	if (dir_reader_open(&s->reader, c->repo, dir, err))
		return forgive(c, l, err);
	return advance(c, l, s, err);
}

static void
level_free(struct level *l)
{
	dir_reader_close(l->a.reader);
	dir_reader_close(l->b.reader);
	trail_unref(l->trail);
	free(l);
}

/* Go down into a folder of one side or both. */
static enum err_code
push(struct comparer *c, struct level **top, const char *name, const struct tree_entry *a,
    const struct tree_entry *b, struct err *err)
{
	struct level *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	struct level *up = *top;
	if (trail_new(&l->trail, up != NULL ? up->trail : NULL, name, err)) {
		free(l);
		return err->code;
	}
	l->up = up;
	*top = l;
	if (open_side(c, l, &l->a, a, up != NULL ? up->a.dev : 0, err))
		return err->code;
	return open_side(c, l, &l->b, b, up != NULL ? up->b.dev : 0, err);
}

static void
key_of(uint64_t key[2], const struct side *s, const struct tree_entry *e)
{
	key[0] = e->dev != 0 ? e->dev : s->dev;
	key[1] = e->ino;
}

/* Two entries of one name; name NULL: the roots. */
static enum err_code
compare_pair(struct comparer *c, const struct level *l, const char *name,
    const struct tree_entry *a, const struct tree_entry *b, struct err *err)
{
	unsigned fields = compare_meta(a, b);
	if (a->type == b->type && a->type == TREE_FILE &&
	    !content_equal(&a->content, &b->content))
		fields |= FIELD_CONTENT;
	if (fields != FIELD_TYPE) {
		uint64_t a_key[2];
		uint64_t b_key[2];
		key_of(a_key, &l->a, a);
		key_of(b_key, &l->b, b);
		if (compare_links(c, a, a_key, b, b_key, &fields, err))
			return err->code;
	}
	compare_tell(c, l->trail, name, fields, a, b);
	return ERR_OK;
}

static bool
is_dir(const struct tree_entry *e)
{
	return e != NULL && e->type == TREE_DIR;
}

/* The entries of the next name. */
static enum err_code
step(struct comparer *c, struct level **top, struct err *err)
{
	struct level *l = *top;
	const struct tree_entry *a = l->a.at;
	const struct tree_entry *b = l->b.at;
	if (a == NULL && b == NULL) {
		*top = l->up;
		level_free(l);
		return ERR_OK;
	}
	int order = a == NULL   ? 1
		    : b == NULL ? -1
				: tree_name_compare(a->name, a->name_len, b->name, b->name_len);
	if (order > 0)
		a = NULL;
	if (order < 0)
		b = NULL;
	const struct tree_entry *one = a != NULL ? a : b;
	bool excluded;
	atomic_fetch_add(&c->entries, 1);
	if (compare_is_excluded(c, l->trail, one->name, is_dir(one), &excluded, err))
		return err->code;
	if (!excluded && a != NULL && b != NULL && compare_pair(c, l, a->name, a, b, err))
		return err->code;
	if (!excluded && (a == NULL || b == NULL))
		compare_tell(c, l->trail, one->name, 0, a, b);
	/* Folders whose listings are the same chunks are the same all the way down. */
	bool both = is_dir(a) && is_dir(b);
	bool go_in = (is_dir(a) || is_dir(b)) && !excluded &&
		     !(both && content_equal(&a->content, &b->content));
	if (go_in && push(c, top, one->name, is_dir(a) ? a : NULL, is_dir(b) ? b : NULL, err))
		return err->code;
	if (a != NULL && advance(c, l, &l->a, err))
		return err->code;
	return b != NULL ? advance(c, l, &l->b, err) : ERR_OK;
}

static enum err_code
compare_trees(
    struct comparer *c, const struct tree_entry *a, const struct tree_entry *b, struct err *err)
{
	struct level *top = NULL;
	enum err_code rc = push(c, &top, "", NULL, NULL, err);
	atomic_fetch_add(&c->entries, 1);
	if (rc == ERR_OK)
		rc = compare_pair(c, top, NULL, a, b, err);
	bool go_in = (is_dir(a) || is_dir(b)) &&
		     !(is_dir(a) && is_dir(b) && content_equal(&a->content, &b->content));
	if (rc == ERR_OK && go_in)
		rc = open_side(c, top, &top->a, is_dir(a) ? a : NULL, 0, err);
	if (rc == ERR_OK && go_in)
		rc = open_side(c, top, &top->b, is_dir(b) ? b : NULL, 0, err);
	while (rc == ERR_OK && top != NULL && comparer_goes_on(c))
		rc = step(c, &top, err);
	while (top != NULL) {
		struct level *up = top->up;
		level_free(top);
		top = up;
	}
	return rc;
}

enum err_code
tree_compare(struct tree_compared *out, struct repo *r, const struct tree_entry *a,
    const struct tree_entry *b, const struct tree_compare_options *opt, tree_diff_fn *fn,
    void *arg, struct err *err)
{
	struct comparer c;
	comparer_init(&c, r, opt, fn, arg);
	enum err_code rc = compare_trees(&c, a, b, err);
	if (rc == ERR_OK)
		rc = comparer_result(&c, out, err);
	comparer_release(&c);
	return rc;
}
