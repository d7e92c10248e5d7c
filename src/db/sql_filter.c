#include "db/sql_filter.h"

#include <string.h>

#define READ_SIZE ((size_t)256 << 10)

struct sql_filter {
	struct dump_source base;
	struct dump_source *src;
	enum sql_dialect dialect;
	sql_filter_fn *fn;
	void *arg;
	struct sql_scan *scan;
	struct buf in; /* read, not yet taken, from in_at on */
	size_t in_at;
	bool at_end; /* of the source */
	struct buf text; /* since the last statement's end */
	bool has_ended; /* a statement did, in the line at hand */
	bool in_copy;
	struct err note_err; /* of what cannot tell one */
	struct buf out; /* to be given, from out_at on */
	size_t out_at;
};

/* --- statements --- */

static enum err_code
decide(struct sql_filter *f, const struct sql_head *head, const char *note, struct err *err)
{
	f->has_ended = true;
	return f->fn(f->arg, head, note, &f->text, err);
}

static enum err_code
on_statement(void *arg, const struct sql_head *head, uint64_t bytes, struct checksum128 content,
    struct err *err)
{
	(void)bytes;
	(void)content;
	return decide(arg, head, NULL, err);
}

static enum err_code
on_rows(void *arg, const struct sql_head *head, const struct sql_rows *rows, struct err *err)
{
	(void)rows;
	return decide(arg, head, NULL, err);
}

/* A comment says nothing here. */
static void
on_note(void *arg, const char *note)
{
	struct sql_filter *f = arg;
	if (note[0] == '\\' && f->note_err.code == ERR_OK)
		(void)!decide(f, NULL, note, &f->note_err);
}

static const struct sql_scan_ops scan_ops = { on_statement, on_rows, on_note };

/* --- lines --- */

static bool
begins_copy(const uint8_t *line, size_t len)
{
	static const char end[] = " FROM stdin;\n";
	size_t n = sizeof end - 1;
	return len > n + 5 && memcmp(line, "COPY ", 5) == 0 &&
	       memcmp(line + len - n, end, n) == 0;
}

static bool
is_blank(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] > ' ')
			return false;
	return true;
}

/* Does a statement begin with the next line?  Comments before it do not count. */
static bool
is_between(const struct buf *text)
{
	for (size_t at = 0; at < text->len;) {
		const uint8_t *line = text->data + at;
		const uint8_t *end = memchr(line, '\n', text->len - at);
		size_t len = end != NULL ? (size_t)(end - line) + 1 : text->len - at;
		struct buf one = { .data = (uint8_t *)(uintptr_t)line, .len = len };
		if (!is_blank(&one) && (len < 2 || memcmp(line, "--", 2) != 0))
			return false;
		at += len;
	}
	return true;
}

static enum err_code
give_text(struct sql_filter *f, struct err *err)
{
	if (buf_add(&f->out, f->text.data, f->text.len, err))
		return err->code;
	f->text.len = 0;
	return ERR_OK;
}

static enum err_code
take_line(struct sql_filter *f, const uint8_t *line, size_t len, struct err *err)
{
	if (f->in_copy) {
		f->in_copy = !(len == 3 && memcmp(line, "\\.\n", 3) == 0);
		return buf_add(&f->out, line, len, err);
	}
	if (f->dialect == SQL_POSTGRES && begins_copy(line, len) && is_between(&f->text)) {
		f->in_copy = true;
		return give_text(f, err) ? err->code : buf_add(&f->out, line, len, err);
	}
	f->has_ended = false;
	if (buf_add(&f->text, line, len, err) || sql_scan_feed(f->scan, line, len, err))
		return err->code;
	if (f->note_err.code != ERR_OK) {
		*err = f->note_err;
		return err->code;
	}
	return f->has_ended ? give_text(f, err) : ERR_OK;
}

static enum err_code
read_more(struct sql_filter *f, struct err *err)
{
	size_t got;
	size_t left = f->in.len - f->in_at;
	if (f->in_at > 0 && left > 0)
		memmove(f->in.data, f->in.data + f->in_at, left);
	f->in.len = left;
	f->in_at = 0;
	if (buf_reserve(&f->in, READ_SIZE, err) ||
	    f->src->ops->read(f->src, f->in.data + f->in.len, READ_SIZE, &got, err))
		return err->code;
	f->in.len += got;
	f->at_end = got == 0;
	return ERR_OK;
}

/* Whole lines, and at the end what is left. */
static enum err_code
advance(struct sql_filter *f, struct err *err)
{
	size_t searched = f->in.len - f->in_at;
	if (read_more(f, err))
		return err->code;
	const uint8_t *end;
	while ((end = memchr(f->in.data + f->in_at + searched, '\n',
		    f->in.len - f->in_at - searched)) != NULL) {
		const uint8_t *line = f->in.data + f->in_at;
		size_t len = (size_t)(end - line) + 1;
		if (take_line(f, line, len, err))
			return err->code;
		f->in_at += len;
		searched = 0;
	}
	if (!f->at_end)
		return ERR_OK;
	if (f->in.len > f->in_at &&
	    take_line(f, f->in.data + f->in_at, f->in.len - f->in_at, err))
		return err->code;
	f->in_at = f->in.len;
	return give_text(f, err);
}

/* --- as a source --- */

static enum err_code
filter_open(struct dump_source *src, const char *name, struct err *err)
{
	struct sql_filter *f = (struct sql_filter *)src;
	return f->src->ops->open(f->src, name, err);
}

static enum err_code
filter_read(struct dump_source *src, void *out, size_t len, size_t *got, struct err *err)
{
	struct sql_filter *f = (struct sql_filter *)src;
	if (f->out_at == f->out.len) {
		f->out.len = 0;
		f->out_at = 0;
	}
	while (f->out.len == 0 && !f->at_end)
		if (advance(f, err))
			return err->code;
	*got = min_size(len, f->out.len - f->out_at);
	if (*got > 0)
		memcpy(out, f->out.data + f->out_at, *got);
	f->out_at += *got;
	return ERR_OK;
}

static void
filter_close(struct dump_source *src)
{
	struct sql_filter *f = (struct sql_filter *)src;
	f->src->ops->close(f->src);
}

static const struct dump_source_ops filter_ops = {
	.open = filter_open,
	.read = filter_read,
	.close = filter_close,
};

enum err_code
sql_filter_new(struct sql_filter **out, struct dump_source *src, enum sql_dialect dialect,
    sql_filter_fn *fn, void *arg, struct err *err)
{
	AUTO(sql_filter) struct sql_filter *f = calloc(1, sizeof *f);
	if (f == NULL)
		return err_nomem(err);
	*f = (struct sql_filter){ .base = { &filter_ops },
		.src = src,
		.dialect = dialect,
		.fn = fn,
		.arg = arg,
		.note_err = ERR_INIT };
	if (sql_scan_new(&f->scan, dialect, &scan_ops, f, err))
		return err->code;
	*out = TAKE(f);
	return ERR_OK;
}

void
sql_filter_free(struct sql_filter *f)
{
	if (f == NULL)
		return;
	sql_scan_free(f->scan);
	buf_release(&f->in);
	buf_release(&f->text);
	buf_release(&f->out);
	free(f);
}

struct dump_source *
sql_filter_source(struct sql_filter *f)
{
	return &f->base;
}
