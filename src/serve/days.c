#include "serve/days.h"

#include "sys/clock.h"

#define DAY_NS (INT64_C(86400) * NS_PER_S)
#define ROOM (SCENE_DAYS + 3) /* the 90th day ago is there in part, clocks are moved */

enum outcome_kind { COMPLETE, PARTIAL, QUARANTINED, FAILED, KINDS };

struct day {
	char day[11];
	uint64_t counts[KINDS];
};

struct days {
	struct day items[ROOM];
	size_t count;
};

static void
count(struct days *d, int64_t at_ns, enum outcome_kind kind)
{
	char text[CLOCK_TEXT_SIZE];
	clock_format_local(text, at_ns);
	text[10] = '\0';
	for (size_t i = 0; i < d->count; i++)
		if (strcmp(d->items[i].day, text) == 0) {
			d->items[i].counts[kind]++;
			return;
		}
	if (d->count == ROOM)
		return;
	struct day *fresh = &d->items[d->count++];
	memcpy(fresh->day, text, sizeof fresh->day);
	fresh->counts[kind] = 1;
}

static bool
is_backup_of(const struct scene_run *r, const char *stack)
{
	return strcmp(r->kind, "backup") == 0 && strcmp(r->stack, stack) == 0 &&
	       catalog_run_state_is_end(r->state);
}

static bool
was_made_by_run(const struct scene *s, const struct point *x)
{
	for (size_t i = 0; i < s->n_runs; i++) {
		const struct scene_run *r = &s->runs[i];
		if (is_backup_of(r, x->stack) && r->began_ns <= x->time_ns &&
		    x->time_ns <= r->ended_ns)
			return true;
	}
	return false;
}

static enum outcome_kind
kind_of_point(const struct point *x)
{
	if (x->is_quarantined)
		return QUARANTINED;
	return x->is_complete ? COMPLETE : PARTIAL;
}

/* Of a run that made something, its snapshot tells more, if it is still there. */
static enum outcome_kind
kind_of_run(const struct scene *s, const struct scene_run *r)
{
	const struct points *p = s->look.points;
	for (size_t i = 0; p != NULL && i < p->count; i++) {
		const struct point *x = &p->items[i];
		if (x->stack != NULL && strcmp(x->stack, r->stack) == 0 &&
		    r->began_ns <= x->time_ns && x->time_ns <= r->ended_ns)
			return kind_of_point(x);
	}
	if (r->state == RUN_PARTIAL)
		return PARTIAL;
	return r->state == RUN_COMPLETE ? COMPLETE : FAILED;
}

static int
by_day(const void *a, const void *b)
{
	return strcmp(((const struct day *)a)->day, ((const struct day *)b)->day);
}

static void
put_days(struct json_writer *w, const char *key, const struct days *d)
{
	static const char *const words[] = { "complete", "partial", "quarantined", "failed" };
	json_arr(w, key);
	for (size_t i = 0; i < d->count; i++) {
		json_obj(w, NULL);
		json_str(w, "day", d->items[i].day);
		for (size_t k = 0; k < KINDS; k++)
			json_u64(w, words[k], d->items[i].counts[k]);
		json_obj_end(w);
	}
	json_arr_end(w);
}

enum err_code
days_write(struct json_writer *w, const char *key, const struct scene *s, const char *stack,
    struct err *err)
{
	const struct points *p = s->look.points;
	int64_t since_ns = s->now_ns - SCENE_DAYS * DAY_NS;
	AUTO(mem) struct days *d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < s->n_runs; i++) {
		const struct scene_run *r = &s->runs[i];
		if (is_backup_of(r, stack) && r->state != RUN_CANCELLED &&
		    r->ended_ns >= since_ns)
			count(d, r->ended_ns, kind_of_run(s, r));
	}
	for (size_t i = 0; p != NULL && i < p->count; i++) {
		const struct point *x = &p->items[i];
		if (x->stack != NULL && strcmp(x->stack, stack) == 0 &&
		    x->time_ns >= since_ns && !was_made_by_run(s, x))
			count(d, x->time_ns, kind_of_point(x));
	}
	if (d->count > 1)
		qsort(d->items, d->count, sizeof d->items[0], by_day);
	put_days(w, key, d);
	return ERR_OK;
}
