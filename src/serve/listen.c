#include "serve/listen.h"

#include "base/strv.h"
#include "sys/fd.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG 511

/* Host and port; the brackets of IPv6 go. */
static enum err_code
split(const char *address, char **host, char **port, struct err *err)
{
	const char *colon = strrchr(address, ':');
	size_t len = colon != NULL ? (size_t)(colon - address) : 0;
	if (len > 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	} else if (len == 0 || memchr(address, ':', len) != NULL) {
		len = 0;
	}
	size_t digits = colon != NULL ? strspn(colon + 1, "0123456789") : 0;
	unsigned long number = digits > 0 && digits < 6 ? strtoul(colon + 1, NULL, 10) : 0;
	if (len == 0 || number == 0 || number > UINT16_MAX || colon[1 + digits] != '\0')
		return err_set(err, ERR_USAGE,
		    "'%s' is no address to listen on: give one as 127.0.0.1:8080 or [::1]:8080",
		    address);
	return str_dupn(host, address, len, err) ? err->code : str_dup(port, colon + 1, err);
}

static enum err_code
open_at(int *fd, const struct addrinfo *at, const char *address, struct err *err)
{
	static const int yes = 1;
	AUTO(fd) int s = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0)
		return err_sys(err, "listen on %s", address);
	if (bind(s, at->ai_addr, at->ai_addrlen) != 0 || listen(s, BACKLOG) != 0) {
		if (errno == EADDRINUSE)
			return err_set(err, ERR_LOCKED,
			    "listen on %s: another program listens there: stop it, or give "
			    "another port with --listen",
			    address);
		return err_sys(err, "listen on %s", address);
	}
	*fd = fd_take(&s);
	return ERR_OK;
}

enum err_code
listen_open(int *fd, const char *address, struct err *err)
{
	AUTO(str) char *host = NULL;
	AUTO(str) char *port = NULL;
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *list;
	if (split(address, &host, &port, err))
		return err->code;
	int rc = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, port, &hints, &list);
	if (rc != 0)
		return err_set(err, ERR_USAGE,
		    "'%s' is no address to listen on: %s; give a numeric one as 127.0.0.1:8080",
		    address, gai_strerror(rc));
	enum err_code code = open_at(fd, list, address, err);
	freeaddrinfo(list);
	return code;
}
