/*
 * tunnel.h: a connection to a port inside a container that cannot be reached
 * from here, carried by an exec; for exec.c.
 *
 * A tool of the container's own connects to its loopback and passes bytes on:
 * bash where there is one, else nc (BusyBox).  The other end is a socket of
 * ours.  Closing it ends the tool.
 *
 * A connection has a client, two threads and a cancel of its own, so that it
 * can end whenever its owner closes the socket, whoever else is gone by then.
 *
 * Threads: any.
 * Errors:  ERR_UNSUPPORTED when the container has neither tool; ERR_TRANSIENT when
 *          nobody listens.
 */
#ifndef DOCKER_TUNNEL_H
#define DOCKER_TUNNEL_H

#include "docker/engine.h"

/* *fd is the caller's. */
MUST_CHECK enum err_code tunnel_open(
    int *fd, struct docker *d, const char *container, uint16_t port, struct err *err);

#endif
