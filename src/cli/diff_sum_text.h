/*
 * diff_sum_text.h: the summary of a comparison, for people.
 */
#ifndef CLI_DIFF_SUM_TEXT_H
#define CLI_DIFF_SUM_TEXT_H

#include "cli/diff_sum.h"
#include "ui/screen.h"

/* Services with other images, members whose files differ, services with their tables, what
 * could not be compared; each part under its heading, nothing where there is none. */
MUST_CHECK enum err_code diff_sum_text(
    struct buf *out, const struct diff_sum *s, const struct screen *screen, struct err *err);

#endif
