/*
 * sock.h: connecting stream sockets.
 */
#ifndef SYS_SOCK_H
#define SYS_SOCK_H

#include "base/err.h"
#include "sys/cancel.h"

/* Connect to a unix socket; *fd is the caller's.  ERR_NOT_FOUND when there is no socket,
 * ERR_TRANSIENT when nobody listens, ERR_DENIED without permission. */
MUST_CHECK enum err_code sock_connect_unix(int *fd, const char *path, struct err *err);

/* Connect to a numeric IPv4 or IPv6 address; *fd is the caller's and blocking.  ERR_TRANSIENT
 * when nobody listens, ERR_CANCELLED when c is raised or nothing came within timeout_ms. */
MUST_CHECK enum err_code sock_connect_tcp(int *fd, const char *ip, uint16_t port,
    int timeout_ms, const struct cancel *c, struct err *err);

/* The same for a host's name, of which each address is tried, or a numeric address.  Looking
 * the name up heeds neither timeout nor cancel.  ERR_TRANSIENT also when the name is not known.
 */
MUST_CHECK enum err_code sock_connect_host(int *fd, const char *host, uint16_t port,
    int timeout_ms, const struct cancel *c, struct err *err);

#endif
