/*
 * down.h: taking a whole stack down, and bringing up again what ran; for
 * docker/ only.
 *
 * Containers are removed, as "compose down" does; volumes stay, and so do the
 * networks, which stopped containers of other stacks may rely on.  The engine is
 * asked for that, not Compose, which would go on removing after our death.
 * "compose up -d" makes containers anew from the compose files.  So that what
 * comes up is what went down, down_check refuses a stack of which that cannot be
 * said: files that changed since it was started, or that take variables from the
 * environment, volumes without a name, containers that are paused.
 *
 * Compose is given an environment of its own (compose.h), so that the watchdog
 * and "stacksnap recover" bring up the same as the run that took it down.
 */
#ifndef DOCKER_DOWN_H
#define DOCKER_DOWN_H

#include "docker/thaw.h"

/* ERR_UNSUPPORTED, with the reason and the way out. */
MUST_CHECK enum err_code down_check(
    const struct stack *s, const char *host, const struct cancel *cancel, struct err *err);
/* What bringing s up again needs. */
MUST_CHECK enum err_code down_project(
    struct journal_project *out, const struct stack *s, struct err *err);
/* Remove the containers, which are stopped. */
MUST_CHECK enum err_code down_remove(
    struct docker *d, const struct journal *j, struct err *err);
/* Make those containers anew that are gone; nothing is started.  As down_bring_up. */
enum err_code down_make(const struct journal *j, struct err *err);
/* Make all containers anew, and start those that ran; no cancel is heeded.  Whether they run is
 * for the caller to see; returns err->code. */
enum err_code down_bring_up(const struct journal *j, struct err *err);
/* Which containers stand for the steps now: their ids, or is_gone.  By service and number; else
 * another of the service. */
MUST_CHECK enum err_code down_find(
    struct docker *d, const struct journal *j, struct thaw_step *steps, struct err *err);

#endif
