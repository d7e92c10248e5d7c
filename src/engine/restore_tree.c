#include "engine/restore_tree.h"

#include "base/strv.h"
#include "engine/meter.h"

/* A tree restored by an ordinary user may have a problem for every file. */
#define PROBLEMS_TOLD 1000

static void
sample(void *arg, struct event *e)
{
	struct restore_pen *p = arg;
	e->bytes = atomic_load(&p->progress.bytes);
	e->files = atomic_load(&p->progress.files);
	e->bytes_total = p->bytes_total;
	e->files_total = p->files_total;
}

void
restore_pen_init(
    struct restore_pen *p, struct engine *e, uint64_t bytes_total, uint64_t files_total)
{
	*p = (struct restore_pen){ .engine = e,
		.prefix = "",
		.bytes_total = bytes_total,
		.files_total = files_total,
		.progress = TREE_PROGRESS_INIT };
	meter_start(&p->meter, e->events, sample, p);
}

void
restore_pen_release(struct restore_pen *p)
{
	meter_stop(TAKE(p->meter));
	if (p->done.problems > p->problems_told)
		event_problem(p->engine->events, NULL, "%llu more problems of these kinds",
		    (unsigned long long)(p->done.problems - p->problems_told));
	p->problems_told = p->done.problems;
}

static bool
is_damage(enum tree_problem_kind kind)
{
	return kind == TREE_DAMAGED || kind == TREE_FAILED || kind == TREE_IN_THE_WAY ||
	       kind == TREE_SPECIAL || kind == TREE_DIFFERS;
}

static void
on_problem(void *arg, const struct tree_problem *problem)
{
	struct restore_pen *p = arg;
	p->damaged += is_damage(problem->kind);
	if (p->problems_told == PROBLEMS_TOLD)
		return;
	p->problems_told++;
	/* Paths may be longer than PATH_MAX. */
	AUTO(str) char *path = NULL;
	struct err scratch; /* without memory it is told without the prefix */
	bool is_root = problem->path_len == 0;
	bool ok = str_printf(&path, &scratch, "%s%s%s", p->prefix, is_root ? "" : "/",
		      problem->path) == ERR_OK;
	event_problem(p->engine->events, ok ? path : problem->path, "%s", problem->text);
}

static struct tree_restore_options
options_of(struct restore_pen *p, const struct tree_restore_options *opt)
{
	struct tree_restore_options o = *opt;
	o.problem = on_problem;
	o.problem_arg = p;
	o.progress = &p->progress;
	o.cancel = p->engine->cancel;
	return o;
}

enum err_code
restore_pen_write(struct restore_pen *p, const struct tree_entry *entry, const char *target,
    const struct tree_restore_options *opt, struct err *err)
{
	struct tree_restore_options o = options_of(p, opt);
	struct tree_restored r = { 0 };
	if (tree_restore(&r, p->engine->repo, entry, target, &o, err))
		return err->code;
	p->done.files += r.files;
	p->done.files_made += r.files_made;
	p->done.files_left += r.files_left;
	p->done.dirs += r.dirs;
	p->done.others += r.others;
	p->done.bytes += r.bytes;
	p->done.bytes_left += r.bytes_left;
	p->done.deleted += r.deleted;
	p->done.lost += r.lost;
	p->done.problems += r.problems;
	p->done.owners_unset += r.owners_unset;
	return ERR_OK;
}

enum err_code
restore_pen_read_back(struct restore_pen *p, const struct tree_entry *entry, const char *target,
    const struct tree_restore_options *opt, uint64_t lost, struct tree_read_back *out,
    struct err *err)
{
	struct tree_restore_options o = options_of(p, opt);
	if (tree_read_back(out, p->engine->repo, entry, target, &o, err))
		return err->code;
	p->done.problems += out->problems;
	if (out->missing <= lost)
		return ERR_OK;
	event_problem(p->engine->events, target, "read back: %llu entries are gone again",
	    (unsigned long long)(out->missing - lost));
	p->done.problems++;
	p->problems_told++;
	return ERR_OK;
}
