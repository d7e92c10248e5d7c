/*
 * text_sink.h: the engine's events as lines for people.
 *
 * Steps, services, members, warnings and problems are a line each.  How far a
 * step is stands in a line below them: on a terminal it is drawn anew up to
 * ten times a second and erased before any other line; elsewhere a line is
 * written each ten seconds.  Quiet leaves warnings and problems only.
 *
 * Threads: events may come from any thread.
 */
#ifndef UI_TEXT_SINK_H
#define UI_TEXT_SINK_H

#include "base/err.h"
#include "engine/event.h"

#include <stdio.h>

struct text_sink;

struct text_sink_options {
	FILE *out; /* borrowed */
	bool is_terminal;
	bool has_color;
	bool is_quiet;
	size_t (*width)(void *arg); /* columns of the terminal, asked each time */
	void *width_arg;
	int64_t (*now_ns)(void); /* a clock that never goes back */
};

MUST_CHECK enum err_code text_sink_new(
    struct text_sink **out, const struct text_sink_options *opt, struct err *err);
/* Erases the progress line. */
void text_sink_free(struct text_sink *t);
AUTO_FREE(text_sink, struct text_sink *, text_sink_free)

struct event_sink *text_sink_events(struct text_sink *t);
/* Erase the progress line: somebody else is going to write to the same terminal. */
void text_sink_clear(struct text_sink *t);

#endif
