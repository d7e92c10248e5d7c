/*
 * map.h: a hash map from keys of one fixed size to values of one fixed size.
 *
 * Keys are at least eight bytes, compared byte by byte; the first sixteen are
 * mixed as integers, which suits chunk ids and device and inode numbers.
 * Values live in the map and move when it grows: do not keep pointers to them
 * across map_put.
 *
 * Threads: one at a time.  Errors: ERR_NO_MEMORY leaves the map as it was.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/err.h"

#include <stdbool.h>

struct map {
	size_t key_size;
	size_t value_size;
	size_t len;
	size_t cap; /* a power of two, or 0 */
	uint8_t *used;
	uint8_t *slots;
};

void map_init(struct map *m, size_t key_size, size_t value_size);
void map_release(struct map *m);
/* Room for so many keys in all, so that adding them moves nothing. */
MUST_CHECK enum err_code map_reserve(struct map *m, size_t keys, struct err *err);
/* The value of key, or NULL. */
void *map_get(const struct map *m, const void *key);
/* Find or add key; *value points at its value (zeroed when new) and *is_new says which. */
MUST_CHECK enum err_code map_put(
    struct map *m, const void *key, void **value, bool *is_new, struct err *err);
/* Remove key, if it is there.  The room stays; other values may move. */
void map_remove(struct map *m, const void *key);
/* Remove all entries, keep the room. */
void map_clear(struct map *m);
/* Walk: *pos starts at 0; false at the end. */
bool map_next(const struct map *m, size_t *pos, const void **key, void **value);

#endif
