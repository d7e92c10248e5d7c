/*
 * progress.h: how far a step is, how fast it goes, and when it will be done.
 *
 * The rate follows the last seconds rather than the whole step, so that it is
 * true after a stall, too.  Time left is told once it can be guessed: when the
 * total is known and the step has run for two seconds.
 *
 * Threads: one at a time.
 */
#ifndef UI_PROGRESS_H
#define UI_PROGRESS_H

#include "engine/event.h"
#include "ui/format.h"

struct progress {
	uint64_t bytes;
	uint64_t files;
	int64_t elapsed_ns;
	double rate; /* bytes a second */
	double file_rate; /* files a second */
	bool has_rate;
};

#define PROGRESS_MAX 160

/* A new step begins. */
void progress_reset(struct progress *p);
/* Take in an event of kind EVENT_PROGRESS. */
void progress_add(struct progress *p, const struct event *e);
/* "42 %, 1.2 GB of 2.9 GB, 1,204 files, 120 MB/s, 14 s left": what is known of it. */
void progress_text(const struct progress *p, const struct event *e, char out[PROGRESS_MAX]);

#endif
