#include "world.h"

#include "repo/pack.h"
#include "store/store_impl.h"

static uint64_t
mix(uint64_t v)
{
	v += UINT64_C(0x9E3779B97F4A7C15);
	v = (v ^ v >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	v = (v ^ v >> 27) * UINT64_C(0x94D049BB133111EB);
	return v ^ v >> 31;
}

static struct id
id_of(uint64_t first, uint64_t seed)
{
	struct id id;
	for (int i = 0; i < 8; i++)
		id.b[i] = (uint8_t)(first >> (56 - 8 * i));
	for (int i = 1; i < 4; i++)
		put_u64(id.b + 8 * i, mix(seed * 4 + (uint64_t)i));
	return id;
}

struct id
world_chunk(uint64_t number)
{
	return id_of(mix(number ^ UINT64_C(0x5c0e)), number);
}

static uint64_t
step_of(uint64_t packs)
{
	return UINT64_MAX / (packs + 1);
}

struct id
world_pack(uint64_t number, uint64_t packs)
{
	uint64_t step = step_of(packs);
	return id_of(number * step + mix(number) % step, ~number);
}

struct world {
	struct store store;
	struct store *inner;
	uint64_t packs;
	uint8_t *is_deleted; /* by number of a pack */
};

static struct world *
world_of(struct store *s)
{
	return (struct world *)s;
}

static struct store *
inner_of(struct store *s)
{
	return world_of(s)->inner;
}

/* The number that an id begins with. */
static uint64_t
first_of(const struct id *id)
{
	uint64_t first = 0;
	for (int i = 0; i < 8; i++)
		first = first << 8 | id->b[i];
	return first;
}

/* Is this the key of a made-up pack that is there? */
static bool
is_made_up(const struct world *w, const char *key, uint64_t *number)
{
	struct id id;
	struct id made_up;
	if (w->packs == 0 || !pack_id_of_key(&id, key))
		return false;
	*number = first_of(&id) / step_of(w->packs);
	if (*number >= w->packs || w->is_deleted[*number])
		return false;
	made_up = world_pack(*number, w->packs);
	return id_equal(&id, &made_up);
}

static enum err_code
world_put(struct store *s, const char *key, const void *data, size_t len, struct err *err)
{
	return store_put(inner_of(s), key, data, len, err);
}

static enum err_code
world_get(struct store *s, const char *key, size_t max, struct buf *out, struct err *err)
{
	return store_get(inner_of(s), key, max, out, err);
}

static enum err_code
world_get_range(
    struct store *s, const char *key, uint64_t offset, void *out, size_t len, struct err *err)
{
	return store_get_range(inner_of(s), key, offset, out, len, err);
}

static enum err_code
world_size(struct store *s, const char *key, uint64_t *size, struct err *err)
{
	uint64_t number;
	if (!is_made_up(world_of(s), key, &number))
		return store_size(inner_of(s), key, size, err);
	*size = PACK_BYTES;
	return ERR_OK;
}

/* Both kinds of packs in one listing, in order of keys. */
struct listing {
	const struct world *world;
	const char *prefix;
	const char *after;
	store_entry_fn *fn;
	void *arg;
	uint64_t next; /* made-up pack */
};

/* Those whose keys sort before key; NULL: all that are left. */
static enum err_code
list_made_up(struct listing *l, const char *key, struct err *err)
{
	const struct world *w = l->world;
	struct store_entry e = { .size = PACK_BYTES };
	for (; l->next < w->packs; l->next++) {
		struct id id = world_pack(l->next, w->packs);
		pack_key(e.key, &id);
		if (key != NULL && strcmp(e.key, key) >= 0)
			return ERR_OK;
		if (!w->is_deleted[l->next] &&
		    strncmp(e.key, l->prefix, strlen(l->prefix)) == 0 &&
		    (l->after == NULL || strcmp(e.key, l->after) > 0) && l->fn(l->arg, &e, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
list_real(void *arg, const struct store_entry *e, struct err *err)
{
	struct listing *l = arg;
	return list_made_up(l, e->key, err) ? err->code : l->fn(l->arg, e, err);
}

static enum err_code
world_list(struct store *s, const char *prefix, const char *after, store_entry_fn *fn,
    void *arg, struct err *err)
{
	struct listing l = { world_of(s), prefix, after, fn, arg, 0 };
	if (strncmp(prefix, "packs/", 6) != 0)
		return store_list(inner_of(s), prefix, after, fn, arg, err);
	if (store_list(inner_of(s), prefix, after, list_real, &l, err))
		return err->code;
	return list_made_up(&l, NULL, err);
}

static enum err_code
world_delete(struct store *s, const char *key, struct err *err)
{
	uint64_t number;
	if (!is_made_up(world_of(s), key, &number))
		return store_delete(inner_of(s), key, err);
	world_of(s)->is_deleted[number] = 1;
	return ERR_OK;
}

static void
world_close(struct store *s)
{
	store_close(inner_of(s));
	free(world_of(s)->is_deleted);
	free(s);
}

static const struct store_ops world_ops = {
	.put = world_put,
	.get = world_get,
	.get_range = world_get_range,
	.size = world_size,
	.list = world_list,
	.del = world_delete,
	.close = world_close,
};

enum err_code
world_store(struct store **out, struct store *inner, uint64_t packs, struct err *err)
{
	struct world *w = calloc(1, sizeof *w);
	if (w == NULL)
		return err_nomem(err);
	w->is_deleted = calloc(packs + 1, 1);
	if (w->is_deleted == NULL) {
		free(w);
		return err_nomem(err);
	}
	w->store.ops = &world_ops;
	w->store.location = store_location(inner);
	w->inner = inner;
	w->packs = packs;
	*out = &w->store;
	return ERR_OK;
}
