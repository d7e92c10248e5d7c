/*
 * A stack's backup, phase by phase (docs/design.md, "The life of a backup"):
 *
 *	preflight → first pass → hooks → prepare → QUIESCE → fences and last pass
 *	    → THAW → hooks → drain → gates → commit
 */
#include "engine/backup_stack.h"

#include "docker/exec.h"
#include "engine/capture_sqlite.h"
#include "engine/meter.h"
#include "engine/publish.h"
#include "engine/quiet_plan.h"
#include "engine/restore_settle.h"

#include <string.h>

/* --- preflight --- */

static enum err_code
make_captures(struct stack_backup *b, struct err *err)
{
	struct backup_run *r = &b->run;
	struct plan *p = b->plan;
	const struct setting_value *snapshot =
	    settings_get(p->settings, NULL, SETTING_SNAPSHOT);
	bool may_clone = strcmp(snapshot->text, "none") != 0;
	r->captures = calloc(p->n_members + 1, sizeof *r->captures);
	if (r->captures == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < p->n_members; i++) {
		const struct plan_member *m = &p->members[i];
		struct capture *c = &r->captures[r->n_captures++];
		*c = (struct capture){
			.kind = member_kind_word(m->kind),
			.name = m->name,
			.path = m->path,
			.source = m->source,
			.services = &m->services,
			.exclude = &m->exclude,
			.docker = b->docker,
			.inside = m->inside,
			.container =
			    m->inside != NULL ? p->stack->containers[m->container].id : NULL,
			.member = m,
			.may_clone = may_clone,
			.entry = TREE_ENTRY_INIT,
		};
		if (capture_rules(c, &m->rules, err) ||
		    (sqlite_is_wanted(p, m) && sqlite_set_new(&c->sqlite, err)))
			return err->code;
		if (m->kind != MEMBER_DATABASE)
			continue;
		const struct stack_container *container = &p->stack->containers[m->container];
		if (container->state == CONTAINER_PAUSED)
			return err_set(err, ERR_LOCKED,
			    "service %s: container %s is paused, so its database cannot be "
			    "asked; "
			    "resume it with 'docker unpause %s'",
			    container->service, container->name, container->name);
		if (live_server_open(&c->server, b->docker, container, r->engine->cancel, err))
			return err->code;
	}
	return ERR_OK;
}

static void
tell_gaps(const struct stack_backup *b)
{
	const struct strv *warnings = settings_warnings(b->plan->settings);
	for (size_t i = 0; i < warnings->len; i++)
		event_warning(
		    b->run.engine->events, b->plan->stack->name, "%s", warnings->items[i]);
	for (size_t i = 0; i < b->plan->n_gaps; i++) {
		const struct plan_gap *g = &b->plan->gaps[i];
		if (g->matters)
			event_warning(
			    b->run.engine->events, g->what, "is not captured: %s", g->why);
	}
}

/* A stack that is taken down has no server that could be asked. */
static enum err_code
tell_databases_at_rest(const struct stack_backup *b, struct err *err)
{
	const struct stack *s = b->plan->stack;
	for (size_t i = 0; quiet_plan_is_down(b->plan->settings) && i < s->n_containers; i++) {
		struct target_lists lists = { STRV_INIT, STRV_INIT };
		struct db_target target;
		enum err_code rc = plan_db_target(&target, &lists, &s->containers[i], err);
		enum db_kind kind = rc == ERR_OK ? connector_detect(&target) : DB_NONE;
		target_lists_release(&lists);
		if (rc)
			return rc;
		if (kind != DB_NONE)
			event_note(b->run.engine->events, s->containers[i].service,
			    "its database will be down too: its files are taken at rest, not "
			    "dumped");
	}
	return ERR_OK;
}

static enum err_code
preflight(struct stack_backup *b, struct err *err)
{
	event_phase(b->run.engine->events, "check stack %s", b->plan->stack->name);
	tell_gaps(b);
	if (window_recover(b, err) || tell_databases_at_rest(b, err) || make_captures(b, err) ||
	    databases_check(&b->run, err) || run_find_parents(&b->run, err))
		return err->code;
	return ERR_OK;
}

/* --- files --- */

enum err_code
save_all_files(struct stack_backup *b, enum save_pass pass, struct err *err)
{
	for (size_t i = 0; i < b->run.n_captures; i++) {
		struct capture *c = &b->run.captures[i];
		if (c->source != NULL && save_files_begin(&b->run, c, pass, err))
			return err->code;
		if (c->source != NULL && pass == PASS_FIRST &&
		    save_files_end(&b->run, c, pass, err))
			return err->code;
		if (c->inside != NULL && pass != PASS_FIRST &&
		    save_from_engine(&b->run, c, err))
			return err->code;
	}
	return ERR_OK;
}

/* What was cloned while the stack was quiet is read now. */
static enum err_code
end_all_files(struct stack_backup *b, struct err *err)
{
	uint64_t clones = 0;
	uint64_t bytes = 0;
	for (size_t i = 0; i < b->run.n_captures; i++) {
		const struct capture *c = &b->run.captures[i];
		uint64_t more = 0;
		if (c->saving != NULL)
			clones += tree_saving_clones(c->saving, &more);
		bytes += more;
	}
	if (clones > 0)
		event_note(b->run.engine->events, b->plan->stack->name,
		    "long files that were cloned at the instant, and are read now: %llu (%.1f "
		    "MB)",
		    (unsigned long long)clones, (double)bytes / 1e6);
	for (size_t i = 0; i < b->run.n_captures; i++) {
		struct capture *c = &b->run.captures[i];
		if (c->saving != NULL && save_files_end(&b->run, c, PASS_LAST, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
first_pass(struct stack_backup *b, struct err *err)
{
	event_phase(b->run.engine->events, "read files while the stack runs");
	if (run_survey(&b->run, err))
		return err->code;
	AUTO(meter) struct meter *meter = NULL;
	meter_start(&meter, b->run.engine->events, run_sample, &b->run);
	/* Flushed, so that the last pass can read its listings. */
	if (save_all_files(b, PASS_FIRST, err) || writer_flush(b->run.writer, err))
		return err->code;
	return ERR_OK;
}

/* --- after the window --- */

static void
tell_members(const struct stack_backup *b)
{
	for (size_t i = 0; i < b->run.n_captures; i++) {
		const struct capture *c = &b->run.captures[i];
		if (!capture_is_files(c) && c->connector == NULL)
			continue;
		struct event e = {
			.kind = EVENT_MEMBER,
			.subject = c->name,
			.text = c->kind,
			.bytes = c->bytes,
			.files = c->files,
		};
		event_emit(b->run.engine->events, &e);
	}
}

static enum err_code
drain(struct stack_backup *b, struct err *err)
{
	event_phase(b->run.engine->events, "drain database dumps while the stack runs");
	/* Dumps have no size that is known before their end. */
	survey_stop(TAKE(b->run.survey));
	AUTO(meter) struct meter *meter = NULL;
	atomic_store(&b->run.progress.bytes, 0);
	atomic_store(&b->run.progress.bytes_unchanged, 0);
	atomic_store(&b->run.progress.files, 0);
	meter_start(&meter, b->run.engine->events, run_sample, &b->run);
	if (end_all_files(b, err))
		return err->code;
	for (size_t i = 0; i < b->run.n_captures; i++)
		if (sqlite_drain_all(&b->run, &b->run.captures[i], err))
			return err->code;
	return databases_drain(&b->run, err);
}

static enum err_code
finish(struct stack_backup *b, struct backup_result *out, struct err *err)
{
	if (drain(b, err) || save_images(&b->run, b->docker, err))
		return err->code;
	for (size_t i = 0; i < b->run.n_captures; i++) {
		struct capture *c = &b->run.captures[i];
		if (gate_not_emptied(&b->run, c, err))
			return err->code;
		if (c->connector == NULL)
			continue;
		const struct strv *warnings = &connector_report(c->connector)->warnings;
		for (size_t k = 0; k < warnings->len; k++)
			event_warning(b->run.engine->events, c->name, "%s", warnings->items[k]);
	}
	unsigned percent = settings_percent(b->plan->settings, NULL, SETTING_SHRINK);
	if (gate_not_shrunk(&b->run, percent, err))
		return err->code;
	event_phase(b->run.engine->events, "write snapshot");
	if (save_meta(b, err))
		return err->code;
	/* The member "meta" was made of single documents; it needs an instant like the others.
	 */
	for (size_t i = 0; i < b->run.n_captures; i++) {
		struct capture *c = &b->run.captures[i];
		if (c->fence_begin_ns == 0) {
			c->fence_begin_ns = b->run.captures[0].fence_begin_ns;
			c->fence_end_ns = b->run.captures[0].fence_begin_ns;
		}
	}
	if (run_commit(&b->run, b->plan, b->was_quiet ? &b->quiet : NULL, b->layout, out, err))
		return err->code;
	tell_members(b);
	return ERR_OK;
}

static enum err_code
run_backup(struct stack_backup *b, struct backup_result *out, struct err *err)
{
	if (preflight(b, err) || first_pass(b, err) || window_work(b, err) ||
	    finish(b, out, err))
		return err->code;
	return ERR_OK;
}

struct stack_job {
	struct engine *engine;
	const char *stack;
	const struct backup_options *options;
	struct backup_result *out;
};

/* What stands, when the user has stopped it. */
static void
tell_stopped(const struct stack_backup *b, struct err *err)
{
	if (err->code == ERR_CANCELLED && cancel_is_raised(b->user))
		err_set(err, ERR_CANCELLED,
		    "stopped on request: %s, and no snapshot was written",
		    b->is_touched ? "its services run again" : "no service was touched");
}

static enum err_code
open_parts(struct stack_backup *b, const struct stack_job *job, struct err *err)
{
	struct deadline_options until = {
		.parent = job->engine->cancel,
		.expired = window_is_too_long,
		.arg = b,
	};
	if (deadline_open(&b->until, &until, err))
		return err->code;
	b->user = job->engine->cancel;
	b->engine = *job->engine;
	b->engine.cancel = deadline_cancel(b->until);
	/* Half a restore is nobody's state. */
	if (restore_check_settled(job->engine, job->stack, err) ||
	    engine_docker(&b->docker, &b->engine, err) ||
	    plan_make(&b->plan, b->docker, job->stack, &job->options->settings, err) ||
	    layout_new(&b->layout, err))
		return err->code;
	return run_init(&b->run, &b->engine, job->options, "stack", b->plan->stack->name, err);
}

static enum err_code
run_stack(void *arg, struct err *err)
{
	const struct stack_job *job = arg;
	struct stack_backup b = { .docker = NULL };
	enum err_code rc = open_parts(&b, job, err);
	if (rc == ERR_OK)
		rc = run_backup(&b, job->out, err);
	if (rc) {
		rc = publish_blame(b.run.writer, err);
		tell_stopped(&b, err);
	}
	/* Its thread uses what is freed here, which in turn uses its cancel. */
	deadline_stop(b.until);
	lifecycle_free(b.lifecycle);
	if (b.run.engine != NULL)
		run_release(&b.run);
	free(b.journal_path);
	free(b.quiet.services);
	layout_free(b.layout);
	plan_free(b.plan);
	docker_close(b.docker);
	deadline_close(b.until);
	return rc;
}

enum err_code
backup_stack(struct engine *e, const char *stack, const struct backup_options *opt,
    struct backup_result *out, struct err *err)
{
	struct stack_job job = { e, stack, opt, out };
	return publish_with_retry(e, stack, run_stack, &job, err);
}
