/*
 * deadline.h: a cancel of one's own, raised with another one's, or by time.
 *
 * What must end at a certain time is given deadline_cancel; it also ends when
 * the user wants all to end.  A thread of the deadline's own watches both.
 *
 * Threads: any; deadline_close when no other uses it any more.
 */
#ifndef SYS_DEADLINE_H
#define SYS_DEADLINE_H

#include "sys/cancel.h"

struct deadline;

struct deadline_options {
	const struct cancel *parent; /* may be NULL; must outlive the deadline */
	/* Called once, on the deadline's thread, when its time is over; the cancel is raised
	 * already.  May be NULL. */
	void (*expired)(void *arg);
	void *arg;
	int64_t (*now_ns)(void); /* NULL: clock_mono_ns */
};

#define DEADLINE_OPTIONS_INIT          \
	{                              \
		NULL, NULL, NULL, NULL \
	}

/* It has no end until deadline_set. */
MUST_CHECK enum err_code deadline_open(
    struct deadline **out, const struct deadline_options *opt, struct err *err);
/* Ends and joins the thread: expired is not called any more, and the parent not heeded.  The
 * cancel stays until deadline_close, which does this first. */
void deadline_stop(struct deadline *d);
void deadline_close(struct deadline *d);
AUTO_FREE(deadline, struct deadline *, deadline_close)

/* From now on ns; < 0: no end.  What has expired stays expired. */
void deadline_set(struct deadline *d, int64_t ns);
const struct cancel *deadline_cancel(const struct deadline *d);
/* Was it time, not the parent? */
bool deadline_has_expired(struct deadline *d);

#endif
