#include "engine/copy_delta.h"

#include "base/map.h"
#include "base/room.h"

/* Below, reading is cheaper than comparing. */
#define SIZE_MIN ((uint64_t)1 << 20)
/* The more chunks, the more memory: a terabyte of files, 32 GiB of rows. */
#define CHUNKS_MAX ((size_t)1 << 20)

/* A run of the new file. */
struct run {
	uint64_t offset;
	uint64_t len;
	bool is_hole;
	bool is_old; /* the old file has it, at old_offset */
	uint64_t old_offset;
};

/* A chunk of the copy of the old file. */
struct copied_chunk {
	uint64_t offset;
	struct extent extent;
};

struct delta {
	struct run *runs;
	size_t n_runs;
	size_t cap_runs;
	struct copied_chunk *chunks;
	size_t n_chunks;
	size_t cap_chunks;
	struct map old; /* ids of the old file's chunks to their offsets: of counted contents;
			   of others while it is made */
};

static enum err_code
too_many(struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "too many chunks to compare");
}

bool
delta_is_useful(const struct delta_files *f)
{
	return f->now->size >= SIZE_MIN && f->old->size >= SIZE_MIN &&
	       f->old->size == f->copy->size && f->now->is_counted == f->old->is_counted &&
	       f->now->is_counted == f->copy->is_counted;
}

void
delta_free(struct delta *d)
{
	if (d == NULL)
		return;
	free(d->runs);
	free(d->chunks);
	map_release(&d->old);
	free(d);
}

static enum err_code
note_old(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	struct delta *d = arg;
	void *value;
	bool is_new;
	if (e->is_hole)
		return ERR_OK;
	if (d->old.len == CHUNKS_MAX)
		return too_many(err);
	if (map_put(&d->old, e->id.b, &value, &is_new, err))
		return err->code;
	if (is_new)
		memcpy(value, &offset, sizeof offset);
	return ERR_OK;
}

static enum err_code
note_copied(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	struct delta *d = arg;
	if (e->is_hole)
		return ERR_OK;
	if (d->n_chunks == CHUNKS_MAX)
		return too_many(err);
	if (ROOM(d->chunks, d->n_chunks, d->cap_chunks, 64, err))
		return err->code;
	d->chunks[d->n_chunks++] = (struct copied_chunk){ offset, *e };
	return ERR_OK;
}

/* Does the run go on with this one? */
static bool
continues(const struct run *r, const struct run *next)
{
	return r->is_hole == next->is_hole && r->is_old == next->is_old &&
	       (!r->is_old || r->old_offset + r->len == next->old_offset);
}

static enum err_code
note_now(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	struct delta *d = arg;
	struct run run = { .offset = offset, .len = e->len, .is_hole = e->is_hole };
	const void *value = e->is_hole ? NULL : map_get(&d->old, e->id.b);
	if (value != NULL) {
		run.is_old = true;
		memcpy(&run.old_offset, value, sizeof run.old_offset);
	}
	if (d->n_runs > 0 && continues(&d->runs[d->n_runs - 1], &run)) {
		d->runs[d->n_runs - 1].len += run.len;
		return ERR_OK;
	}
	if (d->n_runs == CHUNKS_MAX)
		return too_many(err);
	if (ROOM(d->runs, d->n_runs, d->cap_runs, 16, err))
		return err->code;
	d->runs[d->n_runs++] = run;
	return ERR_OK;
}

static bool
has_old_runs(const struct delta *d)
{
	for (size_t i = 0; i < d->n_runs; i++)
		if (d->runs[i].is_old)
			return true;
	return false;
}

enum err_code
delta_new(struct delta **out, const struct delta_files *f, struct err *err)
{
	AUTO(delta) struct delta *d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_nomem(err);
	map_init(&d->old, ID_SIZE, sizeof(uint64_t));
	if (content_walk(f->from, f->old, note_old, NULL, d, err))
		return err->code;
	if (!f->now->is_counted) {
		if (content_walk(f->from, f->now, note_now, NULL, d, err))
			return err->code;
		map_release(&d->old);
		if (!has_old_runs(d))
			return err_set(err, ERR_NOT_FOUND, "nothing is as it was");
	}
	if (content_walk(f->to, f->copy, note_copied, NULL, d, err))
		return err->code;
	*out = TAKE(d);
	return ERR_OK;
}

/* The first chunk of the copy that begins at or behind an offset. */
static size_t
first_chunk(const struct delta *d, uint64_t offset)
{
	size_t low = 0;
	size_t high = d->n_chunks;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (d->chunks[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct extent *
delta_find(const struct delta *d, const struct extent *e)
{
	uint64_t offset;
	const void *value = map_get(&d->old, e->id.b);
	if (value == NULL)
		return NULL;
	memcpy(&offset, value, sizeof offset);
	size_t i = first_chunk(d, offset);
	/* Equal chunks have equal bytes, but the rows are those of the place. */
	const struct extent *copy = i < d->n_chunks ? &d->chunks[i].extent : NULL;
	bool fits = copy != NULL && d->chunks[i].offset == offset && copy->len == e->len &&
		    copy->rows == e->rows && copy->is_torn == e->is_torn;
	return fits ? copy : NULL;
}

/* What is to be read, joined with what comes next to it. */
struct reading {
	delta_fn *fn;
	void *arg;
	struct delta_part part;
};

static enum err_code
flush(struct reading *r, struct err *err)
{
	if (r->part.len > 0 && r->fn(r->arg, &r->part, err))
		return err->code;
	r->part.len = 0;
	return ERR_OK;
}

static void
read_also(struct reading *r, uint64_t offset, uint64_t len)
{
	if (r->part.len == 0)
		r->part = (struct delta_part){ .kind = DELTA_READ, .offset = offset };
	r->part.len += len;
}

static enum err_code
tell(struct reading *r, const struct delta_part *part, struct err *err)
{
	return flush(r, err) ? err->code : r->fn(r->arg, part, err);
}

/* A run that the old file has: what of the copy's chunks lies inside it, and the rest read. */
static enum err_code
walk_old_run(const struct delta *d, const struct run *run, struct reading *r, struct err *err)
{
	uint64_t done = 0; /* of the run */
	uint64_t end = run->old_offset + run->len;
	for (size_t i = first_chunk(d, run->old_offset); i < d->n_chunks; i++) {
		const struct copied_chunk *c = &d->chunks[i];
		uint64_t at = c->offset - run->old_offset;
		if (c->offset + c->extent.len > end)
			break;
		if (at > done)
			read_also(r, run->offset + done, at - done);
		struct delta_part part = { .kind = DELTA_STORED,
			.offset = run->offset + at,
			.len = c->extent.len,
			.id = c->extent.id };
		if (tell(r, &part, err))
			return err->code;
		done = at + c->extent.len;
	}
	if (run->len > done)
		read_also(r, run->offset + done, run->len - done);
	return ERR_OK;
}

enum err_code
delta_walk(const struct delta *d, delta_fn *fn, void *arg, struct err *err)
{
	struct reading r = { .fn = fn, .arg = arg };
	for (size_t i = 0; i < d->n_runs; i++) {
		const struct run *run = &d->runs[i];
		struct delta_part hole = {
			.kind = DELTA_HOLE, .offset = run->offset, .len = run->len
		};
		if (run->is_hole) {
			if (tell(&r, &hole, err))
				return err->code;
		} else if (!run->is_old) {
			read_also(&r, run->offset, run->len);
		} else if (walk_old_run(d, run, &r, err)) {
			return err->code;
		}
	}
	return flush(&r, err);
}
