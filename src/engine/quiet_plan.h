/*
 * quiet_plan.h: what is done to each container of a stack while it is quiet.
 *
 * By default the services that write are paused, and databases are left alone:
 * they must answer while their instant is fixed.  Settings say otherwise for a
 * service ("none", "stop") or for all of them.  "down" is for the whole stack:
 * then its databases do not run either, and their files are taken at rest.
 */
#ifndef ENGINE_QUIET_PLAN_H
#define ENGINE_QUIET_PLAN_H

#include "docker/lifecycle.h"
#include "engine/settings.h"

/* Is the whole stack to be taken down? */
bool quiet_plan_is_down(const struct settings *s);

/* targets has room for all containers of s; *n is set.  is_dumped tells, for each container,
 * whether it is a database that is dumped; what it says is not heeded under "down".  ERR_USAGE
 * for a database that is dumped and is to be paused or stopped by its own setting. */
MUST_CHECK enum err_code quiet_plan_make(struct lifecycle_target *targets, size_t *n,
    const struct stack *s, const struct settings *settings, const bool *is_dumped,
    struct err *err);

/* The word for the snapshot: the strongest of what is done, "none" when nothing is. */
const char *quiet_plan_word(const struct lifecycle_target *targets, size_t n);

#endif
