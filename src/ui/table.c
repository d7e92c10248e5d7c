#include "ui/table.h"

#include "ui/escape.h"

#include <assert.h>
#include <stdarg.h>

#define GAP 2 /* between two columns */
#define LEAST 10 /* columns are not cut to less */
#define CUT ".." /* in place of what was cut */

void
table_init(struct table *t, const struct table_column *columns, size_t n_columns)
{
	*t = (struct table){ .columns = columns, .n_columns = n_columns };
}

void
table_release(struct table *t)
{
	strv_release(&t->cells);
}

void
table_cell(struct table *t, const char *text)
{
	AUTO(bufv) struct buf safe = BUF_INIT;
	if (t->err.code != ERR_OK)
		return;
	if (text != NULL && escape_add(&safe, text, strlen(text), &t->err))
		return;
	const char *s = buf_cstr(&safe);
	if (s == NULL) {
		err_nomem(&t->err);
		return;
	}
	if (strv_add(&t->cells, s, &t->err))
		return; /* it sticks in t->err */
}

void
table_cellf(struct table *t, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	table_cell(t, text);
}

static size_t
width_of(const char *text)
{
	return escape_width(text, strlen(text));
}

static void
print_cell(FILE *out, const char *text, size_t width, enum table_align align, bool is_last,
    bool is_first)
{
	size_t own = width_of(text);
	if (own > width) {
		size_t len = escape_fit(text, strlen(text), width - strlen(CUT));
		/* A wide character may leave a column over. */
		size_t cut = escape_width(text, len) + strlen(CUT);
		fprintf(out, "%*s%.*s%s%*s", is_first ? 0 : GAP, "", (int)len, text, CUT,
		    (int)(is_last ? 0 : width - cut), "");
		return;
	}
	int pad = (int)(width > own ? width - own : 0);
	int before = (is_first ? 0 : GAP) + (align == TABLE_RIGHT ? pad : 0);
	int after = align != TABLE_RIGHT && !is_last ? pad : 0;
	fprintf(out, "%*s%s%*s", before, "", text, after, "");
}

static void
print_row(const struct table *t, FILE *out, unsigned indent, const char *const *cells,
    const size_t *widths)
{
	/* Blanks at the end of a line would only be in the way of a copy. */
	size_t last = t->n_columns;
	while (last > 1 && *cells[last - 1] == '\0')
		last--;
	fprintf(out, "%*s", (int)indent, "");
	for (size_t i = 0; i < last; i++)
		print_cell(
		    out, cells[i], widths[i], t->columns[i].align, i + 1 == last, i == 0);
	fputc('\n', out);
}

/* Take from the widest columns that may be cut, until the table fits. */
static void
shrink(const struct table *t, unsigned indent, size_t *widths)
{
	size_t sum = indent;
	for (size_t i = 0; i < t->n_columns; i++)
		sum += widths[i] + (i > 0 ? GAP : 0);
	while (sum > t->max_width) {
		size_t widest = t->n_columns;
		for (size_t i = 0; i < t->n_columns; i++)
			if (t->columns[i].align == TABLE_CUT && widths[i] > LEAST &&
			    (widest == t->n_columns || widths[i] > widths[widest]))
				widest = i;
		if (widest == t->n_columns)
			return;
		widths[widest]--;
		sum--;
	}
}

enum err_code
table_print(const struct table *t, FILE *out, unsigned indent, struct err *err)
{
	if (t->err.code != ERR_OK) {
		*err = t->err;
		return err->code;
	}
	assert(t->cells.len % t->n_columns == 0);
	AUTO(mem) size_t *widths = calloc(t->n_columns, sizeof *widths);
	AUTO(mem) const char **titles = calloc(t->n_columns, sizeof *titles);
	if (widths == NULL || titles == NULL)
		return err_nomem(err);
	bool has_titles = false;
	for (size_t i = 0; i < t->n_columns; i++) {
		has_titles = has_titles || t->columns[i].title != NULL;
		titles[i] = t->columns[i].title != NULL ? t->columns[i].title : "";
		widths[i] = width_of(titles[i]);
	}
	for (size_t i = 0; i < t->cells.len; i++)
		widths[i % t->n_columns] =
		    max_size(widths[i % t->n_columns], width_of(t->cells.items[i]));
	if (t->max_width > 0)
		shrink(t, indent, widths);
	if (has_titles)
		print_row(t, out, indent, titles, widths);
	for (size_t i = 0; i < t->cells.len; i += t->n_columns)
		print_row(t, out, indent, (const char *const *)t->cells.items + i, widths);
	return ERR_OK;
}
