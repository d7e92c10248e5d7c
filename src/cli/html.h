/*
 * html.h: text within a page of HTML.
 *
 * What comes from outside becomes harmless twice: control characters and marks of direction
 * visible (ui/escape.h), then the characters that HTML takes for its own.  The result is safe
 * between tags and within double quotes.
 *
 * Threads: any.  Errors: ERR_NO_MEMORY.
 */
#ifndef CLI_HTML_H
#define CLI_HTML_H

#include "base/buf.h"

/* Text from outside. */
MUST_CHECK enum err_code html_text(
    struct buf *out, const void *text, size_t len, struct err *err);
/* Text that is harmless already: only HTML's own characters. */
MUST_CHECK enum err_code html_escape(
    struct buf *out, const void *text, size_t len, struct err *err);

#endif
