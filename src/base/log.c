#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static log_sink *the_sink;

void
log_set_sink(log_sink *sink)
{
	the_sink = sink;
}

void
log_debug(const char *fmt, ...)
{
	if (the_sink == NULL)
		return;
	char line[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	the_sink(line);
}
