/*
 * names.h: the names in a live folder, all of them at once, sorted by bytes.
 *
 * They take 16 bytes each besides their own length and two more.
 *
 * Threads: one at a time.
 */
#ifndef TREE_NAMES_H
#define TREE_NAMES_H

#include "base/buf.h"

#include <stdbool.h>

struct name {
	uint64_t first; /* the first eight bytes, so that sorting rarely looks further */
	uint32_t offset;
	uint8_t type; /* a DT_ value of dirent.h, never DT_UNKNOWN */
};

struct names {
	struct buf text;
	struct name *items;
	size_t count;
	size_t cap;
};

#define NAMES_INIT                   \
	{                            \
		BUF_INIT, NULL, 0, 0 \
	}

void names_release(struct names *n);

static inline const char *
names_text(const struct names *n, size_t i)
{
	return (const char *)n->text.data + n->items[i].offset;
}

/* Keep this name?  type is a DT_ value. */
typedef bool names_keep_fn(void *arg, const char *name, uint8_t type);

#define NAMES_SCRATCH_SIZE ((size_t)64 << 10)

/* Read all names of an open folder but "." and ".."; scratch has NAMES_SCRATCH_SIZE bytes,
 * aligned for any type.  keep may be NULL. */
MUST_CHECK enum err_code names_read(struct names *out, int dir_fd, void *scratch,
    names_keep_fn *keep, void *arg, struct err *err);

#endif
