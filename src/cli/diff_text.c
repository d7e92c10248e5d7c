#include "cli/diff_work.h"

#include "base/text_diff.h"
#include "cli/unified.h"
#include "engine/diff_file.h"
#include "ui/diff_file_view.h"

static enum err_code
print_line(void *arg, char mark, const char *text, size_t len, struct err *err)
{
	struct diff_out *o = arg;
	AUTO(bufv) struct buf line = BUF_INIT;
	if (unified_line(&line, &o->files.screen, mark, text, len, err))
		return err->code;
	return spool_add(&o->spool, line.data, line.len, err);
}

static enum err_code
text_json(struct diff_work *w, const struct diff_file *f, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	AUTO(bufv) struct buf diff = BUF_INIT;
	struct json_writer j;
	if (text_diff_unified(&diff, f->before.data, f->before.len, f->after.data, f->after.len,
		TEXT_DIFF_CONTEXT, err))
		return err->code;
	cli_result_begin(w->cli, &j, &line, code);
	diff_file_view_json(&j, f, &diff);
	return cli_result_end(&j, err);
}

static enum err_code
add_text_head(
    struct buf *out, const struct diff_work *w, const struct diff_file *f, struct err *err)
{
	const struct screen *s = &w->out.files.screen;
	const char *path = w->cli->args.text;
	const char *end = screen_paint(s, PAINT_NONE);
	path += strspn(path, "/");
	if (unified_head(out, s, "---", "a/", f->has_before ? path : NULL, err) ||
	    buf_printf(out, err, "%s\n", end) ||
	    unified_head(out, s, "+++", "b/", f->has_after ? path : NULL, err))
		return err->code;
	return buf_printf(out, err, "%s\n", end);
}

enum err_code
diff_one_text(struct diff_work *w, enum exit_code code, struct err *err)
{
	const struct args *a = &w->cli->args;
	AUTO(diff_file) struct diff_file f = DIFF_FILE_INIT;
	AUTO(bufv) struct buf head = BUF_INIT;
	struct text_diff_result sum;
	if (a->operands.len > 2 || diff_asks_for_databases(a) || a->html != NULL)
		return err_set(err, ERR_USAGE,
		    "--text shows that file alone: without a path, "
		    "--html and options of databases");
	if (diff_file_read(&w->engine, &w->a.snapshot.id,
		w->b.is_live ? NULL : &w->b.snapshot.id, a->text, &f, err))
		return err->code;
	if (a->json)
		return text_json(w, &f, code, err);
	if (text_diff(f.before.data, f.before.len, f.after.data, f.after.len, TEXT_DIFF_CONTEXT,
		print_line, &w->out, &sum, err))
		return err->code;
	bool equal = sum.added + sum.removed == 0 && f.has_before == f.has_after;
	if (equal ? buf_str(&head, "no difference\n", err) : add_text_head(&head, w, &f, err))
		return err->code;
	return diff_out_print(&w->out, &head, err);
}
