/*
 * engine.h: what every use case of the engine is given.
 *
 * A use case is one call: backup.h, restore.h, verify.h, browse.h, plan.h.  It
 * emits events, prints nothing, and asks nobody.
 *
 * Ownership: all pointers are borrowed.
 * Threads:   one use case at a time for one struct engine.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/event.h"
#include "repo/repo.h"
#include "sys/cancel.h"

struct docker;

struct engine {
	struct repo *repo; /* NULL for what needs none (plan) */
	struct event_sink *events; /* may be NULL */
	const struct cancel *cancel; /* may be NULL */
	const char *docker_host; /* NULL: $DOCKER_HOST, else the default socket */
	const char *state_dir; /* where journals are kept; made when missing */
};

/* The client of its engine of containers, which heeds its cancel; the caller closes it. */
MUST_CHECK enum err_code engine_docker(
    struct docker **out, const struct engine *e, struct err *err);

/* How a use case ended, when it did not fail. */
enum outcome {
	OUTCOME_COMPLETE, /* everything that was asked for */
	OUTCOME_PARTIAL, /* a usable result from which something is missing; problems were told
			  */
};

/* "complete", "partial" */
const char *outcome_word(enum outcome o);

#endif
