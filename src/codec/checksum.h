/*
 * checksum.h: a fast checksum against accidents (XXH3, 64 bits, by libxxhash).
 *
 * It tells whether bytes are what they were; it says nothing about who wrote
 * them.  It is never stored: the algorithm may change.
 *
 * Threads: any.
 */
#ifndef CODEC_CHECKSUM_H
#define CODEC_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t checksum_of(const void *data, size_t len);

#endif
