/*
 * web.h: HTTP and HTTPS requests to servers out there, by libcurl.
 *
 * Connections are kept and used again, one for each request under way.  HTTP/1.1
 * only; redirects are not followed; a proxy of the environment is heeded.  TLS
 * is verified, against the system's authorities or those given.
 *
 * A cancel that is raised ends the requests under way; those that are begun
 * after it (to leave things in order) are carried out.
 *
 * (The engine's own socket is spoken to by http_client.h, which can do what
 * libcurl cannot: half-closed streams.)
 *
 * Threads: any number use one struct web at once.
 * Errors:  ERR_TRANSIENT when a retry may help: no connection, cut, silent for too
 *          long; ERR_CANCELLED; ERR_USAGE for a CA file that cannot be read; ERR_IO for
 *          a peer that is not who it should be.  An answer of any status is no error.
 */
#ifndef NET_WEB_H
#define NET_WEB_H

#include "base/buf.h"
#include "base/strv.h"
#include "sys/cancel.h"

struct web;

struct web_options {
	const char *ca_file; /* PEM; NULL: the system's authorities */
	const struct cancel *cancel; /* may be NULL; must outlive it */
	unsigned connect_ms; /* 0: 15 s */
	unsigned stall_s; /* nothing moved for so long; 0: a minute */
	bool is_direct; /* no proxy, whatever the environment says */
};

#define WEB_OPTIONS_INIT                \
	{                               \
		NULL, NULL, 0, 0, false \
	}

MUST_CHECK enum err_code web_open(
    struct web **out, const struct web_options *opt, struct err *err);
void web_close(struct web *w);
AUTO_FREE(web, struct web *, web_close)

struct web_call {
	const char *method;
	const char *url;
	const struct strv *headers; /* "Name: value"; NULL: none */
	const void *body; /* NULL: none */
	size_t body_len;
	/* Where the body of a 2xx answer goes: behind what is in into, at most max bytes; or
	 * to fixed, exactly fixed_len bytes; else to the answer's own body. */
	struct buf *into;
	size_t max;
	uint8_t *fixed;
	size_t fixed_len;
};

struct web_answer {
	int status;
	struct buf headers; /* "name: value\n", names in small letters */
	struct buf body; /* also of what is not 2xx; cut at WEB_BODY_MAX */
	uint64_t received; /* bytes of the body */
	bool is_sized; /* the answer said how long it is, and that much came */
	bool is_too_large; /* more than max or fixed_len: the rest was not read */
	/* A kept connection broke without an answer, and the body was sent a second time by
	 * another: the server may have seen it twice. */
	bool is_resent;
};

#define WEB_BODY_MAX ((size_t)4 << 20)
#define WEB_ANSWER_INIT                                        \
	{                                                      \
		0, BUF_INIT, BUF_INIT, 0, false, false, false, \
	}

void web_answer_release(struct web_answer *a);
static inline void UNUSED
web_answer_auto(struct web_answer *a)
{
	web_answer_release(a);
}

/* Ask, and wait for the whole answer.  When it fails, into is as it was. */
MUST_CHECK enum err_code web_do(
    struct web *w, const struct web_call *call, struct web_answer *a, struct err *err);

/* A header's value by its name in small letters; NULL when there is none.  It stays the
 * answer's until the next call for it. */
const char *web_header(struct web_answer *a, const char *name, char *out, size_t size);

#endif
