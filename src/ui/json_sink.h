/*
 * json_sink.h: the engine's events as JSON lines, one object each.
 *
 * The fields are in docs/json.md.  A line is written whole and flushed at
 * once.  What the stream does not take is not an event's concern: the owner of
 * the stream asks ferror at the end.
 *
 * Threads: events may come from any thread.
 */
#ifndef UI_JSON_SINK_H
#define UI_JSON_SINK_H

#include "base/json.h"
#include "engine/event.h"

struct json_sink;

/* stream is borrowed; now_ns is the wall clock. */
MUST_CHECK enum err_code json_sink_new(
    struct json_sink **out, FILE *stream, int64_t (*now_ns)(void), struct err *err);
void json_sink_free(struct json_sink *j);
AUTO_FREE(json_sink, struct json_sink *, json_sink_free)

struct event_sink *json_sink_events(struct json_sink *j);

/* "phase", "progress", ...: the word at "type". */
const char *event_kind_word(enum event_kind kind);

#endif
