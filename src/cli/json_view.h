/*
 * json_view.h: JSON values and what changed in them, for people: documents of
 * MongoDB, values of Redis, columns of JSON.
 *
 * MongoDB's extended JSON is shortened as its shell writes it: ObjectId("…"),
 * ISODate("…"), numbers bare.
 *
 * Threads: any.  Errors: ERR_NO_MEMORY.
 */
#ifndef CLI_JSON_VIEW_H
#define CLI_JSON_VIEW_H

#include "base/json_patch.h"

/* About max bytes of it, harmless for a terminal. */
MUST_CHECK enum err_code json_view_value(
    struct buf *out, const json_t *value, size_t max, struct err *err);

/* One change: what is said of it, without a line's end; before and after are NULL as in
 * json_patch.h. */
struct json_view_change {
	enum json_change change;
	const char *where; /* harmless; "" for the whole */
	const char *before;
	const char *after;
};
typedef enum err_code json_view_fn(
    void *arg, const struct json_view_change *c, struct err *err);

struct json_view_options {
	size_t max; /* bytes of each value */
	bool is_set; /* the order of items means nothing: one is removed, one is added */
};

MUST_CHECK enum err_code json_view_changes(const json_t *a, const json_t *b,
    const struct json_view_options *opt, json_view_fn *fn, void *arg, struct err *err);

/* "2026-11-20 10:00:00.250 UTC"; years that have no four digits as "@MILLISECONDS". */
#define JSON_VIEW_TIME_MAX 40
void json_view_time(char out[JSON_VIEW_TIME_MAX], int64_t ms);

#endif
