#include "docker/inside.h"

#include "base/buf.h"
#include "base/strv.h"
#include "docker/host_process.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PASSWD_MAX ((size_t)1 << 20)

enum err_code
inside_root(int *root_fd, int64_t pid, const char *container_id, struct err *err)
{
	AUTO(fd) int pid_fd = -1;
	if (host_process_open(&pid_fd, pid, container_id, err))
		return err->code;
	return host_process_open_file(root_fd, pid_fd, pid, "root", O_PATH | O_DIRECTORY, err);
}

enum err_code
inside_same_users(bool *out, int64_t pid, struct err *err)
{
	char path[64];
	struct stat theirs;
	struct stat ours;
	snprintf(path, sizeof path, "/proc/%" PRId64 "/ns/user", pid);
	/* Without user namespaces in the kernel there is none to differ. */
	if (stat("/proc/self/ns/user", &ours) != 0 && errno == ENOENT) {
		*out = true;
		return ERR_OK;
	}
	if (stat("/proc/self/ns/user", &ours) != 0 || stat(path, &theirs) != 0)
		return err_sys(err, "look at %s", path);
	*out = theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
	return ERR_OK;
}

static enum err_code
open_inside(
    int *out, int root_fd, const char *path, int flags, uint64_t resolve, struct err *err)
{
	struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve };
	int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof how);
	if (fd < 0)
		return err_sys(err, "find %s", path);
	*out = fd;
	return ERR_OK;
}

enum err_code
inside_find(int *fd, int root_fd, const char *path, struct err *err)
{
	return open_inside(fd, root_fd, path, O_PATH, 0, err);
}

enum err_code
inside_folder(int *fd, int root_fd, const char *path, struct err *err)
{
	return open_inside(fd, root_fd, path, O_RDONLY | O_DIRECTORY, RESOLVE_NO_SYMLINKS, err);
}

static enum err_code
read_passwd(struct buf *out, int root_fd, struct err *err)
{
	AUTO(fd) int held = -1;
	struct stat st;
	if (inside_find(&held, root_fd, "/etc/passwd", err))
		return err->code;
	if (fstat(held, &st) != 0)
		return err_sys(err, "look at /etc/passwd");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_NOT_FOUND, "/etc/passwd is no file");
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", held);
	AUTO(fd) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open /etc/passwd");
	return fd_read_to_end(fd, PASSWD_MAX, out, err);
}

static bool
read_number(uid_t *out, const char *text, size_t len)
{
	uint64_t n = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text[i] - '0');
		/* The last one means "leave it". */
		if (n >= UINT32_MAX)
			return false;
	}
	*out = (uid_t)n;
	return len > 0;
}

/* A line is "name:password:uid:...". */
static bool
line_names(uid_t *out, const char *line, const char *name, size_t len)
{
	if (strncmp(line, name, len) != 0 || line[len] != ':')
		return false;
	const char *uid = line + len + 1;
	uid += strcspn(uid, ":\n");
	return *uid == ':' && read_number(out, uid + 1, strcspn(uid + 1, ":\n"));
}

enum err_code
inside_user(uid_t *out, int root_fd, const char *user, struct err *err)
{
	size_t len = strcspn(user, ":");
	if (len == 0) {
		*out = 0;
		return ERR_OK;
	}
	if (read_number(out, user, len))
		return ERR_OK;
	AUTO(bufv) struct buf passwd = BUF_INIT;
	if (read_passwd(&passwd, root_fd, err))
		return err->code;
	const char *line = buf_cstr(&passwd);
	if (line == NULL)
		return err_nomem(err);
	while (*line != '\0') {
		if (line_names(out, line, user, len))
			return ERR_OK;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return err_set(err, ERR_NOT_FOUND, "the container's /etc/passwd has no user %.*s",
	    (int)min_size(len, 100), user);
}
