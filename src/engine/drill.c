/*
 * The order of a drill, and what a failure of each step says of the snapshot.
 *
 *	step       what it does                            when it fails
 *	prepare    images, space                           inconclusive
 *	restore    kept images, every file into the        failed if stored data is damaged
 *	           scratch
 *	           the compose document is made            failed: Compose does not take it
 *	compare    files                                   failed if one differs
 *	create     containers, guarded                     inconclusive
 *	load       servers start and take their dumps      failed, unless something was cut off
 *	compare    databases                               failed if one differs
 *	start      everything, until healthy               as load
 */
#include "engine/drill_impl.h"

#include "engine/filter.h"
#include "engine/image_claim.h"
#include "repo/proof.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Below this a disk counts as full. */
#define FULL_BYTES (UINT64_C(64) << 20)

const char *
drill_verdict_word(enum drill_verdict v)
{
	static const char *const words[] = { PROOF_PROVED, PROOF_FAILED, PROOF_INCONCLUSIVE };
	return words[v];
}

void
drill_result_release(struct drill_result *r)
{
	json_decref(r->document);
	r->document = NULL;
}

static void
drill_auto(struct drill *d)
{
	for (size_t i = 0; i < d->n_images; i++)
		free(d->images[i].ref);
	free(d->images);
	for (size_t i = 0; d->databases != NULL && i < d->job->n_databases; i++)
		strv_release(&d->databases[i].differences);
	free(d->databases);
	for (size_t i = 0; i < d->n_services; i++)
		free(d->services[i].name);
	free(d->services);
	drill_cuts_release(&d->cuts);
	strv_release(&d->compose_files);
	job_close(d->job);
	drill_scratch_close(d->scratch);
}

/* --- what a failure means --- */

static void
judge(struct drill_result *r, enum drill_verdict v, const char *reason)
{
	r->verdict = v;
	snprintf(r->reason, sizeof r->reason, "%s", reason);
}

/* A cut of this service, or of any when it is NULL, that may be why it does not work. */
static const struct drill_cut *
cut_that_matters(const struct drill *d)
{
	for (size_t i = 0; i < d->cuts.count; i++)
		if (d->cuts.items[i].matters)
			return &d->cuts.items[i];
	return NULL;
}

static bool
is_full(const struct drill *d)
{
	struct err scratch; /* what cannot be asked is not known to be full */
	uint64_t left = UINT64_MAX;
	AUTO(docker_info) struct docker_info info = DOCKER_INFO_INIT;
	if (fs_free_bytes(d->scratch->folder, &left, &scratch) == ERR_OK && left < FULL_BYTES)
		return true;
	return docker_info(d->job->docker, &info, &scratch) == ERR_OK &&
	       fs_is_dir(info.data_root) &&
	       fs_free_bytes(info.data_root, &left, &scratch) == ERR_OK && left < FULL_BYTES;
}

/* Something did not work that works where the stack came from. */
static void
judge_failure(struct drill *d, struct drill_result *r, const struct err *why)
{
	char text[508];
	const struct drill_cut *cut = cut_that_matters(d);
	if (is_full(d)) {
		snprintf(text, sizeof text, "the disk is full: %.450s", why->msg);
		judge(r, DRILL_INCONCLUSIVE, text);
	} else if (cut != NULL) {
		snprintf(text, sizeof text,
		    "%.300s; that may be because something was cut off from it: %s%s%.120s",
		    why->msg, cut->service, *cut->service != '\0' ? ": " : "", cut->what);
		judge(r, DRILL_INCONCLUSIVE, text);
	} else {
		judge(r, DRILL_FAILED, why->msg);
	}
}

static bool
is_damage(enum err_code code)
{
	return code == ERR_CORRUPT || code == ERR_INCOMPLETE;
}

/* --- the steps; true: go on --- */

static bool
prepare(struct drill *d, struct drill_result *r, struct err *err)
{
	event_phase(d->engine->events, "preparing scratch stack %s", d->scratch->project);
	if (drill_find_images(d, err) == ERR_OK && drill_check_space(d, err) == ERR_OK)
		return true;
	judge(r, DRILL_INCONCLUSIVE, err->msg);
	return false;
}

/* What was exchanged for the restored data: empty folders of new volumes. */
static enum err_code
drop_old(struct drill *d, struct err *err)
{
	for (size_t i = 0; i < d->job->n_items; i++)
		if (d->job->items[i].old != NULL && fs_remove_tree(d->job->items[i].old, err))
			return err->code;
	return ERR_OK;
}

static bool
restore(struct drill *d, struct drill_result *r, struct err *err)
{
	struct restore_job *j = d->job;
	event_phase(d->engine->events, "restoring into the scratch stack");
	d->restore_began_ns = clock_mono_ns();
	if (drill_load_images(d, err) || job_stage(j, err) || job_note_places(j, err) ||
	    job_swap(j, err) || drop_old(d, err)) {
		judge(r, is_damage(err->code) ? DRILL_FAILED : DRILL_INCONCLUSIVE, err->msg);
		return false;
	}
	if (drill_write_compose(d, err)) {
		judge(r, err->code == ERR_UNSUPPORTED ? DRILL_INCONCLUSIVE : DRILL_FAILED,
		    err->msg);
		return false;
	}
	return true;
}

static bool
judge_files(struct drill *d, struct drill_result *r)
{
	char text[508];
	if (d->files.wrong == 0)
		return true;
	/* As somebody who may not set owners, nobody could restore it right. */
	bool may_own = geteuid() == 0;
	snprintf(text, sizeof text,
	    "%" PRIu64 " restored files are not as they were backed up: %s%s", d->files.wrong,
	    d->files.first, may_own ? "" : " (only root can set owners)");
	judge(r, may_own ? DRILL_FAILED : DRILL_INCONCLUSIVE, text);
	return false;
}

static bool
compare_files(struct drill *d, struct drill_result *r, struct err *err)
{
	int64_t began_ns = clock_mono_ns();
	event_phase(d->engine->events, "comparing files");
	enum err_code rc = drill_compare_files(d, err);
	d->compared_ns += clock_mono_ns() - began_ns;
	if (rc != ERR_OK) {
		judge(r, is_damage(rc) ? DRILL_FAILED : DRILL_INCONCLUSIVE, err->msg);
		return false;
	}
	return judge_files(d, r);
}

static bool
create(struct drill *d, struct drill_result *r, struct err *err)
{
	event_phase(d->engine->events, "making containers that are cut off from everything");
	if (drill_create(d, err) || drill_guard(d, err)) {
		judge(r, DRILL_INCONCLUSIVE, err->msg);
		return false;
	}
	if (d->job->n_lates == 0)
		return true;
	if (job_fill_made(d->job, err)) {
		judge(r, is_damage(err->code) ? DRILL_FAILED : DRILL_INCONCLUSIVE, err->msg);
		return false;
	}
	int64_t began_ns = clock_mono_ns();
	enum err_code rc = drill_compare_late_files(d, err);
	d->compared_ns += clock_mono_ns() - began_ns;
	if (rc != ERR_OK) {
		judge(r, DRILL_FAILED, err->msg);
		return false;
	}
	return judge_files(d, r);
}

static enum err_code
load_databases(struct drill *d, struct err *err)
{
	struct restore_job *j = d->job;
	AUTO(loaders) struct restore_loaders *loaders = NULL;
	AUTO(strv) struct strv services = STRV_INIT;
	if (loaders_open(&loaders, j, err) || loaders_place(loaders, err))
		return err->code;
	for (size_t i = 0; i < j->n_databases; i++)
		if (strv_add(&services, j->databases[i].service, err))
			return err->code;
	if (drill_start(d, &services, err))
		return err->code;
	return loaders_load(loaders, err);
}

static bool
load(struct drill *d, struct drill_result *r, struct err *err)
{
	if (d->job->n_databases == 0)
		return true;
	event_phase(d->engine->events, "loading databases");
	if (load_databases(d, err) == ERR_OK)
		return true;
	if (is_damage(err->code))
		judge(r, DRILL_FAILED, err->msg);
	else
		judge_failure(d, r, err);
	return false;
}

static bool
compare_databases(struct drill *d, struct drill_result *r, struct err *err)
{
	if (d->job->n_databases == 0)
		return true;
	int64_t began_ns = clock_mono_ns();
	event_phase(d->engine->events, "comparing databases");
	enum err_code rc = drill_compare_databases(d, err);
	d->compared_ns += clock_mono_ns() - began_ns;
	if (rc != ERR_OK) {
		judge(r, is_damage(rc) ? DRILL_FAILED : DRILL_INCONCLUSIVE, err->msg);
		return false;
	}
	for (size_t i = 0; i < d->job->n_databases; i++) {
		const struct drill_database *x = &d->databases[i];
		char text[508];
		if (x->differ == 0)
			continue;
		snprintf(text, sizeof text, "service %s: %s%s", x->db->service,
		    x->differences.items[0], x->differ > 1 ? ", and more" : "");
		judge(r, DRILL_FAILED, text);
		return false;
	}
	return true;
}

static bool
start(struct drill *d, struct drill_result *r, struct err *err)
{
	event_phase(d->engine->events, "starting the services");
	bool ok = drill_start(d, &d->job->ran, err) == ERR_OK;
	if (ok) {
		event_phase(d->engine->events, "waiting until all are healthy");
		ok = drill_wait_healthy(d, err) == ERR_OK;
	}
	if (ok) {
		d->rto_ns = clock_mono_ns() - d->restore_began_ns - d->compared_ns;
		ok = drill_run_checks(d, err) == ERR_OK && drill_watch(d, err) == ERR_OK;
	}
	if (!ok)
		judge_failure(d, r, err);
	return ok;
}

/* Of everything only the compose files, to tell what would be cut off. */
static void
look_only(struct drill *d, struct drill_result *r, struct err *err)
{
	struct restore_job *j = d->job;
	size_t kept = 0;
	for (size_t i = 0; i < j->n_items; i++) {
		struct restore_item *it = &j->items[i];
		if (it->kind == ITEM_PROJECT || it->kind == ITEM_FILE)
			j->items[kept++] = *it;
		else
			item_release(it);
	}
	j->n_items = kept;
	strv_release(&d->scratch->images); /* nothing is loaded for that */
	d->scratch->images = (struct strv)STRV_INIT;
	(void)restore(d, r, err);
}

static void
carry_out(struct drill *d, struct drill_result *r, struct err *err)
{
	if (!prepare(d, r, err))
		return;
	if (d->opt->plan_only)
		look_only(d, r, err);
	else if (restore(d, r, err) && compare_files(d, r, err) && create(d, r, err) &&
		 load(d, r, err) && compare_databases(d, r, err) && start(d, r, err))
		judge(r, DRILL_PROVED, "");
}

/* --- before and after --- */

static enum err_code
clean_before(struct engine *e, struct err *err)
{
	AUTO(drill_leftovers) struct drill_leftovers left = DRILL_LEFTOVERS_INIT;
	AUTO(image_leftovers) struct image_leftovers images = IMAGE_LEFTOVERS_INIT;
	if (drill_clean(e->events, e->state_dir, false, &left, err) ||
	    image_claim_clean(e->events, e->state_dir, &images, err))
		return err->code;
	for (size_t i = 0; i < left.removed.len; i++)
		event_note(e->events, left.removed.items[i],
		    "an earlier drill that died had left it: removed");
	return ERR_OK;
}

/* The project is where it was, below the scratch's root, so that even a path with .. in it
 * leads to where it did. */
static enum err_code
open_job(struct drill *d, const struct id *snapshot, struct err *err)
{
	AUTO(str) char *to = NULL;
	AUTO(json) json_t *document = NULL;
	if (snapshot_load(d->engine->repo, snapshot, &document, err))
		return err->code;
	const char *dir = json_get_str(json_object_get(document, "stack"), "working_dir");
	if (str_printf(&to, err, "%s%s", d->scratch->root,
		dir != NULL && dir[0] == '/' ? dir : "/project"))
		return err->code;
	d->restore = (struct restore_options)RESTORE_OPTIONS_INIT;
	d->restore.as = d->scratch->project;
	d->restore.to = to;
	d->restore.wait_s = d->opt->wait_s;
	enum err_code rc = job_open(&d->job, d->engine, snapshot, &d->restore, err);
	d->restore.to = NULL; /* the job has its own copy */
	return rc;
}

static enum err_code
open_drill(struct drill *d, const struct id *snapshot, struct err *err)
{
	AUTO(docker) struct docker *docker = NULL;
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	bool is_stack;
	opt.host = d->engine->docker_host;
	if (restore_is_stack(d->engine, snapshot, &is_stack, err))
		return err->code;
	if (!is_stack)
		return err_set(err, ERR_USAGE,
		    "a drill is of a stack, this snapshot is not: 'stacksnap restore --verify' "
		    "reads restored files back");
	if (docker_open(&docker, &opt, err) ||
	    drill_scratch_open(
		&d->scratch, d->engine->state_dir, d->opt->to, docker_host(docker), err))
		return err->code;
	if (open_job(d, snapshot, err) || job_connect(d->job, err) || drill_move_job(d, err))
		return err->code;
	d->databases = calloc(d->job->n_databases + 1, sizeof *d->databases);
	if (d->databases == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < d->job->n_databases; i++)
		d->databases[i].db = &d->job->databases[i];
	return ERR_OK;
}

static void
tear_down(struct drill *d, struct drill_result *r, bool keep)
{
	struct err err;
	if (d->scratch == NULL)
		return;
	snprintf(r->project, sizeof r->project, "%s", d->scratch->project);
	if (keep && drill_scratch_keep(d->scratch, &err) == ERR_OK) {
		r->is_kept = true;
		return;
	}
	event_phase(d->engine->events, "removing the scratch stack");
	if (drill_scratch_remove(d->scratch, &err))
		event_warning(
		    d->engine->events, NULL, "%s; 'stacksnap recover' tries again", err.msg);
}

static enum err_code
record(struct drill *d, struct drill_result *r, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	struct id id;
	if (drill_document(&text, d, r, err) ||
	    json_parse(&r->document, text.data, text.len, "proof", err))
		return err->code;
	if (d->opt->no_record || d->opt->plan_only)
		return ERR_OK;
	if (proof_save(d->engine->repo, &text, &id, err))
		return err->code;
	r->is_recorded = true;
	return ERR_OK;
}

enum err_code
drill_run(struct engine *e, const struct id *snapshot, const struct drill_options *opt,
    struct drill_result *out, struct err *err)
{
	AUTO(drill) struct drill d = { .engine = e,
		.opt = opt,
		.began_ns = clock_mono_ns(),
		.began_wall_ns = clock_wall_ns() };
	struct drill_result r = { .verdict = DRILL_INCONCLUSIVE };
	struct err why = ERR_INIT;
	bool writes = !opt->no_record && !opt->plan_only;
	if ((writes && store_check_writable(repo_store(e->repo), err)) || clean_before(e, err))
		return err->code;
	if (open_drill(&d, snapshot, err)) {
		tear_down(&d, &r, false);
		return err->code;
	}
	carry_out(&d, &r, &why);
	bool is_cancelled = cancel_is_raised(e->cancel);
	tear_down(&d, &r, opt->keep && !is_cancelled && !opt->plan_only);
	if (is_cancelled)
		return err_set(err, ERR_CANCELLED,
		    "stopped; the scratch stack was removed, and nothing recorded");
	r.rto_ns = d.rto_ns;
	r.took_ns = clock_mono_ns() - d.began_ns;
	if (record(&d, &r, err)) {
		drill_result_release(&r);
		return err_wrap(err, "record that the drill %s%s",
		    r.verdict == DRILL_PROVED ? "proved the snapshot" : "did not succeed: ",
		    r.reason);
	}
	*out = r;
	return ERR_OK;
}

/* --- which snapshot --- */

struct search {
	const char *stack;
	struct id best;
	bool has_any;
	bool has_complete;
	struct strv *names;
};

static enum err_code
look(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	struct search *q = arg;
	const json_t *source = json_object_get(document, "source");
	const char *kind = json_get_str(source, "kind");
	const char *name = json_get_str(source, "name");
	const char *outcome = json_get_str(document, "outcome");
	if (kind == NULL || strcmp(kind, "stack") != 0 || name == NULL)
		return ERR_OK;
	if (q->names != NULL)
		return strv_has(q->names, name) ? ERR_OK : strv_add(q->names, name, err);
	if (strcmp(name, q->stack) != 0)
		return ERR_OK;
	bool is_complete = outcome != NULL && strcmp(outcome, "complete") == 0;
	if (!is_complete && q->has_complete)
		return ERR_OK;
	q->best = *id; /* listed oldest first */
	q->has_any = true;
	q->has_complete = q->has_complete || is_complete;
	return ERR_OK;
}

enum err_code
drill_find(struct repo *r, const char *stack, struct id *out, struct err *err)
{
	struct search q = { .stack = stack };
	if (snapshot_list(r, look, &q, err))
		return err->code;
	if (!q.has_any)
		return err_set(
		    err, ERR_NOT_FOUND, "the repository holds no snapshot of stack %s", stack);
	*out = q.best;
	return ERR_OK;
}

enum err_code
drill_stacks(struct repo *r, struct strv *out, struct err *err)
{
	struct search q = { .names = out };
	return snapshot_list(r, look, &q, err);
}
