#include "ui/restored_view.h"

void
restored_view_json(struct json_writer *w, const char *key, const struct restored *r)
{
	json_obj(w, key);
	json_str(w, "stack", r->stack);
	json_str(w, "snapshot", r->snapshot);
	json_i64(w, "snapshot_time_ns", r->snapshot_ns);
	json_str(w, "state", restored_state_word(r->state));
	json_str(w, "step", r->step);
	json_i64(w, "time_ns", r->kept_ns);
	json_u64(w, "kept_files", r->files);
	json_u64(w, "kept_bytes", r->bytes);
	json_flag(w, "kept_is_unique", r->must_ask);
	json_strings(w, "kept", &r->places);
	json_obj_end(w);
}
