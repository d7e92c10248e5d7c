/*
 * bson.h: BSON documents, as MongoDB stores and sends them: checked, walked, made.
 *
 * A document is a little-endian length of four bytes (itself included), elements,
 * and a zero.  bson_check looks at all of it; the other functions look at
 * what they touch and find nothing in what is not well-formed, so that they may
 * be used on bytes that nobody has checked.  Text forms are in bson_json.h.
 *
 * Pure: no input or output.
 * Ownership: values point into the document.
 * Threads:   any.
 * Errors:    ERR_CORRUPT for bytes that are no BSON, ERR_NO_MEMORY.
 *
 * Source: bsonspec.org, version 1.1.
 */
#ifndef DB_BSON_H
#define DB_BSON_H

#include "base/buf.h"

#include <stdbool.h>

/* Documents within documents; the server refuses more than 180. */
#define BSON_DEPTH 200
/* What any document may have; the server's own is 16 MiB and some for commands. */
#define BSON_MAX ((size_t)64 << 20)
#define BSON_MIN 5

enum bson_type {
	BSON_DOUBLE = 0x01,
	BSON_STRING = 0x02,
	BSON_DOCUMENT = 0x03,
	BSON_ARRAY = 0x04,
	BSON_BINARY = 0x05,
	BSON_UNDEFINED = 0x06,
	BSON_OID = 0x07,
	BSON_BOOL = 0x08,
	BSON_DATE = 0x09,
	BSON_NULL = 0x0a,
	BSON_REGEX = 0x0b,
	BSON_DBPOINTER = 0x0c,
	BSON_CODE = 0x0d,
	BSON_SYMBOL = 0x0e,
	BSON_CODE_SCOPE = 0x0f,
	BSON_INT32 = 0x10,
	BSON_TIMESTAMP = 0x11,
	BSON_INT64 = 0x12,
	BSON_DECIMAL = 0x13,
	BSON_MAX_KEY = 0x7f,
	BSON_MIN_KEY = 0xff,
};

/* One element: what it is called and what it is, with the lengths that BSON puts before. */
struct bson_value {
	enum bson_type type;
	const char *name; /* NUL-terminated */
	const uint8_t *data;
	size_t len;
};

/* The length that a document at the beginning of these bytes says it has; 0 when that cannot be
 * (or fewer than four bytes are there).  What follows need not be there yet. */
size_t bson_length(const void *data, size_t len);
/* Exactly one well-formed document?  Strings need not be UTF-8. */
MUST_CHECK enum err_code bson_check(const void *data, size_t len, struct err *err);

struct bson_walk {
	const uint8_t *p;
	const uint8_t *end;
	bool is_broken; /* the walk ended before the document did */
};

void bson_walk_init(struct bson_walk *w, const void *data, size_t len);
/* The next element; false at the end, and where it is broken. */
bool bson_walk_next(struct bson_walk *w, struct bson_value *out);

/* The value at a path of names ("cursor", "id", NULL); false when there is none. */
bool bson_find(const void *data, size_t len, const char *const *path, struct bson_value *out);
/* The one element of that name. */
bool bson_get(const void *data, size_t len, const char *name, struct bson_value *out);

/* Any of the numbers (and true as 1); other when it is none. */
double bson_number(const struct bson_value *v, double other);
int64_t bson_integer(const struct bson_value *v, int64_t other);
/* true, or a number that is not 0. */
bool bson_is_true(const struct bson_value *v);
/* The string's bytes, which are NUL-terminated; NULL for another type, or with a NUL within. */
const char *bson_string(const struct bson_value *v);

/*
 * Making one: begin, elements, end; documents in it by opening and closing.
 * An error sticks, and bson_finish tells it.
 */
struct bson_maker {
	struct buf *out;
	struct err err;
	unsigned depth;
	size_t begins[BSON_DEPTH];
	uint32_t next[BSON_DEPTH]; /* of an array: the next index */
	bool is_array[BSON_DEPTH];
};

/* Appends to out.  In arrays names are not looked at, and may be NULL. */
void bson_begin(struct bson_maker *m, struct buf *out);
void bson_open_document(struct bson_maker *m, const char *name);
void bson_open_array(struct bson_maker *m, const char *name);
void bson_shut(struct bson_maker *m);
void bson_put_value(struct bson_maker *m, const char *name, const struct bson_value *v);
void bson_put_raw(
    struct bson_maker *m, const char *name, enum bson_type type, const void *data, size_t len);
void bson_put_string(struct bson_maker *m, const char *name, const char *s);
/* A string, code or symbol whose bytes may hold zeros. */
void bson_put_text(
    struct bson_maker *m, const char *name, enum bson_type type, const char *s, size_t len);
void bson_put_int32(struct bson_maker *m, const char *name, int32_t v);
void bson_put_int64(struct bson_maker *m, const char *name, int64_t v);
void bson_put_double(struct bson_maker *m, const char *name, double v);
void bson_put_bool(struct bson_maker *m, const char *name, bool v);
/* A whole document. */
void bson_put_document(struct bson_maker *m, const char *name, const void *data, size_t len);
MUST_CHECK enum err_code bson_finish(struct bson_maker *m, struct err *err);

#endif
