/*
 * events.h: the last things that happened, numbered, for those who listen.
 *
 * Numbers ascend, also over restarts: they begin with the microseconds since 1970.  Only the
 * last ones are kept, bounded by their count and their bytes.
 *
 * Ownership: messages are {"event": {"id", "type", "data"}}, shared and not to be changed: give
 *            them back with events_release (jansson counts references without a lock).
 * Threads:   any add; one reads what it is given at a time.
 */
#ifndef SERVE_EVENTS_H
#define SERVE_EVENTS_H

#include "base/json.h"

struct events;

MUST_CHECK enum err_code events_new(
    struct events **out, int64_t now_ns, size_t max_count, size_t max_bytes, struct err *err);
void events_free(struct events *e);
AUTO_FREE(events, struct events *, events_free)

/* data is taken over, also on failure. */
MUST_CHECK enum err_code events_add(
    struct events *e, const char *type, json_t *data, struct err *err);

/* The first event behind the number after; NULL when there is none (yet).  *id is its number,
 * *is_log whether it is of the type "log". */
json_t *events_next(struct events *e, int64_t after, int64_t *id, bool *is_log);

void events_release(struct events *e, json_t *message);

/* Wait until there is one behind the number; false when *stop was set. */
bool events_wait(struct events *e, int64_t after, const bool *stop);
/* Set *stop, which nobody else touches meanwhile, and let who waits look at it. */
void events_stop(struct events *e, bool *stop);

#endif
