/*
 * snapshot_view.h: snapshots as JSON: one in a list, the receipt of one, and
 * which of them rules keep (docs/json.md, "summary", "receipt", "decision").
 *
 * Threads: any.
 */
#ifndef UI_SNAPSHOT_VIEW_H
#define UI_SNAPSHOT_VIEW_H

#include "base/json.h"
#include "engine/forget.h"
#include "engine/receipt.h"

/* One object; proof is NULL when nobody has drilled it. */
void snapshot_view_summary(struct json_writer *w, const char *key, const struct id *id,
    const json_t *document, const json_t *proof);

/* What it wants of a document, without the rest: the caller's, and as good as the document. */
MUST_CHECK enum err_code snapshot_view_brief(
    json_t **out, const json_t *document, struct err *err);

/* The fields of an object that is open. */
MUST_CHECK enum err_code snapshot_view_receipt(
    struct json_writer *w, const struct receipt *r, struct err *err);

/* The fields "snapshots", those that were asked about, "forgotten" and "kept". */
void snapshot_view_forget(struct json_writer *w, const struct forget_plan *p);

#endif
