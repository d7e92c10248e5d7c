#include "repo/content_delta_impl.h"

#include "base/room.h"

/* So many shared neighbours are looked at on each side for the next that both have there. */
#define MARKS_MAX 32
/* So many extents of a side are held, unless a row is longer. */
#define HELD_MAX 128
/* Bytes of a side in one run, unless a row is longer. */
#define RUN_BYTES ((uint64_t)1 << 20)

/* A shared neighbour: it stands before the extent of that number. */
struct mark {
	uint64_t at;
	bool is_end; /* of the content; id means nothing */
	struct id id;
};

/* What comes next on one side. */
struct ahead {
	struct delta_cursor cursor;
	bool is_end;
	uint64_t first; /* number of the first extent; those before were told */
	struct extent *extents;
	size_t count;
	size_t cap;
	struct mark room[2 * MARKS_MAX];
	struct mark *marks; /* in room */
	size_t mark_count;
};

struct walk {
	const struct content_delta *delta;
	struct ahead sides[2];
	content_run_fn *fn;
	void *arg;
};

static void
walk_auto(struct walk *w)
{
	for (unsigned side = 0; side < 2; side++) {
		delta_cursor_release(&w->sides[side].cursor);
		free(w->sides[side].extents);
	}
}

static void
start(struct ahead *a, const struct delta_side *side)
{
	delta_cursor_init(&a->cursor, side, 0);
	a->marks = a->room;
}

static enum err_code
hold(struct ahead *a, const struct extent *e, struct err *err)
{
	if (ROOM(a->extents, a->count, a->cap, HELD_MAX, err))
		return err->code;
	a->extents[a->count++] = *e;
	return ERR_OK;
}

static void
mark(struct ahead *a, const struct id *id)
{
	if (a->marks + a->mark_count == a->room + ARRAY_LEN(a->room)) {
		memcpy(a->room, a->marks, a->mark_count * sizeof *a->marks);
		a->marks = a->room;
	}
	struct mark *m = &a->marks[a->mark_count++];
	m->at = a->first + a->count;
	m->is_end = id == NULL;
	if (id != NULL)
		m->id = *id;
}

static bool
is_torn_behind(const struct ahead *a)
{
	return a->count > 0 && a->extents[a->count - 1].is_torn;
}

static enum err_code
fill(struct ahead *a, struct err *err)
{
	while (!a->is_end && a->mark_count < MARKS_MAX &&
	       (a->count < HELD_MAX || is_torn_behind(a))) {
		struct delta_leaf l;
		if (delta_cursor_next(&a->cursor, &l, &a->is_end, err))
			return err->code;
		if (a->is_end)
			mark(a, NULL);
		else if (delta_is_taken(a->cursor.side, &l))
			mark(a, &l.extent->id);
		else if (!delta_has_no_rows(&l) && hold(a, l.extent, err))
			return err->code;
	}
	return ERR_OK;
}

/* The extents from there on that make one run: whole rows. */
static size_t
run_from(const struct ahead *a, size_t from, size_t to)
{
	uint64_t bytes = 0;
	size_t i = from;
	for (; i < to; i++) {
		bool is_border = i == from || !a->extents[i - 1].is_torn;
		if (is_border && i > from && bytes + a->extents[i].len > RUN_BYTES)
			break;
		bytes += a->extents[i].len;
	}
	return i - from;
}

/* Tell what stands before these numbers, and drop it. */
static enum err_code
tell(struct walk *w, size_t to_a, size_t to_b, struct err *err)
{
	struct ahead *a = &w->sides[0];
	struct ahead *b = &w->sides[1];
	size_t from[2] = { 0, 0 };
	while (from[0] < to_a || from[1] < to_b) {
		struct content_run run = {
			.extents = { a->extents + from[0], b->extents + from[1] },
			.count = { run_from(a, from[0], to_a), run_from(b, from[1], to_b) },
		};
		if (w->fn(w->arg, &run, err))
			return err->code;
		from[0] += run.count[0];
		from[1] += run.count[1];
	}
	return ERR_OK;
}

static void
drop_extents(struct ahead *a, size_t n)
{
	if (n > 0)
		memmove(a->extents, a->extents + n, (a->count - n) * sizeof *a->extents);
	a->count -= n;
	a->first += n;
}

/* At most MARKS_MAX. */
static void
drop_marks(struct ahead *a, size_t n)
{
	a->marks += n;
	a->mark_count -= n;
	if (a->mark_count == 0)
		a->marks = a->room;
}

static bool
is_same_mark(const struct mark *x, const struct mark *y)
{
	return x->is_end == y->is_end && (x->is_end || id_equal(&x->id, &y->id));
}

/* The nearest neighbour that both sides have ahead. */
static bool
find_common_mark(const struct walk *w, size_t *in_a, size_t *in_b)
{
	const struct ahead *a = &w->sides[0];
	const struct ahead *b = &w->sides[1];
	for (size_t far = 0; far < MARKS_MAX; far++)
		for (size_t near = 0; near <= far; near++) {
			if (far < a->mark_count && near < b->mark_count &&
			    is_same_mark(&a->marks[far], &b->marks[near])) {
				*in_a = far;
				*in_b = near;
				return true;
			}
			if (near < a->mark_count && far < b->mark_count &&
			    is_same_mark(&a->marks[near], &b->marks[far])) {
				*in_a = near;
				*in_b = far;
				return true;
			}
		}
	return false;
}

/* How many extents stand before a mark. */
static size_t
before_mark(const struct ahead *a, size_t mark)
{
	return (size_t)(a->marks[mark].at - a->first);
}

/* Tell what stands before these marks, and go behind them. */
static enum err_code
tell_to_marks(struct walk *w, size_t mark_a, size_t mark_b, struct err *err)
{
	size_t mark[2] = { mark_a, mark_b };
	size_t to[2];
	for (unsigned side = 0; side < 2; side++)
		to[side] = before_mark(&w->sides[side], mark[side]);
	if (tell(w, to[0], to[1], err))
		return err->code;
	for (unsigned side = 0; side < 2; side++) {
		drop_extents(&w->sides[side], to[side]);
		drop_marks(&w->sides[side], mark[side] + 1);
	}
	return ERR_OK;
}

/* No neighbour in common is near: tell what stands before the first marks, as far as it is
 * here.  Where nothing does, the order is mixed up: half of the marks are forgotten. */
static enum err_code
tell_without_mark(struct walk *w, struct err *err)
{
	size_t to[2];
	for (unsigned side = 0; side < 2; side++) {
		const struct ahead *a = &w->sides[side];
		to[side] = a->mark_count > 0 ? before_mark(a, 0) : a->count;
	}
	if (tell(w, to[0], to[1], err))
		return err->code;
	bool is_stuck = to[0] == 0 && to[1] == 0;
	for (unsigned side = 0; side < 2; side++) {
		struct ahead *a = &w->sides[side];
		drop_extents(a, to[side]);
		if (is_stuck && a->mark_count > 0 && !a->marks[0].is_end)
			drop_marks(a, max_size(1, a->mark_count / 2));
	}
	return ERR_OK;
}

static bool
is_done(const struct walk *w)
{
	for (unsigned side = 0; side < 2; side++) {
		const struct ahead *a = &w->sides[side];
		if (!a->is_end || a->count > 0 || a->mark_count > 0)
			return false;
	}
	return true;
}

enum err_code
content_delta_walk(struct content_delta *d, content_run_fn *fn, void *arg, struct err *err)
{
	AUTO(walk) struct walk w = { .delta = d, .fn = fn, .arg = arg };
	for (unsigned side = 0; side < 2; side++)
		start(&w.sides[side], &d->sides[side]);
	while (!is_done(&w)) {
		size_t mark_a;
		size_t mark_b;
		if (cancel_check(d->opt.cancel, err) || fill(&w.sides[0], err) ||
		    fill(&w.sides[1], err))
			return err->code;
		if (!find_common_mark(&w, &mark_a, &mark_b)) {
			if (tell_without_mark(&w, err))
				return err->code;
			continue;
		}
		if (tell_to_marks(&w, mark_a, mark_b, err))
			return err->code;
	}
	return ERR_OK;
}
