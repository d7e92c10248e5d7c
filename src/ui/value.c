#include "ui/value.h"

#include "base/bytes.h"
#include "base/counted.h"
#include "base/strv.h"
#include "ui/escape.h"

#include <strings.h>

#define ELLIPSIS "\xe2\x80\xa6"
#define WORTH_CUTTING 24 /* what says that less was left out is as long itself */

enum value_kind
value_kind_of(const char *type)
{
	static const char *const texts[] = { "char", "varchar", "text", "character", "tinytext",
		"mediumtext", "longtext", "citext", "name", "xml", "enum", "set", "clob",
		"nvarchar", "bpchar", "\"char\"" };
	static const char *const bytes[] = { "bytea", "binary", "varbinary", "blob", "tinyblob",
		"mediumblob", "longblob", "bit", "geometry", "point" };
	static const char *const json[] = { "json", "jsonb" };
	const struct {
		const char *const *words;
		size_t count;
		enum value_kind kind;
	} kinds[] = {
		{ texts, ARRAY_LEN(texts), VALUE_TEXT },
		{ bytes, ARRAY_LEN(bytes), VALUE_BYTES },
		{ json, ARRAY_LEN(json), VALUE_JSON },
	};
	size_t len = strcspn(type, "( ");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		for (size_t k = 0; k < kinds[i].count; k++)
			if (strlen(kinds[i].words[k]) == len &&
			    strncasecmp(type, kinds[i].words[k], len) == 0)
				return kinds[i].kind;
	return VALUE_PLAIN;
}

/* --- what is shown of it --- */

/* How a value is written: its bytes, and whether as hexadecimal. */
struct form {
	const uint8_t *data;
	size_t len;
	bool is_hex;
	const char *quote; /* around it */
	struct buf decoded; /* what data points to, where that had to be made */
};

static void
form_auto(struct form *f)
{
	buf_release(&f->decoded);
}

/* A run of bytes that is shown. */
struct shown {
	size_t from;
	size_t to;
};

#define SHOWN_MAX 4

struct cut {
	struct shown parts[SHOWN_MAX];
	size_t count;
};

static bool
is_word(const uint8_t *p, size_t len)
{
	if (len == 0 || len > 64 || (len == 4 && memcmp(p, "NULL", 4) == 0) || p[0] == ' ' ||
	    p[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++) {
		bool is_letter = (p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'z';
		bool is_digit = p[i] >= '0' && p[i] <= '9';
		if (!is_letter && !is_digit &&
		    (p[i] == '\0' || strchr(" +-.:/_", p[i]) == NULL))
			return false;
	}
	return true;
}

static bool
is_text(const uint8_t *p, size_t len)
{
	return len == 0 || (memchr(p, '\0', len) == NULL && str_is_utf8((const char *)p, len));
}

/* "\x" and digits: the bytes. */
static enum err_code
decode_hex(struct form *f, bool *decoded, struct err *err)
{
	*decoded = false;
	if (f->len < 2 || f->len % 2 != 0 || f->data[0] != '\\' || f->data[1] != 'x')
		return ERR_OK;
	size_t n = f->len / 2 - 1;
	if (buf_reserve(&f->decoded, n + 1, err))
		return err->code;
	if (!hex_decode(f->decoded.data, n, (const char *)f->data + 2, f->len - 2))
		return ERR_OK;
	f->data = f->decoded.data;
	f->len = n;
	*decoded = true;
	return ERR_OK;
}

static enum err_code
find_form(struct form *f, const struct value *v, struct err *err)
{
	bool decoded = false;
	*f = (struct form){ v->data, v->len, false, "\"", BUF_INIT };
	if (v->kind == VALUE_BYTES && decode_hex(f, &decoded, err))
		return err->code;
	if (decoded || v->kind == VALUE_BYTES || !is_text(f->data, f->len)) {
		f->is_hex = true;
		f->quote = "";
	} else if (v->kind == VALUE_JSON ||
		   (v->kind == VALUE_PLAIN && is_word(f->data, f->len))) {
		f->quote = "";
	}
	return ERR_OK;
}

/* The beginning of the character that byte i belongs to. */
static size_t
whole(const struct form *f, size_t i)
{
	while (!f->is_hex && i > 0 && i < f->len && (f->data[i] & 0xc0) == 0x80)
		i--;
	return i;
}

/* Show from..to as well; in order, and joined to the last one where hardly anything is between.
 */
static void
show(struct cut *c, const struct form *f, size_t from, size_t to)
{
	from = whole(f, from);
	while (!f->is_hex && to < f->len && (f->data[to] & 0xc0) == 0x80)
		to++;
	if (from < WORTH_CUTTING && c->count == 0)
		from = 0;
	if (f->len - to < WORTH_CUTTING)
		to = f->len;
	struct shown *last = c->count > 0 ? &c->parts[c->count - 1] : NULL;
	if (last != NULL && from < last->to + WORTH_CUTTING)
		last->to = max_size(last->to, to);
	else
		c->parts[c->count++] = (struct shown){ from, to };
}

/* The beginning and the end of from..to, about max bytes of it. */
static void
show_ends(struct cut *c, const struct form *f, size_t from, size_t to, size_t max)
{
	if (to - from <= max + WORTH_CUTTING) {
		show(c, f, from, to);
		return;
	}
	show(c, f, from, from + max - max / 3);
	show(c, f, to - max / 3, to);
}

static enum err_code
add_gap(struct buf *out, size_t bytes, struct err *err)
{
	char count[COUNTED_MAX];
	if (bytes == 0)
		return ERR_OK;
	return buf_printf(out, err, ELLIPSIS "(%s)" ELLIPSIS, counted(count, bytes, "byte"));
}

static enum err_code
add_quoted(struct buf *out, const uint8_t *p, size_t len, struct err *err)
{
	for (size_t i = 0; i < len;) {
		size_t n = 0;
		while (i + n < len && p[i + n] != '"' && p[i + n] != '\\')
			n++;
		if (escape_add(out, p + i, n, err))
			return err->code;
		i += n;
		if (i < len && (buf_u8(out, '\\', err) || buf_u8(out, p[i], err)))
			return err->code;
		i += i < len;
	}
	return ERR_OK;
}

static enum err_code
add_hex(struct buf *out, const uint8_t *p, size_t len, struct err *err)
{
	if (buf_reserve(out, 2 * len + 1, err))
		return err->code;
	hex_encode((char *)out->data + out->len, p, len);
	out->len += 2 * len;
	return ERR_OK;
}

static enum err_code
add_part(struct buf *out, const struct form *f, const struct shown *s, struct err *err)
{
	if (f->is_hex)
		return add_hex(out, f->data + s->from, s->to - s->from, err);
	return *f->quote != '\0' ? add_quoted(out, f->data + s->from, s->to - s->from, err)
				 : escape_add(out, f->data + s->from, s->to - s->from, err);
}

static enum err_code
add_form(struct buf *out, const struct form *f, const struct cut *c, struct err *err)
{
	size_t at = 0;
	if (buf_str(out, f->is_hex ? "0x" : f->quote, err))
		return err->code;
	for (size_t i = 0; i < c->count; i++) {
		if (add_gap(out, c->parts[i].from - at, err) ||
		    add_part(out, f, &c->parts[i], err))
			return err->code;
		at = c->parts[i].to;
	}
	return add_gap(out, f->len - at, err) ? err->code : buf_str(out, f->quote, err);
}

enum err_code
value_add(struct buf *out, const struct value *v, size_t max, struct err *err)
{
	AUTO(form) struct form f = { .quote = "" };
	struct cut c = { .count = 0 };
	if (v->is_null)
		return buf_str(out, "NULL", err);
	if (find_form(&f, v, err))
		return err->code;
	show_ends(&c, &f, 0, f.len, max);
	return add_form(out, &f, &c, err);
}

/* --- two of them --- */

static size_t
common_front(const struct form *a, const struct form *b)
{
	size_t n = min_size(a->len, b->len);
	size_t i = 0;
	while (i < n && a->data[i] == b->data[i])
		i++;
	return whole(a, whole(b, i));
}

static size_t
common_back(const struct form *a, const struct form *b, size_t front)
{
	size_t n = min_size(a->len, b->len) - front;
	size_t i = 0;
	while (i < n && a->data[a->len - 1 - i] == b->data[b->len - 1 - i])
		i++;
	/* Not in the middle of a character. */
	while (!a->is_hex && i > 0 && (a->data[a->len - i] & 0xc0) == 0x80)
		i--;
	return i;
}

static enum err_code
add_one_of_two(struct buf *out, const struct form *f, size_t front, size_t back, size_t max,
    struct err *err)
{
	struct cut c = { .count = 0 };
	size_t around = max / 4;
	size_t from = front > around ? front - around : 0;
	size_t to = f->len - (back > around ? back - around : 0);
	if (f->len <= max + WORTH_CUTTING)
		show(&c, f, 0, f->len);
	else
		show_ends(&c, f, from, to, max);
	return add_form(out, f, &c, err);
}

enum err_code
value_add_change(struct buf *before, struct buf *after, const struct value *a,
    const struct value *b, size_t max, struct err *err)
{
	AUTO(form) struct form x = { .quote = "" };
	AUTO(form) struct form y = { .quote = "" };
	if (a->is_null || b->is_null)
		return value_add(before, a, max, err) ? err->code
						      : value_add(after, b, max, err);
	if (find_form(&x, a, err) || find_form(&y, b, err))
		return err->code;
	/* Both in the same form: a number is not quoted because the other is none. */
	if (x.is_hex != y.is_hex)
		return value_add(before, a, max, err) ? err->code
						      : value_add(after, b, max, err);
	size_t front = common_front(&x, &y);
	size_t back = common_back(&x, &y, front);
	return add_one_of_two(before, &x, front, back, max, err)
		   ? err->code
		   : add_one_of_two(after, &y, front, back, max, err);
}
