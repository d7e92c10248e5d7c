#include "net/xml.h"

#include <string.h>

#define NO_LEAVE SIZE_MAX

void
xml_init(struct xml *x, const void *data, size_t len)
{
	*x = (struct xml){ .at = data, .end = (const char *)data + len, .leave = NO_LEAVE };
}

bool
xml_is(const struct xml *x, const char *path)
{
	return strcmp(x->path, path) == 0;
}

static enum err_code
early(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "ends early");
}

static size_t
left(const struct xml *x)
{
	return (size_t)(x->end - x->at);
}

static bool
starts(const struct xml *x, const char *with)
{
	size_t n = strlen(with);
	return left(x) >= n && memcmp(x->at, with, n) == 0;
}

/* Pass over all up to and with the mark. */
static enum err_code
skip_past(struct xml *x, const char *mark, struct err *err)
{
	const char *found = memmem(x->at, left(x), mark, strlen(mark));
	if (found == NULL)
		return early(err);
	x->at = found + strlen(mark);
	return ERR_OK;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* --- text --- */

static enum err_code
add_char(struct xml *x, char c, struct err *err)
{
	if (x->text_len + 1 >= sizeof x->text)
		return err_set(err, ERR_CORRUPT, "a text of more than %d bytes", XML_TEXT_MAX);
	x->text[x->text_len++] = c;
	return ERR_OK;
}

static enum err_code
add_utf8(struct xml *x, unsigned long c, struct err *err)
{
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return err_set(err, ERR_CORRUPT, "a character that there is none of");
	char out[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(n == 1 ? c : (0xf0u << (4 - n) | c));
	for (size_t i = 0; i < n; i++)
		if (add_char(x, out[i], err))
			return err->code;
	return ERR_OK;
}

/* "&#65;" or "&#x41;", of which name holds "#65" or "#x41". */
static enum err_code
add_number(struct xml *x, const char *name, struct err *err)
{
	char *end;
	bool is_hex = name[1] == 'x';
	const char *digits = name + (is_hex ? 2 : 1);
	if (strspn(digits, "0123456789abcdefABCDEF") == 0)
		return err_set(err, ERR_CORRUPT, "a bad character reference");
	unsigned long c = strtoul(digits, &end, is_hex ? 16 : 10);
	if (*end != '\0')
		return err_set(err, ERR_CORRUPT, "a bad character reference");
	return add_utf8(x, c, err);
}

static enum err_code
add_entity(struct xml *x, struct err *err)
{
	static const struct {
		const char *name;
		char c;
	} known[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' },
		{ "apos", '\'' } };
	const char *semicolon = memchr(x->at, ';', left(x) < 12 ? left(x) : 12);
	if (semicolon == NULL)
		return left(x) < 12 ? early(err)
				    : err_set(err, ERR_CORRUPT, "an ampersand by itself");
	char name[12];
	size_t n = (size_t)(semicolon - x->at) - 1;
	memcpy(name, x->at + 1, n);
	name[n] = '\0';
	x->at = semicolon + 1;
	if (name[0] == '#')
		return add_number(x, name, err);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(name, known[i].name) == 0)
			return add_char(x, known[i].c, err);
	return err_set(err, ERR_CORRUPT, "an unknown entity");
}

static enum err_code
add_cdata(struct xml *x, struct err *err)
{
	x->at += strlen("<![CDATA[");
	const char *end = memmem(x->at, left(x), "]]>", 3);
	if (end == NULL)
		return early(err);
	for (; x->at < end; x->at++)
		if (add_char(x, *x->at, err))
			return err->code;
	x->at += 3;
	return ERR_OK;
}

/* --- tags --- */

static size_t
name_length(const struct xml *x)
{
	size_t n = 0;
	while (n < left(x) && !is_blank(x->at[n]) && strchr("<>/=\"'&", x->at[n]) == NULL)
		n++;
	return n;
}

/* Put a name behind the path. */
static enum err_code
push(struct xml *x, const char *name, size_t n, struct err *err)
{
	const char *colon = memchr(name, ':', n);
	if (colon != NULL) {
		n -= (size_t)(colon + 1 - name);
		name = colon + 1;
	}
	size_t len = strlen(x->path);
	if (n == 0 || len + n + 2 > sizeof x->path)
		return err_set(err, ERR_CORRUPT, "elements too deep, or a name too long");
	if (len > 0)
		x->path[len++] = '/';
	memcpy(x->path + len, name, n);
	x->path[len + n] = '\0';
	return ERR_OK;
}

/* Pass over attributes to the end of a tag; is it closed at once ("<a/>")? */
static enum err_code
skip_attributes(struct xml *x, bool *is_closed, struct err *err)
{
	char quote = '\0';
	for (; x->at < x->end; x->at++) {
		char c = *x->at;
		if (quote != '\0') {
			if (c == quote)
				quote = '\0';
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '<') {
			return err_set(err, ERR_CORRUPT, "a tag in a tag");
		} else if (c == '>') {
			*is_closed = x->at[-1] == '/';
			x->at++;
			return ERR_OK;
		}
	}
	return early(err);
}

/* The element that path names has ended. */
static void
ended(struct xml *x, enum xml_event *event)
{
	const char *slash = strrchr(x->path, '/');
	x->leave = slash != NULL ? (size_t)(slash - x->path) : 0;
	*event = x->has_child ? XML_END : XML_TEXT;
	x->text[x->text_len] = '\0';
}

static enum err_code
close_tag(struct xml *x, enum xml_event *event, struct err *err)
{
	x->at += 2;
	size_t n = name_length(x);
	const char *name = x->at;
	const char *colon = memchr(name, ':', n);
	size_t local = colon != NULL ? n - (size_t)(colon + 1 - name) : n;
	const char *last = strrchr(x->path, '/');
	last = last != NULL ? last + 1 : x->path;
	x->at += n;
	while (x->at < x->end && is_blank(*x->at))
		x->at++;
	if (x->at == x->end)
		return early(err);
	if (*x->at != '>' || strlen(last) != local ||
	    memcmp(last, name + n - local, local) != 0)
		return err_set(err, ERR_CORRUPT, "an element is closed that is not open");
	x->at++;
	ended(x, event);
	return ERR_OK;
}

static enum err_code
open_tag(struct xml *x, bool *is_closed, struct err *err)
{
	x->at++;
	size_t n = name_length(x);
	const char *name = x->at;
	if (x->at + n == x->end)
		return early(err);
	if (x->path[0] == '\0' && x->has_begun)
		return err_set(err, ERR_CORRUPT, "something behind the document");
	x->at += n;
	if (push(x, name, n, err) || skip_attributes(x, is_closed, err))
		return err->code;
	x->has_begun = true;
	x->has_child = false;
	x->text_len = 0;
	return ERR_OK;
}

/* What begins with '<'; *told says whether there is an event. */
static enum err_code
next_tag(struct xml *x, enum xml_event *event, bool *told, struct err *err)
{
	bool is_closed = false;
	if (starts(x, "<!--"))
		return skip_past(x, "-->", err);
	if (starts(x, "<?"))
		return skip_past(x, "?>", err);
	if (starts(x, "<![CDATA[") && x->path[0] != '\0')
		return add_cdata(x, err);
	if (starts(x, "<!"))
		return err_set(err, ERR_CORRUPT, "a document type");
	if (starts(x, "</")) {
		*told = true;
		return close_tag(x, event, err);
	}
	if (open_tag(x, &is_closed, err))
		return err->code;
	if (is_closed) {
		*told = true;
		ended(x, event);
	}
	return ERR_OK;
}

enum err_code
xml_next(struct xml *x, enum xml_event *event, struct err *err)
{
	if (x->leave != NO_LEAVE) {
		x->path[x->leave] = '\0';
		x->leave = NO_LEAVE;
		x->has_child = true;
		x->text_len = 0;
	}
	for (bool told = false; !told;) {
		if (x->at == x->end) {
			if (x->path[0] != '\0' || !x->has_begun)
				return early(err);
			*event = XML_DONE;
			return ERR_OK;
		}
		if (*x->at == '<') {
			if (next_tag(x, event, &told, err))
				return err->code;
		} else if (x->path[0] == '\0') {
			if (!is_blank(*x->at))
				return err_set(err, ERR_CORRUPT, "not XML");
			x->at++;
		} else if (*x->at == '&') {
			if (add_entity(x, err))
				return err->code;
		} else if (add_char(x, *x->at++, err)) {
			return err->code;
		}
	}
	return ERR_OK;
}
