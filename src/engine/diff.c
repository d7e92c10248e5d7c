#include "engine/diff_impl.h"

#include "engine/meter.h"
#include "tree/dir.h"

#define CHANGE_FIELDS (FIELD_TYPE | FIELD_CONTENT | FIELD_SIZE | FIELD_TARGET | FIELD_DEVICE)

bool
diff_is_change(unsigned fields)
{
	return (fields & (unsigned)CHANGE_FIELDS) != 0;
}

void
differ_release(struct differ *d)
{
	buf_release(&d->base);
	buf_release(&d->path);
}

enum err_code
differ_begin(struct differ *d, const char *path, struct err *err)
{
	/* As a walk writes it: one slash between parts, none at the ends. */
	d->base.len = 0;
	for (const char *p = path; *p != '\0';) {
		size_t n = strcspn(p, "/");
		if (n > 0 && ((d->base.len > 0 && buf_u8(&d->base, '/', err)) ||
				 buf_add(&d->base, p, n, err)))
			return err->code;
		p += n + (p[n] == '/');
	}
	return buf_cstr(&d->base) != NULL ? ERR_OK : err_nomem(err);
}

enum err_code
differ_path(struct differ *d, const char *path, size_t len, const char **out, struct err *err)
{
	d->path.len = 0;
	if (buf_add(&d->path, d->base.data, d->base.len, err) ||
	    (d->base.len > 0 && len > 0 && buf_u8(&d->path, '/', err)) ||
	    buf_add(&d->path, path, len, err))
		return err->code;
	*out = buf_cstr(&d->path);
	return *out != NULL ? ERR_OK : err_nomem(err);
}

static uint64_t
file_size(const struct tree_entry *e)
{
	return e != NULL && e->type == TREE_FILE ? e->content.size : 0;
}

bool
differ_count(struct differ *d, const struct tree_diff *diff)
{
	struct diff_result *r = &d->sum;
	switch (diff->kind) {
	case TREE_DIFF_ADDED:
		r->added++;
		r->bytes_added += file_size(diff->b);
		break;
	case TREE_DIFF_REMOVED:
		r->removed++;
		r->bytes_removed += file_size(diff->a);
		break;
	case TREE_DIFF_CHANGED:
		if (diff->fields == FIELD_MTIME && diff->b->type == TREE_DIR &&
		    !d->opt->folder_times)
			return false;
		if (!diff_is_change(diff->fields)) {
			r->metadata++;
			break;
		}
		r->changed++;
		r->bytes_before += file_size(diff->a);
		r->bytes_now += file_size(diff->b);
		break;
	}
	atomic_fetch_add_explicit(&d->seen, 1, memory_order_relaxed);
	return true;
}

void
differ_problem(void *arg, const struct tree_problem *p)
{
	struct differ *d = arg;
	struct err scratch; /* out of memory: the problem is told without its path */
	AUTO(str) char *path = NULL;
	const char *slash = d->base.len > 0 && p->path_len > 0 ? "/" : "";
	if (str_printf(&path, &scratch, "%s%s%s", (const char *)d->base.data, slash, p->path))
		path = NULL;
	event_problem(d->engine->events, path != NULL ? path : p->path, "%s: %s",
	    tree_problem_word(p->kind), p->text);
}

static enum err_code
tell(void *arg, const struct tree_diff *diff, struct err *err)
{
	struct differ *d = arg;
	struct tree_diff told = *diff;
	if (!differ_count(d, diff) || d->fn == NULL)
		return ERR_OK;
	if (differ_path(d, diff->path, diff->path_len, &told.path, err))
		return err->code;
	told.path_len = d->path.len;
	return d->fn(d->arg, &told, err);
}

static void
sample(void *arg, struct event *e)
{
	struct differ *d = arg;
	e->files = atomic_load(&d->seen);
	e->unit = "differences";
}

/* What a snapshot has at the path; its id is named when it has nothing. */
static enum err_code
look_up(struct differ *d, const struct id *id, struct tree_entry *out, struct err *err)
{
	AUTO(snapshot) struct snapshot s = { .root = TREE_ENTRY_INIT };
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	if (snapshot_open(&s, d->engine->repo, id, err))
		return err->code;
	if (tree_lookup(d->engine->repo, &s.root, d->opt->path, out, err))
		return err_wrap(err, "snapshot %.8s", hex);
	return ERR_OK;
}

static enum err_code
compare(struct differ *d, const struct id *a, const struct id *b, struct err *err)
{
	AUTO(tree_entry) struct tree_entry before = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry now = TREE_ENTRY_INIT;
	AUTO(meter) struct meter *meter = NULL;
	struct tree_compared compared;
	struct tree_compare_options opt = {
		.problem = differ_problem,
		.problem_arg = d,
		.cancel = d->engine->cancel,
	};
	if (look_up(d, a, &before, err) || look_up(d, b, &now, err) ||
	    differ_begin(d, d->opt->path, err))
		return err->code;
	event_phase(d->engine->events, "compare the snapshots");
	meter_start(&meter, d->engine->events, sample, d);
	if (tree_compare(&compared, d->engine->repo, &before, &now, &opt, tell, d, err))
		return err->code;
	d->sum.problems = compared.problems;
	return ERR_OK;
}

enum err_code
diff_snapshots(struct engine *e, const struct id *a, const struct id *b,
    const struct diff_options *opt, tree_diff_fn *fn, void *arg, struct diff_result *out,
    struct err *err)
{
	struct differ d = { .engine = e, .opt = opt, .fn = fn, .arg = arg };
	enum err_code rc = compare(&d, a, b, err);
	differ_release(&d);
	if (rc == ERR_OK)
		*out = d.sum;
	return rc;
}
