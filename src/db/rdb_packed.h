/*
 * rdb_packed.h: small values that stand in one run of bytes: listpacks,
 * ziplists, sets of integers, zipmaps.
 *
 * Pure.  Bytes may be hostile.  Entries point into them; those that are integers
 * have a text of their own.  Threads: any.
 *
 * Source: listpack.c, ziplist.c, intset.c and zipmap.c of Redis 7.
 */
#ifndef DB_RDB_PACKED_H
#define DB_RDB_PACKED_H

#include "base/bytes.h"
#include "db/rdb_format.h"

enum packed_kind { PACKED_LISTPACK, PACKED_ZIPLIST, PACKED_INTSET, PACKED_ZIPMAP };

struct packed {
	enum packed_kind kind;
	struct rd r;
	size_t size; /* of each integer of a set */
	bool is_value; /* of a zipmap: what comes is no field */
	bool is_at_end;
};

struct packed_entry {
	const uint8_t *data; /* NULL of an integer */
	size_t len;
	bool is_integer;
	int64_t integer;
};

void packed_init(struct packed *p, enum packed_kind kind, const void *data, size_t len);
/* The next entry; false at the end, and where bytes are not as they should be (packed_ok). */
bool packed_next(struct packed *p, struct packed_entry *out);
/* Was all read, and was it good? */
bool packed_ok(const struct packed *p);

/* The entry as text: scratch holds an integer's. */
const void *packed_text(
    const struct packed_entry *e, char scratch[RDB_INTEGER_TEXT], size_t *len);

#endif
