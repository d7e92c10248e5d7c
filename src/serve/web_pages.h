/*
 * web_pages.h: the files of the page, as responses that were made once.
 *
 * Threads: any, once made.
 */
#ifndef SERVE_WEB_PAGES_H
#define SERVE_WEB_PAGES_H

#include "serve/web_reply.h"

struct pages;

MUST_CHECK enum err_code pages_new(struct pages **out, struct err *err);
void pages_free(struct pages *p);
AUTO_FREE(pages, struct pages *, pages_free)

/* The file for a path; accept_encoding and if_none_match may be NULL.  The response stays
 * p's.  A NULL response: there is none. */
struct reply pages_find(const struct pages *p, const char *path, const char *accept_encoding,
    const char *if_none_match);

#endif
