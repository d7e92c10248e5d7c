#include "sys/sock.h"

#include "sys/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum err_code
sock_connect_unix(int *out, const char *path, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof addr.sun_path)
		return err_set(err, ERR_USAGE, "socket path is too long: %s", path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "create socket");
	if (connect(fd, (const struct sockaddr *)&addr, sizeof addr) != 0)
		return err_sys(err, "connect to %s", path);
	*out = fd_take(&fd);
	return ERR_OK;
}

/* Both families have their address and port in the same union. */
union inet_addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t
parse_ip(union inet_addr *a, const char *ip, uint16_t port)
{
	memset(a, 0, sizeof *a);
	if (inet_pton(AF_INET, ip, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		return sizeof a->v4;
	}
	if (inet_pton(AF_INET6, ip, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(port);
		return sizeof a->v6;
	}
	return 0;
}

static enum err_code
wait_connected(int fd, const char *ip, uint16_t port, int timeout_ms, const struct cancel *c,
    struct err *err)
{
	struct pollfd pfd[2] = { { fd, POLLOUT, 0 }, { cancel_fd(c), POLLIN, 0 } };
	int n;
	do
		n = poll(pfd, 2, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "poll");
	if (cancel_check(c, err))
		return err->code;
	if (n == 0)
		return err_set(err, ERR_CANCELLED,
		    "connect to %s port %u: no answer within %d ms", ip, port, timeout_ms);
	int e = 0;
	socklen_t len = sizeof e;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) != 0)
		e = errno;
	return e == 0 ? ERR_OK : err_errno(err, e, "connect to %s port %u", ip, port);
}

enum err_code
sock_connect_tcp(int *out, const char *ip, uint16_t port, int timeout_ms,
    const struct cancel *c, struct err *err)
{
	union inet_addr addr;
	socklen_t len = parse_ip(&addr, ip, port);
	if (len == 0)
		return err_set(err, ERR_USAGE, "'%s' is no IP address", ip);
	AUTO(fd) int fd =
	    socket(addr.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, "create socket");
	if (connect(fd, &addr.any, len) != 0) {
		if (errno != EINPROGRESS)
			return err_sys(err, "connect to %s port %u", ip, port);
		if (wait_connected(fd, ip, port, timeout_ms, c, err))
			return err->code;
	}
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return err_sys(err, "set blocking");
	*out = fd_take(&fd);
	return ERR_OK;
}

static enum err_code
connect_each(int *out, const struct addrinfo *list, uint16_t port, int timeout_ms,
    const struct cancel *c, struct err *err)
{
	struct err why; /* of the last address; err stays clean when one of them answers */
	err_set(&why, ERR_TRANSIENT, "the name has no address");
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		char ip[INET6_ADDRSTRLEN];
		if (getnameinfo(a->ai_addr, a->ai_addrlen, ip, sizeof ip, NULL, 0,
			NI_NUMERICHOST) == 0 &&
		    sock_connect_tcp(out, ip, port, timeout_ms, c, &why) == ERR_OK)
			return ERR_OK;
		if (cancel_is_raised(c))
			break;
	}
	*err = why;
	return err->code;
}

enum err_code
sock_connect_host(int *out, const char *host, uint16_t port, int timeout_ms,
    const struct cancel *c, struct err *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int rc = getaddrinfo(host, NULL, &hints, &list);
	if (rc == EAI_SYSTEM)
		return err_sys(err, "look up %s", host);
	if (rc != 0)
		return err_set(err, ERR_TRANSIENT, "look up %s: %s", host, gai_strerror(rc));
	enum err_code code = connect_each(out, list, port, timeout_ms, c, err);
	freeaddrinfo(list);
	return code;
}
