#include "repo/content_delta.h"

#include "repo/content_delta_impl.h"
#include "sys/thread.h"

#include <stdatomic.h>

/* Of one pass: a map of two million places, less than three quarters of them full. */
#define REMEMBER_DEFAULT 1500000
/* Of lists so many extents are kept for each chunk of a pass: 32 MiB of the default's. */
#define KEPT_SHARE(remember) ((remember) / 5 * 2)

/* --- leaves --- */

void
delta_cursor_init(struct delta_cursor *c, const struct delta_side *side, unsigned level)
{
	*c = (struct delta_cursor){ .side = side, .level = level };
}

void
delta_cursor_release(struct delta_cursor *c)
{
	content_release(&c->read);
}

/* A list's items; out->level is below that of the list. */
static enum err_code
read_list(struct repo *r, const struct delta_node *n, struct content *out, struct err *err)
{
	struct extent item = n->extent;
	struct content one = { .size = item.len,
		.level = n->level,
		.count = 1,
		.items = &item,
		.is_counted = true };
	return content_read_list(r, &one, 0, out, err);
}

static enum err_code
open_list(struct delta_cursor *c, const struct delta_node *n, struct err *err)
{
	content_release(&c->read);
	c->items = n->items;
	c->count = n->count;
	c->at = 0;
	if (n->items != NULL)
		return ERR_OK;
	if (read_list(c->side->repo, n, &c->read, err))
		return err->code;
	c->items = c->read.items;
	c->count = c->read.count;
	return ERR_OK;
}

static void
give_leaf(struct delta_cursor *c, const struct extent *e, unsigned level, bool is_taken,
    struct delta_leaf *out)
{
	*out = (struct delta_leaf){ .extent = e,
		.is_taken = is_taken,
		.is_of_level = level == c->level,
		.begins_unit = !c->is_behind_torn };
	if (!is_taken && out->begins_unit)
		c->units++;
	out->unit = c->units - 1;
	c->is_behind_torn = e->is_torn;
}

enum err_code
delta_cursor_next(struct delta_cursor *c, struct delta_leaf *out, bool *is_end, struct err *err)
{
	for (;;) {
		if (c->items != NULL && c->at < c->count) {
			give_leaf(c, &c->items[c->at++], 0, false, out);
			break;
		}
		c->items = NULL;
		if (c->node == c->side->count) {
			*is_end = true;
			return ERR_OK;
		}
		const struct delta_node *n = &c->side->nodes[c->node++];
		if (n->is_taken || n->level <= c->level) {
			give_leaf(c, &n->extent, n->level, n->is_taken, out);
			break;
		}
		if (open_list(c, n, err))
			return err->code;
	}
	*is_end = false;
	return ERR_OK;
}

/* --- what both have --- */

static enum err_code
make_bits(struct delta_side *s, uint64_t leaves, struct err *err)
{
	free(s->taken);
	s->leaves = leaves;
	s->taken = calloc(leaves / 64 + 1, sizeof *s->taken);
	return s->taken != NULL ? ERR_OK : err_nomem(err);
}

/* The bits become marks of nodes. */
static void
mark_lists(struct delta_side *s)
{
	uint64_t units = 0;
	bool is_behind_torn = false;
	for (size_t i = 0; i < s->count; i++) {
		struct delta_node *n = &s->nodes[i];
		if (n->is_taken)
			continue;
		units += !is_behind_torn;
		n->is_taken = delta_has_bit(s, units - 1);
		is_behind_torn = n->extent.is_torn;
	}
}

static enum err_code
take_lists(struct content_delta *d, unsigned level, struct err *err)
{
	for (unsigned side = 0; side < 2; side++)
		if (make_bits(&d->sides[side], d->sides[side].count, err))
			return err->code;
	if (delta_take_units(d, level, err))
		return err->code;
	for (unsigned side = 0; side < 2; side++)
		mark_lists(&d->sides[side]);
	return ERR_OK;
}

/* --- lists that only one side has --- */

/* So many neighbours are read by one thread: they are in one frame, mostly. */
#define STRETCH 32

struct loading {
	struct content_delta *delta;
	unsigned level;
	size_t stretches[2];
	atomic_uint_fast64_t kept; /* extents */
	atomic_flag has_failed;
	struct err err; /* the first */
	bool is_failed;
};

static enum err_code
load_list(struct loading *l, struct delta_side *s, struct delta_node *n, struct err *err)
{
	struct content list = CONTENT_INIT;
	if (n->is_taken || n->level != l->level)
		return ERR_OK;
	if (cancel_check(l->delta->opt.cancel, err) || read_list(s->repo, n, &list, err))
		return err->code;
	n->count = (uint32_t)list.count;
	/* Above the lists of chunks, what is read is needed once more, at once. */
	if (l->level > 1 ||
	    atomic_fetch_add(&l->kept, list.count) < KEPT_SHARE(l->delta->opt.remember))
		n->items = TAKE(list.items);
	content_release(&list);
	return ERR_OK;
}

static void
load_stretch(void *ctx, size_t i)
{
	struct loading *l = ctx;
	unsigned side = i < l->stretches[0] ? 0 : 1;
	struct delta_side *s = &l->delta->sides[side];
	size_t from = (side == 0 ? i : i - l->stretches[0]) * STRETCH;
	struct err err;
	for (size_t k = from; k < min_size(from + STRETCH, s->count); k++) {
		if (load_list(l, s, &s->nodes[k], &err) == ERR_OK)
			continue;
		if (!atomic_flag_test_and_set(&l->has_failed)) {
			l->err = err;
			l->is_failed = true;
		}
		return;
	}
}

unsigned
delta_threads(const struct content_delta *d)
{
	return d->opt.threads > 0 ? d->opt.threads : thread_cpus();
}

static enum err_code
load_lists(struct loading *l, struct err *err)
{
	for (unsigned side = 0; side < 2; side++)
		l->stretches[side] = (l->delta->sides[side].count + STRETCH - 1) / STRETCH;
	thread_each(
	    l->stretches[0] + l->stretches[1], delta_threads(l->delta), load_stretch, l);
	if (l->is_failed)
		*err = l->err;
	return l->is_failed ? err->code : ERR_OK;
}

/* Replace the lists of a level by what they hold. */
static enum err_code
expand(struct delta_side *s, unsigned level, struct err *err)
{
	size_t count = 0;
	for (size_t i = 0; i < s->count; i++)
		count += s->nodes[i].items != NULL ? s->nodes[i].count : 1;
	struct delta_node *nodes = calloc(count + 1, sizeof *nodes);
	if (nodes == NULL)
		return err_nomem(err);
	size_t to = 0;
	for (size_t i = 0; i < s->count; i++) {
		struct delta_node *n = &s->nodes[i];
		if (n->items == NULL)
			nodes[to++] = *n;
		for (size_t j = 0; n->items != NULL && j < n->count; j++)
			nodes[to++] = (struct delta_node){ .extent = n->items[j],
				.level = (uint8_t)(level - 1) };
		free(n->items);
	}
	free(s->nodes);
	s->nodes = nodes;
	s->count = count;
	return ERR_OK;
}

static uint64_t
count_leaves(const struct delta_side *s)
{
	uint64_t n = 0;
	for (size_t i = 0; i < s->count; i++)
		if (!s->nodes[i].is_taken)
			n += s->nodes[i].level > 0 ? s->nodes[i].count : 1;
	return n;
}

static enum err_code
descend(struct content_delta *d, unsigned level, struct err *err)
{
	struct loading l = { .delta = d, .level = level, .has_failed = ATOMIC_FLAG_INIT };
	if (take_lists(d, level, err) || load_lists(&l, err))
		return err->code;
	for (unsigned side = 0; side < 2 && level > 1; side++)
		if (expand(&d->sides[side], level, err))
			return err->code;
	return ERR_OK;
}

/* --- the whole --- */

static enum err_code
start_side(struct delta_side *s, const struct content *c, struct repo *r, struct err *err)
{
	size_t count = c != NULL ? c->count : 0;
	s->repo = r;
	s->nodes = calloc(count + 1, sizeof *s->nodes);
	if (s->nodes == NULL)
		return err_nomem(err);
	if (count > 0 && !c->is_counted)
		return err_set(err, ERR_UNSUPPORTED,
		    "the rows are not counted: it was stored by an earlier version");
	for (size_t i = 0; i < count; i++)
		s->nodes[i] =
		    (struct delta_node){ .extent = c->items[i], .level = (uint8_t)c->level };
	s->count = count;
	return ERR_OK;
}

static enum err_code
sum_up(struct content_delta *d, unsigned side, struct err *err)
{
	const struct delta_side *s = &d->sides[side];
	AUTO(delta_cursor) struct delta_cursor c;
	delta_cursor_init(&c, s, 0);
	for (;;) {
		struct delta_leaf l;
		bool is_end;
		if (delta_cursor_next(&c, &l, &is_end, err))
			return err->code;
		if (is_end)
			return ERR_OK;
		if (delta_is_taken(s, &l) || delta_has_no_rows(&l))
			continue;
		d->rest.chunks[side]++;
		d->rest.bytes[side] += l.extent->len;
		d->rest.rows[side] += l.extent->rows;
	}
}

static unsigned
level_of(const struct content *c)
{
	return c != NULL ? c->level : 0;
}

enum err_code
content_delta_new(
    struct content_delta **out, const struct content_delta_options *opt, struct err *err)
{
	AUTO(content_delta) struct content_delta *d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_nomem(err);
	d->opt = *opt;
	d->opt.remember = opt->remember > 0 ? opt->remember : REMEMBER_DEFAULT;
	if (start_side(&d->sides[0], opt->a, opt->repo_a, err) ||
	    start_side(&d->sides[1], opt->b, opt->repo_b, err))
		return err->code;
	unsigned level = (unsigned)max_size(level_of(opt->a), level_of(opt->b));
	for (; level > 0; level--)
		if (descend(d, level, err))
			return err->code;
	for (unsigned side = 0; side < 2; side++)
		if (make_bits(&d->sides[side], count_leaves(&d->sides[side]), err))
			return err->code;
	if (delta_take_units(d, 0, err) || sum_up(d, 0, err) || sum_up(d, 1, err))
		return err->code;
	*out = TAKE(d);
	return ERR_OK;
}

void
content_delta_free(struct content_delta *d)
{
	if (d == NULL)
		return;
	for (unsigned side = 0; side < 2; side++) {
		struct delta_side *s = &d->sides[side];
		for (size_t i = 0; i < s->count; i++)
			free(s->nodes[i].items);
		free(s->nodes);
		free(s->taken);
	}
	free(d);
}

const struct content_delta_rest *
content_delta_rest(const struct content_delta *d)
{
	return &d->rest;
}
