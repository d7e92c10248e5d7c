/*
 * A stack's backup, phase by phase (docs/design.md, "The life of a backup"):
 *
 *	preflight → first pass → prepare → QUIESCE → fences and last pass → THAW
 *	    → drain → gates → commit
 *
 * Between QUIESCE and THAW nothing returns without thawing: quiet_work runs in
 * there, and backup_quietly thaws whatever it says.
 */
#include "engine/backup.h"

#include "docker/exec.h"
#include "docker/lifecycle.h"
#include "engine/capture.h"
#include "engine/meter.h"
#include "engine/publish.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/thread.h"

#include <stdarg.h>

struct stack_backup {
	struct backup_run run;
	struct docker *docker;
	struct plan *plan;
	struct layout *layout;
	char *journal_path;
	struct lifecycle *lifecycle;
	struct quiet_window quiet;
	bool was_quiet;
};

static bool
is_database(const struct capture *c)
{
	return c->member != NULL && c->member->kind == MEMBER_DATABASE;
}

/* --- one thread for each database --- */

typedef enum err_code database_step(struct backup_run *r, struct capture *c, struct err *err);

struct step_thread {
	pthread_t thread;
	bool started;
	database_step *step;
	struct backup_run *run;
	struct capture *capture;
	struct err err;
};

static void *
run_step(void *arg)
{
	struct step_thread *t = arg;
	t->err = (struct err)ERR_INIT;
	t->step(t->run, t->capture, &t->err);
	return NULL;
}

struct steps {
	struct step_thread *threads;
	size_t count;
};

/* Start step for all databases at once. */
static enum err_code
steps_start(struct steps *s, struct backup_run *r, database_step *step, struct err *err)
{
	*s = (struct steps){ calloc(r->n_captures + 1, sizeof *s->threads), 0 };
	if (s->threads == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < r->n_captures; i++) {
		if (!is_database(&r->captures[i]))
			continue;
		struct step_thread *t = &s->threads[s->count];
		t->step = step;
		t->run = r;
		t->capture = &r->captures[i];
		if (thread_start(&t->thread, run_step, t, "database", err))
			return err->code;
		t->started = true;
		s->count++;
	}
	return ERR_OK;
}

/* Wait for all; the first failure is told. */
static enum err_code
steps_join(struct steps *s, struct err *err)
{
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < s->count; i++) {
		pthread_join(s->threads[i].thread, NULL);
		if (rc == ERR_OK && s->threads[i].err.code != ERR_OK) {
			*err = s->threads[i].err;
			rc = err->code;
		}
	}
	free(s->threads);
	*s = (struct steps){ NULL, 0 };
	return rc;
}

static enum err_code
for_databases(struct backup_run *r, database_step *step, struct err *err)
{
	struct steps s;
	struct err start = ERR_INIT;
	steps_start(&s, r, step, &start);
	enum err_code rc = steps_join(&s, err);
	if (rc == ERR_OK && start.code != ERR_OK)
		*err = start;
	return rc ? rc : start.code;
}

static enum err_code
check_database(struct backup_run *r, struct capture *c, struct err *err)
{
	const struct db_info *info;
	if (connector_open(&c->connector, &c->target, c->member->db, err) ||
	    connector_check(c->connector, &info, err))
		return err->code;
	for (size_t i = 0; i < info->warnings.len; i++)
		event_warning(r->engine->events, c->name, "%s", info->warnings.items[i]);
	return ERR_OK;
}

static enum err_code
prepare_database(struct backup_run *r, struct capture *c, struct err *err)
{
	(void)r;
	return connector_prepare(c->connector, err);
}

static enum err_code
fence_database(struct backup_run *r, struct capture *c, struct err *err)
{
	(void)r;
	if (connector_fence(c->connector, &c->fence, err))
		return err->code;
	c->fence_begin_ns = c->fence.begin_ns;
	c->fence_end_ns = c->fence.end_ns;
	return ERR_OK;
}

/* --- preflight --- */

/* A run that died may have left services quiet: they come first. */
static enum err_code
recover_journal(struct stack_backup *b, struct err *err)
{
	AUTO(strv) struct strv thawed = STRV_INIT;
	struct engine *e = b->run.engine;
	if (fs_mkdirs(e->state_dir, 0700, err) ||
	    str_printf(
		&b->journal_path, err, "%s/quiet-%s.json", e->state_dir, b->plan->stack->name))
		return err->code;
	if (journal_recover(b->journal_path, &thawed, err)) {
		if (err->code == ERR_NOT_FOUND)
			return ERR_OK;
		if (err->code == ERR_LOCKED)
			return err_set(err, ERR_LOCKED,
			    "stack %s: another backup has its services quiet right now; try "
			    "again "
			    "when it is done",
			    b->plan->stack->name);
		return err->code;
	}
	for (size_t i = 0; i < thawed.len; i++)
		event_service(e->events, thawed.items[i],
		    "runs again: an earlier run that died had left it quiet");
	return ERR_OK;
}

static enum err_code
make_captures(struct stack_backup *b, struct err *err)
{
	struct backup_run *r = &b->run;
	struct plan *p = b->plan;
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
			.member = m,
			.entry = TREE_ENTRY_INIT,
		};
		if (m->kind != MEMBER_DATABASE)
			continue;
		const struct stack_container *container = &p->stack->containers[m->container];
		if (container->state == CONTAINER_PAUSED)
			return err_set(err, ERR_LOCKED,
			    "service %s: container %s is paused, so its database cannot be "
			    "asked; "
			    "resume it with 'docker unpause %s'",
			    container->service, container->name, container->name);
		if (plan_db_target(&c->target, &c->lists, container, err) ||
		    docker_runner_open(&c->runner, b->docker, container->id, err))
			return err->code;
		c->target.runner = c->runner;
		c->target.cancel = r->engine->cancel;
	}
	return ERR_OK;
}

static void
tell_gaps(const struct stack_backup *b)
{
	for (size_t i = 0; i < b->plan->n_gaps; i++) {
		const struct plan_gap *g = &b->plan->gaps[i];
		if (g->matters)
			event_warning(
			    b->run.engine->events, g->what, "is not captured: %s", g->why);
	}
}

static enum err_code
preflight(struct stack_backup *b, struct err *err)
{
	event_phase(b->run.engine->events, "check stack %s", b->plan->stack->name);
	tell_gaps(b);
	if (recover_journal(b, err) || make_captures(b, err) ||
	    for_databases(&b->run, check_database, err) || run_find_parents(&b->run, err))
		return err->code;
	return ERR_OK;
}

/* --- files --- */

static enum err_code
save_all_files(struct stack_backup *b, enum save_pass pass, struct err *err)
{
	for (size_t i = 0; i < b->run.n_captures; i++) {
		struct capture *c = &b->run.captures[i];
		if (c->source != NULL && save_files(&b->run, c, pass, err))
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

/* --- the quiet window --- */

static enum err_code
quiet_work(struct stack_backup *b, struct err *err)
{
	struct steps fences;
	struct err start = ERR_INIT;
	struct err files = ERR_INIT;
	steps_start(&fences, &b->run, fence_database, &start);
	if (start.code == ERR_OK)
		save_all_files(b, PASS_LAST, &files);
	enum err_code rc = steps_join(&fences, err);
	if (rc)
		return rc;
	const struct err *first = start.code != ERR_OK ? &start : &files;
	if (first->code != ERR_OK)
		*err = *first;
	return first->code;
}

static void
tell_quiet(const struct stack_backup *b)
{
	size_t n;
	const struct lifecycle_step *steps = lifecycle_steps(b->lifecycle, &n);
	for (size_t i = 0; i < n; i++)
		if (steps[i].is_quiesced)
			event_service(b->run.engine->events, steps[i].service, "%s",
			    b->run.options->quiesce == QUIESCE_PAUSE ? "paused" : "stopped");
}

static void
tell_thawed(const struct stack_backup *b)
{
	size_t n;
	const struct lifecycle_step *steps = lifecycle_steps(b->lifecycle, &n);
	for (size_t i = 0; i < n; i++)
		if (steps[i].is_thawed)
			event_service(b->run.engine->events, steps[i].service,
			    "runs again after %.0f ms",
			    (double)(steps[i].quiet_to_ns - steps[i].quiet_from_ns) /
				NS_PER_MS);
}

/* Wall-clock times of the window in which all were quiet. */
static enum err_code
note_window(struct stack_backup *b, int64_t from_ns, int64_t to_ns, struct err *err)
{
	size_t n;
	const struct lifecycle_step *steps = lifecycle_steps(b->lifecycle, &n);
	b->quiet.services = calloc(n + 1, sizeof *b->quiet.services);
	if (b->quiet.services == NULL)
		return err_nomem(err);
	b->quiet.from_ns = from_ns;
	b->quiet.to_ns = to_ns;
	for (size_t i = 0; i < n; i++) {
		if (!steps[i].is_quiesced)
			continue;
		int64_t ns = steps[i].quiet_to_ns - steps[i].quiet_from_ns;
		b->quiet.services[b->quiet.n_services++] =
		    (struct quiet_service){ steps[i].service, steps[i].name, ns };
		if (ns > b->quiet.longest_ns)
			b->quiet.longest_ns = ns;
	}
	b->was_quiet = true;
	return ERR_OK;
}

static enum err_code
quiesce(struct stack_backup *b, struct err *err)
{
	struct lifecycle_options opt = {
		.how = b->run.options->quiesce,
		.journal_path = b->journal_path,
		.stop_grace_s = -1,
	};
	if (lifecycle_quiesce(&b->lifecycle, b->docker, b->plan->stack, b->plan->quiesce,
		b->plan->n_quiesce, &opt, err) == ERR_OK)
		return ERR_OK;
	if (err->code == ERR_EXISTS)
		err->code = ERR_LOCKED;
	return err_wrap(err, "make the stack quiet");
}

/* Fences and the last pass, with the application quiet around them. */
static enum err_code
work_quietly(struct stack_backup *b, struct err *err)
{
	event_phase(b->run.engine->events, "fix the instant");
	if (b->run.options->quiesce_none)
		return quiet_work(b, err);
	if (quiesce(b, err))
		return err->code;
	int64_t from_ns = clock_wall_ns();
	tell_quiet(b);
	enum err_code rc = quiet_work(b, err);
	int64_t to_ns = clock_wall_ns();
	struct err thaw;
	enum err_code thawed = lifecycle_thaw(b->lifecycle, &thaw);
	tell_thawed(b);
	if (thawed) {
		/* That services are down matters more than why the backup failed. */
		if (rc)
			event_warning(
			    b->run.engine->events, b->plan->stack->name, "%s", err->msg);
		*err = thaw;
		return err->code;
	}
	return rc ? rc : note_window(b, from_ns, to_ns, err);
}

/* --- after the window --- */

static enum err_code save_doc(struct stack_backup *b, const struct buf *raw, struct err *err,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Keep an inspect document under meta/. */
static enum err_code
save_doc(struct stack_backup *b, const struct buf *raw, struct err *err, const char *fmt, ...)
{
	char path[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(path, sizeof path, fmt, ap);
	va_end(ap);
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	if (save_bytes(&b->run, raw->data, raw->len, &e, err) ||
	    layout_add(b->layout, path, &e, err))
		return err->code;
	return ERR_OK;
}

static enum err_code
save_image(struct stack_backup *b, const struct stack_container *c, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (docker_image_inspect(b->docker, c->image_id, &doc, err)) {
		/* A running container may outlive its image's removal. */
		if (err->code == ERR_NOT_FOUND) {
			event_warning(b->run.engine->events, c->service,
			    "its image %s is no longer on this host", c->image_ref);
			return ERR_OK;
		}
		return err->code;
	}
	return save_doc(b, &doc.raw, err, "meta/images/%s.json", c->name);
}

static enum err_code
save_meta(struct stack_backup *b, struct err *err)
{
	const struct stack *s = b->plan->stack;
	for (size_t i = 0; i < s->n_containers; i++)
		if (save_doc(b, &s->containers[i].raw, err, "meta/containers/%s.json",
			s->containers[i].name) ||
		    save_image(b, &s->containers[i], err))
			return err->code;
	for (size_t i = 0; i < s->n_volumes; i++)
		if (save_doc(
			b, &s->volumes[i].raw, err, "meta/volumes/%s.json", s->volumes[i].name))
			return err->code;
	for (size_t i = 0; i < s->n_networks; i++)
		if (save_doc(b, &s->networks[i].raw, err, "meta/networks/%s.json",
			s->networks[i].name))
			return err->code;
	return ERR_OK;
}

static void
tell_members(const struct stack_backup *b)
{
	for (size_t i = 0; i < b->run.n_captures; i++) {
		const struct capture *c = &b->run.captures[i];
		if (c->source == NULL && c->connector == NULL)
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
	return for_databases(&b->run, save_dumps, err);
}

static enum err_code
finish(struct stack_backup *b, struct backup_result *out, struct err *err)
{
	if (drain(b, err))
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
	if (preflight(b, err) || first_pass(b, err) ||
	    for_databases(&b->run, prepare_database, err) || work_quietly(b, err) ||
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

static enum err_code
run_stack(void *arg, struct err *err)
{
	const struct stack_job *job = arg;
	struct engine *e = job->engine;
	AUTO(docker) struct docker *docker = NULL;
	AUTO(plan) struct plan *plan = NULL;
	AUTO(layout) struct layout *layout = NULL;
	struct docker_options docker_opt = DOCKER_OPTIONS_INIT;
	docker_opt.host = e->docker_host;
	docker_opt.cancel = e->cancel;
	if (docker_open(&docker, &docker_opt, err) ||
	    plan_make(&plan, docker, job->stack, &job->options->settings, err) ||
	    layout_new(&layout, err))
		return err->code;

	struct stack_backup b = { .docker = docker, .plan = plan, .layout = layout };
	enum err_code rc = run_init(&b.run, e, job->options, "stack", plan->stack->name, err);
	if (rc == ERR_OK)
		rc = run_backup(&b, job->out, err);
	if (rc)
		rc = publish_blame(b.run.writer, err);
	lifecycle_free(b.lifecycle);
	run_release(&b.run);
	free(b.journal_path);
	free(b.quiet.services);
	return rc;
}

enum err_code
backup_stack(struct engine *e, const char *stack, const struct backup_options *opt,
    struct backup_result *out, struct err *err)
{
	struct stack_job job = { e, stack, opt, out };
	return publish_with_retry(e, stack, run_stack, &job, err);
}
