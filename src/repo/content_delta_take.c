/*
 * Which units of a level both sides have.  Mostly they stand in the same order: both sides are
 * walked abreast, and what is the same within a few places is taken at once.  What that leaves
 * is looked for wherever it stands, by a map of ids.
 */
#include "repo/content_delta_impl.h"

#include "base/checksum.h"
#include "base/map.h"
#include "base/room.h"

/* Ids are compared by so many bytes: they are keyed hashes. */
#define PREFIX 16
/* So many units of a side are looked at for the next that both have. */
#define AHEAD 16
/* Of the chunks of a pass so many of a side may be left by the first walk and be remembered:
 * with a map of them it is less than the map of a whole pass. */
#define LEFT_SHARE 4

/* --- units --- */

/* Whole rows: known by the id of the chunk or list, or a hash of several. */
struct unit {
	uint64_t number;
	uint8_t prefix[PREFIX];
};

/* Units that have no partner yet. */
struct leftovers {
	struct unit *units;
	size_t count;
	size_t cap;
};

struct seen {
	uint64_t first; /* number of the first one in a */
	uint32_t in_a;
	uint32_t in_both;
};

struct taking {
	struct content_delta *delta;
	unsigned level;
	uint64_t pass;
	uint64_t passes;
	struct map ids;
	bool has_equals; /* a has several of one id, of which more than the first are taken */
	struct leftovers left[2];
	bool has_too_many; /* they are not noted any more: read the lists again */
};

static void
set_taken(struct delta_side *s, uint64_t unit)
{
	s->taken[unit / 64] |= UINT64_C(1) << unit % 64;
}

static void
add_to_unit(struct unit *u, const struct delta_leaf *l)
{
	uint8_t both[PREFIX + ID_SIZE];
	if (l->begins_unit) {
		memcpy(u->prefix, l->extent->id.b, PREFIX);
		u->number = l->unit;
		return;
	}
	memcpy(both, u->prefix, PREFIX);
	memcpy(both + PREFIX, l->extent->id.b, ID_SIZE);
	struct checksum128 sum = checksum128_of(both, sizeof both);
	put_u64(u->prefix, sum.low);
	put_u64(u->prefix + 8, sum.high);
}

/* The next unit of the cursor's level that was not taken with a list. */
static enum err_code
next_unit(struct delta_cursor *c, struct unit *u, bool *is_end, struct err *err)
{
	for (;;) {
		struct delta_leaf l;
		if (delta_cursor_next(c, &l, is_end, err))
			return err->code;
		if (*is_end)
			return ERR_OK;
		if (l.is_taken || !l.is_of_level)
			continue;
		add_to_unit(u, &l);
		if (!l.extent->is_torn)
			return ERR_OK;
	}
}

/* --- abreast --- */

struct ahead {
	struct delta_cursor cursor;
	struct unit room[AHEAD];
	size_t first;
	size_t count;
	bool is_end;
};

struct abreast {
	struct taking *taking;
	struct ahead sides[2];
};

static void
abreast_auto(struct abreast *p)
{
	for (unsigned side = 0; side < 2; side++)
		delta_cursor_release(&p->sides[side].cursor);
}

static enum err_code
look_ahead(struct ahead *a, struct err *err)
{
	memmove(a->room, a->room + a->first, a->count * sizeof *a->room);
	a->first = 0;
	while (a->count < AHEAD && !a->is_end) {
		if (next_unit(&a->cursor, &a->room[a->count], &a->is_end, err))
			return err->code;
		a->count += !a->is_end;
	}
	return ERR_OK;
}

static void
forget_leftovers(struct taking *t)
{
	for (unsigned side = 0; side < 2; side++) {
		free(t->left[side].units);
		t->left[side].units = NULL;
	}
}

static enum err_code
leave_unit(struct taking *t, unsigned side, const struct unit *u, struct err *err)
{
	struct leftovers *l = &t->left[side];
	if (!t->has_too_many && l->count == t->delta->opt.remember / LEFT_SHARE) {
		t->has_too_many = true;
		forget_leftovers(t);
	}
	if (!t->has_too_many) {
		if (ROOM(l->units, l->count, l->cap, 256, err))
			return err->code;
		l->units[l->count] = *u;
	}
	l->count++;
	return ERR_OK;
}

/* Pass over the first n units of a side. */
static enum err_code
leave(struct abreast *p, unsigned side, size_t n, struct err *err)
{
	struct ahead *a = &p->sides[side];
	for (; n > 0; n--) {
		if (leave_unit(p->taking, side, &a->room[a->first], err))
			return err->code;
		a->first++;
		a->count--;
	}
	return ERR_OK;
}

static bool
is_same_unit(const struct abreast *p, size_t in_a, size_t in_b)
{
	const struct ahead *a = &p->sides[0];
	const struct ahead *b = &p->sides[1];
	return in_a < a->count && in_b < b->count &&
	       memcmp(a->room[a->first + in_a].prefix, b->room[b->first + in_b].prefix,
		   PREFIX) == 0;
}

/* The nearest one that both sides have ahead. */
static bool
find_same(const struct abreast *p, size_t at[2])
{
	for (size_t far = 0; far < AHEAD; far++)
		for (size_t near = 0; near <= far; near++) {
			bool is_far_in_a = is_same_unit(p, far, near);
			if (!is_far_in_a && !is_same_unit(p, near, far))
				continue;
			at[0] = is_far_in_a ? far : near;
			at[1] = is_far_in_a ? near : far;
			return true;
		}
	return false;
}

/* The first unit of each side. */
static void
take_first(struct abreast *p)
{
	for (unsigned side = 0; side < 2; side++) {
		struct ahead *a = &p->sides[side];
		set_taken(&p->taking->delta->sides[side], a->room[a->first].number);
		a->first++;
		a->count--;
	}
}

/* The first units differ: go on to what is the same, or a little further where nothing is. */
static enum err_code
pass_over(struct abreast *p, struct err *err)
{
	size_t n[2];
	if (look_ahead(&p->sides[0], err) || look_ahead(&p->sides[1], err))
		return err->code;
	bool is_found = find_same(p, n);
	for (unsigned side = 0; side < 2; side++) {
		size_t has = p->sides[side].count;
		if (leave(p, side, is_found ? n[side] : (has + 1) / 2, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
take_abreast(struct taking *t, struct err *err)
{
	AUTO(abreast) struct abreast p = { .taking = t };
	const struct ahead *a = &p.sides[0];
	const struct ahead *b = &p.sides[1];
	for (unsigned side = 0; side < 2; side++)
		delta_cursor_init(&p.sides[side].cursor, &t->delta->sides[side], t->level);
	for (;;) {
		if ((a->count == 0 && look_ahead(&p.sides[0], err)) ||
		    (b->count == 0 && look_ahead(&p.sides[1], err)))
			return err->code;
		if (a->count == 0 && b->count == 0)
			return cancel_check(t->delta->opt.cancel, err);
		if (is_same_unit(&p, 0, 0))
			take_first(&p);
		else if (pass_over(&p, err))
			return err->code;
	}
}

/* --- wherever they stand --- */

typedef enum err_code unit_fn(struct taking *t, const struct unit *u, struct err *err);

/* Out of the lists, those of this pass. */
static enum err_code
read_units(struct taking *t, unsigned side, unit_fn *fn, struct err *err)
{
	const struct delta_side *s = &t->delta->sides[side];
	AUTO(delta_cursor) struct delta_cursor c;
	delta_cursor_init(&c, s, t->level);
	for (;;) {
		struct unit u;
		bool is_end;
		if (next_unit(&c, &u, &is_end, err))
			return err->code;
		if (is_end)
			return cancel_check(t->delta->opt.cancel, err);
		bool is_now = t->passes == 1 || get_u32(u.prefix + 12) % t->passes == t->pass;
		if (is_now && !delta_has_bit(s, u.number) && fn(t, &u, err))
			return err->code;
	}
}

/* Each unit of those that may be taken in this pass. */
static enum err_code
each_unit(struct taking *t, unsigned side, unit_fn *fn, struct err *err)
{
	const struct leftovers *l = &t->left[side];
	if (t->has_too_many)
		return read_units(t, side, fn, err);
	for (size_t i = 0; i < l->count; i++)
		if (fn(t, &l->units[i], err))
			return err->code;
	return ERR_OK;
}

static enum err_code
note_in_a(struct taking *t, const struct unit *u, struct err *err)
{
	void *value;
	bool is_new;
	if (map_put(&t->ids, u->prefix, &value, &is_new, err))
		return err->code;
	struct seen *s = value;
	s->first = is_new ? u->number : s->first;
	s->in_a++;
	return ERR_OK;
}

static enum err_code
take_in_b(struct taking *t, const struct unit *u, struct err *err)
{
	(void)err;
	struct seen *s = map_get(&t->ids, u->prefix);
	if (s == NULL || s->in_both == s->in_a)
		return ERR_OK;
	if (s->in_both == 0)
		set_taken(&t->delta->sides[0], s->first);
	else
		t->has_equals = true;
	s->in_both++;
	set_taken(&t->delta->sides[1], u->number);
	return ERR_OK;
}

/* The others of an id. */
static enum err_code
take_more_in_a(struct taking *t, const struct unit *u, struct err *err)
{
	(void)err;
	struct seen *s = map_get(&t->ids, u->prefix);
	if (s->in_both <= 1 || u->number == s->first)
		return ERR_OK;
	s->in_both--;
	set_taken(&t->delta->sides[0], u->number);
	return ERR_OK;
}

static enum err_code
take_anywhere(struct taking *t, struct err *err)
{
	uint64_t in_a = t->left[0].count;
	if (in_a == 0 || t->left[1].count == 0)
		return ERR_OK;
	t->passes = t->has_too_many ? 1 + in_a / t->delta->opt.remember : 1;
	enum err_code rc = map_reserve(&t->ids, (size_t)(in_a / t->passes), err);
	for (; rc == ERR_OK && t->pass < t->passes; t->pass++) {
		map_clear(&t->ids);
		if (each_unit(t, 0, note_in_a, err) || each_unit(t, 1, take_in_b, err) ||
		    (t->has_equals && each_unit(t, 0, take_more_in_a, err)))
			rc = err->code;
	}
	return rc;
}

enum err_code
delta_take_units(struct content_delta *d, unsigned level, struct err *err)
{
	struct taking t = { .delta = d, .level = level };
	if (d->opt.is_apart)
		return ERR_OK;
	map_init(&t.ids, PREFIX, sizeof(struct seen));
	enum err_code rc = take_abreast(&t, err);
	if (rc == ERR_OK)
		rc = take_anywhere(&t, err);
	forget_leftovers(&t);
	map_release(&t.ids);
	return rc;
}
