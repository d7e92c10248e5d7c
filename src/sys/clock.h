/*
 * clock.h: wall-clock and monotonic time, in nanoseconds.
 */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include "base/err.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* Nanoseconds since 1970-01-01 UTC. */
int64_t clock_wall_ns(void);
/* Nanoseconds of a clock that never goes back; the zero point means nothing. */
int64_t clock_mono_ns(void);

#define CLOCK_TEXT_SIZE 36

/* "2026-11-21T12:30:05Z" (RFC 3339, UTC, whole seconds). */
void clock_format(char out[CLOCK_TEXT_SIZE], int64_t wall_ns);
/* "2026-11-21 12:30:05" in the local time zone, for people. */
void clock_format_local(char out[CLOCK_TEXT_SIZE], int64_t wall_ns);

#define CLOCK_ZONE_SIZE 64
/* The name of the local time zone, "Europe/Berlin": TZ, else where /etc/localtime leads; "UTC"
 * where neither tells. */
void clock_zone(char out[CLOCK_ZONE_SIZE]);

#endif
