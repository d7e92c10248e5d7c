/*
 * unified.h: a line of a unified diff (base/text_diff.h) on a terminal: coloured,
 * and harmless.
 */
#ifndef CLI_UNIFIED_H
#define CLI_UNIFIED_H

#include "base/buf.h"
#include "ui/screen.h"

/* Append it, with its end. */
MUST_CHECK enum err_code unified_line(struct buf *out, const struct screen *screen, char mark,
    const char *text, size_t len, struct err *err);
/* "--- a/NAME"; "--- /dev/null" where name is NULL.  No end: something may follow. */
MUST_CHECK enum err_code unified_head(struct buf *out, const struct screen *screen,
    const char *mark, const char *side, const char *name, struct err *err);

/* A definition as lines: the last one ends, too.  NULL is none. */
MUST_CHECK enum err_code unified_text(struct buf *out, const char *text, struct err *err);

#endif
