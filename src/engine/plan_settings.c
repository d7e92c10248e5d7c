/*
 * What the settings change in a plan: services that are left out, rules of
 * what to leave out of folders, and what is a database.
 */
#include "engine/plan_impl.h"
#include "engine/plan_rules.h"

#include <string.h>

static const char *
service_of(const struct plan *p, size_t container)
{
	return p->stack->containers[container].service;
}

bool
plan_is_on(const struct plan *p, size_t container)
{
	return settings_flag(p->settings, service_of(p, container), SETTING_ENABLE);
}

const struct stack_use *
plan_all_off(const struct plan *p, const struct stack_use *uses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (plan_is_on(p, uses[i].container))
			return NULL;
	return n > 0 ? uses : NULL;
}

enum err_code
plan_add_off_gap(struct plan *p, const char *kind, const char *name,
    const struct stack_use *off, struct err *err)
{
	const char *service = service_of(p, off->container);
	AUTO(str) char *why = NULL;
	if (str_printf(&why, err, "left out with service %s, by %s", service,
		settings_get(p->settings, service, SETTING_ENABLE)->where))
		return err->code;
	return plan_add_gap(p, kind, name, why, false, err);
}

enum db_kind
plan_db_kind(const struct plan *p, size_t container, enum db_kind detected)
{
	const char *text =
	    settings_get(p->settings, service_of(p, container), SETTING_DATABASE)->text;
	if (!plan_is_on(p, container))
		return DB_NONE;
	return strcmp(text, "auto") == 0 ? detected : db_kind_of_word(text);
}

/* Does a container write to what is captured? */
static bool
writes_to_members(const struct plan *p, size_t container)
{
	const struct stack *s = p->stack;
	for (size_t i = 0; i < s->n_volumes; i++)
		for (size_t k = 0; k < s->volumes[i].n_uses; k++)
			if (s->volumes[i].uses[k].container == container &&
			    !s->volumes[i].uses[k].is_read_only &&
			    plan_all_off(p, s->volumes[i].uses, s->volumes[i].n_uses) == NULL)
				return true;
	for (size_t i = 0; i < s->n_binds; i++)
		for (size_t k = 0; k < s->binds[i].n_uses; k++)
			if (s->binds[i].uses[k].container == container &&
			    !s->binds[i].uses[k].is_read_only && s->binds[i].source != NULL &&
			    plan_all_off(p, s->binds[i].uses, s->binds[i].n_uses) == NULL)
				return true;
	return false;
}

void
plan_leave_alone(struct plan *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n_quiesce; i++) {
		const struct lifecycle_target *t = &p->quiesce[i];
		bool is_needed = t->how == QUIESCE_DOWN || plan_is_on(p, t->container) ||
				 writes_to_members(p, t->container);
		if (is_needed && !p->stack->containers[t->container].is_planned)
			p->quiesce[n++] = *t;
	}
	p->n_quiesce = n;
}

/* --- rules --- */

/* What one service, or all (NULL), leaves out of a member. */
struct rule_source {
	const char *service;
	const char *target; /* where the member is mounted; "" for nowhere */
	const char *below; /* the part of the member that it is about */
	const char *also; /* ", also for SERVICES"; "" when nobody else uses it */
};

static enum err_code
add_rule(
    struct plan_member *m, const struct rule_source *from, const char *text, struct err *err)
{
	AUTO(str) char *inner = NULL;
	AUTO(str) char *rule = NULL;
	if (rule_in_mount(&inner, text, from->target, err))
		return err->code;
	if (*from->below == '\0' ? str_dup(&rule, inner, err)
				 : rule_in_folder(&rule, inner, from->below, err))
		return err->code;
	return strv_has(&m->rules, rule) ? ERR_OK : strv_add(&m->rules, rule, err);
}

static enum err_code
tell_rules(struct plan *p, const struct plan_member *m, const struct rule_source *from,
    const struct strv *texts, struct err *err)
{
	AUTO(bufv) struct buf what = BUF_INIT;
	AUTO(bufv) struct buf why = BUF_INIT;
	if (buf_printf(&what, err, "%s%s%s: what matches", m->name,
		*from->below != '\0' ? "/" : "", from->below))
		return err->code;
	for (size_t i = 0; i < texts->len; i++)
		if (buf_printf(&what, err, " %s", texts->items[i]))
			return err->code;
	const struct setting_value *v =
	    settings_get(p->settings, from->service, SETTING_EXCLUDE);
	if (buf_printf(&why, err, "left out by %s%s", v->where, from->also))
		return err->code;
	return plan_add_gap(
	    p, member_kind_word(m->kind), buf_cstr(&what), buf_cstr(&why), false, err);
}

static enum err_code
add_rules_of(struct plan *p, size_t member, const struct rule_source *from, struct err *err)
{
	AUTO(strv) struct strv texts = STRV_INIT;
	struct plan_member *m = &p->members[member];
	if (settings_words(&texts, p->settings, from->service, SETTING_EXCLUDE, err))
		return err->code;
	for (size_t i = 0; i < texts.len; i++)
		if (add_rule(m, from, texts.items[i], err))
			return err->code;
	return texts.len > 0 ? tell_rules(p, m, from, &texts, err) : ERR_OK;
}

/* Other services that mount the same: ", also for web, worker". */
static enum err_code
name_others(struct buf *out, const struct plan *p, const struct stack_use *uses, size_t n,
    size_t self, struct err *err)
{
	AUTO(strv) struct strv seen = STRV_INIT;
	const char *own = service_of(p, uses[self].container);
	for (size_t i = 0; i < n; i++) {
		const char *other = service_of(p, uses[i].container);
		if (strcmp(other, own) == 0 || strv_has(&seen, other))
			continue;
		if (strv_add(&seen, other, err) ||
		    buf_printf(out, err, "%s%s", seen.len == 1 ? ", also for " : ", ", other))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
plan_add_rules(struct plan *p, size_t member, const char *below, const struct stack_use *uses,
    size_t n, struct err *err)
{
	AUTO(strv) struct strv seen = STRV_INIT;
	for (size_t i = 0; i < n; i++) {
		struct rule_source from = { service_of(p, uses[i].container), uses[i].target,
			below, "" };
		AUTO(bufv) struct buf also = BUF_INIT;
		/* What a service that is not captured says does not count; a scaled one says it
		 * once for each place. */
		AUTO(str) char *once = NULL;
		if (str_printf(&once, err, "%s %s", from.service, from.target))
			return err->code;
		if (!plan_is_on(p, uses[i].container) || strv_has(&seen, once))
			continue;
		if (strv_add(&seen, once, err) || name_others(&also, p, uses, n, i, err) ||
		    buf_str(&also, "", err))
			return err->code;
		from.also = buf_cstr(&also);
		if (add_rules_of(p, member, &from, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
plan_add_project_rules(struct plan *p, size_t member, struct err *err)
{
	struct rule_source from = { NULL, "", "", "" };
	return add_rules_of(p, member, &from, err);
}
