#include "ui/escape.h"

#include "base/strv.h"

/* One step through text: a character with its bytes, or a byte that belongs to none. */
struct step {
	size_t len;
	uint32_t code;
	bool is_char;
};

static struct step
next_step(const unsigned char *s, size_t left)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (len > left || !str_is_utf8((const char *)s, len))
		return (struct step){ 1, s[0], false };
	uint32_t code = len == 1 ? s[0] : s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++)
		code = code << 6 | (s[i] & 0x3fu);
	return (struct step){ len, code, true };
}

/* C1 controls, line and paragraph separators, marks, embeddings and isolates of direction. */
static bool
misleads(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || c == 0x061c || (c >= 0x200e && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* The visible form of a step that cannot stand as it is; "" when it can. */
static void
visible_form(char out[16], struct step s)
{
	out[0] = '\0';
	if (s.is_char && s.code == '\n')
		snprintf(out, 16, "\\n");
	else if (s.is_char && s.code == '\t')
		snprintf(out, 16, "\\t");
	else if (!s.is_char || s.code < 0x20 || s.code == 0x7f)
		snprintf(out, 16, "\\x%02x", (unsigned)s.code);
	else if (misleads(s.code))
		snprintf(out, 16, "\\u{%x}", (unsigned)s.code);
}

enum err_code
escape_add(struct buf *out, const void *text, size_t len, struct err *err)
{
	const unsigned char *p = text;
	char form[16];
	struct step s;
	for (size_t i = 0; i < len; i += s.len) {
		s = next_step(p + i, len - i);
		visible_form(form, s);
		if (form[0] != '\0' ? buf_str(out, form, err) : buf_add(out, p + i, s.len, err))
			return err->code;
	}
	return ERR_OK;
}

void
escape_print(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len = strlen(text);
	char form[16];
	struct step s;
	for (size_t i = 0; i < len; i += s.len) {
		s = next_step(p + i, len - i);
		visible_form(form, s);
		if (form[0] != '\0')
			fputs(form, out);
		else
			fwrite(p + i, 1, s.len, out);
	}
}

struct range {
	uint32_t from;
	uint32_t to;
};

static bool
is_in(const struct range *ranges, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	return false;
}

/* The large blocks only.  The C library's wcwidth would need the right locale to be installed.
 */
static size_t
columns_of(uint32_t c)
{
	static const struct range combining[] = { { 0x0300, 0x036f }, { 0x0483, 0x0489 },
		{ 0x0591, 0x05bd }, { 0x064b, 0x065f }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
		{ 0x200b, 0x200d }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f },
		{ 0xfe20, 0xfe2f } };
	static const struct range wide[] = { { 0x1100, 0x115f }, { 0x2e80, 0x303e },
		{ 0x3041, 0xa4cf }, { 0xa960, 0xa97f }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
		{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff },
		{ 0x20000, 0x3fffd } };
	if (c < 0x300)
		return 1;
	if (is_in(combining, ARRAY_LEN(combining), c))
		return 0;
	return is_in(wide, ARRAY_LEN(wide), c) ? 2 : 1;
}

size_t
escape_width(const char *text, size_t len)
{
	size_t width = 0;
	struct step s;
	for (size_t i = 0; i < len; i += s.len) {
		s = next_step((const unsigned char *)text + i, len - i);
		width += columns_of(s.code);
	}
	return width;
}

size_t
escape_fit(const char *text, size_t len, size_t width)
{
	size_t used = 0;
	size_t i = 0;
	while (i < len) {
		struct step s = next_step((const unsigned char *)text + i, len - i);
		used += columns_of(s.code);
		if (used > width)
			break;
		i += s.len;
	}
	return i;
}
