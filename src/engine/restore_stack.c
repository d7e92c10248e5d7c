/*
 * The order of a stack's restore.  The way back from each step is past_go_back; recover goes it
 * too when the process dies.
 *
 *	step       begun with                way back
 *	staging    new volumes, stages       remove them
 *	down       the old stack goes        start it again
 *	swapping   items are exchanged       exchange them back, then as above
 *	creating   containers are made       remove them, then as above
 *	loading    databases are filled      as above
 *	starting   everything runs           as above; recover first tries to start it once
 *more. When nothing was there before, it stays, since all data is in place kept       old data
 *stays beside     as above, when the user says so, until it is finished
 */
#include "engine/restore_mounted.h"
#include "engine/restore_past.h"
#include "engine/restore_steps.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct restore_run {
	struct restore_job *job;
	struct restore_record *record;
	bool has_begun;
	enum restore_step step;
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
begin(struct restore_run *r, enum restore_step step, struct err *err)
{
	if (cancel_check(r->job->engine->cancel, err) ||
	    restore_record_write(r->record, r->job, step, err))
		return err->code;
	r->has_begun = true;
	r->step = step;
	return ERR_OK;
}

static enum err_code
stage(struct restore_run *r, struct err *err)
{
	struct restore_job *j = r->job;
	if (job_fetch_images(j, err))
		return err->code;
	event_phase(j->engine->events, "writing the restored data beside its place");
	if (begin(r, STEP_STAGING, err))
		return err->code;
	return job_stage(j, err);
}

static enum err_code
swap(struct restore_run *r, struct err *err)
{
	struct restore_job *j = r->job;
	if (j->now != NULL && j->now->n_containers > 0) {
		event_phase(j->engine->events,
		    j->is_partial ? "stopping what uses the data of stack %s"
				  : "taking stack %s down",
		    j->name);
		if (begin(r, STEP_DOWN, err) || job_take_down(j, err))
			return err->code;
	}
	event_phase(j->engine->events, "putting the restored data in place");
	if (job_note_places(j, err) || begin(r, STEP_SWAPPING, err))
		return err->code;
	return job_swap(j, err);
}

static enum err_code
load(struct restore_run *r, struct err *err)
{
	struct restore_job *j = r->job;
	if (!j->is_partial)
		event_phase(j->engine->events, "making the containers of stack %s", j->name);
	AUTO(loaders) struct restore_loaders *loaders = NULL;
	if (begin(r, STEP_CREATING, err) || job_create(j, err) || job_fill_made(j, err) ||
	    loaders_open(&loaders, j, err) || loaders_place(loaders, err) ||
	    begin(r, STEP_LOADING, err))
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

/* The data is all there; whoever asked for it starts the stack. */
static enum err_code
leave_stopped(struct restore_run *r, struct err *err)
{
	event_phase(r->job->engine->events, "stopping what was started");
	return job_stop(r->job, err);
}

static enum err_code
start(struct restore_run *r, struct err *err)
{
	struct restore_job *j = r->job;
	if (j->opt->no_start)
		return leave_stopped(r, err);
	event_phase(j->engine->events, "starting the services");
	if (begin(r, STEP_STARTING, err) || job_start(j, &j->ran, err))
		return err->code;
	event_phase(j->engine->events, "waiting until all are healthy");
	if (job_wait_healthy(j, &r->running, err) || (j->is_partial && job_stop_others(j, err)))
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
	bool found = !j->is_partial && j->now != NULL && j->now->n_containers > 0;
	for (size_t i = 0; i < j->n_items; i++)
		found = found || j->items[i].has_old;
	return found;
}

/* By the same way as recover and undo: what the record would say of this moment is enough. */
static enum err_code
undo(struct restore_run *r, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(past) struct restore_past *p = NULL;
	if (restore_record_text(r->record, r->job, r->step, &text, err) ||
	    past_read(&p, r->job->engine, r->record->path, &text, err) ||
	    past_connect(p, NULL, err))
		return err->code;
	enum err_code rc = past_go_back(p, err);
	if (rc != ERR_OK && rc != ERR_TRANSIENT)
		past_tell_places(p);
	return rc;
}

static enum err_code
go_back(struct restore_run *r, struct err *err)
{
	const struct restore_job *j = r->job;
	struct err why = ERR_INIT; /* of the way back; err says why it is gone */
	if (!r->has_begun)
		return conclude(err, "nothing was changed");
	if (r->step == STEP_STARTING && !had_old(j)) {
		if (restore_record_remove(r->record->path, &why))
			event_warning(j->engine->events, NULL, "%s", why.msg);
		return conclude(err,
		    "all data is restored and stays; mend it and run docker compose "
		    "--project-name %s "
		    "--project-directory %s up -d",
		    j->name, j->dir);
	}
	if (r->step >= STEP_DOWN)
		event_phase(j->engine->events, "putting everything back: %s", err->msg);
	switch (undo(r, &why)) {
	case ERR_OK:
		break;
	case ERR_TRANSIENT:
		return conclude(err,
		    "all data was put back, but the old stack is not well: %.150s", why.msg);
	default:
		return conclude(err,
		    "and it could not be put back: %.120s; %s tells what lies where", why.msg,
		    r->record->path);
	}
	if (r->step < STEP_DOWN)
		return conclude(err, "nothing was changed");
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
	if (p->needs_trust && !j->opt->may_trust)
		return refuse(ERR_DENIED, "a backup of another host asks for: ", &p->asks, err);
	for (size_t i = 0; i < p->warnings.len; i++)
		event_warning(j->engine->events, NULL, "%s", p->warnings.items[i]);
	return ERR_OK;
}

static void
remove_empty(struct restore_job *j)
{
	for (size_t i = 0; i < j->n_items; i++) {
		const struct restore_item *it = &j->items[i];
		struct err err = ERR_INIT;
		struct mounted m = { it->target, it->stage, it->old };
		if (it->state != ITEM_SWAPPED || !it->was_there)
			continue;
		if (it->is_mounted ? mounted_finish(&m, &err) : fs_remove_tree(it->old, &err))
			event_warning(j->engine->events, it->name,
			    "the empty folder %s could not be removed: %s", it->old, err.msg);
	}
}

/* All runs: what was there before stays until the user is content. */
static void
settle(const struct restore_run *r, struct restore_result *out)
{
	struct restore_job *j = r->job;
	struct err err;
	out->can_undo = had_old(j);
	for (size_t i = 0; i < j->n_items; i++)
		out->kept_bytes += j->items[i].has_old ? j->items[i].old_bytes : 0;
	if (!out->can_undo)
		remove_empty(j);
	if (out->can_undo ? restore_record_write(r->record, j, STEP_KEPT, &err)
			  : restore_record_remove(r->record->path, &err))
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
	*out = (struct restore_result){
		.outcome = j->problems > 0 ? OUTCOME_PARTIAL : OUTCOME_COMPLETE,
		.files = j->files_restored,
		.bytes = j->bytes_restored,
		.databases = j->n_databases,
		.services = r.running,
		.problems = j->problems,
	};
	settle(&r, out);
	out->took_ns = clock_mono_ns() - began_ns;
	return ERR_OK;
}
