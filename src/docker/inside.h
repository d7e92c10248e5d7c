/*
 * inside.h: a container's files, as this host sees them.
 *
 * They are reached by /proc/PID/root of the container's first process.  What
 * lies there is the container's to choose: links are followed inside the
 * container only, and a file is looked at before it is opened, since opening a
 * device or a pipe may do things.
 *
 * Works for an engine on this machine, as root.  Errors beyond the system's:
 * ERR_NOT_FOUND when the container has no process here.
 */
#ifndef DOCKER_INSIDE_H
#define DOCKER_INSIDE_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/* Its root folder, for the calls below; *root_fd is the caller's to close.  id is the full one.
 */
MUST_CHECK enum err_code inside_root(
    int *root_fd, int64_t pid, const char *container_id, struct err *err);
/* Does the process number its users as this host does? */
MUST_CHECK enum err_code inside_same_users(bool *out, int64_t pid, struct err *err);
/* Hold what is at path (O_PATH); *fd is the caller's to close. */
MUST_CHECK enum err_code inside_find(int *fd, int root_fd, const char *path, struct err *err);
/* The folder at path, which no link is on the way to. */
MUST_CHECK enum err_code inside_folder(int *fd, int root_fd, const char *path, struct err *err);
/* The user id that the engine runs a tool as when it is told this user: "", "name", "123",
 * "name:group".  ERR_NOT_FOUND when the container's /etc/passwd does not know the name. */
MUST_CHECK enum err_code inside_user(
    uid_t *out, int root_fd, const char *user, struct err *err);

#endif
