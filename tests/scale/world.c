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

struct id
world_pack(uint64_t number, uint64_t packs)
{
	uint64_t step = UINT64_MAX / (packs + 1);
	return id_of(number * step + mix(number) % step, ~number);
}

struct world {
	struct store store;
	struct store *inner;
	uint64_t packs;
};

static struct store *
inner_of(struct store *s)
{
	return ((struct world *)s)->inner;
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
	return store_size(inner_of(s), key, size, err);
}

static enum err_code
world_list(struct store *s, const char *prefix, const char *after, store_entry_fn *fn,
    void *arg, struct err *err)
{
	const struct world *w = (const struct world *)s;
	struct store_entry e = { .size = PACK_BYTES };
	if (strncmp(prefix, "packs/", 6) != 0)
		return store_list(w->inner, prefix, after, fn, arg, err);
	for (uint64_t i = 0; i < w->packs; i++) {
		struct id id = world_pack(i, w->packs);
		pack_key(e.key, &id);
		if (strncmp(e.key, prefix, strlen(prefix)) == 0 &&
		    (after == NULL || strcmp(e.key, after) > 0) && fn(arg, &e, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
world_delete(struct store *s, const char *key, struct err *err)
{
	return store_delete(inner_of(s), key, err);
}

static void
world_close(struct store *s)
{
	store_close(inner_of(s));
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
	w->store.ops = &world_ops;
	w->store.location = store_location(inner);
	w->inner = inner;
	w->packs = packs;
	*out = &w->store;
	return ERR_OK;
}
