/*
 * value.h: a value of a database, as one line for people.
 *
 * NULL is the word; text stands in double quotes, with a backslash before quotes
 * and backslashes, and made harmless as escape.h does; numbers, times and the
 * like stand bare; what is no text is hexadecimal.  What is long is left out in
 * the middle, and how much of it is said:
 *
 *	"Lorem ipsum dolor …(12,482 bytes)… est laborum."
 *	0x89504e470d0a1a0a…(2,048 bytes)…ae426082
 *
 * Of two versions of a long value the parts that differ stay in view.
 *
 * Pure.  Threads: any.  Errors: ERR_NO_MEMORY.
 */
#ifndef UI_VALUE_H
#define UI_VALUE_H

#include "base/buf.h"

#include <stdbool.h>

enum value_kind {
	VALUE_PLAIN, /* a number, a time, a word: in quotes only when it is none */
	VALUE_TEXT,
	VALUE_BYTES, /* bytes, or "\x…" as PostgreSQL writes them */
	VALUE_JSON, /* as it stands, without quotes around it */
};

struct value {
	enum value_kind kind;
	bool is_null;
	const void *data;
	size_t len;
};

/* By the type of its column, as a dump writes it; "" when it is not known. */
enum value_kind value_kind_of(const char *type);

/* About max bytes of it. */
MUST_CHECK enum err_code value_add(
    struct buf *out, const struct value *v, size_t max, struct err *err);
/* Two versions, each to its own buffer. */
MUST_CHECK enum err_code value_add_change(struct buf *before, struct buf *after,
    const struct value *a, const struct value *b, size_t max, struct err *err);

#endif
