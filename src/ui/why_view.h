/*
 * why_view.h: a stack's settings: what counts, who said it, and what others
 * said that does not count.
 */
#ifndef UI_WHY_VIEW_H
#define UI_WHY_VIEW_H

#include "base/json.h"
#include "engine/plan.h"

/* all: also those that nobody spoke about. */
MUST_CHECK enum err_code why_view_print(
    const struct plan *p, bool all, FILE *out, struct err *err);
/* An array: "settings". */
MUST_CHECK enum err_code why_view_json(
    struct json_writer *w, const struct plan *p, bool all, struct err *err);

#endif
