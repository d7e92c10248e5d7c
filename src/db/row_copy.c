/*
 * Rows of COPY: a line each, fields parted by tabs, backslashes for what would be
 * misread, \N for null.
 */
#include "db/row_impl.h"

#include <string.h>

static const char opening[] = "COPY ";
static const char closing[] = " FROM stdin;\n";

/* The line of COPY.  A quoted name may hold anything, a line's end and a semicolon, too. */
static size_t
copy_head(const uint8_t *data, size_t len)
{
	bool is_quoted = false;
	if (len < sizeof opening - 1 || memcmp(data, opening, sizeof opening - 1) != 0)
		return 0;
	for (size_t i = sizeof opening - 1; i < len; i++) {
		if (data[i] == '"')
			is_quoted = !is_quoted;
		if (is_quoted)
			continue;
		if (data[i] == '\t' || data[i] == '\\')
			return 0;
		if (data[i] != '\n')
			continue;
		bool is_closed =
		    i + 1 >= sizeof closing - 1 &&
		    memcmp(data + i + 2 - sizeof closing, closing, sizeof closing - 1) == 0;
		return is_closed ? i + 1 : 0;
	}
	return 0;
}

/* Behind the rows: empty lines, and maybe the next head. */
static enum err_code
pass_over_tail(struct row_reader *r, struct err *err)
{
	while (r->pos < r->len && r->data[r->pos] == '\n')
		r->pos++;
	if (r->pos == r->len)
		return ERR_OK;
	size_t head = copy_head(r->data + r->pos, r->len - r->pos);
	r->pos += head;
	if (head == 0)
		return err_set(err, ERR_CORRUPT,
		    "a table's rows have ended, but something stands behind them");
	return ERR_OK;
}

static enum err_code
next(struct row_reader *r, struct row *out, bool *got, struct err *err)
{
	if (r->pos == 0 && !r->begins_at_row)
		r->pos = copy_head(r->data, r->len);
	*got = false;
	while (r->pos < r->len) {
		const uint8_t *p = r->data + r->pos;
		const uint8_t *nl = memchr(p, '\n', r->len - r->pos);
		if (nl == NULL)
			return err_set(err, ERR_CORRUPT, "a line of COPY does not end");
		r->pos = (size_t)(nl - r->data) + 1;
		if (nl - p != 2 || p[0] != '\\' || p[1] != '.') {
			*out = (struct row){ p, (size_t)(nl - p) };
			*got = true;
			return ERR_OK;
		}
		if (pass_over_tail(r, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
split(const struct row *row, struct field *fields, size_t max, size_t *count, struct err *err)
{
	(void)err;
	/* A row without a byte is one empty field, and may point nowhere. */
	const uint8_t *p = row->data != NULL ? row->data : (const uint8_t *)"";
	const uint8_t *end = p + row->len;
	size_t n = 0;
	for (;;) {
		const uint8_t *tab = memchr(p, '\t', (size_t)(end - p));
		const uint8_t *to = tab != NULL ? tab : end;
		if (n < max) {
			bool is_null = to - p == 2 && p[0] == '\\' && p[1] == 'N';
			fields[n] = (struct field){ p, (size_t)(to - p), is_null, 0 };
		}
		n++;
		if (tab == NULL)
			break;
		p = tab + 1;
	}
	*count = n;
	return ERR_OK;
}

/* --- text --- */

/* Up to max digits from *p on; false when there is none. */
static bool
number(const uint8_t **p, const uint8_t *end, int base, int max, uint8_t *out)
{
	unsigned v = 0;
	int n = 0;
	for (; n < max && *p < end && row_digit(**p) < base; n++, (*p)++)
		v = v * (unsigned)base + (unsigned)row_digit(**p);
	*out = (uint8_t)v;
	return n > 0;
}

/* The byte that is meant, from behind the backslash on; *p goes behind it. */
static uint8_t
unescaped(const uint8_t **p, const uint8_t *end)
{
	static const uint8_t letters[256] = { ['b'] = '\b',
		['f'] = '\f',
		['n'] = '\n',
		['r'] = '\r',
		['t'] = '\t',
		['v'] = '\v' };
	uint8_t out;
	if (**p >= '0' && **p <= '7') {
		(void)number(p, end, 8, 3, &out);
		return out;
	}
	uint8_t c = *(*p)++;
	if (c == 'x' && number(p, end, 16, 2, &out))
		return out;
	return letters[c] != 0 ? letters[c] : c;
}

static enum err_code
text(const struct field *field, struct buf *out, struct err *err)
{
	const uint8_t *p = field->data;
	const uint8_t *end = p + field->len;
	while (p < end) {
		const uint8_t *slash = memchr(p, '\\', (size_t)(end - p));
		const uint8_t *to = slash != NULL ? slash : end;
		if (buf_add(out, p, (size_t)(to - p), err))
			return err->code;
		if (slash == NULL)
			break;
		p = slash + 1;
		if (p == end)
			return err_set(
			    err, ERR_CORRUPT, "a field of COPY ends with half of an escape");
		if (buf_u8(out, unescaped(&p, end), err))
			return err->code;
	}
	return ERR_OK;
}

const struct row_ops row_copy_ops = { next, copy_head, split, NULL, text };
