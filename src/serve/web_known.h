/*
 * web_known.h: which credentials the keeper has called good.
 *
 * Anybody can make up a cookie or a token that looks like one.  What is shown counts for
 * something (a longer queue, web_request.c) only once an answer of the keeper has said that it
 * is somebody's, and until one says that it is not, or rights have changed.
 *
 * Bounded: of two that meet in one place the later is known.  Who is not known any more is
 * again with the next answer.
 *
 * Threads: any.
 */
#ifndef SERVE_WEB_KNOWN_H
#define SERVE_WEB_KNOWN_H

#include "base/err.h"

#include <stdbool.h>

#define KNOWN_CREDENTIALS 1024

struct known;

MUST_CHECK enum err_code known_new(struct known **out, struct err *err);
void known_free(struct known *k);
AUTO_FREE(known, struct known *, known_free)

/* kind: "session", "token"; secret: its digits. */
bool known_has(struct known *k, const char *kind, const char *secret);
/* What an answer said of it. */
void known_set(struct known *k, const char *kind, const char *secret, bool is_good);
void known_forget(struct known *k);

#endif
