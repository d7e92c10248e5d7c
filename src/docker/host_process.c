#include "docker/host_process.h"

#include "base/buf.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From Linux 6.9; older ones say EINVAL. */
#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP (1U << 2)
#endif

/* Shorter ids would be found in groups of others. */
#define ID_LEN 64

bool
host_process_is_alive(int pid_fd)
{
	struct pollfd pfd = { pid_fd, POLLIN, 0 };
	return poll(&pfd, 1, 0) == 0;
}

/* Does a line of /proc/PID/cgroup name the container?  True for the cgroupfs and the systemd
 * driver, and for both versions of control groups. */
static enum err_code
check_group(int64_t pid, const char *container_id, struct err *err)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%" PRId64 "/cgroup", pid);
	AUTO(bufv) struct buf groups = BUF_INIT;
	if (fs_read_file(path, (size_t)64 << 10, &groups, err))
		return err->code;
	const char *text = buf_cstr(&groups);
	if (text == NULL)
		return err_nomem(err);
	if (strlen(container_id) != ID_LEN || strstr(text, container_id) == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "process %" PRId64 " does not belong to container %.12s", pid,
		    container_id);
	return ERR_OK;
}

enum err_code
host_process_open(int *pid_fd, int64_t pid, const char *container_id, struct err *err)
{
	if (pid <= 1 || pid > INT32_MAX)
		return err_set(err, ERR_NOT_FOUND,
		    "container %.12s has no process on this machine", container_id);
	AUTO(fd) int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (fd < 0)
		return errno == ESRCH ? err_set(err, ERR_NOT_FOUND,
					    "there is no process %" PRId64 " here", pid)
				      : err_sys(err, "watch process %" PRId64, pid);
	if (check_group(pid, container_id, err))
		return err->code;
	if (!host_process_is_alive(fd))
		return err_set(err, ERR_NOT_FOUND, "process %" PRId64 " has ended", pid);
	*pid_fd = fd_take(&fd);
	return ERR_OK;
}

/* As the kernel's own call for it: while the leader is there, its number is its group's. */
static long
kill_group(int pid_fd, int64_t pid)
{
	long rc =
	    syscall(SYS_pidfd_send_signal, pid_fd, SIGKILL, NULL, PIDFD_SIGNAL_PROCESS_GROUP);
	if (rc == 0 || (errno != EINVAL && errno != ESRCH))
		return rc;
	if (getpgid((pid_t)pid) == pid && host_process_is_alive(pid_fd))
		return kill((pid_t)-pid, SIGKILL);
	return syscall(SYS_pidfd_send_signal, pid_fd, SIGKILL, NULL, 0);
}

enum err_code
host_process_kill(int pid_fd, int64_t pid, int timeout_ms, struct err *err)
{
	/* The runtime makes a tool the leader of its session, so its group is its pipeline. */
	long rc = kill_group(pid_fd, pid);
	if (rc != 0 && errno != ESRCH)
		return err_sys(err, "kill process");
	struct pollfd pfd = { pid_fd, POLLIN, 0 };
	if (poll(&pfd, 1, timeout_ms) == 0)
		return err_set(err, ERR_CANCELLED,
		    "the process has not ended within %d ms of SIGKILL", timeout_ms);
	return ERR_OK;
}

enum err_code
host_process_open_file(
    int *out, int pid_fd, int64_t pid, const char *name, int flags, struct err *err)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%" PRId64 "/%s", pid, name);
	AUTO(fd) int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	/* Still alive, so the id was not used again in between. */
	if (!host_process_is_alive(pid_fd))
		return err_set(err, ERR_NOT_FOUND, "process %" PRId64 " has ended", pid);
	*out = fd_take(&fd);
	return ERR_OK;
}
