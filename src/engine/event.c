#include "engine/event.h"

#include <stdarg.h>
#include <stdio.h>

void
event_emit(struct event_sink *sink, const struct event *e)
{
	if (sink != NULL)
		sink->ops->emit(sink, e);
}

static void say_at(struct event_sink *sink, enum event_kind kind, const char *subject,
    int64_t at_ns, const char *fmt, va_list ap) PRINTF_LIKE(5, 0);
static void say(struct event_sink *sink, enum event_kind kind, const char *subject,
    const char *fmt, va_list ap) PRINTF_LIKE(4, 0);

static void
say_at(struct event_sink *sink, enum event_kind kind, const char *subject, int64_t at_ns,
    const char *fmt, va_list ap)
{
	char text[1024];
	vsnprintf(text, sizeof text, fmt, ap);
	struct event e = { .kind = kind, .subject = subject, .text = text, .at_ns = at_ns };
	event_emit(sink, &e);
}

static void
say(struct event_sink *sink, enum event_kind kind, const char *subject, const char *fmt,
    va_list ap)
{
	say_at(sink, kind, subject, 0, fmt, ap);
}

void
event_phase(struct event_sink *sink, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(sink, EVENT_PHASE, NULL, fmt, ap);
	va_end(ap);
}

void
event_note(struct event_sink *sink, const char *subject, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(sink, EVENT_NOTE, subject, fmt, ap);
	va_end(ap);
}

void
event_warning(struct event_sink *sink, const char *subject, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(sink, EVENT_WARNING, subject, fmt, ap);
	va_end(ap);
}

void
event_problem(struct event_sink *sink, const char *subject, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(sink, EVENT_PROBLEM, subject, fmt, ap);
	va_end(ap);
}

void
event_service(struct event_sink *sink, const char *subject, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(sink, EVENT_SERVICE, subject, fmt, ap);
	va_end(ap);
}

void
event_service_at(
    struct event_sink *sink, const char *subject, int64_t at_ns, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say_at(sink, EVENT_SERVICE, subject, at_ns, fmt, ap);
	va_end(ap);
}
