#include "sys/sock.h"

#include "sys/fd.h"

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
