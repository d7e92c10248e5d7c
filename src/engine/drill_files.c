/* Restored files against stored ones, byte by byte and with all metadata, before anything runs
 * that could change them. */
#include "engine/drill_impl.h"

#include "engine/meter.h"
#include "tree/compare.h"
#include "tree/dir.h"

#include <string.h>

#define TOLD_MAX 100

struct comparing {
	struct drill *drill;
	const struct restore_item *item; /* NULL: a volume without a name */
	const char *name;
	struct tree_progress progress;
	uint64_t bytes_total;
	uint64_t files_total;
};

static void
sample(void *arg, struct event *e)
{
	struct comparing *c = arg;
	e->bytes = atomic_load(&c->progress.bytes);
	e->files = atomic_load(&c->progress.files);
	e->bytes_total = c->bytes_total;
	e->files_total = c->files_total;
}

/* A data folder that was left out of the snapshot, and made for a database to fill. */
static bool
is_hollow(void *arg, const char *path, size_t len, bool is_dir)
{
	const struct comparing *c = arg;
	for (size_t i = 0; is_dir && c->item != NULL && i < c->item->n_hollows; i++)
		if (strlen(c->item->hollows[i].path) == len &&
		    memcmp(c->item->hollows[i].path, path, len) == 0)
			return true;
	return false;
}

static enum err_code
on_difference(void *arg, const struct tree_diff *diff, struct err *err)
{
	struct comparing *c = arg;
	struct drill *d = c->drill;
	bool has_hollows = c->item != NULL && c->item->n_hollows > 0;
	const char *field = "";
	(void)err;
	/* Where a data folder was made, its holder has a new mtime. */
	if (has_hollows && diff->kind == TREE_DIFF_CHANGED && diff->fields == FIELD_MTIME &&
	    diff->a->type == TREE_DIR)
		return ERR_OK;
	d->files.wrong++;
	if (d->files.wrong > TOLD_MAX)
		return ERR_OK;
	for (unsigned f = 1; f < FIELD_ALL && *field == '\0'; f <<= 1)
		if ((diff->fields & f) != 0)
			field = tree_field_word((enum tree_field)f);
	if (d->files.first[0] == '\0')
		snprintf(
		    d->files.first, sizeof d->files.first, "%s/%.200s", c->name, diff->path);
	event_problem(d->engine->events, diff->path, "%s: restored, it %s%s", c->name,
	    diff->kind == TREE_DIFF_REMOVED ? "is missing"
	    : diff->kind == TREE_DIFF_ADDED ? "is there, but not in the snapshot"
					    : "differs in its ",
	    diff->kind == TREE_DIFF_CHANGED ? field : "");
	return ERR_OK;
}

static void
on_problem(void *arg, const struct tree_problem *p)
{
	const struct comparing *c = arg;
	c->drill->files.wrong++;
	event_problem(c->drill->engine->events, p->path, "%s: %s", c->name, p->text);
}

static enum err_code
compare(struct comparing *c, const char *tree, const char *place, struct err *err)
{
	const struct restore_job *j = c->drill->job;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct tree_compare_options opt = TREE_COMPARE_OPTIONS_INIT;
	struct tree_compared done = { 0 };
	opt.exclude = is_hollow;
	opt.exclude_arg = c;
	opt.problem = on_problem;
	opt.problem_arg = c;
	opt.progress = &c->progress;
	opt.cancel = c->drill->engine->cancel;
	if (tree_lookup(j->engine->repo, &j->snapshot.root, tree, &e, err) ||
	    tree_compare_live(&done, j->engine->repo, &e, place, &opt, on_difference, c, err))
		return err_wrap(err, "compare %s", c->name);
	return ERR_OK;
}

static void
begin(struct comparing *c, struct drill *d)
{
	*c = (struct comparing){ .drill = d, .progress = TREE_PROGRESS_INIT };
	for (size_t i = 0; i < d->job->n_items; i++) {
		c->bytes_total += d->job->items[i].bytes;
		c->files_total += d->job->items[i].files;
	}
}

static void
finish(struct comparing *c)
{
	c->drill->files.files += atomic_load(&c->progress.files);
	c->drill->files.bytes += atomic_load(&c->progress.bytes);
	c->drill->files.is_compared = true;
	pthread_mutex_destroy(&c->progress.path_lock);
}

enum err_code
drill_compare_files(struct drill *d, struct err *err)
{
	const struct restore_job *j = d->job;
	struct comparing c;
	struct meter *meter;
	enum err_code rc = ERR_OK;
	begin(&c, d);
	meter_start(&meter, d->engine->events, sample, &c);
	for (size_t i = 0; i < j->n_items && rc == ERR_OK; i++) {
		c.item = &j->items[i];
		c.name = c.item->tree;
		if (c.item->tree != NULL)
			rc = compare(&c, c.item->tree, c.item->target, err);
	}
	meter_stop(meter);
	finish(&c);
	return rc;
}

/* The folder of a volume without a name, as Compose has made it for the container. */
static enum err_code
late_folder(
    char **out, const struct restore_job *j, const struct restore_late *l, struct err *err)
{
	for (size_t i = 0; i < j->made->n_containers; i++) {
		const struct stack_container *c = &j->made->containers[i];
		if (strcmp(c->service, l->service) != 0 || c->number != l->number)
			continue;
		for (size_t k = 0; k < c->n_mounts; k++)
			if (strcmp(c->mounts[k].target, l->target) == 0)
				return job_mount_folder(out, j, &c->mounts[k], err);
	}
	return err_set(err, ERR_NOT_FOUND, "service %s has no volume at %s any more",
	    l->service, l->target);
}

enum err_code
drill_compare_late_files(struct drill *d, struct err *err)
{
	const struct restore_job *j = d->job;
	struct comparing c;
	enum err_code rc = ERR_OK;
	begin(&c, d);
	for (size_t i = 0; i < j->n_lates && rc == ERR_OK; i++) {
		AUTO(str) char *folder = NULL;
		c.name = j->lates[i].tree;
		rc = late_folder(&folder, j, &j->lates[i], err);
		if (rc == ERR_OK)
			rc = compare(&c, j->lates[i].tree, folder, err);
	}
	finish(&c);
	return rc;
}
