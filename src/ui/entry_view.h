/*
 * entry_view.h: an entry of a tree, for people as "ls -l" shows it, and as JSON
 * fields (docs/json.md, "entry").
 */
#ifndef UI_ENTRY_VIEW_H
#define UI_ENTRY_VIEW_H

#include "base/json.h"
#include "tree/entry.h"

/* Mode, owner, size and time, with a blank behind, to stdout. */
void entry_view_details(const struct tree_entry *e);
/* The path, with a slash behind a folder's. */
void entry_view_path(const char *path, const struct tree_entry *e);
/* Where a symlink leads, " -> target"; nothing for others. */
void entry_view_target(const struct tree_entry *e);

/* The fields from "path" on, into an open object. */
void entry_view_json(struct json_writer *w, const char *path, const struct tree_entry *e);

#endif
