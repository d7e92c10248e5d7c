/*
 * listen.h: a listening socket for an address with a port.
 */
#ifndef SERVE_LISTEN_H
#define SERVE_LISTEN_H

#include "base/err.h"

/* "127.0.0.1:8080", "[::1]:8080", "*:8080" (all addresses): numeric, nothing is looked up. *fd
 * is the caller's.  ERR_USAGE for what is none, ERR_LOCKED when the port is taken. */
MUST_CHECK enum err_code listen_open(int *fd, const char *address, struct err *err);

#endif
