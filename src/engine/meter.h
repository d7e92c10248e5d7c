/*
 * meter.h: telling how far a long step is, a few times a second.
 *
 * A meter has a thread that asks a sample function for numbers and emits them
 * as EVENT_PROGRESS until it is stopped.
 */
#ifndef ENGINE_METER_H
#define ENGINE_METER_H

#include "base/err.h"
#include "engine/event.h"

struct meter;

/* Fill in bytes, files and their totals.  Called from the meter's thread. */
typedef void meter_sample(void *arg, struct event *e);

/* A meter that cannot start is no reason to fail: *out is then NULL. */
void meter_start(struct meter **out, struct event_sink *sink, meter_sample *sample, void *arg);
void meter_stop(struct meter *m);
AUTO_FREE(meter, struct meter *, meter_stop)

#endif
