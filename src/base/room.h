/*
 * room.h: room for one more in an array that grows at its end.
 *
 *	if (ROOM(l->items, l->count, l->cap, 64, err))
 *		return err->code;
 *	l->items[l->count++] = *item;
 *
 * The array is NULL while it holds nothing, and is let go with free.  It may
 * have moved after each call.  What is new in it is not initialised.
 *
 * Errors: ERR_NO_MEMORY leaves the array as it was.
 */
#ifndef BASE_ROOM_H
#define BASE_ROOM_H

#include "base/err.h"

/* cap, a size_t, is how many there is room for: first ones at first, then doubled. */
#define ROOM(items, count, cap, first, err) \
	((count) < (cap) ? ERR_OK           \
			 : room_grow(&(items), &(cap), (first), sizeof *(items), (err)))

/* For a short array of which only the count is kept.  Nothing else may have made it or changed
 * its size. */
#define ROOM_SHORT(items, count, err) \
	room_grow_counted(&(items), (count), sizeof *(items), (err))

/* items: where the pointer to the array is, whatever it points at. */
MUST_CHECK enum err_code room_grow(
    void *items, size_t *cap, size_t first, size_t size, struct err *err);
MUST_CHECK enum err_code room_grow_counted(
    void *items, size_t count, size_t size, struct err *err);

#endif
