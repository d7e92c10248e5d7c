#include "cli/diff_sum_text.h"
#include "cli/diff_work.h"
#include "sys/clock.h"
#include "ui/escape.h"
#include "ui/format.h"

#define ARROW " \xe2\x86\x92 "

static enum err_code
add_row(struct buf *out, uint64_t n, const char *what, const char *bytes, struct err *err)
{
	char count[FORMAT_MAX];
	if (n == 0)
		return ERR_OK;
	format_count(count, n);
	return buf_printf(
	    out, err, "  %10s %s%s%s\n", count, what, *bytes != '\0' ? ", " : "", bytes);
}

/* Of folders: one sum. */
static enum err_code
add_totals(struct buf *out, const struct diff_result *r, struct err *err)
{
	char added[FORMAT_MAX], removed[FORMAT_MAX], before[FORMAT_MAX], now[FORMAT_MAX];
	char changed[3 * FORMAT_MAX];
	format_size(added, r->bytes_added);
	format_size(removed, r->bytes_removed);
	format_size(before, r->bytes_before);
	format_size(now, r->bytes_now);
	snprintf(changed, sizeof changed, "%s" ARROW "%s", before, now);
	if (add_row(out, r->added, "added", added, err) ||
	    add_row(out, r->removed, "removed", removed, err) ||
	    add_row(out, r->changed, "changed", changed, err))
		return err->code;
	return add_row(out, r->metadata, "with other metadata only", "", err);
}

static bool
differs(const struct diff_work *w)
{
	const struct diff_result *r = &w->files;
	return r->added + r->removed + r->changed + r->metadata > 0 ||
	       (w->out.is_stack && diff_sum_differs(&w->out.sum));
}

/* In one line, with the roots of both trees; of a part nothing is said about the whole. */
static enum err_code
add_equal(struct buf *out, const struct diff_work *w, struct err *err)
{
	const struct args *a = &w->cli->args;
	bool partly = w->files.problems + w->out.sum.unknown > 0;
	const char *what = partly ? "no difference in what could be compared" : "no difference";
	if (diff_picks_databases(a) || a->operands.len > 2)
		return buf_printf(out, err, "%s\n", what);
	if (w->b.is_live)
		return buf_printf(out, err, "%s: live and root %.16s\n", what, w->a.root);
	if (strcmp(w->a.root, w->b.root) == 0)
		return buf_printf(out, err, "%s: both have the root %.16s\n", what, w->a.root);
	return buf_printf(out, err, "%s: roots %.16s and %.16s\n", what, w->a.root, w->b.root);
}

/* "3f2a91c0  2026-11-20 04:00:00  stack shop on nas" */
static enum err_code
describe(struct buf *out, const struct diff_point *s, struct err *err)
{
	const json_t *d = s->snapshot.document;
	const json_t *source = json_object_get(d, "source");
	const char *kind = json_get_str(source, "kind");
	const char *name = json_get_str(source, "name");
	const char *host = json_get_str(d, "host");
	char hex[ID_HEX_SIZE];
	char time[CLOCK_TEXT_SIZE];
	if (s->is_live) {
		clock_format_local(time, clock_wall_ns());
		return buf_printf(out, err, "live      %s", time);
	}
	id_hex(hex, &s->snapshot.id);
	clock_format_local(time, json_get_int(d, "time_ns", 0));
	if (buf_printf(out, err, "%.8s  %s  ", hex, time))
		return err->code;
	if (kind != NULL && name != NULL &&
	    (escape_add(out, kind, strlen(kind), err) || buf_str(out, " ", err) ||
		escape_add(out, name, strlen(name), err) || buf_str(out, " on ", err)))
		return err->code;
	return escape_add(out, host != NULL ? host : "?", host != NULL ? strlen(host) : 1, err);
}

static enum err_code
add_sides(struct buf *out, const struct diff_work *w, struct err *err)
{
	const struct screen *s = &w->out.files.screen;
	const char *none = screen_paint(s, PAINT_NONE);
	if (buf_printf(out, err, "%sa%s  ", screen_paint(s, PAINT_RED), none) ||
	    describe(out, &w->a, err) ||
	    buf_printf(out, err, "\n%sb%s  ", screen_paint(s, PAINT_GREEN), none) ||
	    describe(out, &w->b, err))
		return err->code;
	return buf_str(out, "\n\n", err);
}

static enum err_code
print_stack(struct diff_work *w, struct err *err)
{
	AUTO(bufv) struct buf head = BUF_INIT;
	if (differs(w) ? add_sides(&head, w, err) : add_equal(&head, w, err))
		return err->code;
	if (diff_sum_text(&head, &w->out.sum, &w->out.files.screen, err) ||
	    add_row(&head, w->files.problems, "could not be compared", "", err))
		return err->code;
	if (w->out.spool.memory.len > 0 && w->out.spool.memory.data[0] != '\n' &&
	    buf_str(&head, "\n", err))
		return err->code;
	return diff_out_print(&w->out, &head, err);
}

/* The lines come first: that order is old. */
static enum err_code
print_folders(struct diff_work *w, struct err *err)
{
	AUTO(bufv) struct buf foot = BUF_INIT;
	const struct buf none = BUF_INIT;
	if ((!differs(w) && add_equal(&foot, w, err)) || add_totals(&foot, &w->files, err) ||
	    add_row(&foot, w->files.problems, "could not be compared", "", err) ||
	    spool_add(&w->out.spool, foot.data, foot.len, err))
		return err->code;
	return diff_out_print(&w->out, &none, err);
}

static enum err_code
print_json(struct diff_work *w, enum exit_code code, struct err *err)
{
	const struct diff_result *r = &w->files;
	const struct diff_sum *s = &w->out.sum;
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer j;
	cli_result_begin(w->cli, &j, &line, code);
	json_flag(&j, "differs", differs(w));
	json_str(&j, "root_before", w->a.root);
	if (!w->b.is_live)
		json_str(&j, "root_after", w->b.root);
	json_u64(&j, "added", r->added);
	json_u64(&j, "removed", r->removed);
	json_u64(&j, "changed", r->changed);
	json_u64(&j, "metadata", r->metadata);
	json_u64(&j, "bytes_added", r->bytes_added);
	json_u64(&j, "bytes_removed", r->bytes_removed);
	json_u64(&j, "bytes_before", r->bytes_before);
	json_u64(&j, "bytes_now", r->bytes_now);
	json_u64(&j, "problems", r->problems);
	if (w->out.is_stack) {
		json_u64(&j, "images", s->n_images);
		json_u64(&j, "tables", s->tables);
		json_u64(&j, "rows_added", s->rows.added);
		json_u64(&j, "rows_removed", s->rows.removed);
		json_u64(&j, "rows_changed", s->rows.changed);
		json_u64(&j, "definitions", s->objects);
		json_u64(&j, "unknown", s->unknown);
	}
	return cli_result_end(&j, err);
}

static enum err_code
save_page(struct diff_work *w, struct err *err)
{
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	AUTO(str) char *title = NULL;
	const json_t *source = json_object_get(w->a.snapshot.document, "source");
	const char *name = json_get_str(source, "name");
	char *const *given = w->cli->args.operands.items;
	if (describe(&a, &w->a, err) || describe(&b, &w->b, err) ||
	    str_printf(&title, err, "%s: %s" ARROW "%s", name != NULL ? name : "diff", given[0],
		given[1]))
		return err->code;
	struct diff_html_head head = { title, { buf_cstr(&a), buf_cstr(&b) } };
	if (head.points[0] == NULL || head.points[1] == NULL)
		return err_nomem(err);
	if (diff_html_save(&w->out.html, &head, &w->out.sum, w->cli->args.html, err))
		return err->code;
	event_note(w->cli->events, NULL, "page written to %s", w->cli->args.html);
	return ERR_OK;
}

enum err_code
diff_tell_result(struct diff_work *w, enum exit_code code, struct err *err)
{
	if (w->cli->args.html != NULL && save_page(w, err))
		return err->code;
	if (w->cli->args.json)
		return print_json(w, code, err);
	return w->out.is_stack ? print_stack(w, err) : print_folders(w, err);
}
