/*
 * diff_view.h: what differs, a line each, as diff and dry runs show it.
 *
 *	+ added    - removed    M another content or type    m other metadata only
 *	x left out
 *
 * Colours are for terminals only.
 */
#ifndef CLI_DIFF_VIEW_H
#define CLI_DIFF_VIEW_H

#include "base/json.h"
#include "tree/compare.h"
#include "ui/screen.h"

struct diff_view {
	struct screen screen;
	struct buf line; /* used again */
};

/* Standard output, and whether the user wants colours. */
void diff_view_init(struct diff_view *v, bool no_color);
void diff_view_release(struct diff_view *v);
static inline void UNUSED
diff_view_auto(struct diff_view *v)
{
	diff_view_release(v);
}

/* Of something in both: 'M' or 'm'. */
char diff_view_letter(unsigned fields);
/* Append one line; before, now and letter as below. */
MUST_CHECK enum err_code diff_view_add(struct diff_view *v, struct buf *out, char letter,
    const char *path, unsigned fields, const struct tree_entry *before,
    const struct tree_entry *now, struct err *err);
/* One line; before is NULL when added, now when removed, both when left out. */
MUST_CHECK enum err_code diff_view_print(struct diff_view *v, char letter, const char *path,
    unsigned fields, const struct tree_entry *before, const struct tree_entry *now,
    struct err *err);
/* The same as a JSON line of a type (docs/json.md, "difference"). */
MUST_CHECK enum err_code diff_view_json(struct diff_view *v, const char *type, char letter,
    const char *path, unsigned fields, const struct tree_entry *before,
    const struct tree_entry *now, struct err *err);

#endif
