#include "cli/tables_view.h"

#include "base/bytes.h"
#include "ui/escape.h"
#include "ui/format.h"
#include "ui/table.h"

#include <stdio.h>
#include <string.h>

/* Bytes of a root that people see: enough to tell two apart. */
#define SHORT_ROOT 6

static const struct table_column columns[] = { { "TABLE", TABLE_LEFT }, { "ROWS", TABLE_RIGHT },
	{ "SIZE", TABLE_RIGHT }, { "ROOT", TABLE_LEFT } };

static enum err_code
add_line(void *arg, const struct table_line *t, struct err *err)
{
	struct table *table = arg;
	char rows[FORMAT_MAX], size[FORMAT_MAX], root[2 * SHORT_ROOT + 1];
	(void)err; /* table_print tells */
	format_count(rows, t->rows);
	format_size(size, t->bytes);
	hex_encode(root, t->root, SHORT_ROOT);
	table_cell(table, t->name);
	table_cell(table, rows);
	table_cell(table, size);
	table_cell(table, root);
	return ERR_OK;
}

/* All its tables were added. */
static enum err_code
print_dump(void *arg, const struct dump_line *d, struct err *err)
{
	struct table *table = arg;
	enum err_code rc = ERR_OK;
	if (d->tables > 0) {
		char root[2 * SHORT_ROOT + 1];
		hex_encode(root, d->root, SHORT_ROOT);
		fputs("tables of ", stdout);
		escape_print(stdout, d->service);
		putchar('/');
		escape_print(stdout, d->stream);
		printf(", root %s\n", root);
		rc = table_print(table, stdout, 2, err);
		if (d->has_unknown)
			puts("  and what this StackSnap does not understand");
	}
	table_release(table);
	table_init(table, columns, ARRAY_LEN(columns));
	return rc;
}

enum err_code
tables_print(struct engine *e, const struct snapshot *s, struct err *err)
{
	static const struct tables_ops ops = { NULL, add_line, print_dump };
	AUTO(table) struct table table;
	table_init(&table, columns, ARRAY_LEN(columns));
	return tables_list(e, s, &ops, &table, err);
}

/* --- JSON --- */

static void
write_root(struct json_writer *w, const uint8_t root[CONTENT_DIGEST_SIZE])
{
	char hex[2 * CONTENT_DIGEST_SIZE + 1];
	hex_encode(hex, root, CONTENT_DIGEST_SIZE);
	json_str(w, "root", hex);
}

static enum err_code
begin_dump(void *arg, const struct dump_line *d, struct err *err)
{
	struct json_writer *w = arg;
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
	struct json_writer *w = arg;
	(void)err;
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
	struct json_writer *w = arg;
	(void)err;
	json_arr_end(w);
	json_u64(w, "rows", d->rows);
	json_flag(w, "has_unknown", d->has_unknown);
	write_root(w, d->root);
	json_obj_end(w);
	return ERR_OK;
}

enum err_code
tables_json(json_t **out, struct engine *e, const struct snapshot *s, struct err *err)
{
	static const struct tables_ops ops = { begin_dump, write_table, end_dump };
	AUTO(bufv) struct buf text = BUF_INIT;
	struct json_writer w;
	json_init(&w, &text);
	json_arr(&w, NULL);
	if (tables_list(e, s, &ops, &w, err))
		return err->code;
	json_arr_end(&w);
	return json_finish(&w, err) ? err->code
				    : json_parse(out, text.data, text.len, "tables", err);
}
