#include "base/strv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
strv_release(struct strv *v)
{
	for (size_t i = 0; i < v->len; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv)STRV_INIT;
}

/* Takes over s, also on failure. */
static enum err_code
add_owned(struct strv *v, char *s, struct err *err)
{
	if (v->len + 1 >= v->cap) {
		size_t cap = max_size(8, v->cap * 2);
		char **p = realloc(v->items, cap * sizeof *p);
		if (p == NULL) {
			free(s);
			return err_nomem(err);
		}
		v->items = p;
		v->cap = cap;
	}
	v->items[v->len++] = s;
	v->items[v->len] = NULL;
	return ERR_OK;
}

enum err_code
strv_add(struct strv *v, const char *s, struct err *err)
{
	char *copy = NULL;
	if (str_dup(&copy, s, err))
		return err->code;
	return add_owned(v, copy, err);
}

static enum err_code PRINTF_LIKE(3, 0)
    vformat(char **out, struct err *err, const char *fmt, va_list ap)
{
	char *s;
	if (vasprintf(&s, fmt, ap) < 0)
		return err_nomem(err);
	*out = s;
	return ERR_OK;
}

enum err_code
strv_addf(struct strv *v, struct err *err, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	va_start(ap, fmt);
	enum err_code rc = vformat(&s, err, fmt, ap);
	va_end(ap);
	return rc ? rc : add_owned(v, s, err);
}

enum err_code
strv_add_all(struct strv *v, const struct strv *from, struct err *err)
{
	for (size_t i = 0; i < from->len; i++)
		if (strv_add(v, from->items[i], err))
			return err->code;
	return ERR_OK;
}

enum err_code
strv_add_words(struct strv *v, const char *const *words, struct err *err)
{
	for (; words != NULL && *words != NULL; words++)
		if (strv_add(v, *words, err))
			return err->code;
	return ERR_OK;
}

enum err_code
strv_split(struct strv *v, const char *s, char sep, struct err *err)
{
	while (*s != '\0') {
		const char *end = strchrnul(s, sep);
		if (end > s) {
			char *part = NULL;
			if (str_dupn(&part, s, (size_t)(end - s), err) ||
			    add_owned(v, part, err))
				return err->code;
		}
		s = *end == '\0' ? end : end + 1;
	}
	return ERR_OK;
}

bool
strv_has(const struct strv *v, const char *s)
{
	for (size_t i = 0; i < v->len; i++)
		if (strcmp(v->items[i], s) == 0)
			return true;
	return false;
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
strv_sort(struct strv *v)
{
	if (v->len > 1)
		qsort(v->items, v->len, sizeof *v->items, by_bytes);
}

enum err_code
str_dup(char **out, const char *s, struct err *err)
{
	char *copy = strdup(s);
	if (copy == NULL)
		return err_nomem(err);
	*out = copy;
	return ERR_OK;
}

enum err_code
str_dupn(char **out, const char *s, size_t len, struct err *err)
{
	char *copy = malloc(len + 1);
	if (copy == NULL)
		return err_nomem(err);
	memcpy(copy, s, len);
	copy[len] = '\0';
	*out = copy;
	return ERR_OK;
}

enum err_code
str_printf(char **out, struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	enum err_code rc = vformat(out, err, fmt, ap);
	va_end(ap);
	return rc;
}

bool
str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s);
	size_t m = strlen(suffix);
	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

/* Length of the well-formed sequence at s, or 0. */
static size_t
utf8_sequence(const uint8_t *s, size_t left)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	size_t n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (left < n)
		return 0;
	/* The second byte excludes overlong forms, surrogates and what lies beyond U+10FFFF. */
	uint8_t lo = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
	uint8_t hi = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
	if (s[1] < lo || s[1] > hi)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
str_is_utf8(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;
	while (len > 0) {
		size_t n = utf8_sequence(p, len);
		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}
