#include "cli/db_args.h"
#include "cli/diff_work.h"
#include "engine/filter.h"

#include <string.h>

static bool
is_of(const struct diff_point *s, const char *kind)
{
	const json_t *source = json_object_get(s->snapshot.document, "source");
	const char *of = json_get_str(source, "kind");
	return of != NULL && strcmp(of, kind) == 0;
}

/* Of a stack, or of databases outside of stacks. */
static bool
has_databases(const struct diff_point *s)
{
	return is_of(s, "stack") || is_of(s, "database");
}

bool
diff_asks_for_databases(const struct args *a)
{
	return a->tables.len > 0 || a->database != NULL || a->service != NULL || a->rows ||
	       a->schema || a->columns != NULL;
}

bool
diff_picks_databases(const struct args *a)
{
	return a->tables.len > 0 || a->database != NULL || a->service != NULL;
}

static enum err_code
check_args(const struct args *a, bool stacks, struct err *err)
{
	bool has_path = a->operands.len > 2;
	if (diff_asks_for_databases(a) && !stacks)
		return err_set(err, ERR_USAGE,
		    "only snapshots of stacks have databases: --table, --database, --service, "
		    "--rows, --columns and --schema are for these");
	if (diff_asks_for_databases(a) && has_path)
		return err_set(err, ERR_USAGE,
		    "%s: a path is of files; give it, or what to show of databases",
		    a->operands.items[2]);
	if (a->stat && (a->rows || a->schema || a->columns != NULL))
		return err_set(err, ERR_USAGE,
		    "--stat is the summary alone: without --rows, --columns and --schema");
	return ERR_OK;
}

static enum err_code
compare_files(struct diff_work *w, struct err *err)
{
	const struct args *a = &w->cli->args;
	struct diff_options opt = {
		.path = a->operands.len > 2 ? a->operands.items[2] : "",
		.folder_times = a->is_long,
	};
	bool told = w->out.is_stack || !a->stat || a->html != NULL;
	tree_diff_fn *fn = told ? diff_out_file : NULL;
	enum err_code rc =
	    w->b.is_live
		? diff_live(&w->engine, &w->a.snapshot.id, &opt, fn, &w->out, &w->files, err)
		: diff_snapshots(&w->engine, &w->a.snapshot.id, &w->b.snapshot.id, &opt, fn,
		      &w->out, &w->files, err);
	return rc ? rc : diff_out_files_end(&w->out, err);
}

static enum err_code
compare_databases(struct diff_work *w, struct err *err)
{
	const struct args *a = &w->cli->args;
	struct diff_rows_options opt = {
		.service = a->service,
		.database = a->database,
		.tables = a->tables.len > 0 ? (const char *const *)a->tables.items : NULL,
		.columns =
		    w->out.columns.len > 0 ? (const char *const *)w->out.columns.items : NULL,
		.count = true,
		.schema = a->schema || a->tables.len == 0,
		.limit = a->rows || a->columns != NULL ? w->limit : 0,
	};
	if (w->b.is_live && is_of(&w->a, "database")) {
		AUTO(connections) struct connections *list = NULL;
		if (db_open_list(w->cli, CONNECTIONS_READ, &list, err))
			return err->code;
		return diff_rows_connections(
		    &w->engine, &w->a.snapshot.id, list, &opt, &diff_out_rows, &w->out, err);
	}
	if (w->b.is_live)
		return diff_rows_live(
		    &w->engine, &w->a.snapshot.id, &opt, &diff_out_rows, &w->out, err);
	return diff_rows_snapshots(&w->engine, &w->a.snapshot.id, &w->b.snapshot.id, &opt,
	    &diff_out_rows, &w->out, err);
}

/* What the documents of both tell: members, images. */
static enum err_code
compare_documents(struct diff_work *w, struct err *err)
{
	const json_t *before = w->a.snapshot.document;
	const json_t *after = w->b.snapshot.document;
	struct diff_sum *s = &w->out.sum;
	if (diff_sum_members(s, before, after, w->b.is_live, err) ||
	    (!w->b.is_live && diff_sum_images(s, before, after, err)))
		return err->code;
	return diff_out_images(&w->out, err);
}

/* Often not what was meant: "latest" is the last of all sources. */
static enum err_code
tell_sources(struct diff_work *w, struct err *err)
{
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	if (w->b.is_live)
		return ERR_OK;
	if (snapshot_source_text(&a, w->a.snapshot.document, err) ||
	    snapshot_source_text(&b, w->b.snapshot.document, err))
		return err->code;
	const char *first = buf_cstr(&a);
	const char *second = buf_cstr(&b);
	if (first == NULL || second == NULL)
		return err_nomem(err);
	if (strcmp(first, second) != 0)
		event_note(w->cli->events, NULL, "these are of different things: %s, and %s",
		    first, second);
	return ERR_OK;
}

enum err_code
diff_compare(struct diff_work *w, struct err *err)
{
	const struct args *a = &w->cli->args;
	bool stacks = has_databases(&w->a) && (w->b.is_live || has_databases(&w->b));
	bool has_path = a->operands.len > 2;
	if (tell_sources(w, err) || check_args(a, stacks, err))
		return err->code;
	w->out.is_stack = stacks && !has_path;
	if (!a->json && w->out.is_stack)
		w->out.limit = w->limit;
	bool is_whole = w->out.is_stack && !diff_picks_databases(a);
	if (is_whole && compare_documents(w, err))
		return err->code;
	/* Databases outside of stacks have no files that are live. */
	bool has_files = !w->b.is_live || !is_of(&w->a, "database");
	if (has_files && !diff_picks_databases(a) && compare_files(w, err))
		return err->code;
	/* What else differs in a stack's tree is the engine's, or stands in its databases. */
	if (w->out.is_stack) {
		uint64_t problems = w->files.problems;
		w->files = w->out.sum.files;
		w->files.problems = problems;
		return compare_databases(w, err);
	}
	w->out.sum.files = w->files;
	return ERR_OK;
}
