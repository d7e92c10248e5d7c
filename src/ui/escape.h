/*
 * escape.h: text from outside, made harmless for a terminal.
 *
 * A file's name may hold any byte but NUL and '/'.  What could steer a
 * terminal or mislead its reader becomes visible: control characters and bytes
 * that are not UTF-8 as \n, \t, \xNN; C1 controls and characters that turn the
 * direction of writing as \u{NNNN}.  Everything else stays as it is.  This is
 * for looking at: JSON output is where programs find the true bytes.
 */
#ifndef UI_ESCAPE_H
#define UI_ESCAPE_H

#include "base/buf.h"

MUST_CHECK enum err_code escape_add(
    struct buf *out, const void *text, size_t len, struct err *err);
/* Straight to a stream, without memory; whether the stream took it, ferror tells. */
void escape_print(FILE *out, const char *text);

/* Columns that escaped text takes on a terminal: 2 for wide characters, 0 for combining ones.
 */
size_t escape_width(const char *text, size_t len);
/* The bytes of the longest beginning of escaped text that fits into width columns. */
size_t escape_fit(const char *text, size_t len, size_t width);

#endif
