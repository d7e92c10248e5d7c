#include "tree/compare_impl.h"

const char *
tree_field_word(enum tree_field field)
{
	static const char *const words[] = { "type", "content", "size", "mode", "owner",
		"mtime", "xattrs", "target", "device", "links" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if ((unsigned)field == 1U << i)
			return words[i];
	return "unknown";
}

void
comparer_init(struct comparer *c, struct repo *r, const struct tree_compare_options *opt,
    tree_diff_fn *fn, void *arg)
{
	*c = (struct comparer){ .repo = r, .opt = opt, .fn = fn, .arg = arg };
	reporter_init(&c->report, opt->problem, opt->problem_arg, opt->progress);
	pthread_mutex_init(&c->lock, NULL);
	map_init(&c->a_to_b, 2 * sizeof(uint64_t), 2 * sizeof(uint64_t));
	map_init(&c->b_to_a, 2 * sizeof(uint64_t), 2 * sizeof(uint64_t));
}

void
comparer_release(struct comparer *c)
{
	map_release(&c->a_to_b);
	map_release(&c->b_to_a);
	reporter_release(&c->report);
	pthread_mutex_destroy(&c->lock);
}

void
comparer_fail(struct comparer *c, const struct err *err)
{
	pthread_mutex_lock(&c->lock);
	if (!atomic_load(&c->stop)) {
		c->err = *err;
		atomic_store(&c->stop, true);
	}
	pthread_mutex_unlock(&c->lock);
}

bool
comparer_goes_on(struct comparer *c)
{
	struct err err;
	if (cancel_check(c->opt->cancel, &err))
		comparer_fail(c, &err);
	return !atomic_load_explicit(&c->stop, memory_order_relaxed);
}

enum err_code
comparer_result(struct comparer *c, struct tree_compared *out, struct err *err)
{
	if (atomic_load(&c->stop)) {
		*err = c->err;
		return err->code;
	}
	*out = (struct tree_compared){ .entries = c->entries,
		.differences = c->differences,
		.bytes = c->bytes,
		.problems = c->report.problems };
	return ERR_OK;
}

void
comparer_problem(struct comparer *c, enum tree_problem_kind kind, const struct trail *t,
    const char *name, const struct err *err)
{
	AUTO(bufv) struct buf path = BUF_INIT;
	struct err scratch; /* without memory a problem is told without its path */
	if (trail_path(t, name, &path, &scratch))
		path.len = 0;
	report_problem(&c->report, kind, path.len > 0 ? (const char *)path.data : "", path.len,
	    "%s", err->msg);
}

unsigned
compare_meta(const struct tree_entry *a, const struct tree_entry *b)
{
	unsigned fields = 0;
	if (a->type != b->type)
		return FIELD_TYPE;
	if (a->type != TREE_SYMLINK && a->mode != b->mode) /* a symlink's means nothing */
		fields |= FIELD_MODE;
	if (a->uid != b->uid || a->gid != b->gid)
		fields |= FIELD_OWNER;
	if (!tree_time_equal(a->modified, b->modified))
		fields |= FIELD_MTIME;
	if (!tree_xattrs_equal(a, b))
		fields |= FIELD_XATTRS;
	if (a->target_len != b->target_len ||
	    (a->target_len > 0 && memcmp(a->target, b->target, a->target_len) != 0))
		fields |= FIELD_TARGET;
	if (a->rdev_major != b->rdev_major || a->rdev_minor != b->rdev_minor)
		fields |= FIELD_DEVICE;
	if (a->type == TREE_FILE && a->content.size != b->content.size)
		fields |= FIELD_SIZE | FIELD_CONTENT;
	return fields;
}

/* Does key go with value, now that it is seen for the first time, or as before? */
static enum err_code
pair(struct map *m, const uint64_t key[2], const uint64_t value[2], bool *fits, struct err *err)
{
	void *known;
	bool is_new;
	if (map_put(m, key, &known, &is_new, err))
		return err->code;
	if (is_new)
		memcpy(known, value, 2 * sizeof value[0]);
	*fits = memcmp(known, value, 2 * sizeof value[0]) == 0;
	return ERR_OK;
}

enum err_code
compare_links(struct comparer *c, const struct tree_entry *a, const uint64_t a_key[2],
    const struct tree_entry *b, const uint64_t b_key[2], unsigned *fields, struct err *err)
{
	if (a->type == TREE_DIR || (a->links <= 1 && b->links <= 1) || a->ino == 0 ||
	    b->ino == 0)
		return ERR_OK;
	bool there = true;
	bool back = true;
	pthread_mutex_lock(&c->lock);
	enum err_code rc = pair(&c->a_to_b, a_key, b_key, &there, err);
	if (rc == ERR_OK)
		rc = pair(&c->b_to_a, b_key, a_key, &back, err);
	pthread_mutex_unlock(&c->lock);
	if (!there || !back)
		*fields |= FIELD_LINKS;
	return rc;
}

void
compare_tell(struct comparer *c, const struct trail *t, const char *name, unsigned fields,
    const struct tree_entry *a, const struct tree_entry *b)
{
	struct tree_diff d = { .a = a, .b = b };
	d.kind = a == NULL   ? TREE_DIFF_ADDED
		 : b == NULL ? TREE_DIFF_REMOVED
			     : TREE_DIFF_CHANGED;
	d.fields = fields & ~c->opt->ignore;
	if (d.kind == TREE_DIFF_CHANGED && d.fields == 0)
		return;
	AUTO(bufv) struct buf path = BUF_INIT;
	struct err err;
	enum err_code rc = trail_path(t, name, &path, &err);
	if (rc == ERR_OK && atomic_load(&c->stop))
		return;
	if (rc == ERR_OK) {
		d.path = (const char *)path.data;
		d.path_len = path.len;
		pthread_mutex_lock(&c->lock);
		c->differences++;
		rc = c->fn != NULL ? c->fn(c->arg, &d, &err) : ERR_OK;
		pthread_mutex_unlock(&c->lock);
	}
	if (rc)
		comparer_fail(c, &err);
}

enum err_code
compare_is_excluded(struct comparer *c, const struct trail *t, const char *name, bool is_dir,
    bool *excluded, struct err *err)
{
	*excluded = false;
	if (c->opt->exclude == NULL)
		return ERR_OK;
	AUTO(bufv) struct buf path = BUF_INIT;
	if (trail_path(t, name, &path, err))
		return err->code;
	*excluded =
	    c->opt->exclude(c->opt->exclude_arg, (const char *)path.data, path.len, is_dir);
	return ERR_OK;
}
