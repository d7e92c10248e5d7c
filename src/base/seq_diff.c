#include "base/seq_diff.h"

#include <string.h>

/* --- numbers --- */

struct ranked {
	struct seq_item item;
	size_t *out;
};

static int
by_bytes(const void *x, const void *y)
{
	const struct seq_item *a = &((const struct ranked *)x)->item;
	const struct seq_item *b = &((const struct ranked *)y)->item;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->len > 0 ? memcmp(a->data, b->data, a->len) : 0;
}

enum err_code
seq_number(const struct seq_item *a, size_t a_len, const struct seq_item *b, size_t b_len,
    size_t *a_out, size_t *b_out, struct err *err)
{
	size_t n = a_len + b_len;
	if (n == 0)
		return ERR_OK;
	AUTO(mem) struct ranked *all = reallocarray(NULL, n, sizeof *all);
	if (all == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < a_len; i++)
		all[i] = (struct ranked){ a[i], &a_out[i] };
	for (size_t i = 0; i < b_len; i++)
		all[a_len + i] = (struct ranked){ b[i], &b_out[i] };
	qsort(all, n, sizeof *all, by_bytes);
	size_t number = 0;
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && by_bytes(&all[i - 1], &all[i]) != 0)
			number++;
		*all[i].out = number;
	}
	return ERR_OK;
}

/* --- the edit --- */

/* A part of both sequences: items from..to of each. */
struct box {
	ptrdiff_t x0, x1;
	ptrdiff_t y0, y1;
};

struct search {
	const size_t *a;
	const size_t *b;
	bool *gone;
	bool *come;
	/* By diagonal (x - y): how far the search from the front, and from the back, has come.
	 */
	ptrdiff_t *front;
	ptrdiff_t *back;
};

struct point {
	ptrdiff_t x;
	ptrdiff_t y;
};

/* The diagonals that a search walks on, each second one; they widen until the box's corner. */
struct reach {
	ptrdiff_t lo;
	ptrdiff_t hi;
};

static void
widen(struct reach *r, const struct box *box, ptrdiff_t *by_diagonal, ptrdiff_t nowhere)
{
	if (r->lo > box->x0 - box->y1)
		by_diagonal[--r->lo - 1] = nowhere;
	else
		r->lo++;
	if (r->hi < box->x1 - box->y0)
		by_diagonal[++r->hi + 1] = nowhere;
	else
		r->hi--;
}

static bool
step_front(const struct search *s, const struct box *box, const struct reach *front,
    const struct reach *back, bool may_meet, struct point *met)
{
	for (ptrdiff_t d = front->hi; d >= front->lo; d -= 2) {
		ptrdiff_t below = s->front[d - 1];
		ptrdiff_t above = s->front[d + 1];
		ptrdiff_t x = below < above ? above : below + 1;
		ptrdiff_t y = x - d;
		while (x < box->x1 && y < box->y1 && s->a[x] == s->b[y]) {
			x++;
			y++;
		}
		s->front[d] = x;
		if (may_meet && back->lo <= d && d <= back->hi && s->back[d] <= x) {
			*met = (struct point){ x, y };
			return true;
		}
	}
	return false;
}

static bool
step_back(const struct search *s, const struct box *box, const struct reach *front,
    const struct reach *back, bool may_meet, struct point *met)
{
	for (ptrdiff_t d = back->hi; d >= back->lo; d -= 2) {
		ptrdiff_t below = s->back[d - 1];
		ptrdiff_t above = s->back[d + 1];
		ptrdiff_t x = below < above ? below : above - 1;
		ptrdiff_t y = x - d;
		while (x > box->x0 && y > box->y0 && s->a[x - 1] == s->b[y - 1]) {
			x--;
			y--;
		}
		s->back[d] = x;
		if (may_meet && front->lo <= d && d <= front->hi && x <= s->front[d]) {
			*met = (struct point){ x, y };
			return true;
		}
	}
	return false;
}

/* The search costs too much: the farthest point that either side has reached. */
static struct point
farthest(const struct search *s, const struct box *box, const struct reach *front,
    const struct reach *back)
{
	struct point ahead = { box->x0, box->y0 };
	struct point behind = { box->x1, box->y1 };
	for (ptrdiff_t d = front->hi; d >= front->lo; d -= 2) {
		ptrdiff_t x = s->front[d] < box->x1 ? s->front[d] : box->x1;
		if (x - d > box->y1)
			x = box->y1 + d;
		if (2 * x - d > ahead.x + ahead.y)
			ahead = (struct point){ x, x - d };
	}
	for (ptrdiff_t d = back->hi; d >= back->lo; d -= 2) {
		ptrdiff_t x = s->back[d] > box->x0 ? s->back[d] : box->x0;
		if (x - d < box->y0)
			x = box->y0 + d;
		if (2 * x - d < behind.x + behind.y)
			behind = (struct point){ x, x - d };
	}
	ptrdiff_t from_front = ahead.x + ahead.y - box->x0 - box->y0;
	ptrdiff_t from_back = box->x1 + box->y1 - behind.x - behind.y;
	return from_front > from_back ? ahead : behind;
}

/* A point that an edit of the box goes through: both sides are searched at once, until they
 * meet.  The box's first items differ, and its last ones. */
static struct point
find_middle(const struct search *s, const struct box *box)
{
	ptrdiff_t first = box->x0 - box->y0;
	ptrdiff_t last = box->x1 - box->y1;
	struct reach front = { first, first };
	struct reach back = { last, last };
	bool is_odd = ((first - last) & 1) != 0;
	struct point met = { box->x0, box->y0 };
	s->front[first] = box->x0;
	s->back[last] = box->x1;
	for (size_t cost = 1;; cost++) {
		widen(&front, box, s->front, -1);
		if (step_front(s, box, &front, &back, is_odd, &met))
			return met;
		widen(&back, box, s->back, PTRDIFF_MAX);
		if (step_back(s, box, &front, &back, !is_odd, &met))
			return met;
		if (cost >= SEQ_DIFF_COST)
			return farthest(s, box, &front, &back);
	}
}

/* Take away what is equal in front and behind; true when both sides have something left.
 * Otherwise what is left of one was marked. */
static bool
strip(const struct search *s, struct box *box)
{
	while (box->x0 < box->x1 && box->y0 < box->y1 && s->a[box->x0] == s->b[box->y0]) {
		box->x0++;
		box->y0++;
	}
	while (
	    box->x0 < box->x1 && box->y0 < box->y1 && s->a[box->x1 - 1] == s->b[box->y1 - 1]) {
		box->x1--;
		box->y1--;
	}
	if (box->x0 < box->x1 && box->y0 < box->y1)
		return true;
	for (ptrdiff_t x = box->x0; x < box->x1; x++)
		s->gone[x] = true;
	for (ptrdiff_t y = box->y0; y < box->y1; y++)
		s->come[y] = true;
	return false;
}

static ptrdiff_t
size_of(const struct box *box)
{
	return box->x1 - box->x0 + box->y1 - box->y0;
}

/* The smaller part is always done first: no more than one box for each halving waits. */
static void
search_all(const struct search *s, struct box whole)
{
	struct box waiting[8 * sizeof(size_t)];
	size_t count = 0;
	waiting[count++] = whole;
	while (count > 0) {
		struct box box = waiting[--count];
		if (!strip(s, &box))
			continue;
		struct point p = find_middle(s, &box);
		struct box front = { box.x0, p.x, box.y0, p.y };
		struct box back = { p.x, box.x1, p.y, box.y1 };
		bool front_first = size_of(&front) < size_of(&back);
		waiting[count++] = front_first ? back : front;
		waiting[count++] = front_first ? front : back;
	}
}

/* A run of marked items whose first equals what follows it may as well begin one later. */
static void
settle(const size_t *items, size_t len, bool *marked)
{
	size_t i = 0;
	while (i < len) {
		size_t from = i;
		while (i < len && marked[i])
			i++;
		while (i > from && i < len && items[from] == items[i]) {
			marked[from++] = false;
			marked[i++] = true;
			while (i < len && marked[i])
				i++;
		}
		i += i == from;
	}
}

enum err_code
seq_diff(const size_t *a, size_t a_len, const size_t *b, size_t b_len, bool *gone, bool *come,
    struct err *err)
{
	/* Diagonals from -b_len - 1 to a_len + 1, for each direction. */
	size_t diagonals = a_len + b_len + 3;
	AUTO(mem) ptrdiff_t *room = reallocarray(NULL, diagonals, 2 * sizeof *room);
	if (room == NULL)
		return err_nomem(err);
	struct search s = {
		.a = a,
		.b = b,
		.gone = gone,
		.come = come,
		.front = room + b_len + 1,
		.back = room + diagonals + b_len + 1,
	};
	memset(gone, 0, a_len * sizeof *gone);
	memset(come, 0, b_len * sizeof *come);
	search_all(&s, (struct box){ 0, (ptrdiff_t)a_len, 0, (ptrdiff_t)b_len });
	settle(a, a_len, gone);
	settle(b, b_len, come);
	return ERR_OK;
}
