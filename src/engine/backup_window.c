/*
 * The moment in which services are quiet.
 *
 * Between lifecycle_quiesce and lifecycle_thaw nothing returns without thawing.
 * When the services have been quiet for longer than they may (the setting
 * "downtime"), the deadline's thread thaws at once, beside the work, whose cancel
 * is raised; the run then fails.
 */
#include "engine/backup_stack.h"
#include "engine/quiet_plan.h"
#include "sys/clock.h"
#include "sys/fs.h"

enum err_code
window_recover(struct stack_backup *b, struct err *err)
{
	AUTO(strv) struct strv thawed = STRV_INIT;
	AUTO(strv) struct strv failed_hooks = STRV_INIT;
	struct engine *e = b->run.engine;
	const char *stack = b->plan->stack->name;
	if (fs_mkdirs(e->state_dir, 0700, err) ||
	    str_printf(&b->journal_path, err, "%s/quiet-%s.json", e->state_dir, stack))
		return err->code;
	if (journal_recover(b->journal_path, &thawed, &failed_hooks, err)) {
		if (err->code == ERR_NOT_FOUND)
			return ERR_OK;
		if (err->code == ERR_LOCKED)
			return err_set(err, ERR_LOCKED,
			    "stack %s: another backup has its services quiet right now; try "
			    "again when it is done",
			    stack);
		return err->code;
	}
	for (size_t i = 0; i < thawed.len; i++)
		event_service(e->events, thawed.items[i],
		    "runs again: an earlier run that died had left it quiet");
	for (size_t i = 0; i < failed_hooks.len; i++)
		event_warning(e->events, stack, "%s", failed_hooks.items[i]);
	return ERR_OK;
}

static enum err_code
save_last_pass(void *arg, struct err *err)
{
	return save_all_files(arg, PASS_LAST, err);
}

static enum err_code
quiet_work(struct stack_backup *b, struct err *err)
{
	return databases_fence(&b->run, save_last_pass, b, err);
}

/* What clock_mono_ns has measured, by the wall clock as it is now. */
static int64_t
wall_ns(int64_t mono_ns)
{
	return clock_wall_ns() - (clock_mono_ns() - mono_ns);
}

static void
tell_quiet(const struct stack_backup *b)
{
	static const char *const words[] = {
		[QUIESCE_PAUSE] = "paused",
		[QUIESCE_STOP] = "stopped",
		[QUIESCE_DOWN] = "stopped, and its container removed",
		[QUIESCE_NONE] = "left alone",
	};
	size_t n;
	const struct lifecycle_step *steps = lifecycle_steps(b->lifecycle, &n);
	for (size_t i = 0; i < n; i++)
		if (steps[i].is_quiesced)
			event_service_at(b->run.engine->events, steps[i].service,
			    wall_ns(steps[i].quiet_from_ns), "%s", words[steps[i].how]);
}

static void
tell_thawed(const struct stack_backup *b)
{
	size_t n;
	const struct lifecycle_step *steps = lifecycle_steps(b->lifecycle, &n);
	for (size_t i = 0; i < n; i++)
		if (steps[i].is_quiesced && steps[i].is_thawed)
			event_service_at(b->run.engine->events, steps[i].service,
			    wall_ns(steps[i].quiet_to_ns), "runs again after %lld ms",
			    (long long)((steps[i].quiet_to_ns - steps[i].quiet_from_ns) /
					NS_PER_MS));
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
		    (struct quiet_service){ steps[i].service, steps[i].name, steps[i].how, ns };
		if (ns > b->quiet.longest_ns)
			b->quiet.longest_ns = ns;
	}
	b->was_quiet = true;
	return ERR_OK;
}

void
window_is_too_long(void *arg)
{
	struct stack_backup *b = arg;
	struct err err; /* found again by whoever thaws next */
	event_warning(b->run.engine->events, b->plan->stack->name,
	    "its services were quiet for as long as they may be: giving them back");
	if (atomic_load(&b->may_thaw) && lifecycle_thaw(b->lifecycle, &err) != ERR_OK)
		return;
}

static enum err_code
too_long(const struct stack_backup *b, struct err *err)
{
	const struct setting_value *v = settings_get(b->plan->settings, NULL, SETTING_DOWNTIME);
	return err_set(err, ERR_CANCELLED,
	    "its services were quiet for longer than %s (%s), and were given back before all "
	    "was read: give --max-downtime more, or find out what keeps them so long",
	    v->text, v->where);
}

/* All is quiet now. */
static enum err_code
read_quietly(struct stack_backup *b, int64_t *from_ns, int64_t *to_ns, struct err *err)
{
	*from_ns = clock_wall_ns();
	tell_quiet(b);
	enum err_code rc = quiet_work(b, err);
	if (rc == ERR_OK)
		rc = lifecycle_check_quiet(b->lifecycle, err);
	*to_ns = clock_wall_ns();
	return rc;
}

/* Nothing is made quiet.  When nothing runs, before and after, that is a quiet window, too. */
static enum err_code
work_as_it_is(struct stack_backup *b, struct err *err)
{
	const char *stack = b->plan->stack->name;
	bool runs;
	if (stack_runs(&runs, b->docker, stack, err))
		return err->code;
	int64_t from_ns = clock_wall_ns();
	if (quiet_work(b, err))
		return err->code;
	int64_t to_ns = clock_wall_ns();
	if (!runs && stack_runs(&runs, b->docker, stack, err))
		return err->code;
	if (!runs)
		b->quiet = (struct quiet_window){ .from_ns = from_ns, .to_ns = to_ns };
	b->was_quiet = !runs;
	return ERR_OK;
}

/* Fences and the last pass, with the application quiet around them. */
static enum err_code
work_quietly(struct stack_backup *b, struct err *err)
{
	int64_t from_ns = 0;
	int64_t to_ns = 0;
	int64_t limit_ms = settings_ms(b->plan->settings, NULL, SETTING_DOWNTIME);
	event_phase(b->run.engine->events, "fix the instant");
	if (b->plan->n_quiesce == 0)
		return work_as_it_is(b, err);
	b->is_touched = true;
	deadline_set(b->until, limit_ms > 0 ? limit_ms * NS_PER_MS : -1);
	enum err_code rc = lifecycle_quiesce(b->lifecycle, err);
	if (rc == ERR_OK) {
		atomic_store(&b->may_thaw, true);
		rc = read_quietly(b, &from_ns, &to_ns, err);
	} else {
		err_wrap(err, "make the stack quiet");
	}
	deadline_set(b->until, -1);
	struct err thaw;
	enum err_code thawed = lifecycle_thaw(b->lifecycle, &thaw);
	tell_thawed(b);
	if (deadline_has_expired(b->until) && !cancel_is_raised(b->user))
		rc = too_long(b, err);
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

static enum err_code
promise(struct stack_backup *b, struct err *err)
{
	struct lifecycle_options opt = {
		.targets = b->plan->quiesce,
		.n_targets = b->plan->n_quiesce,
		.journal_path = b->journal_path,
	};
	if (b->plan->n_quiesce == 0 && !hooks_are_wanted(b->plan))
		return ERR_OK;
	if (lifecycle_open(&b->lifecycle, b->docker, b->plan->stack, &opt, err) == ERR_OK)
		return ERR_OK;
	if (err->code == ERR_EXISTS)
		err->code = ERR_LOCKED;
	return err_wrap(err, "make the stack quiet");
}

enum err_code
window_work(struct stack_backup *b, struct err *err)
{
	if (promise(b, err))
		return err->code;
	enum err_code rc = hooks_before(b, err);
	if (rc == ERR_OK)
		rc = databases_prepare(&b->run, err);
	if (rc == ERR_OK)
		rc = work_quietly(b, err);
	if (b->lifecycle == NULL)
		return rc;
	hooks_after(b, rc != ERR_OK);
	struct err end = ERR_INIT;
	if (lifecycle_end(b->lifecycle, &end) && rc == ERR_OK) {
		*err = end;
		rc = end.code;
	}
	return rc;
}
