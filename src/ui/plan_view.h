/*
 * plan_view.h: a plan for people and for programs: what of a stack would be
 * captured, how, and what not and why.
 */
#ifndef UI_PLAN_VIEW_H
#define UI_PLAN_VIEW_H

#include "base/json.h"
#include "engine/plan.h"

MUST_CHECK enum err_code plan_view_print(const struct plan *p, FILE *out, struct err *err);
/* The fields of an object that is open: "name", "working_dir", "services", "members", "gaps",
 * "quiesce". */
void plan_view_fields(struct json_writer *w, const struct plan *p);
/* One object with these. */
void plan_view_json(struct json_writer *w, const struct plan *p);

#endif
