/*
 * Rows of INSERT: tuples in parentheses, as mariadb-dump and mysqldump write them.
 *
 *	WORDS ── INSERT, REPLACE ... VALUES ──> TUPLES ── ; ──> WORDS
 *
 * What is read may begin anywhere between two tuples.  Other statements, and comments
 * of any kind, are passed over.
 */
#include "db/row_impl.h"

#include <string.h>
#include <strings.h>

struct cursor {
	const uint8_t *p;
	const uint8_t *end;
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$' || c >= 0x80;
}

/* --- strings --- */

/* Which of eight bytes at once are c: their uppermost bits; the lowest of them is right. */
static inline uint64_t
bytes_equal(uint64_t eight, uint8_t c)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x = eight ^ (ones * c);
	return (x - ones) & ~x & (ones << 7);
}

/* The first of both from p on, or end. */
static inline const uint8_t *
find_either(const uint8_t *p, const uint8_t *end, uint8_t a, uint8_t b)
{
	for (; end - p >= 8; p += 8) {
		uint64_t eight;
		memcpy(&eight, p, sizeof eight);
		if ((bytes_equal(eight, a) | bytes_equal(eight, b)) != 0)
			break;
	}
	while (p < end && *p != a && *p != b)
		p++;
	return p;
}

/* From the opening quote behind the closing one; false: it is not closed.  A doubled quote
 * closes and opens anew, which comes to the same. */
static inline bool
skip_string(struct cursor *c)
{
	const uint8_t quote = *c->p++;
	for (;;) {
		c->p = find_either(c->p, c->end, quote, quote == '`' ? '`' : '\\');
		if (c->p == c->end)
			return false;
		if (*c->p++ == quote)
			return true;
		if (c->p == c->end)
			return false;
		c->p++;
	}
}

/* From behind the opening parenthesis behind the closing one; false: it is not closed. */
static bool
skip_tuple(struct cursor *c)
{
	static const bool stops[256] = {
		['\''] = true, ['"'] = true, ['`'] = true, ['('] = true, [')'] = true
	};
	unsigned depth = 1;
	while (c->p < c->end) {
		uint8_t ch = *c->p;
		if (!stops[ch]) {
			c->p++;
		} else if (ch == '(' || ch == ')') {
			c->p++;
			depth += ch == '(' ? 1 : -1u;
			if (depth == 0)
				return true;
		} else if (!skip_string(c)) {
			return false;
		}
	}
	return false;
}

/* --- words --- */

/* A comment begins here: go behind it, or, where its content counts, into it; the marks of
 * those end like a star and a slash alone.  false: it is none. */
static bool
skip_comment(struct cursor *c)
{
	size_t left = (size_t)(c->end - c->p);
	const uint8_t *p = c->p;
	const uint8_t *to = NULL;
	if (left >= 2 && p[0] == '*' && p[1] == '/') {
		c->p += 2;
		return true;
	}
	if (p[0] == '#' || (left >= 2 && p[0] == '-' && p[1] == '-')) {
		to = memchr(p, '\n', left);
		c->p = to != NULL ? to + 1 : c->end;
		return true;
	}
	if (left < 2 || p[0] != '/' || p[1] != '*')
		return false;
	size_t mark = left > 3 && p[2] == 'M' ? 3 : 2;
	if (left > mark && p[mark] == '!') {
		for (c->p += mark + 1; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
			;
		return true;
	}
	to = memmem(p + 2, left - 2, "*/", 2);
	c->p = to != NULL ? to + 2 : c->end;
	return true;
}

static void
skip_blanks(struct cursor *c)
{
	while (c->p < c->end && (is_blank(*c->p) || skip_comment(c)))
		c->p += c->p < c->end && is_blank(*c->p);
}

static bool
word_is(const uint8_t *from, const uint8_t *to, const char *word)
{
	size_t len = strlen(word);
	return (size_t)(to - from) == len && strncasecmp((const char *)from, word, len) == 0;
}

/* One word, string, parentheses or sign; false: it does not end. */
static bool
skip_token(struct cursor *c)
{
	uint8_t ch = *c->p;
	if (ch == '\'' || ch == '"' || ch == '`')
		return skip_string(c);
	if (ch == '(') {
		c->p++;
		return skip_tuple(c);
	}
	do
		c->p++;
	while (is_letter(ch) && c->p < c->end && is_letter(*c->p));
	return true;
}

/* Over a statement, from its first word on: behind VALUES when tuples follow, else behind its
 * semicolon.  false: neither comes. */
static bool
skip_words(struct cursor *c, bool *has_tuples)
{
	bool is_first = true;
	bool is_insert = false;
	*has_tuples = false;
	for (;;) {
		skip_blanks(c);
		if (c->p == c->end)
			return false;
		const uint8_t *from = c->p;
		if (*from == ';') {
			c->p++;
			return true;
		}
		if (!skip_token(c))
			return false;
		if (is_first)
			is_insert =
			    word_is(from, c->p, "INSERT") || word_is(from, c->p, "REPLACE");
		is_first = false;
		*has_tuples = is_insert && word_is(from, c->p, "VALUES");
		if (*has_tuples)
			return true;
	}
}

static size_t
insert_head(const uint8_t *data, size_t len)
{
	struct cursor c = { data, data + len };
	bool has_tuples = false;
	skip_blanks(&c);
	if (c.p == c.end || !is_letter(*c.p) || !skip_words(&c, &has_tuples) || !has_tuples)
		return 0;
	/* With one blank, which parts it from what follows. */
	if (c.p < c.end && is_blank(*c.p))
		c.p++;
	return (size_t)(c.p - data);
}

/* --- rows --- */

static enum err_code
next(struct row_reader *r, struct row *out, bool *got, struct err *err)
{
	struct cursor c = { r->data + r->pos, r->data + r->len };
	*got = false;
	for (;;) {
		while (c.p < c.end && (*c.p == ',' || *c.p == ';' || is_blank(*c.p)))
			c.p++;
		if (c.p == c.end)
			break;
		if (*c.p == '(') {
			const uint8_t *from = c.p++;
			if (!skip_tuple(&c))
				return err_set(
				    err, ERR_CORRUPT, "a row of INSERT does not end");
			*out = (struct row){ from, (size_t)(c.p - from) };
			*got = true;
			break;
		}
		bool has_tuples;
		if (!skip_comment(&c) && !skip_words(&c, &has_tuples))
			return err_set(err, ERR_CORRUPT,
			    "a statement between the rows of INSERT does not end");
	}
	r->pos = (size_t)(c.p - r->data);
	return ERR_OK;
}

/* --- fields --- */

/* The field without the blanks around it. */
static struct field
field_of(const uint8_t *from, const uint8_t *to)
{
	while (from < to && is_blank(*from))
		from++;
	while (from < to && is_blank(to[-1]))
		to--;
	bool is_null = to - from == 4 && (*from | 0x20) == 'n' && word_is(from, to, "NULL");
	return (struct field){ from, (size_t)(to - from), is_null, 0 };
}

static enum err_code
bad_row(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "a row of INSERT is not as it should be");
}

/* Behind the value that begins here: at its comma, or at the end; false: a string in it does
 * not end. */
static bool
skip_value(struct cursor *c)
{
	static const bool stops[256] = {
		['\''] = true, ['"'] = true, ['`'] = true, ['('] = true, [','] = true
	};
	while (c->p < c->end) {
		uint8_t ch = *c->p;
		if (!stops[ch]) {
			c->p++;
		} else if (ch == ',') {
			return true;
		} else if (ch == '(') {
			c->p++;
			if (!skip_tuple(c))
				return false;
		} else if (!skip_string(c)) {
			return false;
		}
	}
	return true;
}

static enum err_code
split(const struct row *row, struct field *fields, size_t max, size_t *count, struct err *err)
{
	if (row->len < 2 || row->data[0] != '(' || row->data[row->len - 1] != ')')
		return bad_row(err);
	struct cursor c = { row->data + 1, row->data + row->len - 1 };
	size_t n = 0;
	for (;;) {
		const uint8_t *from = c.p;
		if (!skip_value(&c))
			return bad_row(err);
		if (n < max)
			fields[n] = field_of(from, c.p);
		n++;
		if (c.p == c.end)
			break;
		c.p++;
	}
	*count = n;
	return ERR_OK;
}

/* --- text --- */

/* What stands behind a backslash.  Of a per cent and an underscore it stays, since it is meant
 * for LIKE. */
static enum err_code
put_escaped(uint8_t c, struct buf *out, struct err *err)
{
	static const uint8_t letters[256] = {
		['b'] = '\b', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t', ['Z'] = 0x1a
	};
	if (c == '0')
		return buf_u8(out, '\0', err);
	if (c == '%' || c == '_')
		return buf_u8(out, '\\', err) ? err->code : buf_u8(out, c, err);
	return buf_u8(out, letters[c] != 0 ? letters[c] : c, err);
}

/* The content of the string that begins here; the cursor goes behind it. */
static enum err_code
put_string(struct cursor *c, struct buf *out, struct err *err)
{
	const uint8_t quote = *c->p++;
	while (c->p < c->end) {
		const uint8_t *from = c->p;
		c->p = find_either(from, c->end, quote, '\\');
		if (buf_add(out, from, (size_t)(c->p - from), err))
			return err->code;
		if (c->end - c->p < 1)
			break;
		bool is_quote = *c->p++ == quote;
		bool is_last = c->p == c->end;
		if (is_quote && (is_last || *c->p != quote))
			return ERR_OK;
		if (is_last)
			break;
		uint8_t ch = *c->p++;
		if (is_quote ? buf_u8(out, ch, err) : put_escaped(ch, out, err))
			return err->code;
	}
	return bad_row(err);
}

/* Digits of so many bits each as bytes; what is missing to whole ones is zeros in front. */
static enum err_code
put_digits(const uint8_t *p, size_t len, unsigned bits, struct buf *out, struct err *err)
{
	const size_t per_byte = 8 / bits;
	unsigned v = 0;
	for (size_t i = 0; i < len; i++) {
		int digit = row_digit(p[i]);
		if (digit >= 1 << bits)
			return bad_row(err);
		v = v << bits | (unsigned)digit;
		if ((len - i - 1) % per_byte != 0)
			continue;
		if (buf_u8(out, (uint8_t)v, err))
			return err->code;
		v = 0;
	}
	return ERR_OK;
}

/* X'0F' and b'101', or 0x0F and 0b101; *is_one is false for anything else. */
static enum err_code
put_literal(const uint8_t *p, size_t len, bool *is_one, struct buf *out, struct err *err)
{
	uint8_t kind = len >= 2 ? p[0] | 0x20 : '\0';
	if (len >= 3 && p[1] == '\'' && p[len - 1] == '\'' && (kind == 'x' || kind == 'b')) {
		*is_one = true;
		return put_digits(p + 2, len - 3, kind == 'x' ? 4 : 1, out, err);
	}
	kind = len >= 3 && p[0] == '0' ? p[1] : '\0';
	*is_one = kind == 'x' || kind == 'b';
	return *is_one ? put_digits(p + 2, len - 2, kind == 'x' ? 4 : 1, out, err) : ERR_OK;
}

/* _utf8mb4 and its like, which say what a string is in; or N. */
static void
skip_introducer(struct cursor *c)
{
	struct cursor word = *c;
	if (word.p == word.end || (*word.p != '_' && (*word.p | 0x20) != 'n'))
		return;
	while (word.p < word.end && is_letter(*word.p))
		word.p++;
	const bool is_national = word.p - c->p == 1;
	if (*c->p != '_' && !is_national)
		return;
	while (word.p < word.end && is_blank(*word.p))
		word.p++;
	if (word.p < word.end && (*c->p == '_' || *word.p == '\''))
		*c = word;
}

static enum err_code
text(const struct field *field, struct buf *out, struct err *err)
{
	struct cursor c = { field->data, field->data + field->len };
	bool is_literal;
	skip_introducer(&c);
	if (put_literal(c.p, (size_t)(c.end - c.p), &is_literal, out, err))
		return err->code;
	if (is_literal)
		return ERR_OK;
	if (c.p == c.end || (*c.p != '\'' && *c.p != '"'))
		return buf_add(out, c.p, (size_t)(c.end - c.p), err);
	/* Strings side by side are one. */
	while (c.p < c.end) {
		if (*c.p != '\'' && *c.p != '"')
			return bad_row(err);
		if (put_string(&c, out, err))
			return err->code;
		while (c.p < c.end && is_blank(*c.p))
			c.p++;
	}
	return ERR_OK;
}

const struct row_ops row_insert_ops = { next, insert_head, split, NULL, text };
