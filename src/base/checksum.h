/*
 * checksum.h: fast checksums against accidents: XXH3, of 64 and 128 bits.
 *
 * They tell a flipped bit from none; they are no protection against anybody who
 * wants to deceive (crypto/hash.h is).  libxxhash does the work.
 */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include "base/err.h"

uint64_t checksum_of(const void *data, size_t len, uint64_t seed);

struct checksum128 {
	uint64_t low;
	uint64_t high;
};

struct checksum128 checksum128_of(const void *data, size_t len);
/* As integers modulo 2^128: the sum of many does not depend on their order, and one that comes
 * twice does not cancel itself out. */
void checksum128_sum(struct checksum128 *to, struct checksum128 more);

/* The same as checksum128_of, of what comes in pieces.  Threads: one at a time. */
struct checksum_stream;

MUST_CHECK enum err_code checksum_stream_new(struct checksum_stream **out, struct err *err);
void checksum_stream_free(struct checksum_stream *s);
AUTO_FREE(checksum_stream, struct checksum_stream *, checksum_stream_free)
void checksum_stream_add(struct checksum_stream *s, const void *data, size_t len);
/* The value of what was added, and begin anew. */
struct checksum128 checksum_stream_end(struct checksum_stream *s);

#endif
