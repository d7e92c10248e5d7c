/*
 * text_diff.h: what differs between two texts, line by line, as diff -u and git
 * diff show it.
 *
 * Lines end with a newline; a last one that lacks it differs from the same one
 * that has it.  Any bytes are text here.  Which lines belong together is found
 * by seq_diff.h, which names its source; the form is POSIX's of diff -u.
 *
 * Memory:  some 80 bytes a line while it runs.
 * Threads: any.  Errors: ERR_NO_MEMORY, and what fn gives.
 */
#ifndef BASE_TEXT_DIFF_H
#define BASE_TEXT_DIFF_H

#include "base/buf.h"

#include <stdbool.h>

#define TEXT_DIFF_CONTEXT 3

/* One line of it, without the newline.  mark is '@' (text is "@@ -1,3 +1,4 @@"), ' ', '-', '+',
 * or '\\' (text is "\ No newline at end of file"). */
typedef enum err_code text_diff_fn(
    void *arg, char mark, const char *text, size_t len, struct err *err);

struct text_diff_result {
	size_t added;
	size_t removed;
};

/* Nothing is told of equal texts. */
MUST_CHECK enum err_code text_diff(const void *a, size_t a_len, const void *b, size_t b_len,
    size_t context, text_diff_fn *fn, void *arg, struct text_diff_result *out, struct err *err);

/* The same, appended as text with newlines. */
MUST_CHECK enum err_code text_diff_unified(struct buf *out, const void *a, size_t a_len,
    const void *b, size_t b_len, size_t context, struct err *err);

#endif
