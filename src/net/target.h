/*
 * target.h: building the target of an HTTP request: path and query, encoded.
 *
 *	AUTO(target) struct target t;
 *	target_init(&t, "/v1.41/containers");
 *	target_part(&t, id);
 *	target_part(&t, "stop");
 *	target_query(&t, "t", "5");
 *	const char *text;
 *	if (target_text(&t, &text, err))
 *		...
 *
 * Every byte of a part, name or value that is not unreserved in RFC 3986 is
 * percent-encoded, so that no name can change the shape of the target.  An
 * error sticks, later calls do nothing, and target_text reports it.
 */
#ifndef NET_TARGET_H
#define NET_TARGET_H

#include "base/buf.h"

#include <stdbool.h>

struct target {
	struct buf text;
	bool has_query;
	struct err err;
};

/* path is taken as it is: it is the program's own and begins with a slash. */
void target_init(struct target *t, const char *path);
void target_release(struct target *t);
static inline void UNUSED
target_auto(struct target *t)
{
	target_release(t);
}

/* Add "/part".  ERR_USAGE for ".", ".." and an empty part, which servers would resolve away. */
void target_part(struct target *t, const char *part);
/* Add "?name=value" or "&name=value". */
void target_query(struct target *t, const char *name, const char *value);
/* The whole target in *text, which stays t's. */
MUST_CHECK enum err_code target_text(struct target *t, const char **text, struct err *err);

#endif
