/*
 * A dry run of a backup of folders: what it would read, by metadata alone.
 *
 * Live folders are compared with the last snapshot's without opening files.  A
 * backup also reads files that were touched since, and are as large and as old
 * as before: these count as unchanged here, since nothing of them is expected
 * to be new.
 */
#include "engine/backup_paths.h"

#include "sys/fs.h"
#include "tree/compare.h"

/* One path being looked at. */
struct look {
	struct engine *engine;
	const struct capture *capture;
	struct excluder *excluder;
	backup_change_fn *fn;
	void *arg;
	struct backup_preview *sum;
	pthread_mutex_t
	    lock; /* guards calls of fn: what is excluded is found beside the rest */
	struct err err; /* the first that fn gave where it cannot be returned */
};

static enum err_code
tell(struct look *l, enum backup_change_kind kind, const struct tree_diff *d, struct err *err)
{
	if (l->fn == NULL)
		return ERR_OK;
	AUTO(str) char *full = NULL;
	const char *source = l->capture->source;
	const char *slash = d->path_len > 0 && source[1] != '\0' ? "/" : "";
	if (str_printf(&full, err, "%s%s%.*s", source, slash, (int)d->path_len, d->path))
		return err->code;
	struct backup_change c = { kind, full, d->a, d->b, d->fields };
	pthread_mutex_lock(&l->lock);
	enum err_code rc = l->fn(l->arg, &c, err);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

static bool
note_excluded(void *arg, const char *path, size_t len, bool is_dir)
{
	struct look *l = arg;
	if (!excluder_has(l->excluder, path, len, is_dir))
		return false;
	struct err err;
	struct tree_diff d = { .path = path, .path_len = len };
	if (l->err.code == ERR_OK && tell(l, BACKUP_EXCLUDED, &d, &err))
		l->err = err;
	return true;
}

static enum backup_change_kind
kind_of(const struct tree_diff *d)
{
	if (d->kind == TREE_DIFF_ADDED)
		return BACKUP_NEW;
	if (d->kind == TREE_DIFF_REMOVED)
		return BACKUP_REMOVED;
	bool is_read = d->b->type == TREE_FILE &&
		       (d->fields & (FIELD_TYPE | FIELD_SIZE | FIELD_MTIME)) != 0;
	return is_read || (d->fields & FIELD_TYPE) != 0 ? BACKUP_CHANGED : BACKUP_METADATA;
}

static void
add_up(struct backup_preview *p, enum backup_change_kind kind, const struct tree_entry *e)
{
	uint64_t size = e->type == TREE_FILE ? e->content.size : 0;
	switch (kind) {
	case BACKUP_NEW:
		p->new_entries++;
		p->new_files += e->type == TREE_FILE;
		p->new_bytes += size;
		break;
	case BACKUP_CHANGED:
		p->changed++;
		p->changed_bytes += size;
		break;
	case BACKUP_METADATA:
		p->metadata++;
		break;
	case BACKUP_REMOVED:
		p->removed++;
		break;
	case BACKUP_EXCLUDED:
		break;
	}
}

static enum err_code
note_difference(void *arg, const struct tree_diff *d, struct err *err)
{
	struct look *l = arg;
	enum backup_change_kind kind = kind_of(d);
	add_up(l->sum, kind, d->b != NULL ? d->b : d->a);
	return tell(l, kind, d, err);
}

static void
note_problem(void *arg, const struct tree_problem *p)
{
	const struct look *l = arg;
	AUTO(str) char *path = NULL;
	struct err scratch; /* out of memory: the problem is told without its path */
	const char *slash = p->path_len > 0 ? "/" : "";
	if (str_printf(&path, &scratch, "%s%s%s", l->capture->source, slash, p->path))
		path = NULL;
	event_problem(l->engine->events, path != NULL ? path : l->capture->source, "%s: %s",
	    tree_problem_word(p->kind), p->text);
}

static enum err_code
look_at(struct look *l, const struct capture *c, struct err *err)
{
	struct tree_progress progress = TREE_PROGRESS_INIT;
	struct tree_compared compared;
	struct tree_compare_options opt = {
		.no_contents = true,
		.exclude = note_excluded,
		.exclude_arg = l,
		.problem = note_problem,
		.problem_arg = l,
		.progress = &progress,
		.cancel = l->engine->cancel,
	};
	/* A file in place of a folder, or the other way round, has nothing in common with it.
	 */
	bool is_like = c->has_parent && (c->parent.type == TREE_DIR) == fs_is_dir(c->source);
	enum err_code rc = tree_compare_live(&compared, l->engine->repo,
	    is_like ? &c->parent : NULL, c->source, &opt, note_difference, l, err);
	pthread_mutex_destroy(&progress.path_lock);
	if (rc)
		return rc;
	if (l->err.code != ERR_OK) {
		*err = l->err;
		return err->code;
	}
	struct backup_preview *p = l->sum;
	p->kept_files += atomic_load(&progress.files);
	p->kept_bytes += atomic_load(&progress.bytes);
	p->problems += compared.problems;
	p->excluded += excluder_count(l->excluder);
	p->has_parent = p->has_parent || c->has_parent;
	return ERR_OK;
}

static enum err_code
look_at_all(struct backup_run *r, const struct strv *resolved, backup_change_fn *fn, void *arg,
    struct backup_preview *sum, struct err *err)
{
	if (paths_capture(r, resolved, err) ||
	    (r->engine->repo != NULL && run_find_parents(r, err)))
		return err->code;
	for (size_t i = 0; i < r->n_captures; i++) {
		const struct capture *c = &r->captures[i];
		struct excluder_options xo = run_excludes(r, c);
		AUTO(excluder) struct excluder *x = NULL;
		struct look l = {
			.engine = r->engine,
			.capture = c,
			.fn = fn,
			.arg = arg,
			.sum = sum,
			.lock = PTHREAD_MUTEX_INITIALIZER,
		};
		if (excluder_new(&x, &xo, err))
			return err->code;
		l.excluder = x;
		enum err_code rc = look_at(&l, c, err);
		pthread_mutex_destroy(&l.lock);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

enum err_code
backup_look(struct engine *e, const struct strv *paths, const struct backup_options *opt,
    backup_change_fn *fn, void *arg, struct backup_preview *out, struct err *err)
{
	AUTO(strv) struct strv resolved = STRV_INIT;
	struct backup_preview sum = { .has_parent = false };
	struct backup_run r;
	if (paths_resolve(&resolved, paths, err))
		return err->code;
	enum err_code rc = run_init(&r, e, opt, "path", NULL, err);
	if (rc == ERR_OK)
		rc = look_at_all(&r, &resolved, fn, arg, &sum, err);
	run_release(&r);
	if (rc == ERR_OK)
		*out = sum;
	return rc;
}
