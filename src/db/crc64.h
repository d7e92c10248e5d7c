/*
 * crc64.h: the CRC-64 at the end of an RDB file ("Jones": polynomial
 * 0xad93d23594c935a9, reflected, starting at 0, no final inversion).
 * The CRC of "123456789" is 0xe9c6d914c4b8d9ca.
 */
#ifndef DB_CRC64_H
#define DB_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* Go on from crc (0 at the start).  Threads: any. */
uint64_t crc64(uint64_t crc, const void *data, size_t len);

#endif
