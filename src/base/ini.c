#include "base/ini.h"

#include "base/buf.h"
#include "base/strv.h"

#include <string.h>

struct reader {
	const char *what;
	size_t line;
	ini_item_fn *fn;
	void *arg;
	char *section; /* NULL before the first */
	char *key; /* whose value is being read; NULL: none */
	size_t key_line;
	struct buf value;
	struct strv sections;
	struct strv keys; /* of this section */
};

static inline void
reader_auto(struct reader *r)
{
	free(r->section);
	free(r->key);
	buf_release(&r->value);
	strv_release(&r->sections);
	strv_release(&r->keys);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Leave out blanks at both ends. */
static void
trim(const char **s, size_t *len)
{
	while (*len > 0 && is_blank(**s)) {
		(*s)++;
		(*len)--;
	}
	while (*len > 0 && is_blank((*s)[*len - 1]))
		(*len)--;
}

static enum err_code
give_key(struct reader *r, struct err *err)
{
	if (r->key == NULL)
		return ERR_OK;
	const char *value = buf_cstr(&r->value);
	if (value == NULL)
		return err_nomem(err);
	struct ini_item item = { r->section, r->key, value, r->key_line };
	if (r->fn(r->arg, &item, err))
		return err->code;
	free(TAKE(r->key));
	r->value.len = 0;
	return ERR_OK;
}

/* The words between the brackets, with one blank between them. */
static enum err_code
read_section(struct reader *r, const char *s, size_t len, struct err *err)
{
	if (give_key(r, err))
		return err->code;
	if (s[len - 1] != ']')
		return err_set(err, ERR_USAGE, "%s:%zu: a section's line ends with \"]\"",
		    r->what, r->line);
	AUTO(bufv) struct buf name = BUF_INIT;
	for (size_t i = 1; i + 1 < len; i++) {
		bool ends_word = i + 2 == len || is_blank(s[i + 1]);
		if (!is_blank(s[i]) && buf_add(&name, s + i, 1, err))
			return err->code;
		if (!is_blank(s[i]) && ends_word && buf_str(&name, " ", err))
			return err->code;
	}
	if (name.len == 0)
		return err_set(
		    err, ERR_USAGE, "%s:%zu: a section without a name", r->what, r->line);
	name.len--;
	const char *text = buf_cstr(&name);
	if (text == NULL)
		return err_nomem(err);
	if (strv_has(&r->sections, text))
		return err_set(err, ERR_USAGE, "%s:%zu: there is a section [%s] already",
		    r->what, r->line, text);
	free(TAKE(r->section));
	strv_release(&r->keys);
	r->keys = (struct strv)STRV_INIT;
	if (strv_add(&r->sections, text, err) || str_dup(&r->section, text, err))
		return err->code;
	struct ini_item item = { r->section, NULL, NULL, r->line };
	return r->fn(r->arg, &item, err);
}

static enum err_code
read_key(struct reader *r, const char *s, size_t len, struct err *err)
{
	if (give_key(r, err))
		return err->code;
	const char *equals = memchr(s, '=', len);
	if (equals == NULL)
		return err_set(err, ERR_USAGE,
		    "%s:%zu: neither [section] nor key = value (lines that go on with a value "
		    "begin with a blank)",
		    r->what, r->line);
	if (r->section == NULL)
		return err_set(err, ERR_USAGE, "%s:%zu: a key stands before any [section]",
		    r->what, r->line);
	const char *key = s;
	size_t key_len = (size_t)(equals - s);
	const char *value = equals + 1;
	size_t value_len = len - key_len - 1;
	trim(&key, &key_len);
	trim(&value, &value_len);
	if (key_len == 0)
		return err_set(err, ERR_USAGE, "%s:%zu: no key before \"=\"", r->what, r->line);
	if (str_dupn(&r->key, key, key_len, err) || buf_add(&r->value, value, value_len, err))
		return err->code;
	if (strv_has(&r->keys, r->key))
		return err_set(err, ERR_USAGE, "%s:%zu: %s is there twice in [%s]", r->what,
		    r->line, r->key, r->section);
	r->key_line = r->line;
	return strv_add(&r->keys, r->key, err);
}

static enum err_code
read_more(struct reader *r, const char *s, size_t len, struct err *err)
{
	if (r->key == NULL)
		return err_set(err, ERR_USAGE,
		    "%s:%zu: the line begins with a blank, but there is no value that goes on",
		    r->what, r->line);
	if (r->value.len > 0 && buf_str(&r->value, "\n", err))
		return err->code;
	return buf_add(&r->value, s, len, err);
}

static enum err_code
read_line(struct reader *r, const char *line, size_t len, struct err *err)
{
	if (len > 0 && line[len - 1] == '\r')
		len--;
	const char *s = line;
	bool goes_on = len > 0 && is_blank(*line);
	trim(&s, &len);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' && s[i] != '\t')
			return err_set(err, ERR_USAGE, "%s:%zu: a control character (byte %u)",
			    r->what, r->line, (unsigned)(unsigned char)s[i]);
	if (!str_is_utf8(s, len))
		return err_set(err, ERR_USAGE, "%s:%zu: is not UTF-8", r->what, r->line);
	if (len == 0 || *s == '#' || *s == ';')
		return ERR_OK;
	if (goes_on)
		return read_more(r, s, len, err);
	return *s == '[' ? read_section(r, s, len, err) : read_key(r, s, len, err);
}

enum err_code
ini_parse(
    const void *text, size_t len, const char *what, ini_item_fn *fn, void *arg, struct err *err)
{
	AUTO(reader) struct reader r = { .what = what, .fn = fn, .arg = arg };
	const char *p = text;
	const char *end = p + len;
	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *next = newline != NULL ? newline + 1 : end;
		r.line++;
		if (read_line(&r, p, (size_t)((newline != NULL ? newline : end) - p), err))
			return err->code;
		p = next;
	}
	return give_key(&r, err);
}
