#include "engine/filter.h"
#include "engine/forget.h"
#include "engine/plan.h"
#include "serve/attention.h"
#include "serve/overview.h"
#include "serve/reply.h"
#include "serve/run_view.h"
#include "serve/verified.h"
#include "ui/plan_view.h"
#include "ui/restored_view.h"
#include "ui/snapshot_view.h"
#include "ui/why_view.h"

#define KEEP_MS 2000 /* containers come and go without a word */
#define SNAPSHOTS_MAX 50
#define RUNS_MAX 20

/* --- all --- */

static enum err_code
overview(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(scene) struct scene s = SCENE_INIT;
	AUTO(reply) struct reply r;
	reply_begin(&r);
	if (scene_load(&s, ask, err) || overview_write(&r.w, &s, err))
		return err->code;
	out->keep_ms = KEEP_MS;
	return reply_end(&r, out, err);
}

static void
put_brief(struct json_writer *w, const struct scene *s, const char *name)
{
	const struct points *p = s->look.points;
	const struct stack_summary *x = scene_stack(s, name);
	uint64_t n = 0;
	for (size_t i = 0; p != NULL && i < p->count; i++)
		n += p->items[i].stack != NULL && strcmp(p->items[i].stack, name) == 0;
	json_obj(w, NULL);
	json_str(w, "name", name);
	json_str(w, "presence", scene_presence(s, name));
	json_u64(w, "services", x != NULL ? x->n_containers : 0);
	json_u64(w, "running", x != NULL ? x->n_running : 0);
	if (x != NULL && *x->working_dir != '\0')
		json_str(w, "working_dir", x->working_dir);
	json_u64(w, "snapshots", n);
	json_obj_end(w);
}

static enum err_code
list(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(scene) struct scene s = SCENE_INIT;
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(reply) struct reply r;
	reply_begin(&r);
	if (scene_load(&s, ask, err) || scene_names(&s, &names, err))
		return err->code;
	json_arr(&r.w, "stacks");
	for (size_t i = 0; i < names.len; i++)
		put_brief(&r.w, &s, names.items[i]);
	json_arr_end(&r.w);
	if (s.engine.code != ERR_OK)
		json_str(&r.w, "engine_problem", s.engine.msg);
	out->keep_ms = KEEP_MS;
	return reply_end(&r, out, err);
}

/* --- one --- */

static enum err_code
put_plan(struct json_writer *w, const struct ask *ask, const char *name, struct err *err)
{
	AUTO(docker) struct docker *d = NULL;
	AUTO(plan) struct plan *plan = NULL;
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	struct err why;
	opt.cancel = ask->cancel;
	if (docker_open(&d, &opt, &why) || plan_make(&plan, d, name, NULL, &why)) {
		json_str(w, "plan_problem", why.msg);
		return ERR_OK;
	}
	json_obj(w, "plan");
	plan_view_fields(w, plan);
	if (why_view_json(w, plan, true, err))
		return err->code;
	json_obj_end(w);
	return ERR_OK;
}

static void
put_points(struct json_writer *w, const struct points *p, const char *name)
{
	uint64_t total = 0;
	json_arr(w, "snapshots");
	for (size_t i = p != NULL ? p->count : 0; i-- > 0;) {
		const struct point *x = &p->items[i];
		if (x->stack == NULL || strcmp(x->stack, name) != 0)
			continue;
		if (total++ < SNAPSHOTS_MAX)
			point_summary(w, NULL, p, x);
	}
	json_arr_end(w);
	json_u64(w, "total", total);
	if (p != NULL)
		overview_proved(w, "proved", p, name);
}

static enum err_code
put_run(void *arg, const struct catalog_run *r, struct err *err)
{
	(void)err;
	run_view_json(arg, NULL, r);
	return ERR_OK;
}

static enum err_code
put_runs(struct json_writer *w, const struct ask *ask, const char *name, struct err *err)
{
	struct catalog_run_filter filter = { .stack = name, .limit = RUNS_MAX };
	json_arr(w, "runs");
	if (catalog_run_list(keeper_catalog(ask->keeper), &filter, put_run, w, err))
		return err->code;
	json_arr_end(w);
	return ERR_OK;
}

static enum err_code
put_all(struct json_writer *w, const struct ask *ask, const struct scene *s, const char *name,
    struct err *err)
{
	json_str(w, "name", name);
	json_str(w, "presence", scene_presence(s, name));
	if (scene_stack(s, name) != NULL && put_plan(w, ask, name, err))
		return err->code;
	put_points(w, s->look.points, name);
	json_arr(w, "schedules");
	for (size_t i = 0; i < s->n_schedules; i++)
		if (strcmp(s->schedules[i].stack, name) == 0)
			schedule_view_json(w, NULL, &s->schedules[i]);
	json_arr_end(w);
	if (put_runs(w, ask, name, err))
		return err->code;
	for (size_t i = 0; i < s->restores.count; i++)
		if (strcmp(s->restores.items[i].stack, name) == 0)
			restored_view_json(w, "restore", &s->restores.items[i]);
	return attention_write(w, "attention", s, name, err);
}

static enum err_code
get(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(scene) struct scene s = SCENE_INIT;
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(reply) struct reply r;
	const char *name;
	reply_begin(&r);
	if (ask_stack(ask, "name", &name, err) || scene_load(&s, ask, err) ||
	    scene_names(&s, &names, err))
		return err->code;
	if (!strv_has(&names, name))
		return err_set(err, ERR_NOT_FOUND,
		    "%s: there is no such stack, neither here nor in the repository", name);
	if (put_all(&r.w, ask, &s, name, err))
		return err->code;
	out->keep_ms = KEEP_MS;
	return reply_end(&r, out, err);
}

/* --- runs --- */

static enum err_code
add_flag(struct strv *argv, const struct ask *ask, const char *name, const char *option,
    struct err *err)
{
	return ask_flag(ask, name, false) ? strv_add(argv, option, err) : ERR_OK;
}

static enum err_code
add_value(struct strv *argv, const struct ask *ask, const char *name, const char *option,
    struct err *err)
{
	const char *value = ask_text(ask, name);
	return value != NULL ? strv_addf(argv, err, "--%s=%s", option, value) : ERR_OK;
}

static enum err_code
start(const struct ask *ask, struct strv *argv, const char *stack, struct answer *out,
    struct err *err)
{
	if (strv_add(argv, "--", err) || strv_add(argv, stack, err))
		return err->code;
	struct run_plan plan = { argv->items[0], stack, (const char *const *)argv->items };
	return keeper_run_answer(ask, &plan, out, err);
}

/* "30s", as the command line reads it: nobody is to wait for a run to learn of a slip. */
static enum err_code
check_time(const char *text, struct err *err)
{
	static const char *const units[] = { "ms", "s", "m", "h" };
	size_t digits = text != NULL ? strspn(text, "0123456789") : 0;
	if (text == NULL || strcmp(text, "0") == 0)
		return ERR_OK;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (digits > 0 && digits < 7 && strcmp(text + digits, units[i]) == 0)
			return ERR_OK;
	return err_set(err, ERR_USAGE, "max_downtime: must be a time as 500ms, 30s or 2m");
}

static enum err_code
backup(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	const char *stack;
	size_t i;
	const json_t *tag;
	if (ask_stack(ask, "name", &stack, err) ||
	    ask_choice(ask, "quiesce", "none pause stop down", err) ||
	    check_time(ask_text(ask, "max_downtime"), err) || strv_add(&argv, "backup", err) ||
	    add_flag(&argv, ask, "allow_empty", "--allow-empty", err) ||
	    add_flag(&argv, ask, "allow_shrink", "--allow-shrink", err) ||
	    add_value(&argv, ask, "quiesce", "quiesce", err) ||
	    add_value(&argv, ask, "max_downtime", "max-downtime", err))
		return err->code;
	json_array_foreach(json_object_get(ask->args, "tags"), i, tag)
	{
		if (strv_addf(&argv, err, "--tag=%s", json_string_value(tag)))
			return err->code;
	}
	return start(ask, &argv, stack, out, err);
}

static enum err_code
drill(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	const char *stack;
	if (ask_stack(ask, "name", &stack, err) || strv_add(&argv, "drill", err) ||
	    add_flag(&argv, ask, "pull", "--pull", err))
		return err->code;
	return start(ask, &argv, stack, out, err);
}

static enum err_code
recover(const struct ask *ask, struct answer *out, struct err *err)
{
	static const char *const argv[] = { "recover", NULL };
	struct run_plan plan = { "recover", "", argv };
	return keeper_run_answer(ask, &plan, out, err);
}

/* --- retention --- */

static enum err_code
policy_of(struct forget_policy *out, struct strv *tags, const struct ask *ask, struct err *err)
{
	size_t i;
	const json_t *tag;
	*out = (struct forget_policy){
		.last = (unsigned)ask_int(ask, "keep_last", 0),
		.hourly = (unsigned)ask_int(ask, "keep_hourly", 0),
		.daily = (unsigned)ask_int(ask, "keep_daily", 0),
		.weekly = (unsigned)ask_int(ask, "keep_weekly", 0),
		.monthly = (unsigned)ask_int(ask, "keep_monthly", 0),
		.yearly = (unsigned)ask_int(ask, "keep_yearly", 0),
		.within = ask_text(ask, "keep_within"),
		.tags = tags,
		.needs_proof = true, /* as a schedule's, see schedule_argv.c */
	};
	json_array_foreach(json_object_get(ask->args, "keep_tags"), i, tag)
	{
		if (strv_add(tags, json_string_value(tag), err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
retention_preview(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(forget_plan) struct forget_plan *plan = NULL;
	AUTO(snapshot_filter) struct snapshot_filter filter = SNAPSHOT_FILTER_INIT;
	AUTO(strv) struct strv tags = STRV_INIT;
	AUTO(reply) struct reply r;
	AUTO(verified_list) struct verified_list verified = VERIFIED_LIST_INIT;
	struct forget_policy policy;
	const char *stack;
	reply_begin(&r);
	if (ask_stack(ask, "name", &stack, err) || policy_of(&policy, &tags, ask, err) ||
	    verified_load(&verified, keeper_catalog(ask->keeper), err))
		return err->code;
	policy.verified_ns = verified_until(&verified);
	if (strv_add(&filter.stacks, stack, err) || look_begin(&l, ask, err) ||
	    forget_plan_make(&plan, l.repo, &filter, &policy, err))
		return err->code;
	snapshot_view_forget(&r.w, plan);
	return reply_end(&r, out, err);
}

/* --- the table --- */

#define NAME                                 \
	{                                    \
		"name", ARG_NAME, true, 0, 0 \
	}
#define FLAG(name)                          \
	{                                   \
		name, ARG_BOOL, false, 0, 0 \
	}
#define COUNT(name)                             \
	{                                       \
		name, ARG_INT, false, 0, 100000 \
	}
#define READ SCOPE_READ, false, NULL
#define CHANGE SCOPE_OPERATE, true, "name"

/* clang-format off */
const struct verb stack_verbs[] = {
	{ "overview", READ, overview, { { .name = NULL } } },
	{ "stacks.list", READ, list, { { .name = NULL } } },
	{ "stacks.get", READ, get, { NAME } },
	{ "stacks.backup", CHANGE, backup, { NAME, { "tags", ARG_STRINGS, false, 0, 32 },
	    FLAG("allow_empty"), FLAG("allow_shrink"), { "quiesce", ARG_NAME, false, 0, 8 },
	    { "max_downtime", ARG_NAME, false, 0, 16 } } },
	{ "stacks.drill", CHANGE, drill, { NAME, FLAG("pull") } },
	/* It changes nothing, but a body is no query. */
	{ "stacks.retention_preview", READ, retention_preview, { NAME, COUNT("keep_last"),
	    COUNT("keep_hourly"), COUNT("keep_daily"), COUNT("keep_weekly"),
	    COUNT("keep_monthly"), COUNT("keep_yearly"), { "keep_within", ARG_NAME, false, 0, 8 },
	    { "keep_tags", ARG_STRINGS, false, 0, 32 } } },
	{ "recover", SCOPE_OPERATE, true, NULL, recover, { { .name = NULL } } },
	{ .name = NULL },
};
/* clang-format on */
