#include "ui/tables_view.h"

#include "base/bytes.h"
#include "base/strv.h"
#include "ui/escape.h"
#include "ui/format.h"
#include "ui/table.h"

#include <stdio.h>
#include <string.h>

/* Bytes of a root that people see: enough to tell two apart. */
#define SHORT_ROOT 6

static const struct table_column columns[] = { { "TABLE", TABLE_LEFT }, { "ROWS", TABLE_RIGHT },
	{ "SIZE", TABLE_RIGHT }, { "ROOT", TABLE_LEFT } };

struct view {
	struct table table; /* what is to be printed */
	char *of; /* of which service's files; NULL: none */
};

static void
view_auto(struct view *v)
{
	table_release(&v->table);
	free(v->of);
}

static enum err_code
flush(struct view *v, struct err *err)
{
	enum err_code rc = table_print(&v->table, stdout, 2, err);
	table_release(&v->table);
	table_init(&v->table, columns, ARRAY_LEN(columns));
	return rc;
}

/* Files that hold one table each are one list. */
static enum err_code
flush_files(struct view *v, const char *next, struct err *err)
{
	if (v->of == NULL || (next != NULL && strcmp(v->of, next) == 0))
		return ERR_OK;
	fputs("tables of ", stdout);
	escape_print(stdout, v->of);
	putchar('\n');
	free(TAKE(v->of));
	return flush(v, err);
}

static enum err_code
begin_list(void *arg, const struct dump_line *d, struct err *err)
{
	struct view *v = arg;
	if (flush_files(v, d->is_file ? d->service : NULL, err))
		return err->code;
	return d->is_file && v->of == NULL ? str_dup(&v->of, d->service, err) : ERR_OK;
}

static enum err_code
add_line(void *arg, const struct table_line *t, struct err *err)
{
	struct view *v = arg;
	char rows[FORMAT_MAX], size[FORMAT_MAX], root[2 * SHORT_ROOT + 1];
	(void)err; /* table_print tells */
	format_count(rows, t->rows);
	format_size(size, t->bytes);
	hex_encode(root, t->root, SHORT_ROOT);
	table_cell(&v->table, t->name);
	table_cell(&v->table, rows);
	table_cell(&v->table, size);
	table_cell(&v->table, root);
	return ERR_OK;
}

/* All its tables were added. */
static enum err_code
end_list(void *arg, const struct dump_line *d, struct err *err)
{
	struct view *v = arg;
	char root[2 * SHORT_ROOT + 1];
	if (d->is_file || (d->tables == 0 && !d->has_unknown))
		return ERR_OK;
	hex_encode(root, d->root, SHORT_ROOT);
	fputs("tables of ", stdout);
	escape_print(stdout, d->service);
	putchar('/');
	escape_print(stdout, d->stream);
	printf(", root %s\n", root);
	if (flush(v, err))
		return err->code;
	if (d->has_unknown)
		puts("  and what this StackSnap does not understand");
	return ERR_OK;
}

enum err_code
tables_print(struct engine *e, const struct snapshot *s, struct err *err)
{
	static const struct tables_ops ops = { begin_list, add_line, end_list };
	AUTO(view) struct view v = { .of = NULL };
	table_init(&v.table, columns, ARRAY_LEN(columns));
	return tables_list(e, s, &ops, &v, err) ? err->code : flush_files(&v, NULL, err);
}

/* --- JSON --- */

static void
write_root(struct json_writer *w, const uint8_t root[CONTENT_DIGEST_SIZE])
{
	char hex[2 * CONTENT_DIGEST_SIZE + 1];
	hex_encode(hex, root, CONTENT_DIGEST_SIZE);
	json_str(w, "root", hex);
}

struct array {
	struct json_writer *w;
	struct tables_range *range;
};

static enum err_code
begin_dump(void *arg, const struct dump_line *d, struct err *err)
{
	struct json_writer *w = ((struct array *)arg)->w;
	(void)err; /* json_finish tells */
	json_obj(w, NULL);
	json_str(w, "service", d->service);
	json_str(w, "stream", d->stream);
	json_str(w, "database", d->database);
	json_arr(w, "tables");
	return ERR_OK;
}

static enum err_code
write_table(void *arg, const struct table_line *t, struct err *err)
{
	struct array *a = arg;
	struct json_writer *w = a->w;
	struct tables_range *r = a->range;
	(void)err;
	uint64_t at = r->total++;
	if (at < r->offset || at - r->offset >= r->limit)
		return ERR_OK;
	json_obj(w, NULL);
	json_bytes(w, "name", t->name, strlen(t->name));
	json_u64(w, "rows", t->rows);
	json_u64(w, "bytes", t->bytes);
	write_root(w, t->root);
	json_obj_end(w);
	return ERR_OK;
}

static enum err_code
end_dump(void *arg, const struct dump_line *d, struct err *err)
{
	struct json_writer *w = ((struct array *)arg)->w;
	(void)err;
	json_arr_end(w);
	json_u64(w, "rows", d->rows);
	json_flag(w, "has_unknown", d->has_unknown);
	write_root(w, d->root);
	json_obj_end(w);
	return ERR_OK;
}

enum err_code
tables_json(json_t **out, struct engine *e, const struct snapshot *s,
    struct tables_range *range, struct err *err)
{
	static const struct tables_ops ops = { begin_dump, write_table, end_dump };
	AUTO(bufv) struct buf text = BUF_INIT;
	struct json_writer w;
	struct tables_range all = { 0, UINT64_MAX, 0 };
	struct array a = { &w, range != NULL ? range : &all };
	a.range->total = 0;
	json_init(&w, &text);
	json_arr(&w, NULL);
	if (tables_list(e, s, &ops, &a, err))
		return err->code;
	json_arr_end(&w);
	return json_finish(&w, err) ? err->code
				    : json_parse(out, text.data, text.len, "tables", err);
}
