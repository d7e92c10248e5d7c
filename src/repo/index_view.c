#include "repo/index_impl.h"
#include "repo/index_merge.h"

#define NO_SENSE "the local copy of the index makes no sense"

/* --- life --- */

static int
by_size(const void *a, const void *b)
{
	uint64_t x = (*(struct segment *const *)a)->entries.count;
	uint64_t y = (*(struct segment *const *)b)->entries.count;
	return x < y ? 1 : x > y ? -1 : 0;
}

void
segments_sort(struct segment **segments, size_t count)
{
	qsort(segments, count, sizeof(struct segment *), by_size);
}

enum err_code
view_make(struct index_view **out, struct segment *const *segments, size_t count,
    struct doomed *doomed, struct err *err)
{
	AUTO(mem) struct segment **sorted = calloc(count + 1, sizeof(struct segment *));
	struct index_view *v = calloc(1, sizeof *v + count * sizeof v->parts[0]);
	if (v == NULL || sorted == NULL) {
		free(v);
		return err_nomem(err);
	}
	if (count > 0)
		memcpy(sorted, segments, count * sizeof(struct segment *));
	segments_sort(sorted, count);
	atomic_init(&v->refs, 1);
	v->count = count;
	v->doomed = doomed_ref(doomed);
	for (size_t i = 0; i < count; i++) {
		v->parts[i] =
		    (struct index_part){ segment_ref(sorted[i]), v->entries, v->packs };
		v->entries += sorted[i]->entries.count;
		v->packs += sorted[i]->packs.count;
	}
	*out = v;
	return ERR_OK;
}

struct index_view *
view_ref(struct index_view *v)
{
	atomic_fetch_add(&v->refs, 1);
	return v;
}

enum err_code
index_view_get(struct index_view **out, struct index *ix, struct err *err)
{
	(void)err;
	pthread_mutex_lock(&ix->lock);
	*out = view_ref(ix->view);
	pthread_mutex_unlock(&ix->lock);
	return ERR_OK;
}

void
index_view_release(struct index_view *v)
{
	if (v == NULL || atomic_fetch_sub(&v->refs, 1) > 1)
		return;
	for (size_t i = 0; i < v->count; i++)
		segment_unref(v->parts[i].segment);
	doomed_unref(v->doomed);
	free(v);
}

struct doomed *
doomed_ref(struct doomed *d)
{
	if (d != NULL)
		atomic_fetch_add(&d->refs, 1);
	return d;
}

void
doomed_unref(struct doomed *d)
{
	if (d != NULL && atomic_fetch_sub(&d->refs, 1) == 1)
		free(d);
}

bool
view_is_doomed(const struct index_view *v, const struct id *pack)
{
	return v->doomed != NULL && id_is_among(pack, v->doomed->ids, v->doomed->count);
}

bool
view_has_object(const struct index_view *v, const struct id *object)
{
	for (size_t i = 0; i < v->count; i++)
		if (!atomic_load(&v->parts[i].segment->is_damaged) &&
		    segment_find_object(v->parts[i].segment, object) >= 0)
			return true;
	return false;
}

uint64_t
index_view_entries(const struct index_view *v)
{
	return v->entries;
}

uint64_t
index_view_packs(const struct index_view *v)
{
	return v->packs;
}

/* --- looking up --- */

static enum err_code
locate_in(struct index_view *v, struct segment *s, const struct id *id, bool any,
    struct location *out, struct err *err)
{
	bool has_doomed = false;
	for (unsigned nth = 0;; nth++) {
		struct segment_entry e;
		struct segment_pack p;
		uint64_t number;
		bool found;
		if (segment_find(s, id, nth, &e, &number, &found, err))
			return err->code;
		if (!found)
			return has_doomed ? ERR_OK : ERR_NOT_FOUND;
		if (segment_read_pack(s, e.pack, &p, err))
			return err->code;
		bool is_doomed = view_is_doomed(v, &p.id);
		if (is_doomed && (!any || has_doomed))
			continue;
		*out = (struct location){ .pack = p.id,
			.kind = p.kind,
			.frame_offset = e.frame_offset,
			.frame_len = e.frame_len,
			.offset = e.offset,
			.len = e.len };
		if (!is_doomed)
			return ERR_OK;
		has_doomed = true;
	}
}

enum err_code
view_locate(
    struct index_view *v, const struct id *id, bool any, struct location *out, struct err *err)
{
	enum err_code rc = ERR_NOT_FOUND;
	for (size_t i = 0; i < v->count; i++) {
		struct location loc;
		struct err why;
		enum err_code one = locate_in(v, v->parts[i].segment, id, any, &loc, &why);
		if (one == ERR_OK && (rc != ERR_OK || !view_is_doomed(v, &loc.pack)))
			*out = loc;
		if (one == ERR_OK && !view_is_doomed(v, &loc.pack))
			return ERR_OK;
		if (one == ERR_OK) {
			rc = ERR_OK;
		} else if (one != ERR_NOT_FOUND && rc != ERR_OK) {
			/* Another segment may know the chunk too. */
			rc = one;
			*err = why;
		}
	}
	return rc;
}

enum err_code
index_view_find(
    struct index_view *v, const struct id *id, struct index_hit *out, struct err *err)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct index_part *part = &v->parts[i];
		struct segment_entry e;
		uint64_t number;
		bool found;
		if (segment_find(part->segment, id, 0, &e, &number, &found, err))
			return err->code;
		if (!found)
			continue;
		if (e.pack >= part->segment->packs.count)
			return err_set(err, ERR_IO, NO_SENSE);
		*out =
		    (struct index_hit){ part->first_entry + number, part->first_pack + e.pack,
			    e.frame_offset, e.frame_len, e.offset, e.len, e.frame };
		return ERR_OK;
	}
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	return err_set(err, ERR_NOT_FOUND, "chunk %.16s: no index knows it", hex);
}

static enum err_code
fill_pack(
    struct segment *s, const struct segment_pack *p, struct index_pack *out, struct err *err)
{
	if (p->object >= s->objects.count)
		return err_set(err, ERR_IO, NO_SENSE);
	*out = (struct index_pack){ .id = p->id,
		.size = p->size,
		.kind = p->kind,
		.object = s->object_list[p->object].id,
		.bytes = p->bytes,
		.chunks = p->chunks,
		.frames = p->frames };
	return ERR_OK;
}

enum err_code
index_view_pack(struct index_view *v, uint64_t number, struct index_pack *out, struct err *err)
{
	for (size_t i = v->count; i-- > 0;) {
		const struct index_part *part = &v->parts[i];
		struct segment_pack p;
		if (number < part->first_pack)
			continue;
		if (segment_read_pack(part->segment, number - part->first_pack, &p, err))
			return err->code;
		return fill_pack(part->segment, &p, out, err);
	}
	return err_set(err, ERR_NOT_FOUND, "no pack has this number");
}

/* --- walking --- */

static enum err_code
walk_part(const struct index_part *part, index_hit_fn *fn, void *arg, struct err *err)
{
	struct segment_cursor c;
	const uint8_t *r;
	if (segment_cursor_init(&c, part->segment, &part->segment->entries, err))
		return err->code;
	enum err_code rc = ERR_OK;
	while (rc == ERR_OK) {
		struct segment_entry e;
		rc = segment_cursor_next(&c, &r, err);
		if (rc || r == NULL)
			break;
		segment_decode_entry(r, &e);
		if (e.pack >= part->segment->packs.count) {
			rc = err_set(err, ERR_IO, NO_SENSE);
			break;
		}
		struct index_hit hit = { part->first_entry + c.next - 1,
			part->first_pack + e.pack, e.frame_offset, e.frame_len, e.offset, e.len,
			e.frame };
		rc = fn(arg, &e.id, &hit, err);
	}
	segment_cursor_release(&c);
	return rc;
}

enum err_code
index_view_walk(struct index_view *v, index_hit_fn *fn, void *arg, struct err *err)
{
	for (size_t i = 0; i < v->count; i++)
		if (walk_part(&v->parts[i], fn, arg, err))
			return err->code;
	return ERR_OK;
}

struct index_pack_cursor {
	struct index_view *view;
	struct segment_merge merge;
};

enum err_code
index_pack_cursor_open(struct index_pack_cursor **out, struct index_view *v, struct err *err)
{
	AUTO(index_pack_cursor) struct index_pack_cursor *c = calloc(1, sizeof *c);
	AUTO(mem) struct segment **segments = calloc(v->count + 1, sizeof(struct segment *));
	if (c == NULL || segments == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < v->count; i++)
		segments[i] = v->parts[i].segment;
	c->view = view_ref(v);
	if (segment_merge_init(&c->merge, segments, v->count, SEGMENT_PACKS, err))
		return err->code;
	*out = TAKE(c);
	return ERR_OK;
}

void
index_pack_cursor_close(struct index_pack_cursor *c)
{
	if (c == NULL)
		return;
	segment_merge_release(&c->merge);
	index_view_release(c->view);
	free(c);
}

enum err_code
index_pack_cursor_next(struct index_pack_cursor *c, struct index_pack *out, uint64_t *number,
    bool *is_end, struct err *err)
{
	const uint8_t *r;
	size_t from;
	uint64_t n;
	struct segment_pack p;
	if (segment_merge_next(&c->merge, &r, &from, &n, err))
		return err->code;
	*is_end = r == NULL;
	if (r == NULL)
		return ERR_OK;
	const struct index_part *part = &c->view->parts[from];
	segment_decode_pack(r, &p);
	*number = part->first_pack + n;
	return fill_pack(part->segment, &p, out, err);
}
