#include "repo/index.h"

#include "base/log.h"
#include "base/strv.h"
#include "repo/index_impl.h"
#include "repo/index_merge.h"
#include "repo/index_payload.h"
#include "sys/fs.h"

#define FEW_SEGMENTS 6 /* a look-up asks so many without complaint */
#define MANY_SEGMENTS 24 /* merged while objects are added one by one */
#define MOST_SEGMENTS 256 /* merged while many are loaded: each is an open file */

/* --- life --- */

enum err_code
index_new(struct index **out, const char *cache_dir, struct err *err)
{
	AUTO(index) struct index *ix = calloc(1, sizeof *ix);
	if (ix == NULL)
		return err_nomem(err);
	pthread_mutex_init(&ix->change, NULL);
	pthread_mutex_init(&ix->lock, NULL);
	if (view_make(&ix->view, NULL, 0, NULL, err))
		return err->code;
	if (cache_dir != NULL &&
	    (str_dup(&ix->cache_dir, cache_dir, err) || fs_mkdirs(cache_dir, 0700, err) ||
		index_attach_cached(ix, err)))
		return err->code;
	*out = TAKE(ix);
	return ERR_OK;
}

const char *
index_cache_dir(const struct index *ix)
{
	return ix->cache_dir;
}

void
index_free(struct index *ix)
{
	if (ix == NULL)
		return;
	index_view_release(ix->view);
	free(ix->cache_dir);
	pthread_mutex_destroy(&ix->change);
	pthread_mutex_destroy(&ix->lock);
	free(ix);
}

static void
replace_view(struct index *ix, struct index_view *v)
{
	pthread_mutex_lock(&ix->lock);
	struct index_view *before = ix->view;
	ix->view = v;
	pthread_mutex_unlock(&ix->lock);
	index_view_release(before);
}

enum err_code
index_publish(struct index *ix, struct segment *const *segments, size_t count, struct err *err)
{
	struct index_view *v;
	if (view_make(&v, segments, count, ix->view->doomed, err))
		return err->code;
	replace_view(ix, v);
	return ERR_OK;
}

/* --- looking up --- */

bool
index_find(struct index *ix, const struct id *id, struct location *out)
{
	AUTO(index_view) struct index_view *v = NULL;
	struct err scratch; /* what cannot be looked up is stored again */
	return index_view_get(&v, ix, &scratch) == ERR_OK &&
	       view_locate(v, id, false, out, &scratch) == ERR_OK;
}

enum err_code
index_lookup(struct index *ix, const struct id *id, struct location *out, struct err *err)
{
	AUTO(index_view) struct index_view *v = NULL;
	if (index_view_get(&v, ix, err))
		return err->code;
	enum err_code rc = view_locate(v, id, true, out, err);
	return rc == ERR_NOT_FOUND ? err_set(err, ERR_NOT_FOUND, "no index knows it") : rc;
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, ID_SIZE);
}

/* With room for count ids. */
static struct doomed *
doomed_new(size_t count, struct err *err)
{
	struct doomed *d = calloc(1, sizeof *d + count * sizeof(struct id));
	if (d == NULL)
		err_nomem(err);
	else
		atomic_init(&d->refs, 1);
	return d;
}

/* With the change lock. */
static enum err_code
publish_doomed(struct index *ix, struct doomed *d, struct err *err)
{
	struct index_view *now = ix->view;
	struct index_view *v = NULL;
	AUTO(mem) struct segment **segments = calloc(now->count + 1, sizeof(struct segment *));
	if (segments == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < now->count; i++)
		segments[i] = now->parts[i].segment;
	if (d->count > 1)
		qsort(d->ids, d->count, sizeof *d->ids, by_id);
	if (view_make(&v, segments, now->count, d, err))
		return err->code;
	replace_view(ix, v);
	return ERR_OK;
}

enum err_code
index_doom(struct index *ix, const struct id *packs, size_t count, struct err *err)
{
	struct doomed *d = doomed_new(count, err);
	if (d == NULL)
		return err->code;
	d->count = count;
	if (count > 0)
		memcpy(d->ids, packs, count * sizeof *packs);
	pthread_mutex_lock(&ix->change);
	enum err_code rc = publish_doomed(ix, d, err);
	pthread_mutex_unlock(&ix->change);
	doomed_unref(d);
	return rc;
}

enum err_code
index_doom_also(struct index *ix, const struct id *pack, struct err *err)
{
	pthread_mutex_lock(&ix->change);
	const struct doomed *before = ix->view->doomed;
	size_t n = before != NULL ? before->count : 0;
	struct doomed *d = doomed_new(n + 1, err);
	enum err_code rc = d == NULL ? err->code : ERR_OK;
	if (d != NULL) {
		if (n > 0)
			memcpy(d->ids, before->ids, n * sizeof *d->ids);
		d->ids[n] = *pack;
		d->count = n + 1;
		rc = publish_doomed(ix, d, err);
		doomed_unref(d);
	}
	pthread_mutex_unlock(&ix->change);
	return rc;
}

bool
index_has(struct index *ix, const struct id *object)
{
	AUTO(index_view) struct index_view *v = NULL;
	struct err scratch; /* cannot fail */
	return index_view_get(&v, ix, &scratch) == ERR_OK && view_has_object(v, object);
}

uint64_t
index_entries(struct index *ix)
{
	AUTO(index_view) struct index_view *v = NULL;
	struct err scratch; /* cannot fail */
	return index_view_get(&v, ix, &scratch) == ERR_OK ? v->entries : 0;
}

enum err_code
index_walk_packs(struct index *ix, index_pack_fn *fn, void *arg, struct err *err)
{
	AUTO(index_view) struct index_view *v = NULL;
	AUTO(index_pack_cursor) struct index_pack_cursor *c = NULL;
	if (index_view_get(&v, ix, err) || index_pack_cursor_open(&c, v, err))
		return err->code;
	struct index_pack p;
	struct id before;
	bool is_first = true;
	for (;;) {
		uint64_t number;
		bool is_end;
		if (index_pack_cursor_next(c, &p, &number, &is_end, err))
			return err->code;
		if (is_end)
			return ERR_OK;
		if (!is_first && id_equal(&p.id, &before))
			continue;
		is_first = false;
		before = p.id;
		if (fn(arg, &p, err))
			return err->code;
	}
}

/* --- changing; all with the change lock --- */

/* Take some of the present segments out and put one in their place; added may be NULL. */
static enum err_code
exchange(struct index *ix, const bool *is_out, struct segment *added, struct err *err)
{
	const struct index_view *v = ix->view;
	AUTO(mem) struct segment **segments = calloc(v->count + 2, sizeof(struct segment *));
	if (segments == NULL)
		return err_nomem(err);
	size_t n = 0;
	for (size_t i = 0; i < v->count; i++)
		if (is_out == NULL || !is_out[i])
			segments[n++] = v->parts[i].segment;
	if (added != NULL)
		segments[n++] = added;
	return index_publish(ix, segments, n, err);
}

/* Make a segment of others, in the cache when that works. */
static enum err_code
unite(struct index *ix, struct segment **out, struct segment *const *segments, size_t count,
    const struct id *keep, size_t n_keep, struct err *err)
{
	struct err scratch; /* a cache that cannot be written costs time, not safety */
	if (ix->cache_dir != NULL && segments_unite(out, segments, count, keep, n_keep,
					 SEGMENT_IN_FOLDER, ix->cache_dir, &scratch) == ERR_OK)
		return ERR_OK;
	return segments_unite(out, segments, count, keep, n_keep, SEGMENT_UNNAMED, NULL, err);
}

/* The files of segments that are not needed any more. */
static void
remove_files(struct segment *const *segments, size_t count, const struct segment *replaced_by)
{
	for (size_t i = 0; i < count; i++)
		if (replaced_by == NULL || segments[i]->path == NULL ||
		    strcmp(segments[i]->path, replaced_by->path) != 0)
			segment_remove_file(segments[i]);
}

/*
 * Merge the smaller segments so that each is at least twice as large as all
 * smaller ones together (the rule of git's geometric repacking): few stay, and
 * an entry is written again only as often as what it lies in doubles.
 */
static enum err_code
merge_small(struct index *ix, struct err *err)
{
	const struct index_view *v = ix->view; /* largest first */
	uint64_t sum = 0;
	size_t from = v->count;
	for (size_t i = v->count; i-- > 0;) {
		uint64_t size = v->parts[i].segment->entries.count;
		if (i + 1 < v->count && size < 2 * sum)
			from = i;
		sum += size;
	}
	size_t n = v->count - from;
	if (n == 0)
		return ERR_OK;
	AUTO(segment) struct segment *one = NULL;
	AUTO(mem) struct segment **old = calloc(n, sizeof(struct segment *));
	AUTO(mem) bool *is_out = calloc(v->count, sizeof *is_out);
	if (old == NULL || is_out == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < n; i++) {
		old[i] = segment_ref(v->parts[from + i].segment);
		is_out[from + i] = true;
	}
	enum err_code rc = unite(ix, &one, old, n, NULL, 0, err);
	if (rc == ERR_OK)
		rc = exchange(ix, is_out, one, err);
	if (rc == ERR_OK && one != NULL && one->path != NULL)
		remove_files(old, n, one);
	for (size_t i = 0; i < n; i++)
		segment_unref(old[i]);
	return rc;
}

static void
merge_when_more_than(struct index *ix, size_t limit)
{
	struct err why; /* many segments are slow, but right */
	if (ix->view->count > limit && !ix->cannot_merge && merge_small(ix, &why)) {
		ix->cannot_merge = true;
		log_debug("index: %s", why.msg);
	}
}

static enum err_code
add_object(
    struct index *ix, const struct id *object, const struct buf *payload, struct err *err)
{
	AUTO(segment) struct segment *s = NULL;
	enum err_code rc = ERR_IO;
	/* What is wrong with the payload is wrong everywhere. */
	if (ix->cache_dir != NULL)
		rc = segment_of_payload(
		    &s, object, payload, SEGMENT_IN_FOLDER, ix->cache_dir, err);
	if (rc && (ix->cache_dir == NULL || err->code != ERR_CORRUPT))
		rc = segment_of_payload(&s, object, payload, SEGMENT_UNNAMED, NULL, err);
	if (rc && err->code != ERR_CORRUPT)
		rc = segment_of_payload(&s, object, payload, SEGMENT_IN_MEMORY, NULL, err);
	return rc ? rc : exchange(ix, NULL, s, err);
}

enum err_code
index_add(struct index *ix, const struct id *object, const struct buf *payload, struct err *err)
{
	pthread_mutex_lock(&ix->change);
	enum err_code rc = ERR_OK;
	if (!view_has_object(ix->view, object))
		rc = add_object(ix, object, payload, err);
	merge_when_more_than(ix, MANY_SEGMENTS);
	pthread_mutex_unlock(&ix->change);
	return rc;
}

static enum err_code
fetch_missing(struct index *ix, const struct id *listed, size_t count,
    const struct index_source *source, struct err *err)
{
	AUTO(bufv) struct buf payload = BUF_INIT;
	for (size_t i = 0; i < count; i++) {
		if (view_has_object(ix->view, &listed[i]))
			continue;
		payload.len = 0;
		if (source->fetch(source->arg, &listed[i], &payload, err)) {
			if (err->code != ERR_NOT_FOUND)
				return err->code;
			continue; /* replaced by a newer one between the listing and now */
		}
		if (add_object(ix, &listed[i], &payload, err)) {
			char hex[ID_HEX_SIZE];
			id_hex(hex, &listed[i]);
			return err_wrap(err, "index/%s", hex);
		}
		merge_when_more_than(ix, MOST_SEGMENTS);
	}
	return ERR_OK;
}

/* Take a segment out; its objects are fetched again if they are still there. */
static enum err_code
forget(struct index *ix, size_t number, struct err *err)
{
	AUTO(mem) bool *is_out = calloc(ix->view->count, sizeof *is_out);
	if (is_out == NULL)
		return err_nomem(err);
	is_out[number] = true;
	segment_remove_file(ix->view->parts[number].segment);
	return exchange(ix, is_out, NULL, err);
}

/* Put a segment without the objects that are gone in place of one. */
static enum err_code
drop_gone_of(struct index *ix, size_t number, const struct id *listed, size_t count,
    const struct index_source *source, bool *is_changed, struct err *err)
{
	AUTO(segment) struct segment *old = segment_ref(ix->view->parts[number].segment);
	AUTO(segment) struct segment *rest = NULL;
	AUTO(mem) struct id *keep = calloc(old->objects.count + 1, sizeof *keep);
	AUTO(mem) bool *is_out = calloc(ix->view->count, sizeof *is_out);
	size_t n = 0;
	if (keep == NULL || is_out == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < old->objects.count; i++) {
		const struct id *id = &old->object_list[i].id;
		if (id_is_among(id, listed, count) || !source->is_gone(source->arg, id))
			keep[n++] = *id;
	}
	*is_changed = n < old->objects.count || atomic_load(&old->is_damaged);
	if (!*is_changed)
		return ERR_OK;
	struct err scratch;
	is_out[number] = true;
	if (n == 0 || atomic_load(&old->is_damaged) ||
	    unite(ix, &rest, &old, 1, keep, n, &scratch))
		return forget(ix, number, err);
	if (exchange(ix, is_out, rest, err))
		return err->code;
	if (rest->path != NULL)
		remove_files(&old, 1, rest);
	return ERR_OK;
}

static enum err_code
drop_gone(struct index *ix, const struct id *listed, size_t count,
    const struct index_source *source, struct err *err)
{
	for (size_t i = 0; i < ix->view->count;) {
		bool is_changed;
		if (drop_gone_of(ix, i, listed, count, source, &is_changed, err))
			return err->code;
		/* The order is another one now. */
		i = is_changed ? 0 : i + 1;
	}
	return ERR_OK;
}

enum err_code
index_sync(struct index *ix, const struct id *listed, size_t count,
    const struct index_source *source, struct err *err)
{
	pthread_mutex_lock(&ix->change);
	/* New objects first: there is no moment at which a chunk that moved is unknown. */
	enum err_code rc = fetch_missing(ix, listed, count, source, err);
	if (rc == ERR_OK)
		rc = drop_gone(ix, listed, count, source, err);
	if (rc == ERR_OK)
		rc = fetch_missing(ix, listed, count, source, err);
	if (rc == ERR_OK)
		merge_when_more_than(ix, FEW_SEGMENTS);
	pthread_mutex_unlock(&ix->change);
	return rc;
}
