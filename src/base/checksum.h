/*
 * checksum.h: a fast checksum against accidents: XXH64.
 *
 * It tells a flipped bit from none; it is no protection against anybody who
 * wants to deceive (crypto/hash.h is).  The algorithm is XXH64 by Yann Collet,
 * from the specification that comes with it
 * (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
 */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include "base/defs.h"

uint64_t checksum_of(const void *data, size_t len, uint64_t seed);

#endif
