/*
 * The user's commands around the quiet window (settings hook.before and
 * hook.after), run in the containers of the services that they are set for.
 *
 * Before: in the order of stopping, dependants first.  What is owed to a service is
 * in the journal before its first command runs, so that hook.after is run also
 * when the backup is killed.  After: the other way round.
 */
#include "docker/hook.h"
#include "engine/backup_stack.h"
#include "sys/clock.h"

static bool
has_hook(const struct plan *p, const char *service, enum setting which)
{
	return *settings_get(p->settings, service, which)->text != '\0';
}

bool
hooks_are_wanted(const struct plan *p)
{
	const struct stack *s = p->stack;
	for (size_t i = 0; i < s->n_containers; i++)
		if (has_hook(p, s->containers[i].service, SETTING_HOOK_BEFORE) ||
		    has_hook(p, s->containers[i].service, SETTING_HOOK_AFTER))
			return true;
	return false;
}

static bool
runs(const struct stack *s, const char *service)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i].service, service) == 0 &&
		    s->containers[i].state == CONTAINER_RUNNING)
			return true;
	return false;
}

static enum err_code
run_before(struct stack_backup *b, const char *service, int64_t timeout_ms, struct err *err)
{
	struct journal_hook h = { .timeout_ms = timeout_ms };
	int64_t begun_ns = clock_mono_ns();
	enum err_code rc = str_dup(&h.service, service, err);
	if (rc == ERR_OK)
		rc = settings_words(
		    &h.argv, b->plan->settings, service, SETTING_HOOK_BEFORE, err);
	if (rc == ERR_OK)
		rc = hook_run(docker_host(b->docker), b->plan->stack->name, &h,
		    b->run.engine->cancel, err);
	free(h.service);
	strv_release(&h.argv);
	if (rc)
		return err_wrap(err, "hook.before of service %s", service);
	event_service(b->run.engine->events, service, "hook.before ran in %.1f s",
	    (double)(clock_mono_ns() - begun_ns) / NS_PER_S);
	return ERR_OK;
}

static enum err_code
prepare_service(struct stack_backup *b, const char *service, struct err *err)
{
	const struct plan *p = b->plan;
	AUTO(strv) struct strv after = STRV_INIT;
	int64_t timeout_ms = settings_ms(p->settings, service, SETTING_HOOK_TIMEOUT);
	bool has_before = has_hook(p, service, SETTING_HOOK_BEFORE);
	bool has_after = has_hook(p, service, SETTING_HOOK_AFTER);
	if (!has_before && !has_after)
		return ERR_OK;
	if (!runs(p->stack, service)) {
		event_note(b->run.engine->events, service,
		    "does not run, so its hooks are not run either");
		return ERR_OK;
	}
	if (has_after &&
	    (settings_words(&after, p->settings, service, SETTING_HOOK_AFTER, err) ||
		lifecycle_owe_hook(b->lifecycle, service, &after, timeout_ms, err)))
		return err->code;
	return has_before ? run_before(b, service, timeout_ms, err) : ERR_OK;
}

enum err_code
hooks_before(struct stack_backup *b, struct err *err)
{
	const struct stack *s = b->plan->stack;
	if (!hooks_are_wanted(b->plan))
		return ERR_OK;
	AUTO(mem) size_t *order = calloc(s->n_containers + 1, sizeof *order);
	if (order == NULL)
		return err_nomem(err);
	if (stack_order(s, order, err))
		return err->code;
	event_phase(b->run.engine->events, "run hooks");
	for (size_t i = s->n_containers; i-- > 0;) {
		const struct stack_container *c = &s->containers[order[i]];
		if (stack_find(s, c->service) != c)
			continue;
		if (cancel_check(b->run.engine->cancel, err) ||
		    prepare_service(b, c->service, err))
			return err->code;
	}
	return ERR_OK;
}

void
hooks_after(struct stack_backup *b, bool has_failed)
{
	size_t n;
	const struct journal_hook *hooks = lifecycle_hooks(b->lifecycle, &n);
	for (size_t i = n; i-- > 0;) {
		struct err err = ERR_INIT;
		char subject[300];
		int64_t begun_ns = clock_mono_ns();
		/* Also when the user has asked to stop: it ends by its own timeout. */
		if (hook_run(docker_host(b->docker), b->plan->stack->name, &hooks[i], NULL,
			&err) == ERR_OK) {
			event_service(b->run.engine->events, hooks[i].service,
			    "hook.after ran in %.1f s",
			    (double)(clock_mono_ns() - begun_ns) / NS_PER_S);
			continue;
		}
		snprintf(subject, sizeof subject, "hook.after of service %s", hooks[i].service);
		if (has_failed)
			event_warning(b->run.engine->events, subject, "%s", err.msg);
		else
			run_problem(&b->run, subject, err.msg);
	}
}
