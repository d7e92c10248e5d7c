#include "base/checksum.h"

#include <xxhash.h>

uint64_t
checksum_of(const void *data, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, len, seed);
}
