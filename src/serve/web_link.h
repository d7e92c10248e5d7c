/*
 * web_link.h: web's end of the wire: asks on their way, and what the keeper says by itself.
 *
 * Each ask gets exactly one answer: the keeper's, or one of the link's own (a problem) when
 * none came within WEB_LINK_WAIT_NS, or the link has ended.
 *
 * Threads: web_link_ask from any.  All functions of the sink, and done, are called by the
 * link's threads, or by whoever calls web_link_sweep or web_link_close, without a lock held.
 */
#ifndef SERVE_WEB_LINK_H
#define SERVE_WEB_LINK_H

#include "base/json.h"

#define WEB_LINK_ASKS 1024
#define WEB_LINK_WAIT_NS (INT64_C(120) * 1000000000)

struct web_link;

/* fd (-1: none) and message are the receiver's. */
struct web_link_answer {
	unsigned status;
	json_t *message; /* as wire.h has it; NULL: detail says why there is none */
	const char *detail;
	int fd;
};

typedef void web_link_done_fn(void *arg, struct web_link_answer *answer);

struct web_link_sink {
	void *arg;
	enum err_code (*hello)(void *arg, const json_t *hello, struct err *err);
	enum err_code (*event)(void *arg, const json_t *event, struct err *err);
	void (*forget)(void *arg, bool rights);
};

/* sock is the link's from here on, also when this fails.  The first things that come are taken
 * by the caller's own thread: returns once hello has come. */
MUST_CHECK enum err_code web_link_open(
    struct web_link **out, int sock, const struct web_link_sink *sink, struct err *err);
/* Until the keeper has closed (ERR_CANCELLED), or said what is no message. */
MUST_CHECK enum err_code web_link_wait(struct web_link *l, struct err *err);
/* No answers come any more; those who wait are told. */
void web_link_close(struct web_link *l);
/* After web_link_close. */
void web_link_free(struct web_link *l);

/* ask: a message of wire.h without its id, taken over also on failure.  of: whose asks are
 * counted together, at most max_of at once.  ERR_LOCKED: that many are on their way, or
 * WEB_LINK_ASKS in all; ERR_CANCELLED: the link has ended; done is not called then. */
MUST_CHECK enum err_code web_link_ask(struct web_link *l, json_t *ask, const char *of,
    size_t max_of, web_link_done_fn *done, void *arg, struct err *err);
/* Answer what has waited for too long. */
void web_link_sweep(struct web_link *l, int64_t now_ns);

#endif
