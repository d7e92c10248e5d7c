/*
 * sse.h: the last events, and those who listen to them.
 *
 * The ring holds the last SSE_EVENTS events, in at most SSE_BYTES.  A listener is a place in
 * the ring, not a queue: who reads slower than events come falls behind, and is dropped when
 * what it would read next is gone.
 *
 * A listener belongs to one connection: sse_read and sse_leave are called by the thread that
 * serves it; wake is called with the ring's lock held, from any thread, at most once after each
 * sse_read that gave SSE_WAIT, and must not call back.
 *
 * Threads: any.
 */
#ifndef SERVE_SSE_H
#define SERVE_SSE_H

#include "base/json.h"

#define SSE_EVENTS 10000
#define SSE_BYTES (UINT64_C(16) << 20)
#define SSE_LISTENERS 600

struct sse;
struct listener;

MUST_CHECK enum err_code sse_new(struct sse **out, struct err *err);
/* All have left. */
void sse_free(struct sse *s);
AUTO_FREE(sse, struct sse *, sse_free)

/* The next event; ERR_CORRUPT when its id does not ascend, or it is none. */
MUST_CHECK enum err_code sse_add(struct sse *s, const json_t *event, struct err *err);

struct listener_options {
	const char *credential; /* what sse_drop names it by */
	const char *from;
	bool has_last; /* a reader that comes back: events behind last */
	uint64_t last;
	void (*wake)(void *arg);
	void *arg;
};

/* ERR_LOCKED when there are too many. */
MUST_CHECK enum err_code sse_join(
    struct sse *s, const struct listener_options *opt, struct listener **out, struct err *err);
void sse_leave(struct listener *l);

enum sse_state { SSE_TEXT, SSE_WAIT, SSE_END };
/* The next bytes of the stream: *got of them, at least one with SSE_TEXT.  is_waiting is called
 * with the lock held before SSE_WAIT is given, so that wake cannot come too early. */
enum sse_state sse_read(
    struct listener *l, char *out, size_t room, size_t *got, void (*is_waiting)(void *arg));

/* A comment to each, which keeps proxies from hanging up, and shows who has gone. */
void sse_beat(struct sse *s);
/* End those of a credential; NULL: all, and nobody may join any more. */
void sse_drop(struct sse *s, const char *credential);
/* Who listens, each credential once: calls one without the lock. */
MUST_CHECK enum err_code sse_each_credential(struct sse *s,
    void (*one)(void *arg, const char *credential, const char *from), void *arg,
    struct err *err);
size_t sse_listeners(struct sse *s);

#endif
