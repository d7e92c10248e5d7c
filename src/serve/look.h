/*
 * look.h: what a verb that looks into the repository has at hand.
 *
 * Threads: one at a time.
 */
#ifndef SERVE_LOOK_H
#define SERVE_LOOK_H

#include "serve/keeper.h"
#include "serve/shelf.h"

struct look {
	struct kept_repo *kept;
	struct repo *repo;
	const struct points *points;
	struct err old; /* ERR_OK, or why the points may be old */
	struct engine engine;
};

MUST_CHECK enum err_code look_begin(struct look *out, const struct ask *ask, struct err *err);
void look_release(struct look *l);
static inline void UNUSED
look_auto(struct look *l)
{
	look_release(l);
}

/* The same, with the snapshot that the argument "id" names. */
MUST_CHECK enum err_code look_at(
    struct look *out, const struct point **point, const struct ask *ask, struct err *err);

/* A stack's name of the arguments.  ERR_USAGE for what Docker Compose would call none: the
 * command line takes a name with a dot for a file. */
MUST_CHECK enum err_code ask_stack(
    const struct ask *ask, const char *name, const char **out, struct err *err);

#endif
