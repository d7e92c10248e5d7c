/*
 * event.h: what the engine says while it works.
 *
 * The engine prints nothing: it emits events, and ui/ renders the same stream
 * as text, as JSON lines, and later for the terminal and the web page.  The
 * words and fields that JSON lines show are in docs/json.md.
 *
 * Threads: event_emit may be called from any thread; sinks take care.
 */
#ifndef ENGINE_EVENT_H
#define ENGINE_EVENT_H

#include "base/defs.h"

#include <stdbool.h>

enum event_kind {
	EVENT_PHASE, /* a step begins: text says which */
	EVENT_PROGRESS, /* numbers of the step that runs; at most a few a second */
	EVENT_NOTE, /* good to know */
	EVENT_WARNING, /* something a user should look at; the outcome may still be complete */
	EVENT_PROBLEM, /* something is missing from the result, which becomes partial; subject
			  is a path */
	EVENT_SERVICE, /* a service was paused, stopped, resumed, started: text says which */
	EVENT_MEMBER, /* one member is done: subject is its name, bytes its size */
};

struct event {
	enum event_kind kind;
	const char *subject; /* stack, service, member or path; may be NULL */
	const char *text; /* for people; NULL for progress */
	int64_t at_ns; /* EVENT_SERVICE: when, since 1970, if that was before it is said; 0 */
	/* EVENT_PROGRESS, EVENT_MEMBER; a total of 0 is not known */
	uint64_t bytes;
	uint64_t bytes_total;
	uint64_t files;
	uint64_t files_total;
	int64_t elapsed_ns; /* of the step */
	const char *unit; /* what files counts: "files", "packs"; NULL: "files" */
};

struct event_sink;

struct event_sink_ops {
	void (*emit)(struct event_sink *sink, const struct event *e);
};

struct event_sink {
	const struct event_sink_ops *ops;
	bool is_watched; /* somebody sees progress as it goes: totals are worth finding out */
};

void event_emit(struct event_sink *sink, const struct event *e);
/* Shorthands; subject may be NULL. */
void event_phase(struct event_sink *sink, const char *fmt, ...) PRINTF_LIKE(2, 3);
void event_note(struct event_sink *sink, const char *subject, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void event_warning(struct event_sink *sink, const char *subject, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void event_problem(struct event_sink *sink, const char *subject, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void event_service(struct event_sink *sink, const char *subject, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* The same of what happened at a moment of clock_wall_ns that was measured. */
void event_service_at(struct event_sink *sink, const char *subject, int64_t at_ns,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
