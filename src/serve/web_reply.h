/*
 * web_reply.h: answers with the headers that each of them must have.
 *
 * Everything is refused to be framed, sniffed, or told where a reader came from; what comes
 * from the API is never stored and can do nothing as a document.
 *
 * Ownership: a response is the caller's to MHD_destroy_response; MHD counts references, so that
 *            one may be sent on many connections at once.
 * Errors:    NULL when out of memory.
 */
#ifndef SERVE_WEB_REPLY_H
#define SERVE_WEB_REPLY_H

#include "base/json.h"

#include <microhttpd.h>

static inline void UNUSED
response_auto(struct MHD_Response **r)
{
	if (*r != NULL)
		MHD_destroy_response(*r);
}

struct reply {
	unsigned status;
	struct MHD_Response *response; /* NULL: none yet, or no memory for one */
};

/* The headers of everything below /api/.  type may be NULL. */
bool reply_api_headers(struct MHD_Response *r, const char *type);
/* Text of JSON, which it takes over (malloc). */
struct MHD_Response *reply_json(char *text, size_t len, const char *type);
struct MHD_Response *reply_empty(void);
/* problem+json (RFC 9457) of web's own; code is one of err_code_word's. */
struct reply reply_problem(
    unsigned status, const char *code, const char *title, const char *detail);
/* The same with a header more. */
struct reply reply_problem_with(unsigned status, const char *code, const char *title,
    const char *detail, const char *header, const char *value);
/* What the keeper says: its words, with type and status put in. */
struct MHD_Response *reply_keeper_problem(unsigned status, const json_t *problem);

#endif
