#include "ui/restored_view.h"

#include <string.h>

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

const char *
table_kept_word(enum table_kept_state state)
{
	static const char *const words[] = {
		[TABLE_NOTED] = "noted",
		[TABLE_KEPT] = "kept",
		[TABLE_UNKNOWN] = "unknown",
	};
	return words[state];
}

void
table_kept_json(struct json_writer *w, const char *key, const struct table_kept *k)
{
	json_obj(w, key);
	json_str(w, "stack", k->stack);
	json_str(w, "service", k->service);
	json_str(w, "database", k->database);
	json_bytes(w, "table", k->table, strlen(k->table));
	if (k->key_prefix != NULL)
		json_bytes(w, "key_prefix", k->key_prefix, strlen(k->key_prefix));
	else
		json_nil(w, "key_prefix");
	json_str(w, "snapshot", k->tag);
	json_i64(w, "time_ns", k->time_ns);
	json_str(w, "state", table_kept_word(k->state));
	if (k->why != NULL)
		json_str(w, "problem", k->why);
	json_obj_end(w);
}
