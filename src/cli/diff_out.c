#include "cli/diff_out.h"

#include "base/counted.h"
#include "cli/pager.h"

static enum err_code
read_columns(struct diff_out *o, const char *given, struct err *err)
{
	if (given == NULL)
		return ERR_OK;
	if (strv_split(&o->columns, given, ',', err))
		return err->code;
	if (o->columns.len == 0)
		return err_set(
		    err, ERR_USAGE, "--columns: which? Give names, as in \"id,name\"");
	return ERR_OK;
}

enum err_code
diff_out_init(struct diff_out *o, struct cli *c, struct err *err)
{
	*o = (struct diff_out){ .cli = c, .limit = SIZE_MAX };
	diff_view_init(&o->files, c->args.no_color);
	o->with_files = !c->args.stat;
	o->with_schema = c->args.schema;
	o->text.out = &o->spool;
	o->text.screen = &o->files.screen;
	o->text.columns = o->json.columns = o->html.columns = &o->columns;
	return read_columns(o, c->args.columns, err);
}

void
diff_out_release(struct diff_out *o)
{
	diff_sum_release(&o->sum);
	diff_view_release(&o->files);
	rows_text_release(&o->text);
	rows_json_release(&o->json);
	diff_html_release(&o->html);
	spool_release(&o->spool);
	strv_release(&o->columns);
}

static enum err_code
write_image(struct buf *line, const struct sum_image *m, struct err *err)
{
	static const char *const keys[][2] = { { "image_before", "image_id_before" },
		{ "image_after", "image_id_after" } };
	struct json_writer w;
	json_init(&w, line);
	json_obj(&w, NULL);
	json_str(&w, "type", "image");
	json_str(&w, "service", m->service);
	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		if (m->name[k] == NULL)
			continue;
		json_str(&w, keys[k][0], m->name[k]);
		json_str(&w, keys[k][1], m->id[k]);
	}
	json_obj_end(&w);
	return json_finish(&w, err) ? err->code : cli_write_line(line, err);
}

enum err_code
diff_out_images(struct diff_out *o, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	for (size_t i = 0; o->cli->args.json && i < o->sum.n_images; i++)
		if (write_image(&line, &o->sum.images[i], err))
			return err->code;
	return ERR_OK;
}

/* --- files --- */

static enum err_code
tell_rest(struct diff_out *o, struct err *err)
{
	char count[COUNTED_MAX];
	char line[COUNTED_MAX + 64];
	if (o->told <= o->limit || o->cli->args.json)
		return ERR_OK;
	counted_number(count, o->told - o->limit);
	int n = snprintf(
	    line, sizeof line, "  \xe2\x80\xa6 %s more (--limit 0 shows all)\n", count);
	return spool_add(&o->spool, line, (size_t)n, err);
}

enum err_code
diff_out_files_end(struct diff_out *o, struct err *err)
{
	if (tell_rest(o, err))
		return err->code;
	o->member = NULL;
	o->told = 0;
	return ERR_OK;
}

static enum err_code
print_file(struct diff_out *o, char letter, const struct tree_diff *d, struct err *err)
{
	struct diff_view *v = &o->files;
	if (o->cli->args.html != NULL && diff_html_file(&o->html, letter, d, err))
		return err->code;
	if (o->cli->args.json)
		return diff_view_json(
		    v, "difference", letter, d->path, d->fields, d->a, d->b, err);
	/* Nothing comes above them, and a pipe's reader may not want all. */
	if (!o->is_stack && !v->screen.is_terminal)
		return diff_view_print(v, letter, d->path, d->fields, d->a, d->b, err);
	v->line.len = 0;
	if (diff_view_add(v, &v->line, letter, d->path, d->fields, d->a, d->b, err))
		return err->code;
	return spool_add(&o->spool, v->line.data, v->line.len, err);
}

enum err_code
diff_out_file(void *arg, const struct tree_diff *d, struct err *err)
{
	struct diff_out *o = arg;
	char letter = d->kind == TREE_DIFF_ADDED     ? '+'
		      : d->kind == TREE_DIFF_REMOVED ? '-'
						     : diff_view_letter(d->fields);
	if (o->is_stack) {
		struct sum_member *m = diff_sum_member_of(&o->sum, d->path);
		if (m == NULL)
			return ERR_OK;
		diff_sum_file(&o->sum, m, d);
		if (m != o->member && diff_out_files_end(o, err))
			return err->code;
		o->member = m;
	}
	if (!o->with_files || o->told++ >= o->limit)
		return ERR_OK;
	return print_file(o, letter, d, err);
}

/* --- databases --- */

static enum err_code
write_json(struct diff_out *o, enum err_code made, struct err *err)
{
	if (made)
		return made;
	return o->json.line.len > 0 ? cli_write_line(&o->json.line, err) : ERR_OK;
}

static enum err_code
tell_row(void *arg, const struct diff_table *t, enum row_change change,
    const struct row *before, const struct row *after, struct err *err)
{
	struct diff_out *o = arg;
	if (o->cli->args.html != NULL && diff_html_row(&o->html, t, change, before, after, err))
		return err->code;
	if (o->cli->args.json)
		return write_json(
		    o, rows_json_row(&o->json, t, change, before, after, err), err);
	return rows_text_row(&o->text, t, change, before, after, err);
}

static enum err_code
tell_table(void *arg, const struct diff_table *t, struct err *err)
{
	struct diff_out *o = arg;
	if (diff_sum_table(&o->sum, t, err) ||
	    (o->cli->args.html != NULL && diff_html_table(&o->html, t, err)))
		return err->code;
	if (!o->cli->args.json)
		return rows_text_table(&o->text, t, err);
	if (t->state == DIFF_SAME || o->cli->args.stat)
		return ERR_OK;
	return write_json(o, rows_json_table(&o->json, t, err), err);
}

static enum err_code
tell_object(void *arg, const struct diff_object *d, struct err *err)
{
	struct diff_out *o = arg;
	if (d->state == DIFF_SAME)
		return ERR_OK;
	if (diff_sum_object(&o->sum, d, err))
		return err->code;
	if (!o->with_schema)
		return ERR_OK;
	if (o->cli->args.html != NULL && diff_html_object(&o->html, d, err))
		return err->code;
	if (o->cli->args.json)
		return write_json(o, rows_json_object(&o->json, d, err), err);
	return rows_text_object(&o->text, d, err);
}

static enum err_code
tell_moment(void *arg, const char *service, const struct db_fence *fence, struct err *err)
{
	struct diff_out *o = arg;
	if (diff_sum_moment(&o->sum, service, fence->begin_ns, err))
		return err->code;
	if (!o->cli->args.json)
		return ERR_OK;
	return write_json(o, rows_json_moment(&o->json, service, fence, err), err);
}

static enum err_code
tell_unknown(void *arg, const char *service, const char *what, const char *why, struct err *err)
{
	struct diff_out *o = arg;
	if (diff_sum_unknown(&o->sum, service, what, why, err))
		return err->code;
	if (!o->cli->args.json)
		return ERR_OK;
	return write_json(o, rows_json_unknown(&o->json, service, what, why, err), err);
}

const struct diff_rows_ops diff_out_rows = {
	.object = tell_object,
	.row = tell_row,
	.table = tell_table,
	.moment = tell_moment,
	.unknown = tell_unknown,
};

/* --- the end --- */

static bool
is_long(const struct diff_out *o, const struct buf *head)
{
	struct spool top = { .memory = *head };
	size_t width = screen_width(&o->files.screen);
	size_t height = screen_height(&o->files.screen);
	return spool_lines(&top, width, height) + spool_lines(&o->spool, width, height) >=
	       height;
}

enum err_code
diff_out_print(struct diff_out *o, const struct buf *head, struct err *err)
{
	const struct args *a = &o->cli->args;
	AUTO(pager) struct pager *pager = NULL;
	const char *command = a->no_pager ? NULL : pager_command(a->pager);
	if (o->files.screen.is_terminal && command != NULL && is_long(o, head)) {
		struct err why = ERR_INIT;
		if (o->cli->text != NULL)
			text_sink_clear(o->cli->text);
		if (pager_start(&pager, command, &why))
			event_warning(o->cli->events, NULL, "no pager: %s", why.msg);
	}
	if (head->len > 0)
		fwrite(head->data, 1, head->len, stdout);
	enum err_code rc = spool_write(&o->spool, stdout, err);
	/* That the user left the pager is no failure. */
	if (rc || pager != NULL)
		return rc;
	return cli_flush(err);
}
