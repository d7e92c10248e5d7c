/*
 * hook.h: a command of the user's that is run in a service's container, before
 * its stack is made quiet or after it runs again.
 *
 * It is an argument list, run without a shell as the container's own user, in
 * the first container of the service.  The engine cannot end it: when its time
 * is over, it is killed as exec.h tells, and where that is not possible the
 * error says so by being a timeout only.
 */
#ifndef DOCKER_HOOK_H
#define DOCKER_HOOK_H

#include "docker/journal.h"

/* ERR_IO with the last lines that it wrote when its exit status is not 0; ERR_CANCELLED when
 * its time is over, or cancel (which may be NULL) is raised; ERR_NOT_FOUND when the service has
 * no container that runs, or the command is not there. */
MUST_CHECK enum err_code hook_run(const char *host, const char *stack,
    const struct journal_hook *h, const struct cancel *cancel, struct err *err);

#endif
