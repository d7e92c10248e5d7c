#include "base/room.h"

#include <string.h>

/* The pointer is copied as bytes, since its type is not known here. */
static enum err_code
resize(void *items, size_t cap, size_t size, struct err *err)
{
	void *now;
	memcpy(&now, items, sizeof now);
	void *more = reallocarray(now, cap, size);
	if (more == NULL)
		return err_nomem(err);
	memcpy(items, &more, sizeof more);
	return ERR_OK;
}

enum err_code
room_grow(void *items, size_t *cap, size_t first, size_t size, struct err *err)
{
	size_t more = max_size(first, 2 * *cap);
	if (resize(items, more, size, err))
		return err->code;
	*cap = more;
	return ERR_OK;
}

enum err_code
room_grow_counted(void *items, size_t count, size_t size, struct err *err)
{
	if ((count & (count - 1)) != 0) /* neither none nor a power of two */
		return ERR_OK;
	return resize(items, max_size(1, 2 * count), size, err);
}
