/*
 * host_process.h: a container's process, as this host sees it.
 *
 * The engine tells process ids; by the time they are used they may be another
 * process's.  So a process is held by a pidfd, taken only when its control
 * group names the container.  Works for an engine on this machine, as root.
 */
#ifndef DOCKER_HOST_PROCESS_H
#define DOCKER_HOST_PROCESS_H

#include "base/err.h"

#include <stdbool.h>

/* Hold process pid of the container with that (full) id; *pid_fd is the caller's to close.
 * ERR_NOT_FOUND when there is no such process of that container here. */
MUST_CHECK enum err_code host_process_open(
    int *pid_fd, int64_t pid, const char *container_id, struct err *err);
bool host_process_is_alive(int pid_fd);
/* Kill it and its process group, and wait up to timeout_ms for its end.  What has made itself a
 * group of its own in between is not reached. */
MUST_CHECK enum err_code host_process_kill(
    int pid_fd, int64_t pid, int timeout_ms, struct err *err);
/* Open /proc/PID/name (its root, a namespace): what pid_fd holds, not what came after it. */
MUST_CHECK enum err_code host_process_open_file(
    int *fd, int pid_fd, int64_t pid, const char *name, int flags, struct err *err);

#endif
