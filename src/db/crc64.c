#include "db/crc64.h"

#include "base/bytes.h"

#include <pthread.h>

#define POLYNOMIAL_REFLECTED UINT64_C(0x95ac9329ac4bc9b5)

/* table[k][b]: the effect of byte b with k zero bytes behind it, so that eight bytes are one
 * step. */
static uint64_t table[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
fill_table(void)
{
	for (unsigned b = 0; b < 256; b++) {
		uint64_t crc = b;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) != 0 ? POLYNOMIAL_REFLECTED : 0);
		table[0][b] = crc;
	}
	for (unsigned k = 1; k < 8; k++)
		for (unsigned b = 0; b < 256; b++)
			table[k][b] = table[0][table[k - 1][b] & 0xff] ^ (table[k - 1][b] >> 8);
}

uint64_t
crc64(uint64_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;
	pthread_once(&once, fill_table);
	for (; len >= 8; len -= 8, p += 8) {
		crc ^= get_u64(p);
		crc = table[7][crc & 0xff] ^ table[6][(crc >> 8) & 0xff] ^
		      table[5][(crc >> 16) & 0xff] ^ table[4][(crc >> 24) & 0xff] ^
		      table[3][(crc >> 32) & 0xff] ^ table[2][(crc >> 40) & 0xff] ^
		      table[1][(crc >> 48) & 0xff] ^ table[0][crc >> 56];
	}
	for (; len > 0; len--, p++)
		crc = table[0][(crc ^ *p) & 0xff] ^ (crc >> 8);
	return crc;
}
