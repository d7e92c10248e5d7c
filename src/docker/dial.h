/*
 * dial.h: connecting to a socket inside a container; for exec.c.
 */
#ifndef DOCKER_DIAL_H
#define DOCKER_DIAL_H

#include "docker/engine.h"

/* As runner_dial (sys/runner.h, exec.h) for the container of that id. */
MUST_CHECK enum err_code docker_dial(
    struct docker *d, const char *container_id, const char *address, int *fd, struct err *err);
/* The number in "5432". */
MUST_CHECK enum err_code dial_port(uint16_t *port, const char *text, struct err *err);

#endif
