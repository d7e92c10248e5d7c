#include "ui/snapshot_view.h"

#include "engine/quarantine.h"
#include "ui/proof_view.h"

static void
put_id(struct json_writer *w, const struct id *id)
{
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	json_str(w, "id", hex);
}

static const char *const summary_fields[] = { "time_ns", "host", "source", "tags", "outcome",
	"class", "skew_ns", "problem_count", "stats" };

/* A brief has their number alone. */
static uint64_t
count_members(const json_t *document)
{
	const json_t *members = json_object_get(document, "members");
	return json_is_integer(members) ? (uint64_t)json_integer_value(members)
					: json_array_size(members);
}

void
snapshot_view_summary(struct json_writer *w, const char *key, const struct id *id,
    const json_t *document, const json_t *proof)
{
	json_obj(w, key);
	put_id(w, id);
	for (size_t i = 0; i < ARRAY_LEN(summary_fields); i++)
		json_value(w, summary_fields[i], json_object_get(document, summary_fields[i]));
	json_u64(w, "members", count_members(document));
	json_flag(w, "quarantined", snapshot_is_quarantined(document));
	proof_view_brief(w, "proof", proof);
	json_obj_end(w);
}

enum err_code
snapshot_view_brief(json_t **out, const json_t *document, struct err *err)
{
	int64_t members = (int64_t)count_members(document);
	AUTO(json)
	json_t *brief = json_pack("{s:I, s:O*}", "members", (json_int_t)members, "quarantine",
	    json_object_get(document, "quarantine"));
	if (brief == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < ARRAY_LEN(summary_fields); i++) {
		json_t *value = json_object_get(document, summary_fields[i]);
		if (value != NULL && json_object_set(brief, summary_fields[i], value) != 0)
			return err_nomem(err);
	}
	*out = TAKE(brief);
	return ERR_OK;
}

static enum err_code
add_document(void *arg, const json_t *document, struct err *err)
{
	(void)err;
	json_value(arg, NULL, document);
	return ERR_OK;
}

enum err_code
snapshot_view_receipt(struct json_writer *w, const struct receipt *r, struct err *err)
{
	json_str(w, "id", r->hex);
	json_str(w, "repository", r->repository);
	json_i64(w, "printed_ns", r->now_ns);
	json_obj(w, "verified");
	json_flag(w, "read_data", r->read_data);
	json_u64(w, "problems", r->verified.problems);
	json_u64(w, "packs", r->verified.packs);
	json_u64(w, "bytes", r->verified.bytes);
	json_u64(w, "chunks", r->verified.chunks);
	json_obj_end(w);
	proof_view_brief(w, "proof", r->proof);
	json_arr(w, "drills");
	if (proofs_each(r->proofs, &r->id, add_document, w, err))
		return err->code;
	json_arr_end(w);
	json_value(w, "snapshot", r->document);
	return ERR_OK;
}

void
snapshot_view_forget(struct json_writer *w, const struct forget_plan *p)
{
	uint64_t gone = 0;
	json_arr(w, "snapshots");
	for (size_t i = 0; i < p->count; i++) {
		const struct forget_decision *d = &p->items[i];
		gone += !d->keep;
		if (!d->is_subject)
			continue;
		json_obj(w, NULL);
		put_id(w, &d->id);
		json_i64(w, "time_ns", json_get_int(d->document, "time_ns", 0));
		json_str(w, "source", d->source);
		json_flag(w, "keep", d->keep);
		json_str(w, "reason", d->reason);
		json_obj_end(w);
	}
	json_arr_end(w);
	json_u64(w, "forgotten", gone);
	json_u64(w, "kept", p->count - gone);
}
