#include "serve/scene.h"

#include "base/room.h"
#include "docker/journal.h"
#include "serve/run_view.h"
#include "sys/clock.h"
#include "sys/fs.h"

#define RUNS_MAX 5000
#define DAY_NS (INT64_C(86400) * NS_PER_S)

void
scene_release(struct scene *s)
{
	look_release(&s->look);
	stacks_free(s->stacks, s->n_stacks);
	for (size_t i = 0; i < s->n_runs; i++) {
		free(s->runs[i].kind);
		free(s->runs[i].stack);
		free(s->runs[i].why);
		json_decref(s->runs[i].view);
	}
	for (size_t i = 0; i < s->n_schedules; i++)
		schedule_release(&s->schedules[i]);
	free(s->runs);
	free(s->schedules);
	restored_list_release(&s->restores);
	strv_release(&s->down);
	verified_list_release(&s->verified);
}

/* --- the engine --- */

static void
load_stacks(struct scene *s, const struct ask *ask)
{
	AUTO(docker) struct docker *d = NULL;
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	struct err why;
	opt.cancel = ask->cancel;
	if (docker_open(&d, &opt, &why) || stacks_list(d, &s->stacks, &s->n_stacks, &why))
		s->engine = why;
}

/* --- the catalogue --- */

static enum err_code
view_of(json_t **out, const struct catalog_run *r, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	struct json_writer w;
	json_init(&w, &text);
	run_view_json(&w, NULL, r);
	return json_finish(&w, err) ? err->code
				    : json_parse(out, text.data, text.len, "run", err);
}

/* The message of a run that failed. */
static enum err_code
why_of(char **out, const struct catalog_run *r, struct err *err)
{
	AUTO(json) json_t *view = NULL;
	if (view_of(&view, r, err))
		return err->code;
	const char *why = json_get_str(json_object_get(view, "error"), "message");
	if (why == NULL)
		why = r->state == RUN_LOST ? "it went away without a last word" : "";
	return str_dup(out, why, err);
}

static enum err_code
add_run(void *arg, const struct catalog_run *r, struct err *err)
{
	struct scene *s = arg;
	bool has_failed = r->state == RUN_FAILED || r->state == RUN_LOST;
	if (ROOM_SHORT(s->runs, s->n_runs, err))
		return err->code;
	struct scene_run *to = &s->runs[s->n_runs++];
	*to = (struct scene_run){
		.id = r->id,
		.state = r->state,
		.asked_ns = r->asked_ns,
		.began_ns = r->began_ns,
		.ended_ns = r->ended_ns,
	};
	if (str_dup(&to->kind, r->kind, err) || str_dup(&to->stack, r->stack, err))
		return err->code;
	if (!catalog_run_state_is_end(r->state))
		return view_of(&to->view, r, err);
	return has_failed ? why_of(&to->why, r, err) : ERR_OK;
}

static enum err_code
add_schedule(void *arg, const struct schedule *from, struct err *err)
{
	struct scene *s = arg;
	if (ROOM_SHORT(s->schedules, s->n_schedules, err))
		return err->code;
	struct schedule *to = &s->schedules[s->n_schedules++];
	*to = *from;
	to->kind = to->stack = to->cron = to->zone = to->options = NULL;
	if (str_dup(&to->kind, from->kind, err) || str_dup(&to->stack, from->stack, err) ||
	    str_dup(&to->cron, from->cron, err) || str_dup(&to->zone, from->zone, err))
		return err->code;
	return str_dup(&to->options, from->options, err);
}

static enum err_code
load_catalog(struct scene *s, struct catalog *c, struct err *err)
{
	AUTO(str) char *kit = NULL;
	struct catalog_run_filter filter = { .since_ns = s->now_ns - SCENE_DAYS * DAY_NS,
		.limit = RUNS_MAX };
	if (catalog_get(c, SETTING_KIT_SAVED, &kit, err) ||
	    catalog_run_list(c, &filter, add_run, s, err) ||
	    schedule_list(c, NULL, add_schedule, s, err))
		return err->code;
	s->kit_saved = kit != NULL;
	return verified_load(&s->verified, c, err);
}

/* --- what is left open --- */

static enum err_code
add_down(struct scene *s, const char *path, struct err *err)
{
	AUTO(journal) struct journal *j = NULL;
	bool has_owner = true;
	struct err scratch; /* gone meanwhile, or damaged: recover tells */
	if (journal_has_owner(path, &has_owner, &scratch) || has_owner ||
	    journal_read(&j, path, &scratch))
		return ERR_OK;
	return strv_has(&s->down, j->stack) ? ERR_OK : strv_add(&s->down, j->stack, err);
}

static enum err_code
load_open(struct scene *s, const struct ask *ask, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	struct engine e = keeper_engine(ask, NULL);
	const char *dir = keeper_state_dir(ask->keeper);
	if (restore_list(&e, &s->restores, err) || fs_list_dir(dir, &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		AUTO(str) char *path = NULL;
		if (!str_starts(names.items[i], "quiet-") || !str_ends(names.items[i], ".json"))
			continue;
		if (str_printf(&path, err, "%s/%s", dir, names.items[i]) ||
		    add_down(s, path, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
scene_load(struct scene *out, const struct ask *ask, struct err *err)
{
	out->now_ns = clock_wall_ns();
	struct err why;
	if (look_begin(&out->look, ask, &why))
		out->repository = why;
	load_stacks(out, ask);
	/* Whoever asked has gone: nothing that is missing would be told truly. */
	if (cancel_check(ask->cancel, err))
		return err->code;
	return load_catalog(out, keeper_catalog(ask->keeper), err) ? err->code
								   : load_open(out, ask, err);
}

/* --- looking --- */

const struct stack_summary *
scene_stack(const struct scene *s, const char *name)
{
	for (size_t i = 0; i < s->n_stacks; i++)
		if (strcmp(s->stacks[i].name, name) == 0)
			return &s->stacks[i];
	return NULL;
}

const char *
scene_presence(const struct scene *s, const char *name)
{
	const struct stack_summary *x = scene_stack(s, name);
	if (s->engine.code != ERR_OK)
		return "unknown";
	if (x == NULL)
		return "gone";
	return x->n_running > 0 ? "running" : "stopped";
}

enum err_code
scene_names(const struct scene *s, struct strv *out, struct err *err)
{
	const struct points *p = s->look.points;
	for (size_t i = 0; i < s->n_stacks; i++)
		if (strv_add(out, s->stacks[i].name, err))
			return err->code;
	for (size_t i = 0; p != NULL && i < p->count; i++)
		if (p->items[i].stack != NULL && !strv_has(out, p->items[i].stack) &&
		    strv_add(out, p->items[i].stack, err))
			return err->code;
	strv_sort(out);
	return ERR_OK;
}

const struct scene_run *
scene_last_run(const struct scene *s, const char *kind, const char *stack)
{
	for (size_t i = 0; i < s->n_runs; i++)
		if (catalog_run_state_is_end(s->runs[i].state) &&
		    strcmp(s->runs[i].kind, kind) == 0 && strcmp(s->runs[i].stack, stack) == 0)
			return &s->runs[i];
	return NULL;
}
