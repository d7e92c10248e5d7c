/*
 * The order of a stack's restore, and the way back from each step.
 *
 *	step       begun with                way back
 *	staging    new volumes, stages       remove them
 *	down       the old stack goes        start it again
 *	swapping   items are exchanged       exchange them back, then as above
 *	creating   containers are made       remove them, then as above
 *	loading    databases are filled      as above
 *	starting   everything runs           as above; when nothing was there before, it stays,
 *	                                     since all data is in place
 */
#include "engine/restore_steps.h"
#include "sys/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum reach {
	REACH_NOTHING,
	REACH_STAGING,
	REACH_DOWN,
	REACH_SWAPPING,
	REACH_CREATING,
	REACH_LOADING,
	REACH_STARTING,
};

static const char *const reach_words[] = { "nothing", "staging", "down", "swapping", "creating",
	"loading", "starting" };

struct restore_run {
	struct restore_job *job;
	struct restore_record *record;
	enum reach reach;
	uint64_t running;
};

/* Put a sentence behind an error, which is cut when both are too long. */
static enum err_code PRINTF_LIKE(2, 3) conclude(struct err *err, const char *fmt, ...)
{
	char end[300];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(end, sizeof end, fmt, ap);
	va_end(ap);
	size_t end_len = n < 0 ? 0 : min_size((size_t)n, sizeof end - 1);
	size_t room = sizeof err->msg - end_len - 3;
	size_t len = min_size(strlen(err->msg), room);
	snprintf(err->msg + len, sizeof err->msg - len, "; %s", end);
	return err->code;
}

static enum err_code
refuse(enum err_code code, const char *start, const struct strv *reasons, struct err *err)
{
	char text[400];
	size_t len = 0;
	for (size_t i = 0; i < reasons->len && len < sizeof text; i++) {
		size_t left = reasons->len - i;
		if (i > 0 && len + strlen(reasons->items[i]) + 20 > sizeof text) {
			snprintf(text + len, sizeof text - len, "; and %zu more", left);
			break;
		}
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s",
		    i > 0 ? "; " : "", reasons->items[i]);
	}
	return err_set(err, code, "%s%s", start, text);
}

/* A step that cannot be taken back begins: first it is written down. */
static enum err_code
begin(struct restore_run *r, enum reach reach, struct err *err)
{
	if (cancel_check(r->job->engine->cancel, err) ||
	    restore_record_write(r->record, r->job, reach_words[reach], err))
		return err->code;
	r->reach = reach;
	return ERR_OK;
}

static enum err_code
stage(struct restore_run *r, struct err *err)
{
	struct restore_job *j = r->job;
	event_phase(j->engine->events, "writing the restored data beside its place");
	if (begin(r, REACH_STAGING, err))
		return err->code;
	return job_stage(j, err);
}

static enum err_code
swap(struct restore_run *r, struct err *err)
{
	struct restore_job *j = r->job;
	if (j->now != NULL && j->now->n_containers > 0) {
		event_phase(j->engine->events, "taking stack %s down", j->name);
		if (begin(r, REACH_DOWN, err) || job_take_down(j, err))
			return err->code;
	}
	event_phase(j->engine->events, "putting the restored data in place");
	if (begin(r, REACH_SWAPPING, err))
		return err->code;
	return job_swap(j, err);
}

static enum err_code
load(struct restore_run *r, struct err *err)
{
	struct restore_job *j = r->job;
	event_phase(j->engine->events, "making the containers of stack %s", j->name);
	AUTO(loaders) struct restore_loaders *loaders = NULL;
	if (begin(r, REACH_CREATING, err) || job_create(j, err) || job_fill_made(j, err) ||
	    loaders_open(&loaders, j, err) || loaders_place(loaders, err) ||
	    begin(r, REACH_LOADING, err))
		return err->code;
	if (j->n_databases == 0)
		return ERR_OK;
	event_phase(j->engine->events, "loading databases");
	AUTO(strv) struct strv services = STRV_INIT;
	for (size_t i = 0; i < j->n_databases; i++)
		if (strv_add(&services, j->databases[i].service, err))
			return err->code;
	if (job_start(j, &services, err))
		return err->code;
	return loaders_load(loaders, err);
}

static enum err_code
start(struct restore_run *r, struct err *err)
{
	struct restore_job *j = r->job;
	event_phase(j->engine->events, "starting the services");
	if (begin(r, REACH_STARTING, err) || job_start(j, &j->ran, err))
		return err->code;
	event_phase(j->engine->events, "waiting until all are healthy");
	if (job_wait_healthy(j, &r->running, err))
		return err->code;
	for (size_t i = 0; i < j->ran.len; i++)
		event_service(j->engine->events, j->ran.items[i], "runs");
	for (size_t i = 0; i < j->n_containers; i++)
		if (j->containers[i].was_paused)
			event_note(j->engine->events, j->containers[i].service,
			    "was paused when the backup was made; it runs now");
	return ERR_OK;
}

static bool
had_old(const struct restore_job *j)
{
	bool found = j->now != NULL && j->now->n_containers > 0;
	for (size_t i = 0; i < j->n_items; i++)
		found = found || j->items[i].has_old;
	return found;
}

/* For the case that even the way back failed. */
static void
tell_places(const struct restore_run *r)
{
	const struct restore_job *j = r->job;
	for (size_t i = 0; i < j->n_items; i++) {
		const struct restore_item *it = &j->items[i];
		if (it->state == ITEM_SWAPPED)
			event_warning(j->engine->events, it->name,
			    "restored data stands at %s, what was there before at %s",
			    it->target, it->was_there ? it->old : "(nothing was there)");
		else if (it->state == ITEM_STAGED)
			event_warning(j->engine->events, it->name,
			    "what was there before stands at its place, restored data at %s",
			    it->stage);
	}
	event_warning(j->engine->events, NULL,
	    "to bring the old stack back: put each old folder in place, then run docker "
	    "compose "
	    "--project-name %s --project-directory %s up -d",
	    j->name, j->now != NULL ? j->now->working_dir : j->dir);
}

/* Each step of the way back, latest first. */
static enum err_code
undo(struct restore_run *r, struct err *err)
{
	struct restore_job *j = r->job;
	if (job_ignore_cancel(j, err))
		return err->code;
	if (r->reach >= REACH_CREATING && job_remove_made(j, err))
		return err->code;
	if (r->reach >= REACH_SWAPPING && job_swap_back(j, err))
		return err->code;
	if (r->reach >= REACH_STAGING && job_unstage(j, err))
		return err->code;
	if (r->reach >= REACH_DOWN && job_start_old(j, err))
		return err->code;
	return restore_record_remove(r->record, err);
}

static enum err_code
go_back(struct restore_run *r, struct err *err)
{
	const struct restore_job *j = r->job;
	struct err why = ERR_INIT; /* of the way back; err says why it is gone */
	if (r->reach == REACH_STARTING && !had_old(j)) {
		if (restore_record_remove(r->record, &why))
			event_warning(j->engine->events, NULL, "%s", why.msg);
		return conclude(err,
		    "all data is restored and stays; mend it and run docker compose "
		    "--project-name %s "
		    "--project-directory %s up -d",
		    j->name, j->dir);
	}
	if (r->reach >= REACH_DOWN)
		event_phase(j->engine->events, "putting everything back: %s", err->msg);
	if (undo(r, &why) != ERR_OK) {
		tell_places(r);
		return conclude(err,
		    "and it could not be put back: %.120s; %s tells what lies where", why.msg,
		    restore_record_path(r->record));
	}
	if (r->reach < REACH_DOWN)
		return conclude(err, "nothing was changed");
	if (job_wait_old(r->job, &why) != ERR_OK)
		return conclude(err,
		    "all data was put back, but the old stack is not well: %.150s", why.msg);
	return conclude(err, had_old(j)
				 ? "everything was put back and is as before"
				 : "nothing was there before, and nothing was left behind");
}

static enum err_code
check_agreed(const struct restore_job *j, struct err *err)
{
	const struct restore_preview *p = &j->preview;
	if (p->obstacles.len > 0)
		return refuse(ERR_USAGE, "", &p->obstacles, err);
	if (p->replaces.len > 0 && !j->opt->may_replace)
		return refuse(ERR_EXISTS, "would be replaced: ", &p->replaces, err);
	for (size_t i = 0; i < p->warnings.len; i++)
		event_warning(j->engine->events, NULL, "%s", p->warnings.items[i]);
	return ERR_OK;
}

/* All runs: what was there before is needed no more, unless something is missing now. */
static void
settle(const struct restore_run *r)
{
	struct restore_job *j = r->job;
	struct err err;
	bool was_partial = json_get_int(j->snapshot.document, "problem_count", 0) > 0;
	bool keep = j->problems > 0 || was_partial;
	job_retire(j, keep);
	job_retire_unnamed(j, keep);
	if (restore_record_remove(r->record, &err))
		event_warning(j->engine->events, NULL, "%s", err.msg);
}

enum err_code
restore_stack(struct engine *e, const struct id *snapshot, const struct restore_options *opt,
    struct restore_result *out, struct err *err)
{
	int64_t began_ns = clock_mono_ns();
	AUTO(job) struct restore_job *j = NULL;
	AUTO(restore_record) struct restore_record *record = NULL;
	event_phase(e->events, "looking at what is there");
	if (job_open(&j, e, snapshot, opt, err) || job_look(j, err) || check_agreed(j, err) ||
	    restore_record_open(&record, j, err))
		return err->code;
	struct restore_run r = { .job = j, .record = record };
	if (stage(&r, err) || swap(&r, err) || load(&r, err) || start(&r, err))
		return go_back(&r, err);
	settle(&r);
	*out = (struct restore_result){
		.outcome = j->problems > 0 ? OUTCOME_PARTIAL : OUTCOME_COMPLETE,
		.files = j->files_restored,
		.bytes = j->bytes_restored,
		.databases = j->n_databases,
		.services = r.running,
		.problems = j->problems,
		.took_ns = clock_mono_ns() - began_ns,
	};
	return ERR_OK;
}
