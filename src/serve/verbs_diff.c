#include "serve/verbs_diff.h"

#include "base/text_diff.h"
#include "engine/diff_file.h"
#include "serve/diff_kept.h"
#include "serve/reply.h"
#include "serve/run_view.h"
#include "ui/diff_file_view.h"

#include <string.h>
#include <unistd.h>

#define SEARCHED_RUNS 500
#define LIVE "live"
#define KEEP_MS 60000
#define TEXT_MAX ((size_t)1 << 20)

/* --- beginning one --- */

/* Rows and schemas are asked for only of what has databases: of others the command line refuses
 * that. */
static bool
has_databases(const struct point *x)
{
	const char *kind = json_get_str(json_object_get(x->brief, "source"), "kind");
	return x->stack != NULL || (kind != NULL && strcmp(kind, "database") == 0);
}

static enum err_code
add_picks(struct strv *argv, const struct ask *ask, struct err *err)
{
	static const char *const names[] = { "service", "database" };
	size_t i;
	const json_t *table;
	for (i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = ask_text(ask, names[i]);
		if (value != NULL && strv_addf(argv, err, "--%s=%s", names[i], value))
			return err->code;
	}
	json_array_foreach(json_object_get(ask->args, "tables"), i, table)
	{
		if (strv_addf(argv, err, "--table=%s", json_string_value(table)))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
make_argv(struct strv *argv, const struct ask *ask, const struct point *a,
    const struct point *b, struct err *err)
{
	const char *path = ask_text(ask, "path");
	bool rows = path == NULL && has_databases(a) && (b == NULL || has_databases(b));
	if (strv_add(argv, "diff", err) || strv_add(argv, "--limit=0", err) ||
	    (rows && ask_flag(ask, "rows", true) && strv_add(argv, "--rows", err)) ||
	    (rows && ask_flag(ask, "schema", true) && strv_add(argv, "--schema", err)) ||
	    add_picks(argv, ask, err) || strv_add(argv, "--", err) ||
	    strv_add(argv, a->hex, err) || strv_add(argv, b != NULL ? b->hex : LIVE, err))
		return err->code;
	return path != NULL && *path != '\0' ? strv_add(argv, path, err) : ERR_OK;
}

/* A run with the same words, which has not failed. */
struct known {
	json_t *argv;
	int64_t run; /* 0: none */
	bool is_done;
};

static enum err_code
find_known(void *arg, const struct catalog_run *r, struct err *err)
{
	struct known *k = arg;
	AUTO(json) json_t *argv = NULL;
	bool is_good = r->state <= RUN_PARTIAL;
	if (k->run != 0 || !is_good)
		return ERR_OK;
	if (json_parse(&argv, r->argv, strlen(r->argv), "arguments", err))
		return err->code;
	if (!json_equal(argv, k->argv))
		return ERR_OK;
	k->run = r->id;
	k->is_done = catalog_run_state_is_end(r->state);
	return ERR_OK;
}

static enum err_code
look_for_known(struct known *k, const struct ask *ask, const struct strv *argv, struct err *err)
{
	struct catalog_run_filter filter = { .kind = "diff", .limit = SEARCHED_RUNS };
	AUTO(json) json_t *words = json_array();
	if (words == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < argv->len; i++)
		if (json_array_append_new(words, json_string(argv->items[i])) != 0)
			return err_nomem(err);
	k->argv = words;
	return catalog_run_list(keeper_catalog(ask->keeper), &filter, find_known, k, err);
}

/* A comparison of snapshots never changes; its output may have been removed. */
static bool
is_there(const struct ask *ask, int64_t run)
{
	AUTO(str) char *path = NULL;
	struct err scratch;
	return keeper_run_path(ask->keeper, run, &path, &scratch) == ERR_OK &&
	       access(path, R_OK) == 0;
}

static enum err_code
find_points(const struct look *l, const struct ask *ask, const struct point **a,
    const struct point **b, struct err *err)
{
	const char *second = ask_text(ask, "b");
	*b = NULL;
	if (points_find(l->points, ask_text(ask, "a"), a, err))
		return err_wrap(err, "a");
	if (strcmp(second, LIVE) != 0 && points_find(l->points, second, b, err))
		return err_wrap(err, "b");
	return ERR_OK;
}

/* What is live is read on this host, and asked for of its engine. */
static enum err_code
check_right(const struct ask *ask, const struct point *b, struct err *err)
{
	if (b == NULL && ask->who->scope < SCOPE_OPERATE)
		return err_set(err, ERR_DENIED,
		    "b: comparing with what is live takes the right "
		    "to operate");
	return ERR_OK;
}

static enum err_code
start(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(strv) struct strv argv = STRV_INIT;
	struct known known = { .run = 0 };
	const struct point *a;
	const struct point *b;
	int64_t run;
	if (look_begin(&l, ask, err) || find_points(&l, ask, &a, &b, err) ||
	    make_argv(&argv, ask, a, b, err))
		return err->code;
	if (check_right(ask, b, err))
		return err->code;
	bool may_know = b != NULL && !ask_flag(ask, "fresh", false);
	if (may_know && look_for_known(&known, ask, &argv, err))
		return err->code;
	run = known.run;
	if (known.run == 0 || (known.is_done && !is_there(ask, known.run))) {
		struct run_plan plan = { "diff", b == NULL && a->stack != NULL ? a->stack : "",
			(const char *const *)argv.items };
		known.is_done = false;
		if (diff_begin(ask, &plan, &run, out, err))
			return err->code;
	}
	out->status = 202;
	out->body =
	    json_pack("{s:I, s:b}", "run", (json_int_t)run, "is_done", (int)known.is_done);
	return out->body == NULL ? err_nomem(err) : ERR_OK;
}

/* --- a run --- */

void
diff_run_release(struct diff_run *r)
{
	catalog_run_release(&r->row);
	json_decref(r->argv);
	json_decref(r->documents[0]);
	json_decref(r->documents[1]);
}

/* The two words behind "--". */
static enum err_code
read_points(struct diff_run *r, struct err *err)
{
	size_t at = 0;
	size_t n = json_array_size(r->argv);
	while (at < n && strcmp(json_string_value(json_array_get(r->argv, at)), "--") != 0)
		at++;
	if (at + 2 >= n)
		return err_set(
		    err, ERR_CORRUPT, "run %lld compares nothing", (long long)r->row.id);
	for (size_t i = 0; i < 2; i++)
		r->points[i] = json_string_value(json_array_get(r->argv, at + 1 + i));
	return ERR_OK;
}

enum err_code
diff_run_load(struct diff_run *out, const struct ask *ask, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(diff_run) struct diff_run r = { .argv = NULL };
	int64_t run = ask_int(ask, "run", 0);
	if (catalog_run_get(keeper_catalog(ask->keeper), run, &r.row, err))
		return err->code;
	if (strcmp(r.row.kind, "diff") != 0)
		return err_set(err, ERR_NOT_FOUND, "run %lld is no comparison", (long long)run);
	if (json_parse(&r.argv, r.row.argv, strlen(r.row.argv), "arguments", err) ||
	    read_points(&r, err) || look_begin(&l, ask, err))
		return err->code;
	for (size_t i = 0; i < 2; i++) {
		const struct point *x;
		struct err
		    scratch; /* one that was forgotten since: the result is still there */
		if (points_find(l.points, r.points[i], &x, &scratch) == ERR_OK &&
		    snapshot_load(l.repo, &x->id, &r.documents[i], &scratch) != ERR_OK)
			r.documents[i] = NULL;
	}
	*out = r;
	r = (struct diff_run){ .argv = NULL };
	return ERR_OK;
}

enum err_code
diff_run_index(
    const struct diff_run *r, const struct ask *ask, struct diff_index **out, struct err *err)
{
	AUTO(str) char *path = NULL;
	bool is_live = strcmp(r->points[1], LIVE) == 0;
	if (!catalog_run_state_is_end(r->row.state))
		return err_set(err, ERR_LOCKED, "it is still being compared");
	if (keeper_run_path(ask->keeper, r->row.id, &path, err))
		return err->code;
	struct diff_source source = { r->row.id, path, keeper_state_dir(ask->keeper),
		r->documents[0], is_live ? NULL : r->documents[1] };
	return diff_cache_get(
	    shelf_diffs(keeper_shelf(ask->keeper)), &source, ask->cancel, out, err);
}

/* --- the summary --- */

static void
put_point(struct json_writer *w, const char *key, const char *name, const json_t *document)
{
	static const char *const fields[] = { "time_ns", "host", "source" };
	json_obj(w, key);
	if (strcmp(name, LIVE) != 0)
		json_str(w, "id", name);
	for (size_t i = 0; document != NULL && i < ARRAY_LEN(fields); i++)
		json_value(w, fields[i], json_object_get(document, fields[i]));
	json_obj_end(w);
}

static const char *
state_of(const struct diff_part *p)
{
	uint64_t n = p->tables + p->definitions;
	for (size_t i = 0; i < ARRAY_LEN(p->changes); i++)
		n += p->changes[i];
	if (!p->is_in[1])
		return "removed";
	if (!p->is_in[0])
		return "added";
	return n > 0 ? "changed" : "same";
}

static void
put_part(struct json_writer *w, const struct diff_part *p)
{
	json_obj(w, NULL);
	json_str(w, "kind", p->kind);
	json_str(w, "name", p->name);
	json_str(w, "path", p->path);
	json_str(w, "state", state_of(p));
	json_u64(w, "added", p->changes[CHANGE_ADDED]);
	json_u64(w, "removed", p->changes[CHANGE_REMOVED]);
	json_u64(w, "changed", p->changes[CHANGE_CHANGED]);
	json_u64(w, "metadata", p->changes[CHANGE_METADATA]);
	json_u64(w, "bytes_added", p->bytes_added);
	json_u64(w, "bytes_removed", p->bytes_removed);
	json_u64(w, "bytes_before", p->bytes_before);
	json_u64(w, "bytes_now", p->bytes_now);
	if (strcmp(p->kind, "database") == 0) {
		json_u64(w, "tables", p->tables);
		json_u64(w, "rows_added", p->rows[CHANGE_ADDED]);
		json_u64(w, "rows_removed", p->rows[CHANGE_REMOVED]);
		json_u64(w, "rows_changed", p->rows[CHANGE_CHANGED]);
		json_u64(w, "definitions", p->definitions);
	}
	json_obj_end(w);
}

/* The result line, without what every command's has. */
static enum err_code
put_result(struct json_writer *w, const json_t *line, struct err *err)
{
	static const char *const others[] = { "command", "exit_code", "outcome" };
	AUTO(json) json_t *result = json_copy((json_t *)(uintptr_t)line);
	if (result == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		json_object_del(result, others[i]);
	if (json_object_get(result, "error") == NULL)
		json_value(w, "result", result);
	return ERR_OK;
}

static enum err_code
put_found(struct json_writer *w, const struct diff_index *x, struct err *err)
{
	uint64_t tables = 0;
	if (x != NULL && x->result != NULL && put_result(w, x->result, err))
		return err->code;
	json_arr(w, "members");
	for (size_t i = 0; x != NULL && i < x->n_parts; i++)
		put_part(w, &x->parts[i]);
	json_arr_end(w);
	AUTO(json) json_t *none = json_array();
	if (none == NULL)
		return err_nomem(err);
	json_value(w, "images", x != NULL ? x->images : none);
	json_value(w, "moments", x != NULL ? x->moments : none);
	json_value(w, "unknown", x != NULL ? x->unknown : none);
	for (size_t i = 0; x != NULL && i < x->n_groups; i++)
		tables += x->groups[i].line != NULL;
	json_u64(w, "files", x != NULL ? entry_list_count(x->lists[DIFF_LIST_FILES]) : 0);
	json_u64(w, "tables", tables);
	json_u64(w, "rows", x != NULL ? entry_list_count(x->lists[DIFF_LIST_ROWS]) : 0);
	json_u64(w, "definitions",
	    x != NULL ? entry_list_count(x->lists[DIFF_LIST_DEFINITIONS]) : 0);
	return ERR_OK;
}

static enum err_code
get(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(diff_run) struct diff_run run = { .argv = NULL };
	AUTO(diff_index) struct diff_index *x = NULL;
	AUTO(reply) struct reply r;
	reply_begin(&r);
	if (diff_run_load(&run, ask, err))
		return err->code;
	bool has_ended = catalog_run_state_is_end(run.row.state);
	if (has_ended && diff_run_index(&run, ask, &x, err))
		return err->code;
	run_view_json(&r.w, "run", &run.row);
	put_point(&r.w, "a", run.points[0], run.documents[0]);
	put_point(&r.w, "b", run.points[1], run.documents[1]);
	if (put_found(&r.w, x, err))
		return err->code;
	out->keep_ms = has_ended ? KEEP_MS : 0;
	return reply_end(&r, out, err);
}

/* --- one file --- */

/* A program may not read with it what backups were told to leave out: what the snapshot has, it
 * can download anyway. */
static enum err_code
check_new(const struct ask *ask, const struct diff_file *f, struct err *err)
{
	if (!f->has_before && ask->who->scope < SCOPE_ADMIN)
		return err_set(err, ERR_DENIED,
		    "path: the snapshot has no such file; only a person who has logged in may "
		    "look at it");
	return ERR_OK;
}

static enum err_code
text(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(diff_file) struct diff_file f = DIFF_FILE_INIT;
	AUTO(bufv) struct buf diff = BUF_INIT;
	AUTO(reply) struct reply r;
	const struct point *a;
	const struct point *b;
	reply_begin(&r);
	if (look_begin(&l, ask, err) || find_points(&l, ask, &a, &b, err) ||
	    check_right(ask, b, err) ||
	    diff_file_read(
		&l.engine, &a->id, b != NULL ? &b->id : NULL, ask_text(ask, "path"), &f, err) ||
	    (b == NULL && check_new(ask, &f, err)) ||
	    text_diff_unified(&diff, f.before.data, f.before.len, f.after.data, f.after.len,
		TEXT_DIFF_CONTEXT, err))
		return err->code;
	if (diff.len > TEXT_MAX)
		return err_set(err, ERR_USAGE,
		    "path: these differ in more than a page can show: stacksnap diff %.8s %.8s "
		    "--text PATH",
		    a->hex, b != NULL ? b->hex : LIVE);
	diff_file_view_json(&r.w, &f, &diff);
	out->keep_ms = b != NULL ? KEEP_MS : 0;
	return reply_end(&r, out, err);
}

/* --- the table --- */

#define RUN                                        \
	{                                          \
		"run", ARG_INT, true, 1, INT64_MAX \
	}
#define TEXT(name)                              \
	{                                       \
		name, ARG_STRING, false, 0, 256 \
	}
#define PAGE                                               \
	{ "offset", ARG_INT, false, 0, INT64_C(1) << 50 }, \
	{                                                  \
		"limit", ARG_INT, false, 1, 1000           \
	}
#define FLAG(name)                          \
	{                                   \
		name, ARG_BOOL, false, 0, 0 \
	}
#define READ SCOPE_READ, false, NULL

/* clang-format off */
const struct verb diff_verbs[] = {
	/* Whoever may read both may know in what they differ. */
	{ "diffs.start", SCOPE_READ, true, "a", start, { { "a", ARG_ID, true, 0, 0 },
	    { "b", ARG_NAME, true, 4, 64 }, FLAG("rows"), FLAG("schema"),
	    { "path", ARG_PATH, false, 0, 0 }, TEXT("service"), TEXT("database"),
	    { "tables", ARG_TEXTS, false, 0, 64 }, FLAG("fresh") } },
	{ "diffs.text", READ, text, { { "a", ARG_ID, true, 0, 0 }, { "b", ARG_NAME, true, 4, 64 },
	    { "path", ARG_PATH, true, 1, 0 } } },
	{ "diffs.get", READ, get, { RUN } },
	{ "diffs.files", READ, diff_files, { RUN, { "member", ARG_PATH, false, 0, 0 },
	    TEXT("change"), TEXT("text"), PAGE } },
	{ "diffs.tables", READ, diff_tables, { RUN, TEXT("service"), TEXT("text"), PAGE } },
	{ "diffs.rows", READ, diff_rows, { RUN, TEXT("service"), TEXT("database"),
	    { "table", ARG_STRING, false, 0, 0 }, TEXT("change"), TEXT("text"), PAGE } },
	{ "diffs.definitions", READ, diff_definitions, { RUN, TEXT("service"), TEXT("text"), PAGE } },
	{ .name = NULL },
};
/* clang-format on */
