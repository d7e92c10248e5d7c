#include "serve/run_view.h"

#include "sys/clock.h"

static void
put_time(struct json_writer *w, const char *key, int64_t ns)
{
	if (ns != 0)
		json_i64(w, key, ns);
}

/* Why it failed: the command's own error, else that of the first thing it was to do. */
static const json_t *
error_of(const json_t *result)
{
	static const char *const lists[] = { "runs", "drills" };
	const json_t *error = json_object_get(result, "error");
	for (size_t i = 0; i < ARRAY_LEN(lists) && error == NULL; i++) {
		size_t k;
		const json_t *one;
		json_array_foreach(json_object_get(result, lists[i]), k, one)
		{
			error = error != NULL ? error : json_object_get(one, "error");
		}
	}
	return error;
}

static void
put_result(struct json_writer *w, const char *summary)
{
	AUTO(json) json_t *result = NULL;
	struct err scratch; /* a last line that is none says nothing more */
	if (summary == NULL ||
	    json_parse(&result, summary, strlen(summary), "result", &scratch))
		return;
	const json_t *first = json_array_get(json_object_get(result, "runs"), 0);
	const json_t *error = error_of(result);
	if (json_get_bool(first, "quarantined"))
		json_flag(w, "quarantined", true);
	if (error == NULL)
		return;
	json_obj(w, "error");
	json_value(w, "code", json_object_get(error, "code"));
	json_value(w, "message", json_object_get(error, "message"));
	json_obj_end(w);
}

void
run_view_json(struct json_writer *w, const char *key, const struct catalog_run *r)
{
	json_obj(w, key);
	json_i64(w, "id", r->id);
	json_str(w, "kind", r->kind);
	json_str(w, "stack", r->stack);
	if (r->schedule != 0)
		json_i64(w, "schedule", r->schedule);
	json_str(w, "asked_by", r->asked_by);
	json_str(w, "state", catalog_run_state_word(r->state));
	json_i64(w, "asked_ns", r->asked_ns);
	put_time(w, "began_ns", r->began_ns);
	put_time(w, "ended_ns", r->ended_ns);
	if (r->exit_code >= 0)
		json_i64(w, "exit_code", r->exit_code);
	if (r->snapshot != NULL)
		json_str(w, "snapshot", r->snapshot);
	put_result(w, r->summary);
	json_obj_end(w);
}

void
schedule_view_json(struct json_writer *w, const char *key, const struct schedule *s)
{
	AUTO(json) json_t *options = NULL;
	struct err scratch; /* what the catalogue holds was checked when it was put there */
	json_obj(w, key);
	json_i64(w, "id", s->id);
	json_str(w, "kind", s->kind);
	json_str(w, "stack", s->stack);
	json_str(w, "cron", s->cron);
	json_str(w, "zone", s->zone);
	if (json_parse(&options, s->options, strlen(s->options), "options", &scratch) ==
	    ERR_OK) {
		json_value(w, "options", options);
	} else {
		json_obj(w, "options");
		json_obj_end(w);
	}
	json_flag(w, "enabled", s->is_enabled);
	json_i64(w, "catch_up_s", s->catch_up_s);
	if (s->next_at != 0)
		json_i64(w, "next_ns", s->next_at * NS_PER_S);
	if (s->last_run != 0)
		json_i64(w, "last_run", s->last_run);
	json_obj_end(w);
}
