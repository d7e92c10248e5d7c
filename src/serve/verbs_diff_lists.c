#include "base/text_diff.h"
#include "serve/reply.h"
#include "serve/verbs_diff.h"

#include <string.h>

#define LIMIT 100
#define KEEP_MS 60000

/* A page that is being written. */
struct page {
	struct json_writer *w;
	struct diff_query query;
};

/* Where it begins, how much, and which changes. */
static enum err_code
begin(struct page *p, const struct ask *ask, enum diff_list list, const struct diff_index *x,
    struct reply *r, struct err *err)
{
	enum diff_change change;
	const char *word = ask_text(ask, "change");
	const char *text = ask_text(ask, "text");
	bool is_word = word != NULL && diff_change_of(word, &change);
	if (word != NULL && (!is_word || (list == DIFF_LIST_ROWS && change == CHANGE_METADATA)))
		return err_set(err, ERR_USAGE,
		    "change: must be one of: added removed changed%s",
		    list == DIFF_LIST_FILES ? " metadata" : "");
	p->w = &r->w;
	p->query = (struct diff_query){
		.list = list,
		.range = { 0, entry_list_count(x->lists[list]),
		    word != NULL ? 1U << change : ENTRY_ANY },
		.text = text != NULL && *text != '\0' ? text : NULL,
		.skip = (uint64_t)ask_int(ask, "offset", 0),
		.limit = (size_t)ask_int(ask, "limit", LIMIT),
	};
	return ERR_OK;
}

static enum err_code
finish(struct page *p, const struct ask *ask, struct diff_index *x, const char *key,
    diff_line_fn *fn, struct reply *r, struct answer *out, struct err *err)
{
	uint64_t total;
	json_arr(p->w, key);
	if (diff_index_page(x, &p->query, ask->cancel, fn, p, &total, err))
		return err->code;
	json_arr_end(p->w);
	json_u64(p->w, "total", total);
	json_u64(p->w, "offset", p->query.skip);
	out->keep_ms = KEEP_MS;
	return reply_end(r, out, err);
}

static enum err_code
open_index(const struct ask *ask, struct diff_index **x, struct err *err)
{
	AUTO(diff_run) struct diff_run run = { .argv = NULL };
	return diff_run_load(&run, ask, err) ? err->code : diff_run_index(&run, ask, x, err);
}

/* --- files --- */

static enum err_code
put_line(void *arg, json_t *line, bool is_cut, struct err *err)
{
	struct page *p = arg;
	(void)is_cut;
	(void)err;
	json_value(p->w, NULL, line);
	return ERR_OK;
}

enum err_code
diff_files(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(diff_index) struct diff_index *x = NULL;
	AUTO(reply) struct reply r;
	struct page p;
	const char *member = ask_text(ask, "member");
	reply_begin(&r);
	if (open_index(ask, &x, err) || begin(&p, ask, DIFF_LIST_FILES, x, &r, err))
		return err->code;
	for (size_t i = 0; member != NULL && i <= x->n_parts; i++) {
		if (i == x->n_parts)
			return err_set(err, ERR_NOT_FOUND,
			    "member: neither of the two has anything at %s", member);
		if (strcmp(x->parts[i].path, member) == 0) {
			p.query.range.first = x->parts[i].first;
			p.query.range.count = x->parts[i].count;
			break;
		}
	}
	return finish(&p, ask, x, "files", put_line, &r, out, err);
}

/* --- tables --- */

static bool
wants(const struct diff_group *g, const char *service, const char *word, size_t len)
{
	return g->line != NULL && (service == NULL || strcmp(service, g->service) == 0) &&
	       (word == NULL || diff_holds(g->table, strlen(g->table), word, len) ||
		   diff_holds(g->database, strlen(g->database), word, len));
}

static enum err_code
put_table(struct json_writer *w, const struct diff_group *g, struct err *err)
{
	json_t *rows = json_integer((json_int_t)g->count);
	AUTO(json) json_t *line = json_copy(g->line);
	if (line == NULL || json_object_set_new(line, "rows", rows) != 0)
		return err_nomem(err);
	json_value(w, NULL, line);
	return ERR_OK;
}

enum err_code
diff_tables(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(diff_index) struct diff_index *x = NULL;
	AUTO(str) char *word = NULL;
	AUTO(reply) struct reply r;
	const char *service = ask_text(ask, "service");
	const char *text = ask_text(ask, "text");
	int64_t offset = ask_int(ask, "offset", 0);
	int64_t limit = ask_int(ask, "limit", LIMIT);
	int64_t total = 0;
	reply_begin(&r);
	if (open_index(ask, &x, err) || (text != NULL && diff_lower(&word, text, err)))
		return err->code;
	json_arr(&r.w, "tables");
	for (size_t i = 0; i < x->n_groups; i++) {
		const struct diff_group *g = &x->groups[i];
		if (!wants(g, service, word, word != NULL ? strlen(word) : 0))
			continue;
		if (total >= offset && total - offset < limit && put_table(&r.w, g, err))
			return err->code;
		total++;
	}
	json_arr_end(&r.w);
	json_i64(&r.w, "total", total);
	json_i64(&r.w, "offset", offset);
	out->keep_ms = KEEP_MS;
	return reply_end(&r, out, err);
}

/* --- rows --- */

static enum err_code
put_row(void *arg, json_t *line, bool is_cut, struct err *err)
{
	struct page *p = arg;
	if (is_cut && (json_object_set_new(line, "key", json_object()) != 0 ||
			  json_object_set_new(line, "is_cut", json_true()) != 0))
		return err_nomem(err);
	json_value(p->w, NULL, line);
	return ERR_OK;
}

/* The rows of a service, a database or a table stand together. */
static void
narrow(struct entry_range *range, const struct ask *ask, const struct diff_index *x)
{
	const char *service = ask_text(ask, "service");
	const char *database = ask_text(ask, "database");
	const char *table = ask_text(ask, "table");
	uint64_t first = UINT64_MAX;
	uint64_t end = 0;
	for (size_t i = 0; i < x->n_groups; i++) {
		const struct diff_group *g = &x->groups[i];
		if (g->count == 0 || (service != NULL && strcmp(service, g->service) != 0) ||
		    (database != NULL && strcmp(database, g->database) != 0) ||
		    (table != NULL && strcmp(table, g->table) != 0))
			continue;
		first = g->first < first ? g->first : first;
		end = g->first + g->count > end ? g->first + g->count : end;
	}
	range->first = first == UINT64_MAX ? 0 : first;
	range->count = first == UINT64_MAX ? 0 : end - first;
}

enum err_code
diff_rows(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(diff_index) struct diff_index *x = NULL;
	AUTO(reply) struct reply r;
	struct page p;
	bool has_service = ask_text(ask, "service") != NULL;
	bool has_database = ask_text(ask, "database") != NULL;
	reply_begin(&r);
	if ((has_database && !has_service) || (ask_text(ask, "table") != NULL && !has_database))
		return err_set(err, ERR_USAGE,
		    "a table is named by service, database and table together, a database by "
		    "service and database");
	if (open_index(ask, &x, err) || begin(&p, ask, DIFF_LIST_ROWS, x, &r, err))
		return err->code;
	narrow(&p.query.range, ask, x);
	return finish(&p, ask, x, "rows", put_row, &r, out, err);
}

/* --- definitions --- */

static enum err_code
put_definition(void *arg, json_t *line, bool is_cut, struct err *err)
{
	struct page *p = arg;
	AUTO(bufv) struct buf diff = BUF_INIT;
	const char *before = json_get_str(line, "before");
	const char *after = json_get_str(line, "after");
	(void)is_cut;
	before = before != NULL ? before : "";
	after = after != NULL ? after : "";
	if (text_diff_unified(
		&diff, before, strlen(before), after, strlen(after), TEXT_DIFF_CONTEXT, err) ||
	    buf_str(&diff, "", err))
		return err->code;
	if (json_object_set_new(
		line, "diff", json_stringn((const char *)diff.data, diff.len)) != 0)
		return err_nomem(err);
	json_value(p->w, NULL, line);
	return ERR_OK;
}

enum err_code
diff_definitions(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(diff_index) struct diff_index *x = NULL;
	AUTO(reply) struct reply r;
	struct page p;
	reply_begin(&r);
	if (open_index(ask, &x, err) || begin(&p, ask, DIFF_LIST_DEFINITIONS, x, &r, err))
		return err->code;
	p.query.service = ask_text(ask, "service");
	return finish(&p, ask, x, "definitions", put_definition, &r, out, err);
}
