#include "serve/verbs_snapshot.h"

#include "engine/filter.h"
#include "engine/quarantine.h"
#include "serve/look.h"
#include "serve/reply.h"
#include "serve/verified.h"
#include "ui/proof_view.h"
#include "ui/snapshot_view.h"

#define KEEP_MS 10000 /* web forgets it when anything changes */
#define LIST_MAX 1000
#define LIST_LIMIT 100
#define OFFSET_MAX (INT64_C(1) << 50)

/* --- list --- */

static bool
is_wanted(const struct point *x, const char *stack, const char *tag)
{
	return (stack == NULL || (x->stack != NULL && strcmp(x->stack, stack) == 0)) &&
	       (tag == NULL || snapshot_has_tags(x->brief, tag));
}

static void
put_damaged(struct json_writer *w, const struct points *p)
{
	json_arr(w, "damaged");
	for (size_t i = 0; i < p->n_damaged; i++) {
		char hex[ID_HEX_SIZE];
		id_hex(hex, &p->damaged[i].id);
		json_obj(w, NULL);
		json_str(w, "id", hex);
		json_str(w, "why", p->damaged[i].why);
		json_obj_end(w);
	}
	json_arr_end(w);
}

static enum err_code
list(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(reply) struct reply r;
	const char *stack = ask_text(ask, "stack");
	const char *tag = ask_text(ask, "tag");
	int64_t offset = ask_int(ask, "offset", 0);
	int64_t limit = ask_int(ask, "limit", LIST_LIMIT);
	int64_t total = 0;
	reply_begin(&r);
	if (look_begin(&l, ask, err))
		return err->code;
	json_arr(&r.w, "snapshots");
	for (size_t i = l.points->count; i-- > 0;) {
		const struct point *x = &l.points->items[i];
		if (!is_wanted(x, stack, tag))
			continue;
		if (total >= offset && total - offset < limit)
			point_summary(&r.w, NULL, l.points, x);
		total++;
	}
	json_arr_end(&r.w);
	json_i64(&r.w, "total", total);
	json_i64(&r.w, "offset", offset);
	put_damaged(&r.w, l.points);
	out->keep_ms = KEEP_MS;
	return reply_end(&r, out, err);
}

/* --- one --- */

static enum err_code
put_reasons(struct json_writer *w, const json_t *document, struct err *err)
{
	size_t i;
	const json_t *reason;
	json_arr(w, "quarantine_text");
	json_array_foreach(json_object_get(document, "quarantine"), i, reason)
	{
		AUTO(str) char *text = NULL;
		if (quarantine_text(&text, reason, err))
			return err->code;
		json_str(w, NULL, text);
	}
	json_arr_end(w);
	return ERR_OK;
}

/* Those beside it, of the same source. */
static void
put_neighbours(struct json_writer *w, const struct points *p, const struct point *x)
{
	size_t at = (size_t)(x - p->items);
	for (size_t i = at; i-- > 0;)
		if (strcmp(p->items[i].source, x->source) == 0) {
			json_str(w, "previous", p->items[i].hex);
			break;
		}
	for (size_t i = at + 1; i < p->count; i++)
		if (strcmp(p->items[i].source, x->source) == 0) {
			json_str(w, "next", p->items[i].hex);
			break;
		}
}

static enum err_code
get(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(verified_list) struct verified_list verified = VERIFIED_LIST_INIT;
	AUTO(json) json_t *document = NULL;
	AUTO(reply) struct reply r;
	const struct point *x;
	reply_begin(&r);
	if (look_at(&l, &x, ask, err) || snapshot_load(l.repo, &x->id, &document, err) ||
	    verified_load(&verified, keeper_catalog(ask->keeper), err))
		return err->code;
	json_str(&r.w, "id", x->hex);
	json_value(&r.w, "snapshot", document);
	json_flag(&r.w, "quarantined", x->is_quarantined);
	if (put_reasons(&r.w, document, err))
		return err->code;
	proof_view_brief(&r.w, "proof", point_proof(l.points, x));
	verified_write(&r.w, "verified", verified_of(&verified, x));
	put_neighbours(&r.w, l.points, x);
	out->keep_ms = KEEP_MS;
	return reply_end(&r, out, err);
}

static enum err_code
receipt(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(receipt) struct receipt made = { .document = NULL };
	AUTO(reply) struct reply r;
	const struct point *x;
	reply_begin(&r);
	if (look_at(&l, &x, ask, err) || receipt_make(&made, &l.engine, &x->id, false, err) ||
	    snapshot_view_receipt(&r.w, &made, err))
		return err->code;
	return reply_end(&r, out, err);
}

static enum err_code
certificate(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(str) char *name = NULL;
	const struct point *x;
	if (look_at(&l, &x, ask, err) || str_printf(&name, err, "receipt-%.8s.txt", x->hex))
		return err->code;
	const char *const argv[] = { "receipt", "--", x->hex, NULL };
	if (keeper_stream(ask->keeper, argv, &out->fd, err))
		return err->code;
	out->download = json_pack("{s:s, s:s}", "name", name, "type", "text/plain");
	return out->download == NULL ? err_nomem(err) : ERR_OK;
}

/* --- the table --- */

#define ID                               \
	{                                \
		"id", ARG_ID, true, 0, 0 \
	}
#define PATH                                           \
	{ "path", ARG_PATH, false, 0, 0 },             \
	{                                              \
		"path_hex", ARG_STRING, false, 0, 8192 \
	}
#define PAGE(most)                                   \
	{ "offset", ARG_INT, false, 0, OFFSET_MAX }, \
	{                                            \
		"limit", ARG_INT, false, 1, most     \
	}
#define READ SCOPE_READ, false, NULL
#define CHANGE SCOPE_OPERATE, true, "id"

/* clang-format off */
const struct verb snapshot_verbs[] = {
	{ "snapshots.list", READ, list, { { "stack", ARG_NAME, false, 0, 0 },
	    { "tag", ARG_STRING, false, 0, 0 }, PAGE(LIST_MAX) } },
	{ "snapshots.get", READ, get, { ID } },
	{ "snapshots.receipt", READ, receipt, { ID } },
	{ "snapshots.certificate", READ, certificate, { ID } },
	{ "snapshots.tree", READ, snapshot_tree, { ID, PATH, PAGE(LIST_MAX) } },
	{ "snapshots.file", READ, snapshot_file, { ID, PATH } },
	{ "snapshots.download", READ, snapshot_download, { ID, PATH } },
	{ "snapshots.dump", READ, snapshot_dump, { ID, { "member", ARG_STRING, true, 1, 0 } } },
	{ "snapshots.databases", READ, snapshot_databases, { ID, PAGE(5000) } },
	{ "snapshots.verify", CHANGE, snapshot_verify, { ID, { "read_data", ARG_BOOL, false, 0, 0 } } },
	{ "snapshots.drill", CHANGE, snapshot_drill, { ID, { "pull", ARG_BOOL, false, 0, 0 } } },
	{ "snapshots.tag", CHANGE, snapshot_tag, { ID, { "add", ARG_STRINGS, false, 0, 32 },
	    { "remove", ARG_STRINGS, false, 0, 32 } } },
	{ "snapshots.accept", CHANGE, snapshot_accept, { ID } },
	{ "snapshots.forget", CHANGE, snapshot_forget, { ID } },
	{ .name = NULL },
};
/* clang-format on */
