#include "cli/diff_html.h"

#include "base/counted.h"
#include "base/text_diff.h"
#include "cli/html.h"
#include "cli/json_view.h"
#include "cli/row_change.h"
#include "cli/unified.h"

#include <string.h>

#define VALUE_MAX 600 /* bytes shown of a value */
#define CHANGES_MAX 200 /* within one document */

void
diff_html_release(struct diff_html *h)
{
	spool_release(&h->body);
	row_cells_release(&h->before);
	row_cells_release(&h->after);
	buf_release(&h->text);
	buf_release(&h->old);
	buf_release(&h->new);
	free(h->heading);
	h->heading = NULL;
}

/* What was made goes into the page. */
static enum err_code
flush(struct diff_html *h, struct err *err)
{
	if (spool_add(&h->body, h->text.data, h->text.len, err))
		return err->code;
	h->text.len = 0;
	return ERR_OK;
}

static enum err_code
add(struct diff_html *h, const char *raw, struct err *err)
{
	return buf_str(&h->text, raw, err);
}

static enum err_code
add_text(struct diff_html *h, const char *text, struct err *err)
{
	return html_text(&h->text, text, strlen(text), err);
}

/* <del class="…">, harmless already, </del> */
static enum err_code
add_tagged(struct diff_html *h, const char *tag, const struct buf *text, struct err *err)
{
	if (buf_printf(&h->text, err, "<%s>", tag) ||
	    html_escape(&h->text, text->data, text->len, err))
		return err->code;
	return buf_printf(&h->text, err, "</%s>", tag);
}

static enum err_code
end_files(struct diff_html *h, struct err *err)
{
	if (!h->in_files)
		return ERR_OK;
	h->in_files = false;
	return add(h, "</ul></details>\n", err);
}

enum err_code
diff_html_file(struct diff_html *h, char letter, const struct tree_diff *d, struct err *err)
{
	const char *class = letter == '+' ? "add" : letter == '-' ? "del" : "";
	if (!h->in_files && add(h, "<details open><summary>Files</summary><ul>\n", err))
		return err->code;
	h->in_files = true;
	const struct tree_entry *e = d->b != NULL ? d->b : d->a;
	if (buf_printf(&h->text, err, "<li class=\"%s\">%c ", class, letter) ||
	    html_text(&h->text, d->path, d->path_len, err) ||
	    (e != NULL && e->type == TREE_DIR && add(h, "/", err)) || add(h, "</li>\n", err))
		return err->code;
	return flush(h, err);
}

/* --- tables --- */

static bool
is_shown(const struct diff_html *h, const struct shape *s, size_t i)
{
	for (size_t k = 0; k < s->key_count; k++)
		if (s->key[k] == i)
			return true;
	return row_change_is_asked_for(h->columns, s->columns[i].name);
}

static bool
has_column(const struct shape *s, const char *name)
{
	for (size_t i = 0; s != NULL && i < s->column_count; i++)
		if (strcmp(s->columns[i].name, name) == 0)
			return true;
	return false;
}

/* The columns of a table: those after, and those that are there no more. */
static enum err_code
add_columns(struct diff_html *h, const struct diff_table *t, struct err *err)
{
	const struct shape *sides[] = { t->after, t->before };
	if (add(h, "<tr><th></th>", err))
		return err->code;
	for (size_t k = 0; k < ARRAY_LEN(sides); k++)
		for (size_t i = 0; sides[k] != NULL && i < sides[k]->column_count; i++) {
			const char *name = sides[k]->columns[i].name;
			if (!is_shown(h, sides[k], i) || (k == 1 && has_column(t->after, name)))
				continue;
			if (add(h, "<th>", err) || add_text(h, name, err) ||
			    add(h, "</th>", err))
				return err->code;
		}
	return add(h, "</tr>\n", err);
}

static enum err_code
begin_table(struct diff_html *h, const struct diff_table *t, struct err *err)
{
	AUTO(str) char *name = NULL;
	char before[COUNTED_MAX], after[COUNTED_MAX];
	if (row_place(&name, t->service, t->database, t->table, err))
		return err->code;
	if (h->heading != NULL && strcmp(h->heading, name) == 0)
		return ERR_OK;
	free(h->heading);
	h->heading = TAKE(name);
	h->shown = 0;
	counted_number(before, t->rows_before);
	counted(after, t->rows_after, diff_sum_noun(t->after != NULL ? t->after : t->before));
	if (end_files(h, err) || add(h, "<details open><summary>", err) ||
	    add_text(h, h->heading, err) ||
	    buf_printf(&h->text, err,
		" <span class=\"dim\">%s &rarr; %s</span></summary><div "
		"class=\"wide\"><table>\n",
		before, after))
		return err->code;
	return add_columns(h, t, err);
}

/* --- cells --- */

static enum err_code
add_cell(struct diff_html *h, const struct row_cells *c, size_t i, struct err *err)
{
	h->old.len = 0;
	if (row_cells_show(&h->old, c, i, VALUE_MAX, err) || add(h, "<td class=\"v\">", err) ||
	    html_escape(&h->text, h->old.data, h->old.len, err))
		return err->code;
	return add(h, "</td>", err);
}

struct nested {
	struct diff_html *page;
	size_t count;
};

static enum err_code
add_nested(void *arg, const struct json_view_change *c, struct err *err)
{
	struct nested *n = arg;
	struct diff_html *h = n->page;
	if (n->count++ >= CHANGES_MAX)
		return ERR_OK;
	if (add(h, "<li>", err) || html_escape(&h->text, c->where, strlen(c->where), err) ||
	    add(h, " ", err))
		return err->code;
	if (c->before != NULL &&
	    (add(h, "<del>", err) || html_escape(&h->text, c->before, strlen(c->before), err) ||
		add(h, "</del>", err)))
		return err->code;
	if (c->after != NULL &&
	    (add(h, "<ins>", err) || html_escape(&h->text, c->after, strlen(c->after), err) ||
		add(h, "</ins>", err)))
		return err->code;
	return add(h, "</li>", err);
}

/* What changed in a document, as a list; *done is false when it is none. */
static enum err_code
add_document(struct diff_html *h, size_t x, size_t y, bool *done, struct err *err)
{
	AUTO(json) json_t *a = NULL;
	AUTO(json) json_t *b = NULL;
	struct row_change_at at = { x, y };
	struct nested n = { h, 0 };
	struct json_view_options opt = { VALUE_MAX, row_cells_is_set(&h->after) };
	*done = row_change_documents(&at, &h->before, &h->after, &a, &b);
	if (!*done)
		return ERR_OK;
	if (add(h, "<td class=\"v mod\"><ul>", err) ||
	    json_view_changes(a, b, &opt, add_nested, &n, err) ||
	    (n.count > CHANGES_MAX &&
		buf_printf(&h->text, err, "<li>and %zu more</li>", n.count - CHANGES_MAX)))
		return err->code;
	return add(h, "</ul></td>", err);
}

/* Old and new side by side. */
static enum err_code
add_pair(struct diff_html *h, size_t x, size_t y, struct err *err)
{
	bool done = false;
	if (add_document(h, x, y, &done, err))
		return err->code;
	if (done)
		return ERR_OK;
	struct row_change_at at = { x, y };
	h->old.len = h->new.len = 0;
	if (row_change_show(&h->old, &h->new, &at, &h->before, &h->after, VALUE_MAX, err))
		return err->code;
	if (add(h, "<td class=\"v mod\"><div class=\"pair\">", err) ||
	    (x != SIZE_MAX && add_tagged(h, "del", &h->old, err)) ||
	    (y != SIZE_MAX && add_tagged(h, "ins", &h->new, err)))
		return err->code;
	return add(h, "</div></td>", err);
}

static enum err_code
add_either(struct diff_html *h, size_t x, size_t y, struct err *err)
{
	bool is_same =
	    x != SIZE_MAX && y != SIZE_MAX && row_cells_same(&h->before, x, &h->after, y);
	return is_same ? add_cell(h, &h->after, y, err) : add_pair(h, x, y, err);
}

/* The columns of a shape in order; NULL values where the row has fewer. */
static size_t
find(const struct row_cells *c, bool is_there, const char *name)
{
	char room[COLUMN_NAME_MAX];
	for (size_t i = 0; is_there && i < c->count; i++)
		if (strcmp(row_cells_name(c, i, room), name) == 0)
			return i;
	return SIZE_MAX;
}

static enum err_code
add_cells(
    struct diff_html *h, const struct diff_table *t, enum row_change change, struct err *err)
{
	const struct shape *sides[] = { t->after, t->before };
	for (size_t k = 0; k < ARRAY_LEN(sides); k++)
		for (size_t i = 0; sides[k] != NULL && i < sides[k]->column_count; i++) {
			const char *name = sides[k]->columns[i].name;
			if (!is_shown(h, sides[k], i) || (k == 1 && has_column(t->after, name)))
				continue;
			size_t x = find(&h->before, change != ROW_ADDED, name);
			size_t y = find(&h->after, change != ROW_REMOVED, name);
			enum err_code rc;
			if (x == SIZE_MAX && y == SIZE_MAX)
				rc = add(h, "<td></td>", err);
			else if (change == ROW_CHANGED)
				rc = add_either(h, x, y, err);
			else
				rc = y != SIZE_MAX ? add_cell(h, &h->after, y, err)
						   : add_cell(h, &h->before, x, err);
			if (rc)
				return rc;
		}
	return ERR_OK;
}

enum err_code
diff_html_row(struct diff_html *h, const struct diff_table *t, enum row_change change,
    const struct row *before, const struct row *after, struct err *err)
{
	static const char *const begins[] = {
		[ROW_REMOVED] = "<tr class=\"del\"><td>&minus;</td>",
		[ROW_ADDED] = "<tr class=\"add\"><td>+</td>",
		[ROW_CHANGED] = "<tr><td>~</td>",
	};
	if (begin_table(h, t, err) ||
	    (before != NULL && row_cells_read(&h->before, t->before, before, err)) ||
	    (after != NULL && row_cells_read(&h->after, t->after, after, err)) ||
	    add(h, begins[change], err) || add_cells(h, t, change, err) ||
	    add(h, "</tr>\n", err))
		return err->code;
	h->shown++;
	return flush(h, err);
}

enum err_code
diff_html_table(struct diff_html *h, const struct diff_table *t, struct err *err)
{
	char count[COUNTED_MAX];
	uint64_t all = t->rows.added + t->rows.removed + t->rows.changed;
	if (h->heading == NULL)
		return ERR_OK;
	free(h->heading);
	h->heading = NULL;
	if (add(h, "</table></div>", err))
		return err->code;
	if (t->is_counted && all > h->shown) {
		counted_number(count, all - h->shown);
		if (buf_printf(&h->text, err,
			"<p class=\"dim\">%s more (--limit 0 shows all)</p>", count))
			return err->code;
	}
	return add(h, "</details>\n", err) ? err->code : flush(h, err);
}

/* --- definitions --- */

static enum err_code
add_line(void *arg, char mark, const char *text, size_t len, struct err *err)
{
	struct diff_html *h = arg;
	const char *class = mark == '+'   ? "add"
			    : mark == '-' ? "del"
			    : mark == '@' ? "dim"
					  : "";
	if (buf_printf(&h->text, err, "<span class=\"%s\">", class) ||
	    (mark != '@' && mark != '\\' && buf_u8(&h->text, (uint8_t)mark, err)) ||
	    html_text(&h->text, text, len, err))
		return err->code;
	return add(h, "</span>", err);
}

enum err_code
diff_html_object(struct diff_html *h, const struct diff_object *o, struct err *err)
{
	AUTO(str) char *name = NULL;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	if (o->state == DIFF_SAME)
		return ERR_OK;
	if (row_place(&name, o->service, o->database, o->name, err) ||
	    unified_text(&a, o->before, err) || unified_text(&b, o->after, err) ||
	    end_files(h, err) || add(h, "<details open><summary>", err) ||
	    add_text(h, name, err) || add(h, "</summary><pre>", err) ||
	    text_diff(
		a.data, a.len, b.data, b.len, TEXT_DIFF_CONTEXT, add_line, h, NULL, err) ||
	    add(h, "</pre></details>\n", err))
		return err->code;
	return flush(h, err);
}
