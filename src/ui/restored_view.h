/* restored_view.h: restores that are not settled, as JSON (docs/json.md, "restored"). */
#ifndef UI_RESTORED_VIEW_H
#define UI_RESTORED_VIEW_H

#include "base/json.h"
#include "engine/restore_settle.h"

/* One object. */
void restored_view_json(struct json_writer *w, const char *key, const struct restored *r);

#endif
