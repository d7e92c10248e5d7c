/* diff_file_view.h: one file that differs, as JSON (docs/json.md, "diff --text"). */
#ifndef UI_DIFF_FILE_VIEW_H
#define UI_DIFF_FILE_VIEW_H

#include "base/json.h"
#include "engine/diff_file.h"

/* The fields of an object that is open; diff: its hunks, as text_diff_unified makes them. */
void diff_file_view_json(
    struct json_writer *w, const struct diff_file *f, const struct buf *diff);

#endif
