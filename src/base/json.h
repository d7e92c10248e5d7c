/*
 * json.h: writing JSON as a stream, and reading it with jansson.
 *
 * The writer appends to a struct buf.  It keeps track of commas and nesting;
 * key is NULL inside an array and a name inside an object.  An error (out of
 * memory) sticks, later calls do nothing, and json_finish reports it.  All
 * JSON that StackSnap emits goes through here.
 *
 * Strings are expected in UTF-8.  json_bytes is for names that need not be:
 * bad bytes become U+FFFD and a second field KEY_hex holds the true bytes.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/strv.h"

#include <jansson.h>
#include <stdbool.h>

#define JSON_MAX_DEPTH 256 /* a MongoDB document may be 100 deep */

struct json_writer {
	struct buf *out;
	struct err err;
	unsigned depth;
	bool has_item[JSON_MAX_DEPTH];
};

void json_init(struct json_writer *w, struct buf *out);
void json_obj(struct json_writer *w, const char *key);
void json_obj_end(struct json_writer *w);
void json_arr(struct json_writer *w, const char *key);
void json_arr_end(struct json_writer *w);
void json_str(struct json_writer *w, const char *key, const char *value); /* NULL gives null */
void json_bytes(struct json_writer *w, const char *key, const void *data, size_t len);
/* An array of strings; NULL gives an empty one. */
void json_strings(struct json_writer *w, const char *key, const struct strv *v);
void json_u64(struct json_writer *w, const char *key, uint64_t value);
void json_i64(struct json_writer *w, const char *key, int64_t value);
void json_f64(struct json_writer *w, const char *key, double value);
/* A number as its digits have it, which must be JSON. */
void json_number(struct json_writer *w, const char *key, const char *digits);
void json_flag(struct json_writer *w, const char *key, bool value);
void json_nil(struct json_writer *w, const char *key);
/* A value that was read, with all that is in it; what lies deeper than JSON_MAX_DEPTH becomes
 * null. */
void json_value(struct json_writer *w, const char *key, const json_t *value);
/* Ends the document.  Every object and array must have been closed. */
MUST_CHECK enum err_code json_finish(struct json_writer *w, struct err *err);

static inline void UNUSED
json_auto(json_t **j)
{
	json_decref(*j);
}

/* Parse exactly one document; *out is the caller's to json_decref.  what names it in the error.
 */
MUST_CHECK enum err_code json_parse(
    json_t **out, const void *data, size_t len, const char *what, struct err *err);
/* The string at key, or NULL when it is absent or of another type. */
const char *json_get_str(const json_t *obj, const char *key);
/* Likewise, or "". */
const char *json_get_text(const json_t *obj, const char *key);
/* The integer at key, or other when it is absent or of another type. */
int64_t json_get_int(const json_t *obj, const char *key, int64_t other);
/* A count: the integer at key, or 0 when there is none or it is negative. */
uint64_t json_get_u64(const json_t *obj, const char *key);
bool json_get_bool(const json_t *obj, const char *key);

#endif
