/* restored_view.h: restores that are not settled, as JSON (docs/json.md, "restored", "kept
 * table"). */
#ifndef UI_RESTORED_VIEW_H
#define UI_RESTORED_VIEW_H

#include "base/json.h"
#include "engine/restore_settle.h"
#include "engine/table_kept.h"

/* One object. */
void restored_view_json(struct json_writer *w, const char *key, const struct restored *r);
void table_kept_json(struct json_writer *w, const char *key, const struct table_kept *k);
/* "noted", "kept", "unknown" */
const char *table_kept_word(enum table_kept_state state);

#endif
