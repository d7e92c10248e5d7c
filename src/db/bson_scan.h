/*
 * bson_scan.h: documents counted while a .bson file streams by; for census.c.
 *
 * Only lengths are looked at, so that it costs little; a document's value is
 * the checksum of its bytes.
 *
 * Threads: one at a time.  Errors: ERR_CORRUPT for a length that cannot be;
 *          ERR_INCOMPLETE at the end in the middle of a document.
 */
#ifndef DB_BSON_SCAN_H
#define DB_BSON_SCAN_H

#include "base/checksum.h"

#include <stdbool.h>

struct bson_scan {
	uint8_t head[4];
	size_t head_len; /* of the document that is under way */
	size_t left; /* of it, behind its head */
	struct checksum_stream *sum;
	uint64_t count;
	uint64_t bytes;
	struct checksum128 content;
};

MUST_CHECK enum err_code bson_scan_init(struct bson_scan *s, struct err *err);
void bson_scan_release(struct bson_scan *s);
MUST_CHECK enum err_code bson_scan_feed(
    struct bson_scan *s, const void *data, size_t len, struct err *err);
MUST_CHECK enum err_code bson_scan_finish(const struct bson_scan *s, struct err *err);

#endif
