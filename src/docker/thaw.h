/*
 * thaw.h: making the containers of a journal run again; for docker/ only.
 *
 * What lifecycle_thaw, journal_recover and the watchdog have in common.  It
 * asks for the present state and does what leads to "running" from there, so
 * that it may be repeated, and two may do it at once.
 */
#ifndef DOCKER_THAW_H
#define DOCKER_THAW_H

#include "docker/journal.h"

#define CONTAINER_ID_SIZE 80

struct thaw_step {
	const struct journal_entry *entry;
	char id[CONTAINER_ID_SIZE]; /* of its container now: "compose up" makes others */
	bool is_done; /* as before: it runs, or has ended by itself; not looked at again */
	bool is_gone; /* there is no such container any more */
	bool was_changed; /* it did not run before this */
	bool was_awaited; /* a stop that may have been under way is over */
	enum container_state state; /* the last one seen */
	int64_t took_ns;
	int64_t done_ns; /* clock_mono_ns when it was seen to run */
	struct err err; /* why it does not run */
};

/* Whether an entry's container must run in the end. */
bool thaw_is_needed(const struct journal_entry *e);
/* One step for each of j's entries. */
MUST_CHECK enum err_code thaw_steps(
    struct thaw_step **out, const struct journal *j, struct err *err);
/* Of a stack that was taken down. */
enum thaw_way {
	THAW_BY_COMPOSE, /* Compose makes and starts all, and waits for health checks in between
			  */
	THAW_AT_ONCE, /* Compose makes what is missing; nothing is waited for */
};
/* Try all steps that are not done, each when what it needs runs, or does not come up. */
void thaw_all(
    struct docker *d, const struct journal *j, struct thaw_step *steps, enum thaw_way way);
/* ERR_OK when all are done, else one error that names those that are not, the command that
 * mends it, and the first reason. */
MUST_CHECK enum err_code thaw_result(
    const struct journal *j, const struct thaw_step *steps, struct err *err);

/* What journal_recover does, but also while the run that wrote it is alive. */
MUST_CHECK enum err_code journal_keep(
    const char *path, struct strv *thawed, struct strv *failed_hooks, struct err *err);

#endif
