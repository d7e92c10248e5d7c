#include "serve/shelf.h"

#include "base/room.h"
#include "engine/filter.h"
#include "engine/quarantine.h"
#include "repo/snapshot.h"
#include "sys/clock.h"
#include "ui/snapshot_view.h"

#include <pthread.h>
#include <stdatomic.h>

#define FRESH_NS (30 * NS_PER_S)

/* What is given out; p comes first, so that it can be found again. */
struct held {
	struct points p;
	atomic_size_t refs;
};

struct shelf {
	pthread_mutex_t lock; /* guards all below; held while the repository is listed */
	struct held *held; /* NULL: nothing is known yet */
	uint8_t repository[16]; /* whose */
	int64_t listed_ns; /* monotonic */
	struct err problem; /* why it could not be renewed */
	atomic_bool is_stale;
	struct diff_cache *diffs;
};

/* --- points --- */

static void
point_release(struct point *x)
{
	free(x->stack);
	free(x->source);
	json_decref(x->brief);
	json_decref(x->root);
}

static void
held_free(struct held *h)
{
	for (size_t i = 0; i < h->p.count; i++)
		point_release(&h->p.items[i]);
	for (size_t i = 0; i < h->p.n_damaged; i++)
		free(h->p.damaged[i].why);
	free(h->p.items);
	free(h->p.damaged);
	proofs_free(h->p.proofs);
	free(h);
}

static void
held_release(struct held *h)
{
	if (h != NULL && atomic_fetch_sub(&h->refs, 1) == 1)
		held_free(h);
}
AUTO_FREE(held, struct held *, held_release)

void
points_release(const struct points *p)
{
	/* It is the first field of its holder, which alone was const for the caller. */
	held_release((struct held *)(uintptr_t)p);
}

static enum err_code
point_fill(struct point *x, const struct id *id, const json_t *document, struct err *err)
{
	AUTO(bufv) struct buf source = BUF_INIT;
	const json_t *origin = json_object_get(document, "source");
	const json_t *stats = json_object_get(document, "stats");
	const char *kind = json_get_str(origin, "kind");
	const char *name = json_get_str(origin, "name");
	x->id = *id;
	id_hex(x->hex, id);
	x->time_ns = json_get_int(document, "time_ns", 0);
	x->is_complete = snapshot_is_complete(document);
	x->is_quarantined = snapshot_is_quarantined(document);
	x->bytes = (uint64_t)json_get_int(stats, "bytes", 0);
	x->stored_bytes = (uint64_t)json_get_int(stats, "stored_bytes", 0);
	if (snapshot_source_text(&source, document, err) || buf_str(&source, "", err) ||
	    str_dup(&x->source, buf_cstr(&source), err) ||
	    snapshot_view_brief(&x->brief, document, err))
		return err->code;
	if (kind != NULL && name != NULL && strcmp(kind, "stack") == 0 &&
	    str_dup(&x->stack, name, err))
		return err->code;
	x->root = json_pack("{s:O?}", "root", json_object_get(document, "root"));
	return x->root == NULL ? err_nomem(err) : ERR_OK;
}

static enum err_code
point_copy(struct point *x, const struct point *from, struct err *err)
{
	struct point y = *from;
	y.stack = NULL;
	y.source = NULL;
	if (str_dup(&y.source, from->source, err) ||
	    (from->stack != NULL && str_dup(&y.stack, from->stack, err))) {
		free(y.source);
		return err->code;
	}
	json_incref(y.brief);
	json_incref(y.root);
	*x = y;
	return ERR_OK;
}

/* --- listing --- */

struct listing {
	struct repo *repo;
	struct held *to;
	const struct points *known; /* NULL: nothing is; by id */
	const struct point **by_id; /* of known */
};

static int
compare_ids(const void *a, const void *b)
{
	return id_compare(
	    &(*(const struct point *const *)a)->id, &(*(const struct point *const *)b)->id);
}

static const struct point *
find_known(const struct listing *l, const struct id *id)
{
	struct point key = { .id = *id };
	const struct point *wanted = &key;
	if (l->known == NULL || l->known->count == 0)
		return NULL;
	const struct point **hit =
	    bsearch(&wanted, l->by_id, l->known->count, sizeof *l->by_id, compare_ids);
	return hit != NULL ? *hit : NULL;
}

static enum err_code
add_damaged(struct points *p, const struct id *id, const struct err *why, struct err *err)
{
	if (ROOM_SHORT(p->damaged, p->n_damaged, err))
		return err->code;
	struct damaged_point *x = &p->damaged[p->n_damaged++];
	*x = (struct damaged_point){ .id = *id };
	return str_dup(&x->why, why->msg, err);
}

static enum err_code
add_new(
    struct listing *l, struct point *x, const struct id *id, bool *is_there, struct err *err)
{
	AUTO(json) json_t *document = NULL;
	enum err_code rc = snapshot_load(l->repo, id, &document, err);
	*is_there = rc == ERR_OK;
	if (rc == ERR_NOT_FOUND) /* deleted meanwhile */
		return ERR_OK;
	if (rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED || rc == ERR_IO) {
		struct err why = *err;
		return add_damaged(&l->to->p, id, &why, err);
	}
	return rc ? rc : point_fill(x, id, document, err);
}

static enum err_code
add_point(void *arg, const struct id *id, struct err *err)
{
	struct listing *l = arg;
	struct points *p = &l->to->p;
	const struct point *known = find_known(l, id);
	bool is_there = true;
	if (ROOM_SHORT(p->items, p->count, err))
		return err->code;
	struct point *x = &p->items[p->count];
	*x = (struct point){ .id = *id };
	enum err_code rc =
	    known != NULL ? point_copy(x, known, err) : add_new(l, x, id, &is_there, err);
	if (rc != ERR_OK)
		point_release(x);
	else if (is_there)
		p->count++;
	return rc;
}

static int
by_time(const void *a, const void *b)
{
	const struct point *x = a;
	const struct point *y = b;
	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return id_compare(&x->id, &y->id);
}

static enum err_code
list_anew(struct held **out, struct repo *r, const struct points *known, struct err *err)
{
	size_t n = known != NULL ? known->count : 0;
	AUTO(mem) const struct point **by_id = calloc(n + 1, sizeof *by_id);
	AUTO(held) struct held *h = calloc(1, sizeof *h);
	struct listing l = { r, h, known, by_id };
	if (h == NULL || by_id == NULL)
		return err_nomem(err);
	atomic_init(&h->refs, 1);
	for (size_t i = 0; i < n; i++)
		by_id[i] = &known->items[i];
	if (n > 1)
		qsort(by_id, n, sizeof *by_id, compare_ids);
	if (snapshot_ids(r, add_point, &l, err) ||
	    proofs_renew(&h->p.proofs, r, known != NULL ? known->proofs : NULL, err))
		return err->code;
	if (h->p.count > 1)
		qsort(h->p.items, h->p.count, sizeof *h->p.items, by_time);
	*out = TAKE(h);
	return ERR_OK;
}

/* --- shelf --- */

enum err_code
shelf_new(struct shelf **out, struct err *err)
{
	AUTO(shelf) struct shelf *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	pthread_mutex_init(&s->lock, NULL);
	atomic_init(&s->is_stale, true);
	if (diff_cache_new(&s->diffs, err))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

void
shelf_free(struct shelf *s)
{
	if (s == NULL)
		return;
	held_release(s->held);
	diff_cache_free(s->diffs);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct diff_cache *
shelf_diffs(struct shelf *s)
{
	return s->diffs;
}

void
shelf_stale(struct shelf *s)
{
	atomic_store(&s->is_stale, true);
}

static enum err_code
renew(struct shelf *s, struct repo *r, struct err *err)
{
	AUTO(held) struct held *fresh = NULL;
	int64_t now_ns = clock_mono_ns();
	if (s->held != NULL && memcmp(s->repository, repo_id(r), 16) != 0)
		held_release(TAKE(s->held));
	/* Lowered first: what changes while it is listed counts. */
	bool is_stale = atomic_exchange(&s->is_stale, false);
	if (s->held != NULL && !is_stale && now_ns - s->listed_ns < FRESH_NS)
		return ERR_OK;
	if (list_anew(&fresh, r, s->held != NULL ? &s->held->p : NULL, &s->problem)) {
		if (s->held != NULL) { /* asked again when it is not fresh any more */
			s->listed_ns = now_ns;
			return ERR_OK;
		}
		*err = s->problem;
		return err->code;
	}
	held_release(s->held);
	s->held = TAKE(fresh);
	s->listed_ns = now_ns;
	s->problem = (struct err)ERR_INIT;
	memcpy(s->repository, repo_id(r), sizeof s->repository);
	return ERR_OK;
}

enum err_code
shelf_points(struct shelf *s, struct repo *r, const struct points **out, struct err *old,
    struct err *err)
{
	pthread_mutex_lock(&s->lock);
	enum err_code rc = renew(s, r, err);
	if (rc == ERR_OK) {
		atomic_fetch_add(&s->held->refs, 1);
		*out = &s->held->p;
		if (old != NULL)
			*old = s->problem;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* --- looking --- */

enum err_code
points_find(
    const struct points *p, const char *prefix, const struct point **out, struct err *err)
{
	size_t len = strlen(prefix);
	size_t n = 0;
	for (size_t i = 0; i < p->count; i++)
		if (strncmp(p->items[i].hex, prefix, len) == 0) {
			*out = &p->items[i];
			n++;
		}
	for (size_t i = 0; i < p->n_damaged && n == 0; i++) {
		char hex[ID_HEX_SIZE];
		id_hex(hex, &p->damaged[i].id);
		if (strncmp(hex, prefix, len) == 0)
			return err_set(err, ERR_CORRUPT, "snapshot %.8s cannot be read: %s",
			    hex, p->damaged[i].why);
	}
	if (n > 1)
		return err_set(
		    err, ERR_USAGE, "%zu snapshots begin with %s: give more digits", n, prefix);
	if (n == 0)
		return err_set(err, ERR_NOT_FOUND, "no snapshot begins with %.16s", prefix);
	return ERR_OK;
}

const struct point *
points_last(const struct points *p, const char *stack)
{
	for (size_t i = p->count; i-- > 0;)
		if (p->items[i].stack != NULL && strcmp(p->items[i].stack, stack) == 0)
			return &p->items[i];
	return NULL;
}

const json_t *
point_proof(const struct points *p, const struct point *point)
{
	return proofs_of(p->proofs, &point->id);
}

void
point_summary(
    struct json_writer *w, const char *key, const struct points *p, const struct point *point)
{
	snapshot_view_summary(w, key, &point->id, point->brief, point_proof(p, point));
}

enum err_code
point_open_tree(struct snapshot *out, const struct point *point, struct err *err)
{
	struct snapshot s = { .id = point->id, .document = NULL };
	if (snapshot_root(&s.root, point->root, err))
		return err_wrap(err, "snapshot %.8s", point->hex);
	*out = s;
	return ERR_OK;
}

enum err_code
point_open(struct snapshot *out, struct repo *r, const struct point *point, struct err *err)
{
	if (point_open_tree(out, point, err))
		return err->code;
	enum err_code rc = snapshot_load(r, &point->id, &out->document, err);
	if (rc != ERR_OK)
		snapshot_release(out);
	return rc;
}
