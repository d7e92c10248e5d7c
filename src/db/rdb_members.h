/*
 * rdb_members.h: lists, sets, hashes and sorted sets of an RDB file, whatever they stand in.
 *
 * A value is a run of members of one to three parts: a value, a field and its value, a member
 * and its score, a field, its value and when it expires.
 *
 * For rdb_value.  Pure.  Errors: ERR_CORRUPT, ERR_NO_MEMORY.
 */
#ifndef DB_RDB_MEMBERS_H
#define DB_RDB_MEMBERS_H

#include "db/rdb_read.h"
#include "db/rdb_value.h"

/* Where a type's members stand. */
enum rdb_source {
	IN_LOOP, /* strings, one by one */
	IN_LISTPACK,
	IN_ZIPLIST,
	IN_INTSET,
	IN_ZIPMAP,
	IN_NODES, /* several ziplists */
	IN_NODES_2, /* several listpacks, or elements alone */
	BY_ITSELF,
};

struct rdb_shape {
	enum rdb_word word;
	enum rdb_source source;
	size_t parts; /* 0: there is no such type */
};

/* NULL: it is not known. */
const struct rdb_shape *rdb_shape_of(uint8_t type);

struct rdb_span {
	size_t at;
	size_t len;
};

struct rdb_members {
	struct buf bytes; /* of the parts, each with a NUL behind it */
	struct rdb_span *parts;
	size_t count;
	size_t cap;
};

#define RDB_MEMBERS_INIT             \
	{                            \
		BUF_INIT, NULL, 0, 0 \
	}

void rdb_members_release(struct rdb_members *m);
static inline void UNUSED
rdb_members_auto(struct rdb_members *m)
{
	rdb_members_release(m);
}

/* What stands behind the key; a whole number of members. */
MUST_CHECK enum err_code rdb_members_read(
    struct rdb_members *m, const struct rdb_shape *t, struct rd *r, struct err *err);
/* In order of bytes. */
void rdb_members_sort(struct rdb_members *m, size_t parts);

static inline const char *
rdb_part(const struct rdb_members *m, size_t i)
{
	return (const char *)m->bytes.data + m->parts[i].at;
}

#endif
