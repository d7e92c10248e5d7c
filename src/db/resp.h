/*
 * resp.h: the Redis protocol, version 2, over a connected socket.
 *
 * A command is an array of strings.  Replies are read into a small tree; a
 * reply that is an error is a reply, not a failure.  resp_line and resp_bytes
 * read what is no reply: the lines and the file of a full synchronisation.
 *
 * Everything that comes is bounded: lines, strings, arrays and their depth.
 *
 * Ownership: resp_new takes over the socket.
 * Threads:   one at a time.
 * Errors:    ERR_TRANSIENT when the connection broke or nothing came for the
 *            time given, ERR_CORRUPT for what is not the protocol, ERR_CANCELLED.
 */
#ifndef DB_RESP_H
#define DB_RESP_H

#include "base/buf.h"
#include "sys/cancel.h"

#include <stdbool.h>

struct resp;

enum resp_type {
	RESP_STATUS, /* text */
	RESP_ERROR, /* text */
	RESP_NUMBER, /* number */
	RESP_STRING, /* text; may hold NULs: use len */
	RESP_NULL,
	RESP_ARRAY, /* items */
};

struct resp_reply {
	enum resp_type type;
	char *text; /* with a NUL behind it */
	size_t len; /* of text */
	int64_t number;
	struct resp_reply *items;
	size_t count;
};

#define RESP_REPLY_INIT                        \
	{                                      \
		RESP_NULL, NULL, 0, 0, NULL, 0 \
	}

void resp_reply_release(struct resp_reply *r);
static inline void UNUSED
resp_reply_auto(struct resp_reply *r)
{
	resp_reply_release(r);
}

/* Takes over fd, also on failure. */
MUST_CHECK enum err_code resp_new(
    struct resp **out, int fd, const struct cancel *cancel, struct err *err);
void resp_free(struct resp *r);
AUTO_FREE(resp, struct resp *, resp_free)

/* How long to wait for the next byte before it is a failure. */
void resp_set_timeout(struct resp *r, int timeout_ms);

/* argv is NULL-terminated. */
MUST_CHECK enum err_code resp_send(struct resp *r, const char *const *argv, struct err *err);
/* Words that may hold NULs. */
struct resp_word {
	const void *data;
	size_t len;
};
/* Append a command, so that many may go at once; resp_send_bytes sends them. */
MUST_CHECK enum err_code resp_put(
    struct buf *out, const struct resp_word *words, size_t count, struct err *err);
MUST_CHECK enum err_code resp_send_bytes(
    struct resp *r, const void *data, size_t len, struct err *err);
MUST_CHECK enum err_code resp_receive(struct resp *r, struct resp_reply *out, struct err *err);
/* Send, receive; *out must be empty. */
MUST_CHECK enum err_code resp_call(
    struct resp *r, const char *const *argv, struct resp_reply *out, struct err *err);

/* One line, without its end, at most size - 1 bytes. */
MUST_CHECK enum err_code resp_line(struct resp *r, char *line, size_t size, struct err *err);
/* At least one byte, at most len; *got is 0 when the server has closed. */
MUST_CHECK enum err_code resp_bytes(
    struct resp *r, void *out, size_t len, size_t *got, struct err *err);

#endif
