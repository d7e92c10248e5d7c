/*
 * sock.h: stream sockets on this machine.
 */
#ifndef SYS_SOCK_H
#define SYS_SOCK_H

#include "base/err.h"

/* Connect to a unix socket; *fd is the caller's.  ERR_NOT_FOUND when there is no socket,
 * ERR_TRANSIENT when nobody listens, ERR_DENIED without permission. */
MUST_CHECK enum err_code sock_connect_unix(int *fd, const char *path, struct err *err);

#endif
