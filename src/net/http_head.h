/*
 * http_head.h: the head of an HTTP/1.x response: status line and fields.
 *
 * A pure parser, made for hostile input: it reads only what it was given,
 * keeps offsets into its own copy, and refuses what it does not understand
 * (bare line feeds, folded lines, bytes of control, two lengths that differ).
 *
 * Threads: one at a time.  Errors: ERR_CORRUPT for what is no HTTP.
 */
#ifndef NET_HTTP_HEAD_H
#define NET_HTTP_HEAD_H

#include "base/buf.h"

#include <stdbool.h>

#define HTTP_HEAD_MAX ((size_t)64 << 10)
#define HTTP_FIELDS_MAX 128

struct http_field {
	const char *name;
	const char *value; /* without the blanks around it */
};

/* How the body's end is known. */
enum http_framing {
	HTTP_NO_BODY,
	HTTP_LENGTH,
	HTTP_CHUNKED,
	HTTP_UNTIL_CLOSE,
};

struct http_head {
	int status;
	const char *reason;
	size_t n_fields;
	struct http_field fields[HTTP_FIELDS_MAX];
	enum http_framing framing; /* for the answer to any method but HEAD and CONNECT */
	uint64_t content_length; /* when framing is HTTP_LENGTH */
	char *text; /* what the strings above point into */
};

/* Parse the head at the start of data.  *used is its length with the empty line, or 0 (and
 * *head untouched) when it is not yet whole; ERR_CORRUPT also when it is longer than
 * HTTP_HEAD_MAX. */
MUST_CHECK enum err_code http_head_parse(
    struct http_head *head, const void *data, size_t len, size_t *used, struct err *err);
void http_head_release(struct http_head *head);
static inline void UNUSED
http_head_auto(struct http_head *head)
{
	http_head_release(head);
}

/* The value of the first field of that name (any case), or NULL. */
const char *http_head_field(const struct http_head *head, const char *name);

#endif
