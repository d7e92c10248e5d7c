/*
 * http_client.h: one HTTP/1.1 exchange over a connected stream socket.
 *
 * It writes a request, reads the head of the answer, and gives the body as a
 * stream that the caller pulls.  It is not a connection pool and knows no TLS,
 * redirects or names: the caller brings a descriptor.  After an upgrade
 * ("101 UPGRADED", or the 200 of old Docker engines) http_hijack hands the
 * descriptor out with the bytes that were read too far.
 *
 *	http_open -> http_send [-> http_send_body ... -> http_send_end]
 *	    -> http_receive -> http_read ... | http_hijack -> http_close
 *
 * Ownership: http_open takes the descriptor over, also when it fails, and makes
 *            it non-blocking.
 * Threads:   one at a time.
 * Errors:    ERR_TRANSIENT when the peer closed or broke the connection,
 *            ERR_CANCELLED when the cancel was raised or the peer was silent for
 *            timeout_ms, ERR_CORRUPT for an answer that is no HTTP.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "net/http_head.h"
#include "sys/cancel.h"

struct http;

struct http_options {
	const struct cancel *cancel; /* may be NULL; must outlive the exchange */
	int timeout_ms; /* longest silence; < 0 for ever */
};

#define HTTP_OPTIONS_INIT   \
	{                   \
		NULL, 60000 \
	}

MUST_CHECK enum err_code http_open(
    struct http **out, int fd, const struct http_options *opt, struct err *err);
void http_close(struct http *h);
AUTO_FREE(http, struct http *, http_close)

struct http_request {
	const char *method;
	const char *target; /* from target.h */
	const char *host;
	const char *const *fields; /* NULL-terminated "Name: value"; may be NULL */
	const char *content_type; /* NULL when there is no body */
	const void *body; /* the whole body, or NULL */
	size_t body_len;
	bool has_streamed_body; /* the body follows by http_send_body, chunked */
};

#define HTTP_REQUEST_INIT                                           \
	{                                                           \
		"GET", "/", "localhost", NULL, NULL, NULL, 0, false \
	}

/* Connection: close is added unless a field sets Connection.  ERR_USAGE when a field or the
 * target holds a line break or a blank where none may be. */
MUST_CHECK enum err_code http_send(
    struct http *h, const struct http_request *req, struct err *err);
/* Once the server has answered (http_has_answer), the rest of the body is thrown away. */
MUST_CHECK enum err_code http_send_body(
    struct http *h, const void *data, size_t len, struct err *err);
MUST_CHECK enum err_code http_send_end(struct http *h, struct err *err);
/* Did the server answer, or close, before the whole body was sent? */
bool http_has_answer(const struct http *h);

/* Read the head of the final answer; it stays h's. */
MUST_CHECK enum err_code http_receive(
    struct http *h, const struct http_head **head, struct err *err);
/* Read body: blocks until at least one byte came; *got is 0 only at the body's whole end. */
MUST_CHECK enum err_code http_read(
    struct http *h, void *out, size_t len, size_t *got, struct err *err);
/* Append the rest of the body to out; ERR_CORRUPT when it is longer than max. */
MUST_CHECK enum err_code http_read_all(
    struct http *h, size_t max, struct buf *out, struct err *err);
/* After http_receive: *fd is the caller's from now on (still non-blocking), and the bytes that
 * came behind the head are appended to rest.  Only http_close may follow. */
MUST_CHECK enum err_code http_hijack(
    struct http *h, int *fd, struct buf *rest, struct err *err);

#endif
