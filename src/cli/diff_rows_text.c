#include "cli/diff_rows_text.h"

#include "base/counted.h"
#include "base/text_diff.h"
#include "cli/diff_sum.h"
#include "cli/json_view.h"
#include "cli/row_change.h"
#include "cli/unified.h"
#include "ui/escape.h"

#include <string.h>

#define ARROW " \xe2\x86\x92 "
#define ELLIPSIS "\xe2\x80\xa6"
#define VALUE_MAX 60 /* bytes shown of a value */
#define CHANGE_MAX 120 /* of each of two versions */
#define DOCUMENT_MAX 400
#define LINE_MAX_COLUMNS 110 /* beyond that, changed columns have a line each */
#define CHANGES_MAX 50 /* within one document */

void
rows_text_release(struct rows_text *v)
{
	row_cells_release(&v->before);
	row_cells_release(&v->after);
	buf_release(&v->line);
	buf_release(&v->old);
	buf_release(&v->new);
	free(v->heading);
	v->heading = NULL;
}

static const char *
paint(const struct rows_text *v, enum paint p)
{
	return screen_paint(v->screen, p);
}

static enum err_code
end_line(struct rows_text *v, struct err *err)
{
	if (buf_str(&v->line, paint(v, PAINT_NONE), err) || buf_str(&v->line, "\n", err) ||
	    spool_add(v->out, v->line.data, v->line.len, err))
		return err->code;
	v->line.len = 0;
	return ERR_OK;
}

static enum err_code
add_safe(struct buf *out, const char *text, struct err *err)
{
	return escape_add(out, text, strlen(text), err);
}

/* --- headings --- */

static enum err_code
add_count(struct rows_text *v, uint64_t n, const struct shape *s, struct err *err)
{
	char count[COUNTED_MAX];
	return buf_printf(&v->line, err, "  %s", counted(count, n, diff_sum_noun(s)));
}

static enum err_code
print_heading(struct rows_text *v, const struct diff_table *t, struct err *err)
{
	bool was = t->state != DIFF_ADDED;
	bool is = t->state != DIFF_REMOVED;
	const struct shape *s = t->after != NULL ? t->after : t->before;
	if (buf_str(&v->line, "\n", err) ||
	    unified_head(&v->line, v->screen, "---", "a/", was ? v->heading : NULL, err) ||
	    (was && add_count(v, t->rows_before, s, err)) || end_line(v, err) ||
	    unified_head(&v->line, v->screen, "+++", "b/", is ? v->heading : NULL, err) ||
	    (is && add_count(v, t->rows_after, s, err)))
		return err->code;
	return end_line(v, err);
}

static enum err_code
begin_table(struct rows_text *v, const struct diff_table *t, struct err *err)
{
	AUTO(str) char *name = NULL;
	if (row_place(&name, t->service, t->database, t->table, err))
		return err->code;
	if (v->heading != NULL && strcmp(v->heading, name) == 0)
		return ERR_OK;
	free(v->heading);
	v->heading = TAKE(name);
	v->shown = 0;
	v->elsewhere = 0;
	return print_heading(v, t, err);
}

/* --- columns --- */

static size_t
show_max(const struct row_cells *c, size_t i)
{
	return row_cells_is_json(c, i) ? DOCUMENT_MAX : VALUE_MAX;
}

/* "id=7, name="Ada""; only the key's columns, or all that are shown. */
static enum err_code
add_columns(struct rows_text *v, const struct row_cells *c, bool only_key, struct err *err)
{
	char room[COLUMN_NAME_MAX];
	const char *comma = "";
	for (size_t i = 0; i < c->count; i++) {
		const char *name = row_cells_name(c, i, room);
		bool is_key = row_cells_is_key(c, i);
		if (only_key ? !is_key : !is_key && !row_change_is_asked_for(v->columns, name))
			continue;
		/* Nothing is said of what never ends. */
		if (row_cells_is_time(c, i) && c->cells[i].is_null)
			continue;
		if (buf_str(&v->line, comma, err) || add_safe(&v->line, name, err) ||
		    buf_u8(&v->line, '=', err) ||
		    row_cells_show(&v->line, c, i, show_max(c, i), err))
			return err->code;
		comma = ", ";
	}
	return ERR_OK;
}

/* --- a row that came or went --- */

static enum err_code
print_whole(struct rows_text *v, char mark, const struct row_cells *c, struct err *err)
{
	/* A document has its _id within. */
	bool is_document = c->shape != NULL && c->shape->format == ROW_BSON && c->count == 2;
	const char *color = paint(v, mark == '+' ? PAINT_GREEN : PAINT_RED);
	if (buf_printf(&v->line, err, "%s%c ", color, mark) ||
	    (is_document ? row_cells_show(&v->line, c, 1, DOCUMENT_MAX, err)
			 : add_columns(v, c, false, err)))
		return err->code;
	return end_line(v, err);
}

/* --- a row that changed --- */

struct nested {
	struct rows_text *view;
	const char *column; /* "" when the row is nothing but this */
	size_t count;
};

/* "    /status: "open" → "paid"", "    + /tags/2: "vip"" */
static enum err_code
print_nested(void *arg, const struct json_view_change *c, struct err *err)
{
	struct nested *n = arg;
	struct rows_text *v = n->view;
	if (n->count++ >= CHANGES_MAX)
		return ERR_OK;
	const char *color = paint(v, c->change == JSON_ADDED     ? PAINT_GREEN
				     : c->change == JSON_REMOVED ? PAINT_RED
								 : PAINT_NONE);
	const char *mark = c->change == JSON_ADDED     ? "+ "
			   : c->change == JSON_REMOVED ? "- "
						       : "";
	if (buf_printf(&v->line, err, "    %s%s", color, mark) ||
	    add_safe(&v->line, n->column, err) || buf_str(&v->line, c->where, err) ||
	    (*n->column != '\0' || *c->where != '\0' ? buf_str(&v->line, ": ", err) : ERR_OK))
		return err->code;
	if (c->change != JSON_REPLACED)
		return buf_str(&v->line, c->before != NULL ? c->before : c->after, err)
			   ? err->code
			   : end_line(v, err);
	return buf_printf(&v->line, err, "%s%s%s" ARROW "%s%s", paint(v, PAINT_RED), c->before,
		   paint(v, PAINT_NONE), paint(v, PAINT_GREEN), c->after)
		   ? err->code
		   : end_line(v, err);
}

static enum err_code
print_document(struct rows_text *v, const struct row_change_at *at, const json_t *a,
    const json_t *b, struct err *err)
{
	char room[COLUMN_NAME_MAX];
	char count[COUNTED_MAX];
	enum row_format format = v->after.shape->format;
	bool is_all = format == ROW_RDB || format == ROW_BSON;
	struct json_view_options opt = { CHANGE_MAX, row_cells_is_set(&v->after) };
	struct nested n = { v, is_all ? "" : row_change_name(at, &v->before, &v->after, room),
		0 };
	if (json_view_changes(a, b, &opt, print_nested, &n, err))
		return err->code;
	if (n.count <= CHANGES_MAX)
		return ERR_OK;
	if (buf_printf(&v->line, err, "    " ELLIPSIS " %s more",
		counted(count, n.count - CHANGES_MAX, "change")))
		return err->code;
	return end_line(v, err);
}

/* "amount: 12.50 → 14.00" */
static enum err_code
add_change(struct rows_text *v, const struct row_change_at *at, struct err *err)
{
	char room[COLUMN_NAME_MAX];
	const char *name = row_change_name(at, &v->before, &v->after, room);
	v->old.len = v->new.len = 0;
	if (row_change_show(&v->old, &v->new, at, &v->before, &v->after, CHANGE_MAX, err) ||
	    add_safe(&v->line, name, err) ||
	    buf_printf(&v->line, err, ": %s", paint(v, PAINT_RED)) ||
	    buf_add(&v->line, v->old.data, v->old.len, err) ||
	    buf_printf(
		&v->line, err, "%s" ARROW "%s", paint(v, PAINT_NONE), paint(v, PAINT_GREEN)) ||
	    buf_add(&v->line, v->new.data, v->new.len, err))
		return err->code;
	return buf_str(&v->line, paint(v, PAINT_NONE), err);
}

/* In one line when it is short, else a line for each column. */
static enum err_code
print_plain(struct rows_text *v, const struct row_change_at *all, size_t count, struct err *err)
{
	size_t head = v->line.len;
	const char *comma = "  ";
	for (size_t i = 0; i < count; i++) {
		if (buf_str(&v->line, comma, err) || add_change(v, &all[i], err))
			return err->code;
		comma = ", ";
	}
	if (count <= 1 || escape_width((const char *)v->line.data, v->line.len) <=
			      LINE_MAX_COLUMNS + count * 18 * v->screen->has_color)
		return end_line(v, err);
	v->line.len = head;
	if (end_line(v, err))
		return err->code;
	for (size_t i = 0; i < count; i++)
		if (buf_str(&v->line, "    ", err) || add_change(v, &all[i], err) ||
		    end_line(v, err))
			return err->code;
	return ERR_OK;
}

/* The key and plain columns, then what changed within documents. */
static enum err_code
print_changed(struct rows_text *v, const struct row_changes *all, struct err *err)
{
	size_t n = 0;
	AUTO(mem) struct row_change_at *plain = calloc(all->count, sizeof *plain);
	if (plain == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < all->count; i++) {
		AUTO(json) json_t *a = NULL;
		AUTO(json) json_t *b = NULL;
		if (!row_change_documents(&all->items[i], &v->before, &v->after, &a, &b))
			plain[n++] = all->items[i];
	}
	if (buf_printf(&v->line, err, "%s~%s ", paint(v, PAINT_YELLOW), paint(v, PAINT_NONE)) ||
	    add_columns(v, &v->after, true, err) || print_plain(v, plain, n, err))
		return err->code;
	for (size_t i = 0; i < all->count; i++) {
		AUTO(json) json_t *a = NULL;
		AUTO(json) json_t *b = NULL;
		if (row_change_documents(&all->items[i], &v->before, &v->after, &a, &b) &&
		    print_document(v, &all->items[i], a, b, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
print_change(struct rows_text *v, struct err *err)
{
	AUTO(row_changes) struct row_changes all = ROW_CHANGES_INIT;
	if (row_changes_find(&all, &v->before, &v->after, v->columns, err))
		return err->code;
	if (all.count == 0) {
		v->elsewhere++;
		return ERR_OK;
	}
	return print_changed(v, &all, err);
}

enum err_code
rows_text_row(struct rows_text *v, const struct diff_table *t, enum row_change change,
    const struct row *before, const struct row *after, struct err *err)
{
	if (begin_table(v, t, err) ||
	    (before != NULL && row_cells_read(&v->before, t->before, before, err)) ||
	    (after != NULL && row_cells_read(&v->after, t->after, after, err)))
		return err->code;
	v->shown++;
	if (change == ROW_CHANGED)
		return print_change(v, err);
	return print_whole(v, change == ROW_ADDED ? '+' : '-',
	    change == ROW_ADDED ? &v->after : &v->before, err);
}

/* --- what was left out --- */

static enum err_code
print_note(struct rows_text *v, const char *text, struct err *err)
{
	if (buf_printf(&v->line, err, "%s  " ELLIPSIS " %s", paint(v, PAINT_DIM), text))
		return err->code;
	return end_line(v, err);
}

enum err_code
rows_text_table(struct rows_text *v, const struct diff_table *t, struct err *err)
{
	char count[COUNTED_MAX];
	char note[COUNTED_MAX + 64];
	uint64_t all = t->rows.added + t->rows.removed + t->rows.changed;
	const struct shape *s = t->after != NULL ? t->after : t->before;
	if (v->heading == NULL)
		return ERR_OK;
	if (v->elsewhere > 0) {
		snprintf(note, sizeof note, "%s in other columns only",
		    counted(count, v->elsewhere, diff_sum_noun(s)));
		if (print_note(v, note, err))
			return err->code;
	}
	if (t->is_counted && all > v->shown) {
		counted_number(count, all - v->shown);
		snprintf(note, sizeof note, "%s more (--limit 0 shows all)", count);
		if (print_note(v, note, err))
			return err->code;
	}
	free(v->heading);
	v->heading = NULL;
	return ERR_OK;
}

/* --- definitions --- */

static enum err_code
print_text_line(void *arg, char mark, const char *text, size_t len, struct err *err)
{
	struct rows_text *v = arg;
	if (unified_line(&v->line, v->screen, mark, text, len, err) ||
	    spool_add(v->out, v->line.data, v->line.len, err))
		return err->code;
	v->line.len = 0;
	return ERR_OK;
}

enum err_code
rows_text_object(struct rows_text *v, const struct diff_object *o, struct err *err)
{
	AUTO(str) char *name = NULL;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	if (o->state == DIFF_SAME)
		return ERR_OK;
	if (row_place(&name, o->service, o->database, o->name, err) ||
	    unified_text(&a, o->before, err) || unified_text(&b, o->after, err) ||
	    buf_str(&v->line, "\n", err) ||
	    unified_head(
		&v->line, v->screen, "---", "a/", o->before != NULL ? name : NULL, err) ||
	    end_line(v, err) ||
	    unified_head(
		&v->line, v->screen, "+++", "b/", o->after != NULL ? name : NULL, err) ||
	    end_line(v, err))
		return err->code;
	return text_diff(
	    a.data, a.len, b.data, b.len, TEXT_DIFF_CONTEXT, print_text_line, v, NULL, err);
}
