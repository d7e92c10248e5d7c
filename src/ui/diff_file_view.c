#include "ui/diff_file_view.h"

void
diff_file_view_json(struct json_writer *w, const struct diff_file *f, const struct buf *diff)
{
	json_flag(w, "differs", diff->len > 0 || f->has_before != f->has_after);
	json_flag(w, "is_before", f->has_before);
	json_flag(w, "is_after", f->has_after);
	json_bytes(w, "diff", diff->len > 0 ? (const char *)diff->data : "", diff->len);
}
