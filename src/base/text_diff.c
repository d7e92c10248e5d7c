#include "base/text_diff.h"

#include "base/seq_diff.h"

#include <stdio.h>
#include <string.h>

struct side {
	struct seq_item *lines; /* with their newlines */
	size_t count;
	size_t *numbers;
	bool *marked; /* lines that the other side lacks */
};

struct differ {
	struct side a;
	struct side b;
	size_t context;
	text_diff_fn *fn;
	void *arg;
	struct text_diff_result sum;
};

/* Lines x0..x1 of a became y0..y1 of b. */
struct change {
	size_t x0, x1;
	size_t y0, y1;
};

static void
side_release(struct side *s)
{
	free(s->lines);
	free(s->numbers);
	free(s->marked);
}

static void
differ_auto(struct differ *d)
{
	side_release(&d->a);
	side_release(&d->b);
}

static const char *
line_end(const char *p, const char *end)
{
	const char *newline = memchr(p, '\n', (size_t)(end - p));
	return newline != NULL ? newline + 1 : end;
}

static enum err_code
split(struct side *s, const char *text, size_t len, struct err *err)
{
	const char *end = text + len;
	size_t count = 0;
	for (const char *p = text; len > 0 && p < end; p = line_end(p, end))
		count++;
	s->lines = reallocarray(NULL, count + 1, sizeof *s->lines);
	s->numbers = reallocarray(NULL, count + 1, sizeof *s->numbers);
	s->marked = calloc(count + 1, sizeof *s->marked);
	if (s->lines == NULL || s->numbers == NULL || s->marked == NULL)
		return err_nomem(err);
	for (const char *p = text; s->count < count;) {
		const char *next = line_end(p, end);
		s->lines[s->count++] = (struct seq_item){ p, (size_t)(next - p) };
		p = next;
	}
	return ERR_OK;
}

/* The next change from line x of a and y of b on, which are partners; false at the end. */
static bool
next_change(const struct differ *d, size_t x, size_t y, struct change *out)
{
	while (x < d->a.count && y < d->b.count && !d->a.marked[x] && !d->b.marked[y]) {
		x++;
		y++;
	}
	*out = (struct change){ x, x, y, y };
	while (out->x1 < d->a.count && d->a.marked[out->x1])
		out->x1++;
	while (out->y1 < d->b.count && d->b.marked[out->y1])
		out->y1++;
	return out->x1 > x || out->y1 > y;
}

static enum err_code
tell_line(struct differ *d, char mark, const struct seq_item *line, struct err *err)
{
	static const char no_newline[] = "\\ No newline at end of file";
	const char *text = line->data;
	bool is_whole = text[line->len - 1] == '\n';
	if (d->fn(d->arg, mark, text, line->len - is_whole, err))
		return err->code;
	return is_whole ? ERR_OK : d->fn(d->arg, '\\', no_newline, sizeof no_newline - 1, err);
}

static enum err_code
tell_lines(
    struct differ *d, char mark, const struct side *s, size_t from, size_t to, struct err *err)
{
	for (size_t i = from; i < to; i++)
		if (tell_line(d, mark, &s->lines[i], err))
			return err->code;
	return ERR_OK;
}

/* "12,3"; of one line without its count; of none the line before. */
static void
format_range(char out[48], size_t from, size_t to)
{
	if (to - from == 1)
		snprintf(out, 48, "%zu", from + 1);
	else
		snprintf(out, 48, "%zu,%zu", to > from ? from + 1 : from, to - from);
}

static enum err_code
tell_head(struct differ *d, const struct change *hunk, struct err *err)
{
	char before[48], after[48], head[112];
	format_range(before, hunk->x0, hunk->x1);
	format_range(after, hunk->y0, hunk->y1);
	int n = snprintf(head, sizeof head, "@@ -%s +%s @@", before, after);
	return d->fn(d->arg, '@', head, (size_t)n, err);
}

/* The lines of a hunk: its changes, and what is the same between them. */
static enum err_code
tell_hunk(struct differ *d, const struct change *hunk, struct err *err)
{
	struct change c;
	size_t x = hunk->x0;
	size_t y = hunk->y0;
	if (tell_head(d, hunk, err))
		return err->code;
	while (next_change(d, x, y, &c) && c.x0 <= hunk->x1) {
		if (tell_lines(d, ' ', &d->a, x, c.x0, err) ||
		    tell_lines(d, '-', &d->a, c.x0, c.x1, err) ||
		    tell_lines(d, '+', &d->b, c.y0, c.y1, err))
			return err->code;
		d->sum.removed += c.x1 - c.x0;
		d->sum.added += c.y1 - c.y0;
		x = c.x1;
		y = c.y1;
	}
	return tell_lines(d, ' ', &d->a, x, hunk->x1, err);
}

/* Changes with no more than twice the context between them share a hunk. */
static enum err_code
tell_all(struct differ *d, struct err *err)
{
	struct change c;
	bool more = next_change(d, 0, 0, &c);
	while (more) {
		size_t lead = min_size(d->context, c.x0);
		struct change hunk = { c.x0 - lead, c.x1, c.y0 - lead, c.y1 };
		while ((more = next_change(d, hunk.x1, hunk.y1, &c)) &&
		       c.x0 - hunk.x1 <= 2 * d->context) {
			hunk.x1 = c.x1;
			hunk.y1 = c.y1;
		}
		size_t trail = min_size(d->context, d->a.count - hunk.x1);
		hunk.x1 += trail;
		hunk.y1 += trail;
		if (tell_hunk(d, &hunk, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
text_diff(const void *a, size_t a_len, const void *b, size_t b_len, size_t context,
    text_diff_fn *fn, void *arg, struct text_diff_result *out, struct err *err)
{
	AUTO(differ) struct differ d = { .context = context, .fn = fn, .arg = arg };
	if (split(&d.a, a, a_len, err) || split(&d.b, b, b_len, err) ||
	    seq_number(
		d.a.lines, d.a.count, d.b.lines, d.b.count, d.a.numbers, d.b.numbers, err) ||
	    seq_diff(
		d.a.numbers, d.a.count, d.b.numbers, d.b.count, d.a.marked, d.b.marked, err) ||
	    tell_all(&d, err))
		return err->code;
	if (out != NULL)
		*out = d.sum;
	return ERR_OK;
}

static enum err_code
add_line(void *arg, char mark, const char *text, size_t len, struct err *err)
{
	struct buf *out = arg;
	bool has_mark = mark == '@' || mark == '\\';
	if (!has_mark && buf_u8(out, (uint8_t)mark, err))
		return err->code;
	return buf_add(out, text, len, err) ? err->code : buf_u8(out, '\n', err);
}

enum err_code
text_diff_unified(struct buf *out, const void *a, size_t a_len, const void *b, size_t b_len,
    size_t context, struct err *err)
{
	return text_diff(a, a_len, b, b_len, context, add_line, out, NULL, err);
}
