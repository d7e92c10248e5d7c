/*
 * ini.h: a strict reader of INI files.
 *
 *	# a comment, or ; one
 *	[section of words]
 *	key = value
 *		and more of it, on lines that begin with a blank
 *
 * Blanks around sections, keys and values do not count, and those inside a
 * section count as one.  Lines of a value are joined by newlines.  There are
 * no quotes, no escapes and no comments behind a value: what is written is
 * meant.  Whatever else a line is, and a section or a key that is there
 * twice, is refused with its line: ERR_USAGE, "what:12: ...".
 */
#ifndef BASE_INI_H
#define BASE_INI_H

#include "base/err.h"

struct ini_item {
	const char *section; /* "stack shop" */
	const char *key; /* NULL: the section begins */
	const char *value;
	size_t line; /* from 1; of the key */
};

/* Strings are the reader's.  An error ends the reading. */
typedef enum err_code ini_item_fn(void *arg, const struct ini_item *item, struct err *err);

/* Read len bytes of UTF-8; what names the file in errors. */
MUST_CHECK enum err_code ini_parse(const void *text, size_t len, const char *what,
    ini_item_fn *fn, void *arg, struct err *err);

#endif
