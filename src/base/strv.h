/*
 * strv.h: owned strings and lists of them.
 *
 * A strv owns copies of its strings and keeps a NULL behind the last, so that
 * v.items can be handed over as an argv array.
 */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include "base/err.h"

#include <stdbool.h>

struct strv {
	char **items;
	size_t len;
	size_t cap;
};

#define STRV_INIT          \
	{                  \
		NULL, 0, 0 \
	}

void strv_release(struct strv *v);
static inline void UNUSED
strv_auto(struct strv *v)
{
	strv_release(v);
}

MUST_CHECK enum err_code strv_add(struct strv *v, const char *s, struct err *err);
MUST_CHECK enum err_code strv_addf(struct strv *v, struct err *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Each of them; when it fails, some may have been added.  words ends with NULL, and may be
 * NULL. */
MUST_CHECK enum err_code strv_add_all(struct strv *v, const struct strv *from, struct err *err);
MUST_CHECK enum err_code strv_add_words(
    struct strv *v, const char *const *words, struct err *err);
/* Add each part of s between separators; empty parts are left out. */
MUST_CHECK enum err_code strv_split(struct strv *v, const char *s, char sep, struct err *err);
bool strv_has(const struct strv *v, const char *s);
/* Sort by bytes. */
void strv_sort(struct strv *v);

AUTO_FREE(str, char *, free)

/* A copy in *out, which the caller frees. */
MUST_CHECK enum err_code str_dup(char **out, const char *s, struct err *err);
MUST_CHECK enum err_code str_dupn(char **out, const char *s, size_t len, struct err *err);
MUST_CHECK enum err_code str_printf(char **out, struct err *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* Is this well-formed UTF-8 (no surrogates, no overlong forms)? */
bool str_is_utf8(const char *s, size_t len);

#endif
