/*
 * id.h: the 32-byte names of chunks and of stored objects.
 *
 * A chunk's id is the keyed hash of its plaintext; an object's id is the
 * SHA-256 of its stored bytes.
 */
#ifndef REPO_ID_H
#define REPO_ID_H

#include "base/bytes.h"

#define ID_SIZE 32
#define ID_HEX_SIZE 65 /* with the NUL */

struct id {
	uint8_t b[ID_SIZE];
};

static inline bool
id_equal(const struct id *a, const struct id *b)
{
	return memcmp(a->b, b->b, ID_SIZE) == 0;
}

static inline int
id_compare(const struct id *a, const struct id *b)
{
	return memcmp(a->b, b->b, ID_SIZE);
}

static inline void
id_hex(char out[ID_HEX_SIZE], const struct id *id)
{
	hex_encode(out, id->b, ID_SIZE);
}

#endif
