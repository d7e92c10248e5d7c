/*
 * rdb.h: is this RDB file whole?  Decided while it streams by.
 *
 *	offset   size  meaning
 *	0        9     "REDIS" and a version of four digits, or "VALKEY" and three
 *	9        ...   the data set
 *	len - 9  1     0xff: the end
 *	len - 8  8     CRC-64 of all before it, little-endian; 0 when the server
 *	               runs with rdbchecksum no
 *
 * Pure: no input or output; memory does not grow with the file.
 */
#ifndef DB_RDB_H
#define DB_RDB_H

#include "base/err.h"

#include <stdbool.h>

#define RDB_HEAD 9
#define RDB_END 9
#define RDB_BEGINNING 1024

struct rdb_check {
	uint64_t bytes;
	uint64_t crc; /* of all bytes but the held ones */
	uint8_t begin[RDB_BEGINNING]; /* the first bytes seen */
	uint8_t held[RDB_END]; /* the last bytes seen, not yet in crc */
	size_t held_len;
};

void rdb_check_init(struct rdb_check *r);
void rdb_check_feed(struct rdb_check *r, const void *data, size_t len);
/* ERR_INCOMPLETE, saying what is wrong, unless the file is whole.  *has_crc tells whether the
 * server wrote a checksum at all. */
MUST_CHECK enum err_code rdb_check_finish(
    const struct rdb_check *r, bool *has_crc, struct err *err);
/* Of a whole file: does it certainly hold no key?  Remarks about the server are no keys; when
 * functions or module data come first, the answer is false. */
bool rdb_check_is_empty(const struct rdb_check *r);

#endif
