#include "repo/check.h"

#include "base/room.h"
#include "repo/check_pack.h"
#include "repo/object.h"
#include "sys/rand.h"
#include "sys/thread.h"

#define MOST_READERS 16

/* A pack in the store: 64 bytes for each, whatever it holds. */
struct stored_pack {
	struct id id;
	uint64_t size;
	struct entry_sum indexed; /* of packs that are to be read */
	bool is_indexed;
	bool is_wanted; /* to be read */
};

struct check {
	struct repo *repo;
	const struct check_options *opt;
	struct check_progress own_progress;
	struct check_progress *progress;
	struct stored_pack *packs; /* in order of ids */
	size_t count;
	size_t cap;

	pthread_mutex_t lock; /* guards all below */
	struct check_result *result;
	size_t next; /* the next pack to read */
	struct err failure;
};

static void
report(struct check *c, const char *object, enum err_code code, const char *what)
{
	/* Whoever reads an object may have named it already. */
	size_t n = strlen(object);
	if (strncmp(what, object, n) == 0 && strncmp(what + n, ": ", 2) == 0)
		what += n + 2;
	pthread_mutex_lock(&c->lock);
	c->result->problems++;
	if (c->opt->problem != NULL)
		c->opt->problem(c->opt->arg, object, code, what);
	pthread_mutex_unlock(&c->lock);
}

/* --- keys, indexes, snapshots: small objects named by the hash of their bytes --- */

static enum err_code
check_named_object(void *arg, const struct store_entry *e, struct err *err)
{
	struct check *c = arg;
	const char *name = strrchr(e->key, '/') + 1;
	struct id id;
	struct id actual;
	if (!hex_decode(id.b, ID_SIZE, name, strlen(name))) {
		report(c, e->key, ERR_CORRUPT, "is not an object of a repository");
		return ERR_OK;
	}
	AUTO(bufv) struct buf raw = BUF_INIT;
	struct err why;
	if (store_get(c->repo->store, e->key, OBJECT_MAX_SIZE, &raw, &why)) {
		report(c, e->key, why.code, why.msg);
		return ERR_OK;
	}
	if (sha256_of(raw.data, raw.len, actual.b, err))
		return err->code;
	if (!id_equal(&id, &actual))
		report(c, e->key, ERR_CORRUPT, "its bytes do not fit its name");
	return cancel_check(c->opt->cancel, err);
}

static enum err_code
check_object(void *arg, const struct store_entry *e, struct err *err)
{
	struct check *c = arg;
	enum object_type type = strncmp(e->key, "index/", 6) == 0    ? OBJECT_INDEX
				: strncmp(e->key, "proofs/", 7) == 0 ? OBJECT_PROOF
								     : OBJECT_SNAPSHOT;
	struct id id;
	if (!object_id_of_key(&id, e->key, object_folder(type))) {
		report(c, e->key, ERR_CORRUPT, "is not an object of a repository");
		return ERR_OK;
	}
	AUTO(bufv) struct buf payload = BUF_INIT;
	struct err why;
	if (object_load(c->repo->store, c->repo->subkeys, type, &id, &payload, &why))
		report(c, e->key, why.code, why.msg);
	return cancel_check(c->opt->cancel, err);
}

/* The config was authenticated when the repository was opened, but it may have changed since.
 */
static enum err_code
check_config(struct check *c, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	struct err why;
	struct config parsed;
	(void)err;
	if (store_get(c->repo->store, CONFIG_KEY, 4096, &raw, &why) ||
	    config_parse(&parsed, raw.data, raw.len, &why) ||
	    config_authenticate(raw.data, c->repo->subkeys, &why))
		report(c, CONFIG_KEY, why.code, why.msg);
	return ERR_OK;
}

/* --- packs --- */

/* Packs that the caller does not care for are as if they were not there. */
static bool
is_needed(const struct check *c, const struct id *pack)
{
	return c->opt->needs == NULL || c->opt->needs(c->opt->arg, pack);
}

static enum err_code
add_stored(void *arg, const struct store_entry *e, struct err *err)
{
	struct check *c = arg;
	struct stored_pack p = { .size = e->size };
	if (!pack_id_of_key(&p.id, e->key)) {
		report(c, e->key, ERR_CORRUPT, "is not a pack of a repository");
		return ERR_OK;
	}
	if (!is_needed(c, &p.id))
		return cancel_check(c->opt->cancel, err);
	if (ROOM(c->packs, c->count, c->cap, 64, err))
		return err->code;
	c->packs[c->count++] = p;
	c->result->bytes += e->size;
	return cancel_check(c->opt->cancel, err);
}

static int
by_id(const void *key, const void *item)
{
	const struct stored_pack *p = item;
	return id_compare(key, &p->id);
}

/* Packs are listed in order of their keys, which is that of their ids. */
static struct stored_pack *
find_stored(struct check *c, const struct id *id)
{
	return c->count > 0 ? bsearch(id, c->packs, c->count, sizeof *c->packs, by_id) : NULL;
}

/* Is the index object still there that named a pack?  If not, somebody has deleted the pack
 * meanwhile, and said so before. */
static bool
is_named(const struct check *c, const struct index_pack *p)
{
	char key[OBJECT_KEY_SIZE];
	uint64_t size;
	struct err why;
	object_key(key, OBJECT_INDEX, &p->object);
	return store_size(c->repo->store, key, &size, &why) != ERR_NOT_FOUND;
}

/* A pack that an index names: is it there, with the size it had? */
static void
check_indexed(struct check *c, const struct index_pack *p, bool *is_told)
{
	char key[PACK_KEY_SIZE];
	char what[256];
	struct stored_pack *stored = find_stored(c, &p->id);
	pack_key(key, &p->id);
	if (stored != NULL)
		stored->is_indexed = true;
	if (stored == NULL && is_needed(c, &p->id)) {
		*is_told = is_named(c, p);
		if (*is_told)
			report(c, key, ERR_NOT_FOUND,
			    "is missing: an index names it; put the file back, or let "
			    "'stacksnap repair index' forget what it held, so that the next "
			    "backup stores it again");
	} else if (stored != NULL && stored->size != p->size) {
		*is_told = true;
		snprintf(what, sizeof what, "has %llu bytes, not %llu: it %s",
		    (unsigned long long)stored->size, (unsigned long long)p->size,
		    stored->size < p->size ? "was cut off" : "is not what was written");
		report(c, key, ERR_CORRUPT, what);
	}
}

static enum err_code
check_all_indexed(struct check *c, struct err *err)
{
	AUTO(index_view) struct index_view *v = NULL;
	AUTO(index_pack_cursor) struct index_pack_cursor *cursor = NULL;
	struct id told = { { 0 } }; /* one that several objects name is told once */
	bool has_told = false;
	if (index_view_get(&v, c->repo->index, err) || index_pack_cursor_open(&cursor, v, err))
		return err->code;
	for (;;) {
		struct index_pack p;
		uint64_t number;
		bool is_end;
		if (index_pack_cursor_next(cursor, &p, &number, &is_end, err) ||
		    cancel_check(c->opt->cancel, err))
			return err->code;
		if (is_end)
			return ERR_OK;
		if (has_told && id_equal(&told, &p.id))
			continue;
		has_told = false;
		check_indexed(c, &p, &has_told);
		told = p.id;
	}
}

static void
count_unused(struct check *c)
{
	for (size_t i = 0; i < c->count; i++)
		c->result->unused_packs += !c->packs[i].is_indexed;
}

/* --- reading packs --- */

/* Which of N equal parts a name belongs to, from 1 on. */
static uint64_t
part_of(const struct id *id, uint64_t parts)
{
	uint64_t first = (uint64_t)id->b[0] << 24 | (uint64_t)id->b[1] << 16 |
			 (uint64_t)id->b[2] << 8 | id->b[3];
	return (first * parts >> 32) + 1;
}

/* A run of packs of so many bytes, at least one, from a random one on. */
static enum err_code
choose_some(struct check *c, double wanted, struct err *err)
{
	uint64_t start;
	if (rand_bytes(&start, sizeof start, err))
		return err->code;
	double chosen = 0;
	for (size_t i = 0; i < c->count && (i == 0 || chosen < wanted); i++) {
		struct stored_pack *p = &c->packs[(start % c->count + i) % c->count];
		p->is_wanted = true;
		chosen += (double)p->size;
	}
	return ERR_OK;
}

static enum err_code
choose_packs(struct check *c, struct err *err)
{
	const struct check_options *o = c->opt;
	if (o->read_share > 0 || o->read_bytes > 0)
		return choose_some(c,
		    o->read_share > 0 ? (double)c->result->bytes * o->read_share
				      : (double)o->read_bytes,
		    err);
	for (size_t i = 0; i < c->count; i++)
		c->packs[i].is_wanted =
		    o->parts == 0 || part_of(&c->packs[i].id, o->parts) == o->part;
	return ERR_OK;
}

/* Which stored pack a number of the index stands for. */
struct places {
	struct check *check;
	uint32_t *of; /* by number; NOWHERE: it is not to be read */
};
#define NOWHERE UINT32_MAX

static void
places_auto(struct places *p)
{
	free(p->of);
}

/* Both the index and the packs are in order of ids: one pass over each. */
static enum err_code
find_places(struct places *places, struct index_view *v, struct err *err)
{
	const struct check *c = places->check;
	AUTO(index_pack_cursor) struct index_pack_cursor *cursor = NULL;
	places->of = calloc(index_view_packs(v) + 1, sizeof *places->of);
	if (places->of == NULL)
		return err_nomem(err);
	if (index_pack_cursor_open(&cursor, v, err))
		return err->code;
	for (size_t i = 0;;) {
		struct index_pack p;
		uint64_t number;
		bool is_end;
		if (index_pack_cursor_next(cursor, &p, &number, &is_end, err))
			return err->code;
		if (is_end)
			return ERR_OK;
		while (i < c->count && id_compare(&c->packs[i].id, &p.id) < 0)
			i++;
		bool is_wanted =
		    i < c->count && id_equal(&c->packs[i].id, &p.id) && c->packs[i].is_wanted;
		places->of[number] = is_wanted ? (uint32_t)i : NOWHERE;
	}
}

static enum err_code
add_entry(void *arg, const struct id *id, const struct index_hit *hit, struct err *err)
{
	struct places *places = arg;
	struct check *c = places->check;
	uint32_t place = places->of[hit->pack];
	struct location loc = { .frame_offset = hit->frame_offset,
		.frame_len = hit->frame_len,
		.offset = hit->offset,
		.len = hit->len };
	if (place != NOWHERE)
		entry_sum_add(&c->packs[place].indexed, id, &loc);
	return cancel_check(c->opt->cancel, err);
}

/* What the index says of the packs that are to be read. */
static enum err_code
sum_entries(struct check *c, struct err *err)
{
	AUTO(index_view) struct index_view *v = NULL;
	AUTO(places) struct places places = { c, NULL };
	if (index_view_get(&v, c->repo->index, err) || find_places(&places, v, err))
		return err->code;
	return index_view_walk(v, add_entry, &places, err);
}

static const struct stored_pack *
next_pack(struct check *c)
{
	const struct stored_pack *found = NULL;
	pthread_mutex_lock(&c->lock);
	while (c->next < c->count && !c->packs[c->next].is_wanted)
		c->next++;
	if (c->next < c->count && c->failure.code == ERR_OK &&
	    !cancel_is_raised(c->opt->cancel))
		found = &c->packs[c->next++];
	pthread_mutex_unlock(&c->lock);
	return found;
}

static enum err_code
stop_at_named(void *arg, const struct index_pack *p, struct err *err)
{
	const struct id *wanted = arg;
	return id_equal(wanted, &p->id) ? err_set(err, ERR_EXISTS, "named") : ERR_OK;
}

/* A pack that was listed and is gone: does the index, as it is now, not know it either? */
static bool
was_deleted(struct check *c, const struct id *id)
{
	struct err scratch; /* what cannot be found out is told as damage */
	struct id wanted = *id;
	return repo_refresh(c->repo, &scratch) == ERR_OK &&
	       index_walk_packs(c->repo->index, stop_at_named, &wanted, &scratch) == ERR_OK;
}

static void *
read_packs(void *arg)
{
	struct check *c = arg;
	struct tools *t;
	struct err err;
	if (repo_borrow_tools(c->repo, &t, &err)) {
		pthread_mutex_lock(&c->lock);
		c->failure = err;
		pthread_mutex_unlock(&c->lock);
		return NULL;
	}
	for (const struct stored_pack *p; (p = next_pack(c)) != NULL;) {
		char key[PACK_KEY_SIZE];
		uint64_t chunks = 0;
		pack_key(key, &p->id);
		if (check_pack(c->repo, t, &p->id, p->size, &p->indexed, &chunks, &err) &&
		    !(err.code == ERR_NOT_FOUND && was_deleted(c, &p->id)))
			report(c, key, err.code, err.msg);
		atomic_fetch_add(&c->progress->chunks, chunks);
		atomic_fetch_add(&c->progress->packs_done, 1);
		atomic_fetch_add(&c->progress->bytes_done, p->size);
	}
	repo_return_tools(c->repo, t);
	return NULL;
}

static enum err_code
read_chosen_packs(struct check *c, struct err *err)
{
	pthread_t threads[MOST_READERS];
	/* More than processors: a slow disk is asked for several things at once. */
	size_t wanted = min_size(MOST_READERS, max_size(4, 2 * (size_t)thread_cpus()));
	size_t started = 0;
	enum err_code rc = ERR_OK;
	while (started < wanted && rc == ERR_OK) {
		rc = thread_start(&threads[started], read_packs, c, "check", err);
		if (rc == ERR_OK)
			started++;
	}
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	/* Fewer threads than wanted read all packs too. */
	if (started == 0)
		return rc;
	if (c->failure.code != ERR_OK) {
		*err = c->failure;
		return err->code;
	}
	return cancel_check(c->opt->cancel, err);
}

static enum err_code
read_data(struct check *c, struct err *err)
{
	if (choose_packs(c, err) || sum_entries(c, err))
		return err->code;
	for (size_t i = 0; i < c->count; i++) {
		if (!c->packs[i].is_wanted)
			continue;
		c->result->packs_read++;
		c->result->bytes_read += c->packs[i].size;
	}
	atomic_store(&c->progress->packs_total, c->result->packs_read);
	atomic_store(&c->progress->bytes_total, c->result->bytes_read);
	if (read_chosen_packs(c, err))
		return err->code;
	c->result->chunks = atomic_load(&c->progress->chunks);
	return ERR_OK;
}

static enum err_code
run_check(struct check *c, struct err *err)
{
	struct store *s = c->repo->store;
	if (check_config(c, err) || store_list(s, "keys/", NULL, check_named_object, c, err) ||
	    store_list(s, "index/", NULL, check_object, c, err) ||
	    (c->opt->needs == NULL &&
		(store_list(s, "snapshots/", NULL, check_object, c, err) ||
		    store_list(s, "proofs/", NULL, check_object, c, err))) ||
	    store_list(s, "packs/", NULL, add_stored, c, err) || check_all_indexed(c, err))
		return err->code;
	c->result->packs = c->count;
	count_unused(c);
	return c->opt->read_data ? read_data(c, err) : ERR_OK;
}

enum err_code
repo_check(struct repo *r, const struct check_options *opt, struct check_result *result,
    struct err *err)
{
	*result = (struct check_result){ 0 };
	struct check c = { .repo = r, .opt = opt, .result = result };
	c.progress = opt->progress != NULL ? opt->progress : &c.own_progress;
	pthread_mutex_init(&c.lock, NULL);
	enum err_code rc = run_check(&c, err);
	free(c.packs);
	pthread_mutex_destroy(&c.lock);
	return rc ? err_wrap(err, "check repository") : ERR_OK;
}
