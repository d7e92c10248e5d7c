/*
 * restore_site.h: what a restore and its undoing both ask of Compose and of
 * the engine: take a stack down, stop and start some of it, wait until it is
 * well.  For restore*.c only.
 *
 * Ownership: a site borrows all it has.
 * Threads:   one at a time.
 */
#ifndef ENGINE_RESTORE_SITE_H
#define ENGINE_RESTORE_SITE_H

#include "docker/compose.h"
#include "docker/stack.h"
#include "engine/event.h"

struct restore_site {
	struct docker *docker;
	struct compose *compose;
	struct event_sink *events;
	const char *name; /* of the project */
};

/* What -p, --project-directory, -f and --env-file say of a stack. */
struct compose_project site_project(const struct restore_site *s, const char *dir,
    const struct strv *files, const struct strv *env_files);

/* Remove the containers and networks of the project; nothing of it may run afterwards.  dir and
 * files are only for Compose 1.x, and may be NULL. */
MUST_CHECK enum err_code site_down(
    const struct restore_site *s, const char *dir, const struct strv *files, struct err *err);

/* Stop these containers, dependants first; they stay.  Those that are gone are passed over. */
MUST_CHECK enum err_code site_stop(
    const struct restore_site *s, const struct strv *ids, struct err *err);
/* Start them, each behind those that it depends on, which are waited for. */
MUST_CHECK enum err_code site_start(const struct restore_site *s, const struct strv *ids,
    int wait_s, const struct cancel *cancel, struct err *err);

/* Does every container of the service run, and is it healthy where that is checked? */
bool site_is_well(const struct stack *s, const char *service);
/* Until the services are well, or the time is over: ERR_TRANSIENT names one that is not.  *s is
 * read again each time.  running: how many of them run. */
MUST_CHECK enum err_code site_wait_well(const struct restore_site *site, struct stack **s,
    const struct strv *services, int wait_s, const struct cancel *cancel, uint64_t *running,
    struct err *err);

#endif
