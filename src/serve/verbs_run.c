/* Runs, and what begins them by itself. */
#include "catalog/run.h"

#include "serve/keeper_impl.h"
#include "serve/reply.h"
#include "serve/run_log.h"
#include "serve/run_view.h"
#include "sys/clock.h"

#include <string.h>

#define DAY_S 86400
#define PREVIEWED 10
#define KEEP_MS 1000

static enum err_code
set_new(json_t *j, const char *name, json_t *value, struct err *err)
{
	return json_object_set_new(j, name, value) == 0 ? ERR_OK : err_nomem(err);
}

/* --- runs --- */

struct run_page {
	struct reply reply;
	unsigned count;
	int64_t last;
};

static enum err_code
add_run(void *arg, const struct catalog_run *r, struct err *err)
{
	struct run_page *p = arg;
	(void)err;
	p->last = r->id;
	p->count++;
	run_view_json(&p->reply.w, NULL, r);
	return ERR_OK;
}

static enum err_code
list_runs(const struct ask *ask, struct answer *out, struct err *err)
{
	struct run_page p = { .count = 0 };
	const struct catalog_run_filter filter = {
		.stack = ask_text(ask, "stack"),
		.kind = ask_text(ask, "kind"),
		.unfinished = ask_flag(ask, "unfinished", false),
		.before = ask_int(ask, "before", 0),
		.limit = (unsigned)ask_int(ask, "limit", 100),
	};
	reply_begin(&p.reply);
	json_arr(&p.reply.w, "runs");
	enum err_code rc =
	    catalog_run_list(keeper_catalog(ask->keeper), &filter, add_run, &p, err);
	json_arr_end(&p.reply.w);
	if (p.count == filter.limit)
		json_i64(&p.reply.w, "next", p.last);
	if (rc == ERR_OK)
		rc = reply_end(&p.reply, out, err);
	reply_auto(&p.reply);
	out->keep_ms = KEEP_MS;
	return rc;
}

/* A run alone, or in "run". */
static enum err_code
view_run(const struct catalog_run *row, const char *key, json_t **out, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	struct json_writer w;
	json_init(&w, &text);
	if (key != NULL)
		json_obj(&w, NULL);
	run_view_json(&w, key, row);
	if (key != NULL)
		json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return json_parse(out, text.data, text.len, "run", err);
}

/* What it has written; nothing when that was tidied away, or is yet to come. */
static enum err_code
add_log(struct keeper *k, const struct catalog_run *row, json_t *detail, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(json) json_t *sum = NULL;
	AUTO(json) json_t *result = NULL;
	if (keeper_run_path(k, row->id, &path, err))
		return err->code;
	enum err_code rc = run_log_sum(&sum, path, err);
	if (rc == ERR_NOT_FOUND)
		sum = json_pack("{s:[], s:[], s:i, s:i, s:i}", "phases", "quiet", "warnings", 0,
		    "problems", 0, "events", 0);
	else if (rc != ERR_OK)
		return rc;
	if (sum == NULL || json_object_update(detail, sum) != 0)
		return err_nomem(err);
	if (!catalog_run_state_is_end(row->state) || rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (run_log_result(&result, path, err))
		return err->code;
	return result != NULL && json_object_set(detail, "result", result) != 0 ? err_nomem(err)
										: ERR_OK;
}

static enum err_code
get_run(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(catalog_run) struct catalog_run row = { 0 };
	AUTO(json) json_t *argv = NULL;
	AUTO(json) json_t *detail = NULL;
	if (catalog_run_get(keeper_catalog(ask->keeper), ask_int(ask, "id", 0), &row, err) ||
	    json_parse(&argv, row.argv, strlen(row.argv), "arguments", err) ||
	    view_run(&row, "run", &detail, err))
		return err->code;
	if (json_object_set(detail, "argv", argv) != 0)
		return err_nomem(err);
	if (add_log(ask->keeper, &row, detail, err))
		return err->code;
	out->keep_ms = catalog_run_state_is_end(row.state) ? KEEP_MS : 0;
	out->body = TAKE(detail);
	return ERR_OK;
}

static enum err_code
get_events(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(catalog_run) struct catalog_run row = { 0 };
	AUTO(str) char *path = NULL;
	int64_t id = ask_int(ask, "id", 0);
	uint64_t from = (uint64_t)ask_int(ask, "from", 0);
	/* Looked at first: what it writes before its end is then in the page. */
	if (catalog_run_get(keeper_catalog(ask->keeper), id, &row, err) ||
	    keeper_run_path(ask->keeper, id, &path, err))
		return err->code;
	bool has_ended = catalog_run_state_is_end(row.state);
	enum err_code rc =
	    run_log_page(&out->body, path, from, (unsigned)ask_int(ask, "limit", 500), err);
	if (rc == ERR_NOT_FOUND) {
		out->body = json_pack(
		    "{s:[], s:I, s:b}", "events", "next", (json_int_t)from, "is_end", 1);
		rc = out->body != NULL ? ERR_OK : err_nomem(err);
	}
	if (rc == ERR_OK && !has_ended)
		return set_new(out->body, "is_end", json_false(), err);
	return rc;
}

static enum err_code
cancel_run(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(catalog_run) struct catalog_run row = { 0 };
	int64_t id = ask_int(ask, "id", 0);
	if (runs_cancel(ask->keeper->runs, id, err) ||
	    catalog_run_get(keeper_catalog(ask->keeper), id, &row, err))
		return err->code;
	out->status = 202;
	return view_run(&row, NULL, &out->body, err);
}

/* --- schedules --- */

static enum err_code
add_schedule(void *arg, const struct schedule *s, struct err *err)
{
	(void)err;
	schedule_view_json(arg, NULL, s);
	return ERR_OK;
}

static enum err_code
list_schedules(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(reply) struct reply r;
	reply_begin(&r);
	json_arr(&r.w, "schedules");
	if (schedule_list(
		keeper_catalog(ask->keeper), ask_text(ask, "stack"), add_schedule, &r.w, err))
		return err->code;
	json_arr_end(&r.w);
	out->keep_ms = KEEP_MS;
	return reply_end(&r, out, err);
}

/* Said with the argument that is wrong. */
static enum err_code
check_time(const json_t *args, struct cron *cron, struct zone **zone, struct err *err)
{
	if (cron_parse(cron, json_get_str(args, "cron"), err))
		return err_wrap(err, "cron");
	return schedule_zone(zone, json_get_str(args, "zone"), err) ? err_wrap(err, "zone")
								    : ERR_OK;
}

static enum err_code
read_schedule(const json_t *args, struct schedule *out, struct err *err)
{
	AUTO(schedule) struct schedule s = { 0 };
	AUTO(mem) char *argv = NULL;
	const json_t *options = json_object_get(args, "options");
	const json_t *enabled = json_object_get(args, "enabled");
	struct cron cron;
	AUTO(zone) struct zone *zone = NULL;
	if (check_time(args, &cron, &zone, err))
		return err->code;
	if (str_dup(&s.kind, json_get_str(args, "kind"), err) ||
	    str_dup(&s.stack, json_get_str(args, "stack"), err) ||
	    str_dup(&s.cron, json_get_str(args, "cron"), err) ||
	    str_dup(&s.zone, json_get_str(args, "zone"), err))
		return err->code;
	s.options = options != NULL ? json_dumps(options, JSON_COMPACT) : strdup("{}");
	if (s.options == NULL)
		return err_nomem(err);
	/* What could not be run is not kept. */
	if (schedule_argv(s.kind, s.stack, s.options, &argv, err))
		return err->code;
	s.id = json_get_int(args, "id", 0);
	s.is_enabled = enabled == NULL || json_is_true(enabled);
	s.catch_up_s = json_get_int(args, "catch_up_s", DAY_S);
	*out = s;
	s = (struct schedule){ 0 };
	return ERR_OK;
}

struct schedule_search {
	int64_t id;
	bool is_found;
	struct buf text;
};

static enum err_code
find_schedule(void *arg, const struct schedule *s, struct err *err)
{
	struct schedule_search *f = arg;
	struct json_writer w;
	if (s->id != f->id)
		return ERR_OK;
	f->is_found = true;
	json_init(&w, &f->text);
	schedule_view_json(&w, NULL, s);
	return json_finish(&w, err);
}

/* As it is now. */
static enum err_code
view_schedule(const struct ask *ask, int64_t id, json_t **out, struct err *err)
{
	struct schedule_search f = { id, false, BUF_INIT };
	enum err_code rc =
	    schedule_list(keeper_catalog(ask->keeper), NULL, find_schedule, &f, err);
	if (rc == ERR_OK && !f.is_found)
		rc = err_set(
		    err, ERR_CHANGED, "schedule %lld was deleted meanwhile", (long long)id);
	if (rc == ERR_OK)
		rc = json_parse(out, f.text.data, f.text.len, "schedule", err);
	buf_release(&f.text);
	return rc;
}

static enum err_code
tell_schedule(const struct ask *ask, int64_t id, const char *stack, struct err *err)
{
	keeper_emit(ask->keeper, "schedule",
	    json_pack("{s:I, s:s}", "schedule", (json_int_t)id, "stack", stack));
	return scheduler_changed(ask->keeper->scheduler, err);
}

static enum err_code
put_schedule(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(schedule) struct schedule s = { 0 };
	int64_t id;
	if (read_schedule(ask->args, &s, err) ||
	    schedule_put(
		keeper_catalog(ask->keeper), &s, clock_wall_ns() / NS_PER_S, &id, err) ||
	    tell_schedule(ask, id, s.stack, err))
		return err->code;
	out->status = s.id == 0 ? 201 : 200;
	return view_schedule(ask, id, &out->body, err);
}

static enum err_code
delete_schedule(const struct ask *ask, struct answer *out, struct err *err)
{
	int64_t id = ask_int(ask, "id", 0);
	if (schedule_delete(keeper_catalog(ask->keeper), id, err) ||
	    tell_schedule(ask, id, "", err))
		return err->code;
	out->status = 204;
	return ERR_OK;
}

static enum err_code
preview_schedule(const struct ask *ask, struct answer *out, struct err *err)
{
	struct cron cron;
	AUTO(zone) struct zone *zone = NULL;
	AUTO(json) json_t *list = json_array();
	if (list == NULL)
		return err_nomem(err);
	if (check_time(ask->args, &cron, &zone, err))
		return err->code;
	int64_t at = clock_wall_ns() / NS_PER_S;
	for (int i = 0; i < PREVIEWED; i++) {
		at = cron_next(&cron, zone, at);
		if (json_array_append_new(list, json_integer(at * NS_PER_S)) != 0)
			return err_nomem(err);
	}
	out->body = json_pack("{s:O}", "next_ns", list);
	return out->body == NULL ? err_nomem(err) : ERR_OK;
}

#define RUN_ID                                    \
	{                                         \
		"id", ARG_INT, true, 1, INT64_MAX \
	}
#define STACK_OR_NONE                             \
	{                                         \
		"stack", ARG_STRING, true, 0, 128 \
	}
#define SCHEDULE_ARGS                                                                          \
	{ "kind", ARG_NAME, true, 0, 0 }, STACK_OR_NONE, { "cron", ARG_STRING, true, 1, 256 }, \
	    { "zone", ARG_STRING, true, 1, 64 }, { "options", ARG_OBJECT, false, 0, 0 },       \
	    { "enabled", ARG_BOOL, false, 0, 0 },                                              \
	{                                                                                      \
		"catch_up_s", ARG_INT, false, 0, 366 * DAY_S                                   \
	}

const struct verb run_verbs[] = {
	{ "runs.list", SCOPE_READ, false, NULL, list_runs,
	    { { "stack", ARG_NAME, false, 0, 0 }, { "kind", ARG_NAME, false, 0, 0 },
		{ "unfinished", ARG_BOOL, false, 0, 0 },
		{ "before", ARG_INT, false, 0, INT64_MAX },
		{ "limit", ARG_INT, false, 1, 1000 } } },
	{ "runs.get", SCOPE_READ, false, NULL, get_run, { RUN_ID } },
	{ "runs.events", SCOPE_READ, false, NULL, get_events,
	    { RUN_ID, { "from", ARG_INT, false, 0, INT64_MAX },
		{ "limit", ARG_INT, false, 1, 1000 } } },
	{ "runs.cancel", SCOPE_OPERATE, true, "id", cancel_run, { RUN_ID } },
	{ "schedules.list", SCOPE_READ, false, NULL, list_schedules,
	    { { "stack", ARG_NAME, false, 0, 0 } } },
	{ "schedules.add", SCOPE_OPERATE, true, "stack", put_schedule, { SCHEDULE_ARGS } },
	{ "schedules.put", SCOPE_OPERATE, true, "id", put_schedule, { RUN_ID, SCHEDULE_ARGS } },
	{ "schedules.delete", SCOPE_OPERATE, true, "id", delete_schedule, { RUN_ID } },
	{ "schedules.preview", SCOPE_READ, false, NULL, preview_schedule,
	    { { "cron", ARG_STRING, true, 1, 256 }, { "zone", ARG_STRING, true, 1, 64 } } },
	{ .name = NULL },
};
