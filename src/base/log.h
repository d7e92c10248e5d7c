/*
 * log.h: the debug log, for people who look for a fault in StackSnap itself.
 *
 * Off unless main() sets a sink (STACKSNAP_DEBUG=1).  Never a channel to the
 * user: what a user must know is an error or an engine event.  Secrets are
 * never logged.  Threads: the sink may be called from any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/defs.h"

typedef void log_sink(const char *line);

/* Set once, before threads start. */
void log_set_sink(log_sink *sink);
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
