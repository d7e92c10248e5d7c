#include "serve/verbs_restore.h"
#include "serve/lines.h"
#include "serve/look.h"
#include "serve/reply.h"
#include "serve/run_view.h"
#include "ui/restored_view.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PREVIEW_MAX ((size_t)1 << 20) /* of its line, and of all actions shown */
#define ACTIONS_MAX 1000
#define KEEP_MS 2000

/* --- what is asked for, as the command line wants it --- */

/* A folder of this host: who may write anywhere as root may do everything. */
static enum err_code
add_place(struct strv *argv, const struct ask *ask, struct err *err)
{
	const char *to = ask_text(ask, "to");
	if (to == NULL)
		return ERR_OK;
	if (*to != '/' || strstr(to, "/../") != NULL || str_ends(to, "/.."))
		return err_set(err, ERR_USAGE, "to: must be an absolute folder without \"..\"");
	if (ask->who->scope < SCOPE_ADMIN)
		return err_set(
		    err, ERR_DENIED, "to: only a person who has logged in may choose a folder");
	return strv_addf(argv, err, "--to=%s", to);
}

enum err_code
restore_add_each(struct strv *argv, const struct ask *ask, const char *name, const char *option,
    struct err *err)
{
	size_t i;
	const json_t *item;
	json_array_foreach(json_object_get(ask->args, name), i, item)
	{
		const char *text = json_string_value(item);
		if (*text == '\0')
			return err_set(err, ERR_USAGE, "%s: one of them is empty", name);
		if (strv_addf(argv, err, "%s%s", option, text))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
add_flag(struct strv *argv, const struct ask *ask, const char *name, const char *option,
    struct err *err)
{
	return ask_flag(ask, name, false) ? strv_add(argv, option, err) : ERR_OK;
}

/* What is to be restored, and where. */
static enum err_code
add_choice(struct strv *argv, const struct ask *ask, struct err *err)
{
	const char *as = ask_text(ask, "as");
	const char *path = ask_text(ask, "path");
	const char *overwrite = ask_text(ask, "overwrite");
	if (ask_choice(ask, "overwrite", "never if-changed always", err) ||
	    add_place(argv, ask, err) || (as != NULL && strv_addf(argv, err, "--as=%s", as)) ||
	    (path != NULL && strv_addf(argv, err, "--path=%s", path)) ||
	    (overwrite != NULL && strv_addf(argv, err, "--overwrite=%s", overwrite)) ||
	    restore_add_each(argv, ask, "services", "--service=", err) ||
	    restore_add_each(argv, ask, "members", "--member=", err))
		return err->code;
	return add_flag(argv, ask, "delete_extra", "--delete", err);
}

/* The snapshot, and which of its paths. */
static enum err_code
add_operands(struct strv *argv, const struct ask *ask, const struct point *x, struct err *err)
{
	if (strv_add(argv, "--", err) || strv_add(argv, x->hex, err))
		return err->code;
	return restore_add_each(argv, ask, "paths", "", err);
}

/* Which stack it is about: nothing else is to work on that one meanwhile. */
static enum err_code
target_of(const struct ask *ask, const struct point *x, const char **stack, struct err *err)
{
	bool is_of_files = ask_text(ask, "path") != NULL ||
			   json_array_size(json_object_get(ask->args, "paths")) > 0;
	const char *as;
	if (ask_stack(ask, "as", &as, err))
		return err->code;
	if ((is_of_files || x->stack == NULL) && ask_text(ask, "to") == NULL)
		return err_set(err, ERR_USAGE, "to: below which folder are the files to go?");
	*stack = is_of_files || x->stack == NULL ? "" : as != NULL ? as : x->stack;
	return ERR_OK;
}

enum err_code
restore_confirmed(const struct ask *ask, const char *want, struct err *err)
{
	const char *typed = ask_text(ask, "confirm");
	if (typed == NULL || strcmp(typed, want) != 0)
		return err_set(
		    err, ERR_USAGE, "confirm: type \"%s\" to say that you mean it", want);
	return ERR_OK;
}

/* --- runs --- */

static enum err_code
preview_start(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(strv) struct strv argv = STRV_INIT;
	const struct point *x;
	const char *stack;
	if (look_at(&l, &x, ask, err) || target_of(ask, x, &stack, err) ||
	    strv_add(&argv, "restore", err) || strv_add(&argv, "--dry-run", err) ||
	    (*stack == '\0' && strv_add(&argv, "--long", err)) ||
	    (!ask_flag(ask, "rows", true) && strv_add(&argv, "--no-rows", err)) ||
	    add_choice(&argv, ask, err) || add_operands(&argv, ask, x, err))
		return err->code;
	struct run_plan plan = { "restore_preview", stack, (const char *const *)argv.items };
	return keeper_run_answer(ask, &plan, out, err);
}

static enum err_code
start(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(strv) struct strv argv = STRV_INIT;
	const struct point *x;
	const char *stack;
	int64_t wait_s = ask_int(ask, "wait_s", 0);
	if (look_at(&l, &x, ask, err) || target_of(ask, x, &stack, err) ||
	    restore_confirmed(ask, *stack != '\0' ? stack : ask_text(ask, "to"), err))
		return err->code;
	if (ask_flag(ask, "trust", false) && ask->who->scope < SCOPE_ADMIN)
		return err_set(err, ERR_DENIED,
		    "trust: only a person who has logged in may give it to another host's "
		    "stack");
	if (strv_add(&argv, "restore", err) || strv_add(&argv, "--yes", err) ||
	    add_choice(&argv, ask, err) ||
	    add_flag(&argv, ask, "no_start", "--no-start", err) ||
	    add_flag(&argv, ask, "any_space", "--any-space", err) ||
	    add_flag(&argv, ask, "trust", "--trust", err) ||
	    add_flag(&argv, ask, "verify", "--verify", err) ||
	    (wait_s > 0 && strv_addf(&argv, err, "--wait=%llds", (long long)wait_s)) ||
	    add_operands(&argv, ask, x, err))
		return err->code;
	struct run_plan plan = { "restore", stack, (const char *const *)argv.items };
	return keeper_run_answer(ask, &plan, out, err);
}

static enum err_code
settle(const struct ask *ask, const char *kind, const char *word, const char *option,
    struct answer *out, struct err *err)
{
	const char *stack;
	if (ask_stack(ask, "stack", &stack, err))
		return err->code;
	if (ask_text(ask, "confirm") != NULL && restore_confirmed(ask, stack, err))
		return err->code;
	const char *const argv[] = { "restore", option, "--", word, stack, NULL };
	struct run_plan plan = { kind, stack, argv };
	return keeper_run_answer(ask, &plan, out, err);
}

static enum err_code
undo_preview(const struct ask *ask, struct answer *out, struct err *err)
{
	return settle(ask, "undo_preview", "undo", "--dry-run", out, err);
}

static enum err_code
undo(const struct ask *ask, struct answer *out, struct err *err)
{
	return settle(ask, "undo", "undo", "--yes", out, err);
}

static enum err_code
finish(const struct ask *ask, struct answer *out, struct err *err)
{
	return settle(ask, "finish", "finish", "--yes", out, err);
}

/* --- what stands open --- */

static enum err_code
list(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(restored_list) struct restored_list l = RESTORED_LIST_INIT;
	AUTO(table_kept_list) struct table_kept_list tables = TABLE_KEPT_LIST_INIT;
	AUTO(reply) struct reply r;
	struct engine e = keeper_engine(ask, NULL);
	reply_begin(&r);
	/* No server is asked, which may take seconds: an undo says when there is nothing more.
	 */
	if (restore_list(&e, &l, err) || table_kept_list(&e, NULL, &tables, err))
		return err->code;
	for (size_t i = 0; i < tables.broken.len; i++)
		if (strv_add(&l.broken, tables.broken.items[i], err))
			return err->code;
	json_arr(&r.w, "restores");
	for (size_t i = 0; i < l.count; i++)
		restored_view_json(&r.w, NULL, &l.items[i]);
	json_arr_end(&r.w);
	json_arr(&r.w, "tables");
	for (size_t i = 0; i < tables.count; i++)
		table_kept_json(&r.w, NULL, &tables.items[i]);
	json_arr_end(&r.w);
	json_strings(&r.w, "broken", &l.broken);
	out->keep_ms = KEEP_MS;
	return reply_end(&r, out, err);
}

/* --- what a preview has found --- */

struct found {
	json_t *preview; /* NULL: not told yet */
	json_t *actions;
	json_t *result; /* NULL: it has not ended */
	size_t bytes; /* of the actions */
};

static void
found_auto(struct found *f)
{
	json_decref(f->preview);
	json_decref(f->actions);
	json_decref(f->result);
}

static enum err_code
take_line(void *arg, const struct line *line, struct err *err)
{
	struct found *f = arg;
	AUTO(json) json_t *doc = NULL;
	struct err scratch; /* a line that is cut, or no JSON, is passed over */
	if (line->head_len < line->len ||
	    json_parse(&doc, line->head, line->head_len, "line", &scratch))
		return ERR_OK;
	const char *type = json_get_str(doc, "type");
	bool is_preview = type != NULL && strcmp(type, "preview") == 0;
	bool is_action = type != NULL && strcmp(type, "action") == 0;
	bool is_result = type != NULL && strcmp(type, "result") == 0;
	json_object_del(doc, "type");
	if (is_preview && f->preview == NULL)
		f->preview = TAKE(doc);
	else if (is_result && f->result == NULL)
		f->result = TAKE(doc);
	else if (is_action && json_array_size(f->actions) < ACTIONS_MAX &&
		 f->bytes < PREVIEW_MAX) {
		f->bytes += line->head_len;
		if (json_array_append(f->actions, doc) != 0)
			return err_nomem(err);
	}
	return ERR_OK;
}

static enum err_code
read_output(struct found *f, const struct ask *ask, int64_t run, struct err *err)
{
	AUTO(str) char *path = NULL;
	f->actions = json_array();
	if (f->actions == NULL)
		return err_nomem(err);
	if (keeper_run_path(ask->keeper, run, &path, err))
		return err->code;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		/* One that waits has written nothing. */
		return errno == ENOENT ? ERR_OK : err_sys(err, "%s", path);
	enum err_code rc = lines_each(fd, 0, PREVIEW_MAX, take_line, f, ask->cancel, err);
	close(fd);
	return rc;
}

static enum err_code
preview_get(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(catalog_run) struct catalog_run row = { 0 };
	AUTO(found) struct found f = { .preview = NULL };
	AUTO(reply) struct reply r;
	int64_t run = ask_int(ask, "run", 0);
	reply_begin(&r);
	if (catalog_run_get(keeper_catalog(ask->keeper), run, &row, err))
		return err->code;
	if (strcmp(row.kind, "restore_preview") != 0 && strcmp(row.kind, "undo_preview") != 0)
		return err_set(
		    err, ERR_NOT_FOUND, "run %lld is no preview of a restore", (long long)run);
	if (read_output(&f, ask, run, err))
		return err->code;
	run_view_json(&r.w, "run", &row);
	if (f.preview != NULL)
		json_value(&r.w, "preview", f.preview);
	json_value(&r.w, "actions", f.actions);
	if (f.result != NULL) {
		const json_t *tables = json_object_get(f.result, "tables");
		if (tables != NULL)
			json_value(&r.w, "tables", tables);
		json_value(&r.w, "result", f.result);
	}
	return reply_end(&r, out, err);
}

/* --- the table --- */

#define RUN_MAX (INT64_C(1) << 53)
#define FLAG(name)                          \
	{                                   \
		name, ARG_BOOL, false, 0, 0 \
	}
#define ID                               \
	{                                \
		"id", ARG_ID, true, 0, 0 \
	}
#define CHOICE                                                                          \
	ID, { "as", ARG_NAME, false, 0, 0 }, { "to", ARG_STRING, false, 1, 4096 },      \
	    { "path", ARG_PATH, false, 1, 0 }, { "paths", ARG_STRINGS, false, 0, 256 }, \
	    { "services", ARG_STRINGS, false, 0, 64 },                                  \
	    { "members", ARG_STRINGS, false, 0, 256 },                                  \
	    { "overwrite", ARG_NAME, false, 0, 16 }, FLAG("delete_extra")
#define STACK                                 \
	{                                     \
		"stack", ARG_NAME, true, 0, 0 \
	}
#define CONFIRM                                      \
	{                                            \
		"confirm", ARG_STRING, true, 1, 4096 \
	}
#define TABLES                                                                       \
	{ "tables", ARG_TEXTS, false, 0, 64 }, { "service", ARG_NAME, false, 0, 0 }, \
	    { "database", ARG_TEXT, false, 1, 256 },                                 \
	    { "key_prefix", ARG_TEXT, false, 1, 512 },                               \
	{                                                                            \
		"key_prefix_hex", ARG_STRING, false, 2, 1024                         \
	}
#define INTO                                   \
	{                                      \
		"into", ARG_TEXT, false, 1, 63 \
	}
#define READ SCOPE_READ, false, NULL
#define CHANGE(subject) SCOPE_OPERATE, true, subject

/* clang-format off */
const struct verb restore_verbs[] = {
	{ "restore.preview", CHANGE("id"), preview_start, { CHOICE, FLAG("rows") } },
	{ "restore.start", CHANGE("id"), start, { CHOICE, CONFIRM, FLAG("no_start"), FLAG("any_space"),
	    FLAG("trust"), FLAG("verify"), { "wait_s", ARG_INT, false, 1, 86400 } } },
	{ "restore.tables_preview", CHANGE("id"), restore_tables_preview, { ID, TABLES, INTO } },
	{ "restore.tables", CHANGE("id"), restore_tables_start, { ID, TABLES, INTO,
	    { "confirm", ARG_STRING, false, 1, 4096 } } },
	{ "restores.list", READ, list, { { .name = NULL } } },
	{ "restores.preview", READ, preview_get, { { "run", ARG_INT, true, 1, RUN_MAX } } },
	{ "restores.undo_preview", CHANGE("stack"), undo_preview, { STACK } },
	{ "restores.undo", CHANGE("stack"), undo, { STACK, CONFIRM } },
	{ "restores.finish", CHANGE("stack"), finish, { STACK, CONFIRM } },
	{ "restores.tables_undo_preview", CHANGE("stack"), restore_tables_undo_preview, { STACK, TABLES } },
	{ "restores.tables_undo", CHANGE("stack"), restore_tables_undo, { STACK, TABLES, CONFIRM } },
	{ "restores.tables_finish", CHANGE("stack"), restore_tables_finish, { STACK, TABLES, CONFIRM } },
	{ .name = NULL },
};
/* clang-format on */
