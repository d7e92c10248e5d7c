#include "cli/diff_sum_text.h"

#include "sys/clock.h"
#include "ui/escape.h"
#include "ui/format.h"

#include <string.h>

#define ARROW " \xe2\x86\x92 "

#define NAME_COLUMNS 48
#define NAME_END 12 /* of them, behind what is left out */

/* Lines of two columns, of which the first is as wide as its widest. */
struct lines {
	struct buf *out;
	const struct screen *screen;
	size_t width;
};

static enum err_code
add_count(struct buf *out, const struct screen *screen, enum paint p, const char *mark,
    uint64_t n, struct err *err)
{
	char count[FORMAT_MAX];
	if (n == 0)
		return ERR_OK;
	format_count(count, n);
	const char *blank = out->len > 0 && out->data[out->len - 1] != ' ' ? " " : "";
	return buf_printf(out, err, "%s%s%s%s%s", blank, screen_paint(screen, p), mark, count,
	    screen_paint(screen, PAINT_NONE));
}

/* "+12 −3 ~4", what is 0 left out. */
static enum err_code
add_counts(struct buf *out, const struct screen *screen, uint64_t added, uint64_t removed,
    uint64_t changed, struct err *err)
{
	if (add_count(out, screen, PAINT_GREEN, "+", added, err) ||
	    add_count(out, screen, PAINT_RED, "\xe2\x88\x92", removed, err))
		return err->code;
	return add_count(out, screen, PAINT_YELLOW, "~", changed, err);
}

/* "shop/public.orders", harmless; what is longer than a column may be without its middle. */
static enum err_code
make_name(struct buf *out, const char *a, const char *slash, const char *b, struct err *err)
{
	AUTO(bufv) struct buf whole = BUF_INIT;
	if (escape_add(&whole, a, strlen(a), err) || buf_str(&whole, slash, err) ||
	    escape_add(&whole, b, strlen(b), err) || buf_str(&whole, "", err))
		return err->code;
	const char *text = (const char *)whole.data;
	size_t front = escape_fit(text, whole.len, NAME_COLUMNS - NAME_END);
	size_t back = whole.len;
	if (escape_width(text, whole.len) <= NAME_COLUMNS)
		return buf_add(out, text, whole.len, err);
	while (back > front && escape_width(text + back, whole.len - back) < NAME_END - 1)
		for (back--; back > front && (text[back] & 0xc0) == 0x80;)
			back--;
	return buf_add(out, text, front, err) || buf_str(out, "\xe2\x80\xa6", err)
		   ? err->code
		   : buf_add(out, text + back, whole.len - back, err);
}

/* "    shop/public.orders   ": padded. */
static enum err_code
add_name(struct lines *l, size_t indent, const char *a, const char *slash, const char *b,
    struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	if (make_name(&name, a, slash, b, err))
		return err->code;
	size_t width = escape_width((const char *)name.data, name.len);
	size_t pad = l->width > width ? l->width - width : 0;
	return buf_printf(l->out, err, "%*s%.*s%*s  ", (int)indent, "", (int)name.len,
	    name.len > 0 ? (const char *)name.data : "", (int)pad, "");
}

static enum err_code
widen(struct lines *l, const char *a, const char *slash, const char *b, struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	if (make_name(&name, a, slash, b, err))
		return err->code;
	l->width = max_size(l->width, escape_width((const char *)name.data, name.len));
	return ERR_OK;
}

static enum err_code
add_heading(struct buf *out, const struct screen *screen, const char *text, struct err *err)
{
	return buf_printf(out, err, "%s%s%s\n", screen_paint(screen, PAINT_BOLD), text,
	    screen_paint(screen, PAINT_NONE));
}

/* --- images --- */

/* "redis:7 → redis:8", "postgres:15, another build: sha256:1884c5505b2d → sha256:99b8b158246e"
 */
static enum err_code
add_image(struct lines *l, const struct sum_image *m, struct err *err)
{
	struct buf *out = l->out;
	const char *first = m->state == DIFF_ADDED     ? "new: "
			    : m->state == DIFF_REMOVED ? "gone: "
						       : "";
	bool both = m->state == DIFF_CHANGED;
	bool is_rebuilt = both && strcmp(m->name[0], m->name[1]) == 0;
	const char *shown = m->name[m->state == DIFF_ADDED];
	if (add_name(l, 2, m->service, "", "", err) || buf_str(out, first, err) ||
	    escape_add(out, shown, strlen(shown), err))
		return err->code;
	if (is_rebuilt &&
	    buf_printf(out, err, ", another build: %.19s" ARROW "%.19s", m->id[0], m->id[1]))
		return err->code;
	if (both && !is_rebuilt &&
	    (buf_str(out, ARROW, err) || escape_add(out, m->name[1], strlen(m->name[1]), err)))
		return err->code;
	return buf_str(out, "\n", err);
}

static enum err_code
add_images(
    struct buf *out, const struct diff_sum *s, const struct screen *screen, struct err *err)
{
	struct lines l = { out, screen, 0 };
	if (s->n_images == 0)
		return ERR_OK;
	for (size_t i = 0; i < s->n_images; i++)
		if (widen(&l, s->images[i].service, "", "", err))
			return err->code;
	if (add_heading(out, screen, "images", err))
		return err->code;
	for (size_t i = 0; i < s->n_images; i++)
		if (add_image(&l, &s->images[i], err))
			return err->code;
	return ERR_OK;
}

/* --- files --- */

static bool
member_differs(const struct sum_member *m)
{
	const struct diff_result *f = &m->files;
	return m->state != DIFF_SAME || f->added + f->removed + f->changed + f->metadata > 0;
}

/* "  (+5.2 MB, −1.0 kB, changed 12 kB → 14 kB)" */
static enum err_code
add_bytes(struct buf *out, const struct diff_result *f, struct err *err)
{
	char a[FORMAT_MAX], b[FORMAT_MAX];
	const char *comma = "  (";
	if (f->bytes_added > 0) {
		format_size(a, f->bytes_added);
		if (buf_printf(out, err, "%s+%s", comma, a))
			return err->code;
		comma = ", ";
	}
	if (f->bytes_removed > 0) {
		format_size(a, f->bytes_removed);
		if (buf_printf(out, err, "%s\xe2\x88\x92%s", comma, a))
			return err->code;
		comma = ", ";
	}
	if (f->bytes_before + f->bytes_now > 0) {
		format_size(a, f->bytes_before);
		format_size(b, f->bytes_now);
		if (buf_printf(out, err, "%schanged %s" ARROW "%s", comma, a, b))
			return err->code;
		comma = ", ";
	}
	return *comma == ',' ? buf_str(out, ")", err) : ERR_OK;
}

static enum err_code
add_member(struct lines *l, const struct sum_member *m, struct err *err)
{
	const struct diff_result *f = &m->files;
	char count[FORMAT_MAX];
	if (add_name(l, 2, *m->path != '\0' ? m->path : "/", "", "", err) ||
	    (m->state == DIFF_ADDED && buf_str(l->out, "new", err)) ||
	    (m->state == DIFF_REMOVED && buf_str(l->out, "gone", err)) ||
	    add_counts(l->out, l->screen, f->added, f->removed, f->changed, err))
		return err->code;
	if (f->metadata > 0) {
		format_count(count, f->metadata);
		bool is_first = f->added + f->removed + f->changed == 0;
		if (buf_printf(l->out, err, "%s%s with other metadata only",
			is_first ? "" : ", ", count))
			return err->code;
	}
	return add_bytes(l->out, f, err) ? err->code : buf_str(l->out, "\n", err);
}

static enum err_code
add_files(
    struct buf *out, const struct diff_sum *s, const struct screen *screen, struct err *err)
{
	struct lines l = { out, screen, 0 };
	size_t same = 0;
	for (size_t i = 0; i < s->n_members; i++) {
		if (!member_differs(&s->members[i]))
			same++;
		else if (widen(&l, s->members[i].path, "", "", err))
			return err->code;
	}
	if (same == s->n_members)
		return ERR_OK;
	if (add_heading(out, screen, "files", err))
		return err->code;
	for (size_t i = 0; i < s->n_members; i++)
		if (member_differs(&s->members[i]) && add_member(&l, &s->members[i], err))
			return err->code;
	return same > 0 ? buf_printf(out, err, "  %zu other%s the same\n", same,
			      same == 1 ? " is" : "s are")
			: ERR_OK;
}

/* --- databases --- */

/* "1,204 → 1,213 rows  +12 −3 ~4" */
static enum err_code
add_table(struct lines *l, const struct sum_table *t, struct err *err)
{
	char a[COUNTED_MAX], b[COUNTED_MAX];
	const char *slash = *t->database != '\0' ? "/" : "";
	if (add_name(l, 4, t->database, slash, t->table, err))
		return err->code;
	counted_number(a, t->rows_before);
	counted(b, t->rows_after, t->noun);
	enum err_code rc;
	if (t->state == DIFF_ADDED)
		rc = buf_printf(l->out, err, "new, %s", b);
	else if (t->state == DIFF_REMOVED)
		rc = buf_printf(
		    l->out, err, "gone, it had %s", counted(a, t->rows_before, t->noun));
	else if (t->rows_before == t->rows_after)
		rc = buf_printf(l->out, err, "%s", b);
	else
		rc = buf_printf(l->out, err, "%s" ARROW "%s", a, b);
	if (rc)
		return rc;
	if (t->state == DIFF_CHANGED && t->is_counted) {
		bool none = t->rows.added + t->rows.removed + t->rows.changed == 0;
		if (buf_str(
			l->out, none ? "  the same, in other columns or order" : "  ", err) ||
		    add_counts(l->out, l->screen, t->rows.added, t->rows.removed,
			t->rows.changed, err))
			return err->code;
	}
	return buf_str(l->out, "\n", err);
}

static enum err_code
add_same(struct buf *out, const struct sum_service *v, struct err *err)
{
	char count[COUNTED_MAX], rows[COUNTED_MAX];
	if (v->same == 0)
		return ERR_OK;
	counted(count, v->same, v->n_tables > 0 ? "other table" : "table");
	return buf_printf(out, err, "    %s %s the same, %s\n", count,
	    v->same == 1 ? "is" : "are", counted(rows, v->rows_same, "row"));
}

static enum err_code
add_objects(
    struct buf *out, const struct sum_service *v, const struct screen *screen, struct err *err)
{
	const uint64_t *o = v->objects;
	if (o[DIFF_ADDED] + o[DIFF_REMOVED] + o[DIFF_CHANGED] == 0)
		return ERR_OK;
	if (buf_str(out, "    schema: ", err) ||
	    add_counts(out, screen, o[DIFF_ADDED], o[DIFF_REMOVED], o[DIFF_CHANGED], err))
		return err->code;
	return buf_str(out, " (--schema shows it)\n", err);
}

static enum err_code
add_service(
    struct buf *out, const struct sum_service *v, const struct screen *screen, struct err *err)
{
	struct lines l = { out, screen, 0 };
	char when[CLOCK_TEXT_SIZE] = "";
	if (v->has_moment)
		clock_format_local(when, v->moment_ns);
	if (buf_str(out, "  ", err) || escape_add(out, v->name, strlen(v->name), err) ||
	    (v->has_moment && buf_printf(out, err, "  (live, as of %s)", when)) ||
	    buf_str(out, "\n", err))
		return err->code;
	for (size_t i = 0; i < v->n_tables; i++)
		if (widen(&l, v->tables[i].database, *v->tables[i].database != '\0' ? "/" : "",
			v->tables[i].table, err))
			return err->code;
	for (size_t i = 0; i < v->n_tables; i++)
		if (add_table(&l, &v->tables[i], err))
			return err->code;
	return add_objects(out, v, screen, err) ? err->code : add_same(out, v, err);
}

static bool
service_differs(const struct sum_service *v)
{
	const uint64_t *o = v->objects;
	return v->n_tables > 0 || o[DIFF_ADDED] + o[DIFF_REMOVED] + o[DIFF_CHANGED] > 0;
}

static enum err_code
add_services(
    struct buf *out, const struct diff_sum *s, const struct screen *screen, struct err *err)
{
	if (s->tables + s->objects == 0)
		return ERR_OK;
	if (add_heading(out, screen, "databases", err))
		return err->code;
	for (size_t i = 0; i < s->n_services; i++)
		if (service_differs(&s->services[i]) &&
		    add_service(out, &s->services[i], screen, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
add_unknown(
    struct buf *out, const struct diff_sum *s, const struct screen *screen, struct err *err)
{
	if (s->unknown == 0)
		return ERR_OK;
	if (add_heading(out, screen, "not compared", err))
		return err->code;
	for (size_t i = 0; i < s->n_services; i++)
		for (size_t k = 0; k < s->services[i].n_unknown; k++) {
			const struct sum_unknown *u = &s->services[i].unknown[k];
			const char *name = s->services[i].name;
			if (buf_str(out, "  ", err) ||
			    escape_add(out, name, strlen(name), err) ||
			    (*u->what != '\0' && buf_str(out, " ", err)) ||
			    escape_add(out, u->what, strlen(u->what), err) ||
			    buf_str(out, ": ", err) ||
			    escape_add(out, u->why, strlen(u->why), err) ||
			    buf_str(out, "\n", err))
				return err->code;
		}
	return ERR_OK;
}

enum err_code
diff_sum_text(
    struct buf *out, const struct diff_sum *s, const struct screen *screen, struct err *err)
{
	if (add_images(out, s, screen, err) || add_files(out, s, screen, err) ||
	    add_services(out, s, screen, err))
		return err->code;
	return add_unknown(out, s, screen, err);
}
