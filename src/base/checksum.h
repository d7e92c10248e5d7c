/*
 * checksum.h: a fast checksum against accidents: XXH3, 64 bits.
 *
 * It tells a flipped bit from none; it is no protection against anybody who
 * wants to deceive (crypto/hash.h is).  libxxhash does the work.
 */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include "base/defs.h"

uint64_t checksum_of(const void *data, size_t len, uint64_t seed);

#endif
