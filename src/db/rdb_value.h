/*
 * rdb_value.h: a value of an RDB file as JSON.
 *
 *	string   "text"
 *	list     ["a", "b"]
 *	set      ["a", "b"]                   in order of bytes
 *	hash     {"field": "value"}           in order of fields; a value whose field
 *	                                      expires is {"value": "...", "expires": ms}
 *	zset     {"member": 1.5}              in order of members; "inf", "-inf"
 *	stream   {"entries": [{"id": "1-1", "fields": ["f", "v"]}], "length": 1, "last_id": ...,
 *	         "groups": [...]}             with what groups and consumers have not confirmed
 *	module   {"module": "ReJSON-RL", "version": 3, "hex": "..."}
 *
 * A string that is not UTF-8, or has a NUL, is {"hex": "..."}.  A hash or a zset with such a
 * name is a list of pairs instead: [["field", "value"], ...].
 *
 * Values that mean the same have the same text, however they are encoded.
 *
 * Pure.  Memory: some times the value.  Bytes may be hostile.
 * Threads: any.
 * Errors:  ERR_CORRUPT, ERR_NO_MEMORY.
 */
#ifndef DB_RDB_VALUE_H
#define DB_RDB_VALUE_H

#include "base/buf.h"
#include "base/json.h"
#include "db/rdb_format.h"

enum rdb_word {
	RDB_WORD_STRING,
	RDB_WORD_LIST,
	RDB_WORD_SET,
	RDB_WORD_ZSET,
	RDB_WORD_HASH,
	RDB_WORD_STREAM,
	RDB_WORD_MODULE,
	RDB_WORDS, /* how many there are; no word */
};

/* What values of a type are to their users; RDB_WORDS when it is not known. */
enum rdb_word rdb_word_of(uint8_t type);
/* "string", "list", ... */
const char *rdb_word_text(enum rdb_word word);

/* Append the value's JSON.  data is all that stands behind the key. */
MUST_CHECK enum err_code rdb_value_json(
    uint8_t type, const void *data, size_t len, struct buf *out, struct err *err);

/* A string as above; key is NULL within a list. */
void rdb_json_string(struct json_writer *w, const char *key, const void *data, size_t len);

#endif
