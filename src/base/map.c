#include "base/map.h"

#include "base/bytes.h"

#include <assert.h>

void
map_init(struct map *m, size_t key_size, size_t value_size)
{
	assert(key_size >= 8);
	*m = (struct map){ .key_size = key_size, .value_size = value_size };
}

void
map_release(struct map *m)
{
	free(m->used);
	free(m->slots);
	map_init(m, m->key_size, m->value_size);
}

void
map_clear(struct map *m)
{
	if (m->cap > 0)
		memset(m->used, 0, m->cap);
	m->len = 0;
}

static uint8_t *
slot_at(const struct map *m, size_t i)
{
	return m->slots + i * (m->key_size + m->value_size);
}

/* Where a key would lie if all slots were free. */
static size_t
home_of(const struct map *m, const void *key)
{
	/* Fibonacci mixing makes counters and addresses as good as hashes. */
	uint64_t h = get_u64(key) * UINT64_C(0x9e3779b97f4a7c15);
	if (m->key_size >= 16)
		h ^= get_u64((const uint8_t *)key + 8) * UINT64_C(0xc2b2ae3d27d4eb4f);
	return (size_t)(h >> 20) & (m->cap - 1);
}

/* The slot of key: the one that holds it, or the free one where it belongs. */
static size_t
slot_of(const struct map *m, const void *key)
{
	size_t i = home_of(m, key);
	while (m->used[i] && memcmp(slot_at(m, i), key, m->key_size) != 0)
		i = (i + 1) & (m->cap - 1);
	return i;
}

void *
map_get(const struct map *m, const void *key)
{
	if (m->cap == 0)
		return NULL;
	size_t i = slot_of(m, key);
	return m->used[i] ? slot_at(m, i) + m->key_size : NULL;
}

static enum err_code
grow(struct map *m, size_t cap, struct err *err)
{
	struct map bigger = *m;
	bigger.cap = cap;
	bigger.used = calloc(bigger.cap, 1);
	bigger.slots = calloc(bigger.cap, m->key_size + m->value_size);
	if (bigger.used == NULL || bigger.slots == NULL) {
		free(bigger.used);
		free(bigger.slots);
		return err_nomem(err);
	}
	for (size_t i = 0; i < m->cap; i++) {
		if (!m->used[i])
			continue;
		size_t to = slot_of(&bigger, slot_at(m, i));
		memcpy(slot_at(&bigger, to), slot_at(m, i), m->key_size + m->value_size);
		bigger.used[to] = 1;
	}
	free(m->used);
	free(m->slots);
	*m = bigger;
	return ERR_OK;
}

enum err_code
map_reserve(struct map *m, size_t keys, struct err *err)
{
	size_t cap = max_size(64, m->cap);
	while (keys > cap - cap / 4)
		cap *= 2;
	return cap > m->cap ? grow(m, cap, err) : ERR_OK;
}

enum err_code
map_put(struct map *m, const void *key, void **value, bool *is_new, struct err *err)
{
	if (m->len >= m->cap - m->cap / 4 && grow(m, max_size(64, 2 * m->cap), err))
		return err->code;
	size_t i = slot_of(m, key);
	*is_new = !m->used[i];
	if (*is_new) {
		uint8_t *slot = slot_at(m, i);
		memcpy(slot, key, m->key_size);
		memset(slot + m->key_size, 0, m->value_size);
		m->used[i] = 1;
		m->len++;
	}
	*value = slot_at(m, i) + m->key_size;
	return ERR_OK;
}

void
map_remove(struct map *m, const void *key)
{
	if (m->cap == 0)
		return;
	size_t hole = slot_of(m, key);
	if (!m->used[hole])
		return;
	/* Close the gap, so that every search still meets its key before a free slot (Knuth,
	 * The Art of Computer Programming 3, 6.4, algorithm R). */
	size_t size = m->key_size + m->value_size;
	size_t mask = m->cap - 1;
	for (size_t i = (hole + 1) & mask; m->used[i]; i = (i + 1) & mask) {
		size_t home = home_of(m, slot_at(m, i));
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		memcpy(slot_at(m, hole), slot_at(m, i), size);
		hole = i;
	}
	m->used[hole] = 0;
	m->len--;
}

bool
map_next(const struct map *m, size_t *pos, const void **key, void **value)
{
	for (; *pos < m->cap; ++*pos) {
		if (!m->used[*pos])
			continue;
		uint8_t *slot = slot_at(m, (*pos)++);
		*key = slot;
		*value = slot + m->key_size;
		return true;
	}
	return false;
}
