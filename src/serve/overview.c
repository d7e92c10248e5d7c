#include "serve/overview.h"

#include "serve/attention.h"
#include "serve/days.h"
#include "sys/clock.h"

#define SIZES_MAX 120

static bool
is_of(const struct point *x, const char *stack)
{
	return x->stack != NULL && strcmp(x->stack, stack) == 0;
}

void
overview_proved(
    struct json_writer *w, const char *key, const struct points *p, const char *stack)
{
	for (size_t i = p->count; i-- > 0;) {
		const json_t *proof =
		    is_of(&p->items[i], stack) ? point_proof(p, &p->items[i]) : NULL;
		const char *verdict = proof != NULL ? json_get_str(proof, "verdict") : NULL;
		if (verdict == NULL || strcmp(verdict, PROOF_PROVED) != 0)
			continue;
		json_obj(w, key);
		json_str(w, "snapshot", p->items[i].hex);
		json_i64(w, "snapshot_time_ns", p->items[i].time_ns);
		json_i64(w, "time_ns", json_get_int(proof, "time_ns", 0));
		json_i64(w, "rto_ns", json_get_int(proof, "rto_ns", 0));
		json_obj_end(w);
		return;
	}
}

/* --- a stack --- */

static void
put_sizes(struct json_writer *w, const struct points *p, const char *stack)
{
	size_t n = 0;
	for (size_t i = 0; p != NULL && i < p->count; i++)
		n += is_of(&p->items[i], stack) && p->items[i].is_complete;
	json_arr(w, "sizes");
	for (size_t i = 0; p != NULL && i < p->count; i++) {
		const struct point *x = &p->items[i];
		if (!is_of(x, stack) || !x->is_complete || n-- > SIZES_MAX)
			continue;
		json_obj(w, NULL);
		json_i64(w, "time_ns", x->time_ns);
		json_u64(w, "bytes", x->bytes);
		json_u64(w, "stored_bytes", x->stored_bytes);
		json_obj_end(w);
	}
	json_arr_end(w);
}

static int
by_next(const void *a, const void *b)
{
	const struct schedule *x = *(const struct schedule *const *)a;
	const struct schedule *y = *(const struct schedule *const *)b;
	return (x->next_at > y->next_at) - (x->next_at < y->next_at);
}

static enum err_code
put_next(struct json_writer *w, const struct scene *s, const char *stack, struct err *err)
{
	size_t n = 0;
	AUTO(mem) const struct schedule **list = calloc(s->n_schedules + 1, sizeof *list);
	if (list == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < s->n_schedules; i++)
		if (s->schedules[i].next_at != 0 && strcmp(s->schedules[i].stack, stack) == 0)
			list[n++] = &s->schedules[i];
	if (n > 1)
		qsort(list, n, sizeof *list, by_next);
	json_arr(w, "next");
	for (size_t i = 0; i < n; i++) {
		json_obj(w, NULL);
		json_i64(w, "schedule", list[i]->id);
		json_str(w, "kind", list[i]->kind);
		json_i64(w, "next_ns", list[i]->next_at * NS_PER_S);
		json_obj_end(w);
	}
	json_arr_end(w);
	return ERR_OK;
}

static void
put_active(struct json_writer *w, const struct scene *s, const char *stack)
{
	const json_t *view = NULL; /* the oldest counts: it is at work */
	for (size_t i = 0; i < s->n_runs; i++)
		if (s->runs[i].view != NULL && strcmp(s->runs[i].stack, stack) == 0)
			view = s->runs[i].view;
	if (view != NULL)
		json_value(w, "active", view);
}

static void
put_points(struct json_writer *w, const struct scene *s, const char *stack)
{
	const struct points *p = s->look.points;
	const struct point *complete = NULL;
	size_t n = 0;
	for (size_t i = 0; p != NULL && i < p->count; i++) {
		const struct point *x = &p->items[i];
		n += is_of(x, stack);
		if (is_of(x, stack) && x->is_complete && !x->is_quarantined)
			complete = x;
	}
	json_u64(w, "snapshots", n);
	if (n == 0)
		return;
	const struct point *last = points_last(p, stack);
	point_summary(w, "last", p, last);
	if (complete != NULL)
		json_i64(w, "last_complete_ns", complete->time_ns);
	overview_proved(w, "proved", p, stack);
	verified_write(w, "verified", verified_of(&s->verified, last));
}

static enum err_code
put_stack(struct json_writer *w, const struct scene *s, const char *name, struct err *err)
{
	const struct stack_summary *x = scene_stack(s, name);
	json_obj(w, NULL);
	json_str(w, "name", name);
	json_str(w, "presence", scene_presence(s, name));
	json_u64(w, "services", x != NULL ? x->n_containers : 0);
	json_u64(w, "running", x != NULL ? x->n_running : 0);
	json_u64(w, "unhealthy", x != NULL ? x->n_unhealthy : 0);
	if (x != NULL && *x->working_dir != '\0')
		json_str(w, "working_dir", x->working_dir);
	put_points(w, s, name);
	put_sizes(w, s->look.points, name);
	if (days_write(w, "days", s, name, err) || put_next(w, s, name, err))
		return err->code;
	put_active(w, s, name);
	json_obj_end(w);
	return ERR_OK;
}

/* --- what is no stack --- */

static bool
is_last_of_source(const struct points *p, size_t at)
{
	for (size_t i = at + 1; i < p->count; i++)
		if (strcmp(p->items[i].source, p->items[at].source) == 0)
			return false;
	return true;
}

static void
put_others(struct json_writer *w, const struct points *p)
{
	json_arr(w, "others");
	for (size_t i = 0; p != NULL && i < p->count; i++) {
		const struct point *x = &p->items[i];
		uint64_t n = 0;
		if (x->stack != NULL || !is_last_of_source(p, i))
			continue;
		for (size_t k = 0; k <= i; k++)
			n += strcmp(p->items[k].source, x->source) == 0;
		json_obj(w, NULL);
		json_str(w, "source", x->source);
		json_u64(w, "snapshots", n);
		point_summary(w, "last", p, x);
		json_obj_end(w);
	}
	json_arr_end(w);
}

/* --- all --- */

static const char *
repository_word(const struct scene *s)
{
	if (s->look.points != NULL)
		return "open";
	return s->repository.code == ERR_NO_REPOSITORY ? "none" : "closed";
}

enum err_code
overview_write(struct json_writer *w, const struct scene *s, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	char zone[CLOCK_ZONE_SIZE];
	clock_zone(zone);
	json_i64(w, "now_ns", s->now_ns);
	json_str(w, "zone", zone);
	json_str(w, "repository", repository_word(s));
	json_str(w, "engine", s->engine.code == ERR_OK ? "reachable" : "unreachable");
	if (s->engine.code != ERR_OK)
		json_str(w, "engine_problem", s->engine.msg);
	if (attention_write(w, "attention", s, NULL, err) || scene_names(s, &names, err))
		return err->code;
	json_arr(w, "stacks");
	for (size_t i = 0; i < names.len; i++)
		if (put_stack(w, s, names.items[i], err))
			return err->code;
	json_arr_end(w);
	put_others(w, s->look.points);
	json_arr(w, "active");
	for (size_t i = s->n_runs; i-- > 0;)
		if (s->runs[i].view != NULL)
			json_value(w, NULL, s->runs[i].view);
	json_arr_end(w);
	return ERR_OK;
}
