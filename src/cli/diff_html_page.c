/*
 * The frame of the page: head, style, summary, foot.
 */
#include "cli/diff_html.h"

#include "cli/html.h"
#include "cli/json_view.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "ui/format.h"

#include <fcntl.h>
#include <libgen.h>
#include <string.h>

#define ARROW " &rarr; "

static const char style[] =
    ":root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#656d76;--line:#d0d7de;"
    "--add:#dafbe1;--del:#ffebe9;--mod:#fff8c5;--head:#f6f8fa}\n"
    "@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#8d96a0;"
    "--line:#30363d;--add:#12361f;--del:#4a1618;--mod:#3b2e00;--head:#161b22}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:110rem;padding:1.5rem;background:var(--bg);"
    "color:var(--fg);font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
    "pre{white-space:pre-wrap}summary{overflow-wrap:anywhere}\n"
    "h1{font-size:1.5rem;margin:0 0 .5rem}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}\n"
    "p{margin:.2rem 0}.dim{color:var(--dim)}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-size:13px}\n"
    "th,td{border:1px solid var(--line);padding:.25rem .5rem;text-align:left;"
    "vertical-align:top}\n"
    "th{background:var(--head)}td.n{text-align:right;font-variant-numeric:tabular-nums}\n"
    "td.v,pre,li{font-family:ui-monospace,monospace;overflow-wrap:anywhere}\n"
    "td.v{min-width:4rem;max-width:40rem}\n"
    "tr.add td,.add,ins{background:var(--add)}tr.del td,.del,del{background:var(--del)}\n"
    "td.mod{background:var(--mod)}\n"
    "ins,del{text-decoration:none;padding:0 .25rem;border-radius:3px}\n"
    ".pair{display:flex;gap:.5rem;align-items:flex-start}.pair>*{flex:0 1 auto}\n"
    "details{margin:.5rem 0;border:1px solid var(--line);border-radius:6px}\n"
    "summary{cursor:pointer;padding:.4rem .75rem;background:var(--head);"
    "border-radius:6px;font-weight:600}\n"
    "details>.wide,details>pre,details>ul,details>p{margin:.75rem}\n"
    "pre span{display:block}ul{padding-left:1.2rem}\n"
    "footer{margin-top:2rem;color:var(--dim);font-size:13px}\n"
    "@media print{body{padding:0}details{break-inside:avoid-page}summary{cursor:auto}}\n";

static enum err_code
add(struct buf *out, const char *text, struct err *err)
{
	return html_text(out, text, strlen(text), err);
}

static enum err_code
add_head(struct buf *out, const struct diff_html_head *head, struct err *err)
{
	if (buf_str(out,
		"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<meta name=\"referrer\" content=\"no-referrer\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
		"&#39;none&#39;; style-src &#39;unsafe-inline&#39;\">\n<title>",
		err) ||
	    add(out, head->title, err) || buf_str(out, "</title>\n<style>\n", err) ||
	    buf_str(out, style, err) ||
	    buf_str(out, "</style>\n</head>\n<body>\n<header>\n<h1>", err) ||
	    add(out, head->title, err) || buf_str(out, "</h1>\n", err))
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(head->points); i++)
		if (buf_printf(
			out, err, "<p class=\"dim\">%s: ", i == 0 ? "before" : "after") ||
		    add(out, head->points[i], err) || buf_str(out, "</p>\n", err))
			return err->code;
	return buf_str(out, "</header>\n<main>\n", err);
}

/* --- the summary --- */

static enum err_code
add_number(struct buf *out, const char *class, uint64_t n, struct err *err)
{
	char count[FORMAT_MAX];
	format_count(count, n);
	return buf_printf(
	    out, err, "<td class=\"n%s\">%s</td>", n > 0 ? class : "", n > 0 ? count : "");
}

static enum err_code
add_member(struct buf *out, const struct sum_member *m, struct err *err)
{
	const struct diff_result *f = &m->files;
	char before[FORMAT_MAX], now[FORMAT_MAX];
	if (f->added + f->removed + f->changed + f->metadata == 0)
		return ERR_OK;
	format_size(before, f->bytes_removed + f->bytes_before);
	format_size(now, f->bytes_added + f->bytes_now);
	if (buf_str(out, "<tr><td>", err) || add(out, *m->path != '\0' ? m->path : "/", err) ||
	    buf_str(out, "</td>", err) || add_number(out, " add", f->added, err) ||
	    add_number(out, " del", f->removed, err) ||
	    add_number(out, " mod", f->changed, err) || add_number(out, "", f->metadata, err))
		return err->code;
	return buf_printf(out, err, "<td class=\"n\">%s" ARROW "%s</td></tr>\n", before, now);
}

static enum err_code
add_members(struct buf *out, const struct diff_sum *s, struct err *err)
{
	const struct diff_result *f = &s->files;
	if (f->added + f->removed + f->changed + f->metadata == 0)
		return ERR_OK;
	if (buf_str(out,
		"<h2>Files</h2>\n<div class=\"wide\"><table>\n<tr><th>member</th><th>added</th>"
		"<th>removed</th><th>changed</th><th>other metadata</th><th>bytes</th></tr>\n",
		err))
		return err->code;
	for (size_t i = 0; i < s->n_members; i++)
		if (add_member(out, &s->members[i], err))
			return err->code;
	char all[] = "all";
	const struct sum_member of_folders = { .path = all, .files = *f };
	if (s->n_members == 0 && add_member(out, &of_folders, err))
		return err->code;
	return buf_str(out, "</table></div>\n", err);
}

static enum err_code
add_table(
    struct buf *out, const struct sum_service *v, const struct sum_table *t, struct err *err)
{
	static const char *const words[] = {
		[DIFF_SAME] = "same",
		[DIFF_ADDED] = "new",
		[DIFF_REMOVED] = "gone",
		[DIFF_CHANGED] = "changed",
	};
	char before[FORMAT_MAX], now[FORMAT_MAX];
	format_count(before, t->rows_before);
	format_count(now, t->rows_after);
	if (buf_str(out, "<tr><td>", err) || add(out, v->name, err) ||
	    buf_str(out, "</td><td>", err) || add(out, t->database, err) ||
	    buf_str(out, "</td><td>", err) || add(out, t->table, err) ||
	    buf_printf(out, err,
		"</td><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td>",
		words[t->state], before, now))
		return err->code;
	if (!t->is_counted)
		return buf_str(out, "<td></td><td></td><td></td></tr>\n", err);
	if (add_number(out, " add", t->rows.added, err) ||
	    add_number(out, " del", t->rows.removed, err) ||
	    add_number(out, " mod", t->rows.changed, err))
		return err->code;
	return buf_str(out, "</tr>\n", err);
}

static enum err_code
add_tables(struct buf *out, const struct diff_sum *s, struct err *err)
{
	if (s->tables == 0)
		return ERR_OK;
	if (buf_str(out,
		"<h2>Databases</h2>\n<div class=\"wide\"><table>\n<tr><th>service</th>"
		"<th>database</th><th>table</th><th></th><th>rows before</th><th>after</th>"
		"<th>added</th><th>removed</th><th>changed</th></tr>\n",
		err))
		return err->code;
	for (size_t i = 0; i < s->n_services; i++)
		for (size_t k = 0; k < s->services[i].n_tables; k++)
			if (add_table(out, &s->services[i], &s->services[i].tables[k], err))
				return err->code;
	return buf_str(out, "</table></div>\n", err);
}

static enum err_code
add_images(struct buf *out, const struct diff_sum *s, struct err *err)
{
	if (s->n_images == 0)
		return ERR_OK;
	if (buf_str(out,
		"<h2>Images</h2>\n<div class=\"wide\"><table>\n<tr><th>service</th><th>before"
		"</th><th>after</th></tr>\n",
		err))
		return err->code;
	for (size_t i = 0; i < s->n_images; i++) {
		const struct sum_image *m = &s->images[i];
		if (buf_str(out, "<tr><td>", err) || add(out, m->service, err) ||
		    buf_str(out, "</td>", err))
			return err->code;
		for (int k = 0; k < 2; k++)
			if (buf_str(out, "<td>", err) ||
			    (m->name[k] != NULL &&
				(add(out, m->name[k], err) || buf_str(out, " ", err) ||
				    add(out, m->id[k], err))) ||
			    buf_str(out, "</td>", err))
				return err->code;
		if (buf_str(out, "</tr>\n", err))
			return err->code;
	}
	return buf_str(out, "</table></div>\n", err);
}

static enum err_code
add_unknown(struct buf *out, const struct diff_sum *s, struct err *err)
{
	if (s->unknown == 0)
		return ERR_OK;
	if (buf_str(out, "<h2>Not compared</h2>\n<ul>\n", err))
		return err->code;
	for (size_t i = 0; i < s->n_services; i++)
		for (size_t k = 0; k < s->services[i].n_unknown; k++) {
			const struct sum_unknown *u = &s->services[i].unknown[k];
			if (buf_str(out, "<li>", err) || add(out, s->services[i].name, err) ||
			    buf_str(out, " ", err) || add(out, u->what, err) ||
			    buf_str(out, ": ", err) || add(out, u->why, err) ||
			    buf_str(out, "</li>\n", err))
				return err->code;
		}
	return buf_str(out, "</ul>\n", err);
}

static enum err_code
add_summary(struct buf *out, const struct diff_sum *s, struct err *err)
{
	if (!diff_sum_differs(s) && buf_printf(out, err, "<p>no difference%s</p>\n",
					s->unknown > 0 ? " in what could be compared" : ""))
		return err->code;
	if (add_images(out, s, err) || add_members(out, s, err) || add_tables(out, s, err) ||
	    add_unknown(out, s, err))
		return err->code;
	return ERR_OK;
}

static enum err_code
add_foot(struct buf *out, struct err *err)
{
	char now[JSON_VIEW_TIME_MAX];
	json_view_time(now, clock_wall_ns() / NS_PER_S * 1000);
	return buf_printf(out, err,
	    "</main>\n<footer>made by stacksnap " STACKSNAP_VERSION
	    " at %s</footer>\n</body>\n</html>\n",
	    now);
}

/* --- the file --- */

static enum err_code
write_page(FILE *f, const struct buf *head, struct spool *body, const struct buf *foot,
    const char *path, struct err *err)
{
	fwrite(head->data, 1, head->len, f);
	if (spool_write(body, f, err))
		return err->code;
	fwrite(foot->data, 1, foot->len, f);
	if (fflush(f) != 0 || ferror(f) || fsync(fileno(f)) != 0)
		return err_sys(err, "write %s", path);
	return ERR_OK;
}

static enum err_code
replace(const char *path, const struct buf *head, struct spool *body, const struct buf *foot,
    struct err *err)
{
	AUTO(str) char *temporary = NULL;
	AUTO(str) char *folder = NULL;
	if (str_printf(&temporary, err, "%s.XXXXXX", path) || str_dup(&folder, path, err))
		return err->code;
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "make a file beside %s", path);
	FILE *f = fdopen(fd, "w");
	if (f == NULL) {
		close(fd);
		unlink(temporary);
		return err_nomem(err);
	}
	enum err_code rc = write_page(f, head, body, foot, path, err);
	if (fclose(f) != 0 && rc == ERR_OK)
		rc = err_sys(err, "write %s", path);
	if (rc == ERR_OK && rename(temporary, path) != 0)
		rc = err_sys(err, "rename to %s", path);
	if (rc) {
		unlink(temporary);
		return rc;
	}
	return fs_sync_dir(dirname(folder), err);
}

enum err_code
diff_html_save(struct diff_html *h, const struct diff_html_head *head,
    const struct diff_sum *sum, const char *path, struct err *err)
{
	static const char end_of_files[] = "</ul></details>\n";
	AUTO(bufv) struct buf top = BUF_INIT;
	AUTO(bufv) struct buf foot = BUF_INIT;
	if (h->in_files && spool_add(&h->body, end_of_files, sizeof end_of_files - 1, err))
		return err->code;
	h->in_files = false;
	if (add_head(&top, head, err) || add_summary(&top, sum, err) || add_foot(&foot, err))
		return err->code;
	return replace(path, &top, &h->body, &foot, err);
}
