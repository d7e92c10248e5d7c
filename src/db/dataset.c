/*
 * The bytes that were fed wait in hold as long as it is not decided which part
 * they are of; nearly always all are decided at once, and go from the caller's
 * memory to the ops.
 *
 *	done            fed_from          fed_to
 *	 │ hold .........│ the slice .......│
 *
 * Places are counted from the dump's first byte; cuts.base is done.
 */
#include "db/dataset.h"

#include "base/bytes.h"
#include "base/strv.h"
#include "db/census_impl.h"
#include "db/cuts.h"

#include <stdlib.h>
#include <string.h>

/* Words before rows: 4,096 columns with names of 64 letters are a quarter of it. */
#define HOLD_MAX ((size_t)1 << 20)

enum open_part { NO_PART, PLAIN, TABLE, LAST };

struct dataset {
	struct census *census;
	const struct dataset_ops *ops;
	void *arg;
	struct cuts cuts;
	const char *suffix; /* of parts without rows */
	unsigned count; /* of parts that began */
	enum open_part open;
	bool in_rows; /* not in the table's head or tail */

	uint64_t done; /* handed over */
	struct buf hold; /* from there on */
	const uint8_t *slice; /* what is being fed, behind it */
	uint64_t fed_from;
	uint64_t fed_to;
	size_t next_end; /* of cuts.ends */
};

enum err_code
dataset_new(struct dataset **out, struct census *census, const struct dataset_ops *ops,
    void *arg, struct err *err)
{
	AUTO(dataset) struct dataset *d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_nomem(err);
	if (cuts_init(&d->cuts, err))
		return err->code;
	d->census = census;
	d->ops = ops;
	d->arg = arg;
	d->suffix = census_cut(census, &d->cuts) == CENSUS_RDB ? "rdb" : "sql";
	*out = TAKE(d);
	return ERR_OK;
}

void
dataset_free(struct dataset *d)
{
	if (d == NULL)
		return;
	cuts_release(&d->cuts);
	buf_release(&d->hold);
	free(d);
}

/* --- parts --- */

static enum err_code
begin_part(struct dataset *d, enum open_part open, const char *table, const char *suffix,
    struct err *err)
{
	AUTO(str) char *name = NULL;
	if (d->open == LAST)
		return ERR_OK;
	bool is_last = d->count == DATASET_PARTS_MAX - 1;
	struct dataset_part part = { .table = is_last ? NULL : table };
	if (dataset_part_name(&name, d->count, part.table, suffix, err))
		return err->code;
	part.name = name;
	d->count++;
	d->open = is_last ? LAST : open;
	d->in_rows = false;
	return d->ops->part(d->arg, &part, err);
}

/* --- bytes --- */

/* The row ends of cuts up to there, counted from a place of this piece's own. */
static size_t
take_ends(struct dataset *d, uint64_t from, uint64_t to)
{
	uint32_t *ends = d->cuts.ends;
	uint32_t shift = (uint32_t)(from - d->cuts.base);
	uint64_t limit = to - d->cuts.base;
	size_t i = d->next_end;
	if (d->cuts.n_ends > 0 && ends[d->cuts.n_ends - 1] <= limit)
		i = d->cuts.n_ends;
	else
		while (i < d->cuts.n_ends && ends[i] <= limit)
			i++;
	for (size_t k = d->next_end; shift > 0 && k < i; k++)
		ends[k] -= shift;
	return i;
}

static enum err_code
give(struct dataset *d, const uint8_t *data, size_t len, struct err *err)
{
	size_t first = d->next_end;
	uint64_t from = d->done;
	d->done += len;
	if (d->open != TABLE || !d->in_rows)
		return d->ops->bytes(d->arg, data, len, err);
	d->next_end = take_ends(d, from, d->done);
	return d->ops->rows(d->arg, data, len, d->cuts.ends + first, d->next_end - first, err);
}

/* Hand over what lies before that place. */
static enum err_code
give_to(struct dataset *d, uint64_t to, struct err *err)
{
	if (to <= d->done)
		return ERR_OK;
	if (d->open == NO_PART && begin_part(d, PLAIN, NULL, d->suffix, err))
		return err->code;
	if (d->done < d->fed_from) {
		size_t at = d->hold.len - (size_t)(d->fed_from - d->done);
		uint64_t end = to < d->fed_from ? to : d->fed_from;
		if (give(d, d->hold.data + at, (size_t)(end - d->done), err))
			return err->code;
	}
	if (to <= d->done)
		return ERR_OK;
	return give(d, d->slice + (d->done - d->fed_from), (size_t)(to - d->done), err);
}

/* Rows of a part that has become the last are none that are told. */
static void
forget_ends(struct dataset *d)
{
	if (d->open == LAST)
		d->next_end = d->cuts.n_ends;
}

/* --- cuts --- */

static enum err_code
begin_table(struct dataset *d, const struct cut *c, struct err *err)
{
	if (give_to(d, c->at, err) || begin_part(d, TABLE, c->name, d->suffix, err) ||
	    give_to(d, c->rows, err))
		return err->code;
	bool has_head = c->rows > c->at;
	if (d->open != TABLE)
		return ERR_OK;
	d->in_rows = true;
	return has_head ? d->ops->border(d->arg, err) : ERR_OK;
}

static enum err_code
take_cut(struct dataset *d, const struct cut *c, struct err *err)
{
	if (c->kind == CUT_TABLE)
		return begin_table(d, c, err);
	if (give_to(d, c->at, err))
		return err->code;
	if (c->kind == CUT_LOST)
		return begin_part(d, PLAIN, NULL, "unknown", err);
	if (d->open != TABLE)
		return ERR_OK;
	d->in_rows = false;
	if (c->kind == CUT_TAIL)
		return d->ops->border(d->arg, err);
	d->open = NO_PART;
	return ERR_OK;
}

static enum err_code
take_cuts(struct dataset *d, struct err *err)
{
	for (size_t i = 0; i < d->cuts.count; i++)
		if (take_cut(d, &d->cuts.items[i], err))
			return err->code;
	uint64_t undecided = d->cuts.undecided;
	return give_to(d, undecided < d->fed_to ? undecided : d->fed_to, err);
}

/* Keep what is not decided. */
static enum err_code
keep_rest(struct dataset *d, struct err *err)
{
	uint64_t from = d->done > d->fed_from ? d->done : d->fed_from;
	size_t old = d->done < d->fed_from ? (size_t)(d->fed_from - d->done) : 0;
	if (old < d->hold.len && old > 0)
		memmove(d->hold.data, d->hold.data + d->hold.len - old, old);
	d->hold.len = old;
	return buf_add(
	    &d->hold, d->slice + (from - d->fed_from), (size_t)(d->fed_to - from), err);
}

static enum err_code
feed_slice(struct dataset *d, const uint8_t *data, size_t len, struct err *err)
{
	d->slice = data;
	d->fed_from = d->fed_to;
	d->fed_to += len;
	cuts_clear(&d->cuts, d->done);
	d->next_end = 0;
	if (census_feed(d->census, data, len, err) || take_cuts(d, err))
		return err->code;
	forget_ends(d);
	if (d->fed_to - d->done > HOLD_MAX) {
		cuts_clear(&d->cuts, d->done);
		d->next_end = 0;
		if (census_decide(d->census, err) || take_cuts(d, err))
			return err->code;
	}
	return keep_rest(d, err);
}

enum err_code
dataset_feed(struct dataset *d, const void *data, size_t len, struct err *err)
{
	const uint8_t *p = data;
	while (len > 0) {
		size_t n = min_size(len, CUTS_FEED_MAX);
		if (feed_slice(d, p, n, err))
			return err->code;
		p += n;
		len -= n;
	}
	return ERR_OK;
}

enum err_code
dataset_finish(struct dataset *d, struct err *err)
{
	d->fed_from = d->fed_to;
	cuts_clear(&d->cuts, d->done);
	d->next_end = 0;
	if (census_end_cuts(d->census, err))
		return err->code;
	/* What an RDB file ends in the middle of waits for nothing any more. */
	d->cuts.undecided = CUTS_NONE;
	return take_cuts(d, err);
}
