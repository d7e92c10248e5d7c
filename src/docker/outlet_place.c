#include "docker/outlet_place.h"

#include "base/log.h"
#include "docker/inside.h"
#include "docker/outlet.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/rand.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The engine makes both anew, in memory, whenever a container starts; they can be written to in
 * containers whose own files cannot.  /dev is root's alone. */
static const char *const folders[] = { "/dev", "/dev/shm" };

#define PREFIX ".stacksnap-"
#define RANDOM_SIZE ((size_t)16)
#define SECRET_SIZE (2 * RANDOM_SIZE)
/* Nobody else's folder is read for longer than this. */
#define SWEEP_MAX 10000

/* Whose it is and a secret: ".stacksnap-PID-START-SPACE-RANDOM". */
static enum err_code
make_name(char *out, size_t size, struct err *err)
{
	struct process_identity self;
	uint8_t random[RANDOM_SIZE];
	char hex[SECRET_SIZE + 1];
	if (process_identify(&self, getpid(), err) || rand_bytes(random, sizeof random, err))
		return err->code;
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(hex + 2 * i, 3, "%02x", random[i]);
	snprintf(out, size, PREFIX "%" PRId64 "-%" PRIu64 "-%" PRIu64 "-%s", self.pid,
	    self.start, self.pid_space, hex);
	return ERR_OK;
}

/* Folders of this host's that were mounted into the container are left alone. */
static enum err_code
open_folder(int *out, int root_fd, const char *path, struct err *err)
{
	AUTO(fd) int fd = -1;
	struct stat theirs;
	struct stat ours;
	if (inside_folder(&fd, root_fd, path, err))
		return err->code;
	if (fstat(fd, &theirs) != 0)
		return err_sys(err, "look at %s", path);
	if (stat(path, &ours) == 0 && ours.st_dev == theirs.st_dev)
		return err_set(
		    err, ERR_UNSUPPORTED, "%s in the container is this host's", path);
	*out = fd_take(&fd);
	return ERR_OK;
}

/* Hold what has that name, if it is a pipe, and open it by what is held: a device that was put
 * there meanwhile is never opened. */
static enum err_code
open_pipe(int *held, int *fd, int dir_fd, const char *name, struct err *err)
{
	AUTO(fd) int h = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (h < 0 || fstat(h, &st) != 0)
		return err_sys(err, "look at %s", name);
	if (!S_ISFIFO(st.st_mode))
		return err_set(err, ERR_DENIED, "%s is no pipe", name);
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", h);
	int opened = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (opened < 0)
		return err_sys(err, "open %s", name);
	*fd = opened;
	*held = fd_take(&h);
	return ERR_OK;
}

static enum err_code
make_pipe(struct outlet_place *p, uid_t uid, int *out, struct err *err)
{
	AUTO(fd) int held = -1;
	AUTO(fd) int fd = -1;
	struct stat st;
	if (mknodat(p->dir_fd, p->name, S_IFIFO | 0600, 0) != 0)
		return err_sys(err, "make a pipe in the container's %s", p->path);
	p->is_there = true;
	if (open_pipe(&held, &fd, p->dir_fd, p->name, err))
		return err->code;
	/* One that somebody put in its place might be others' to write to. */
	if (fchownat(held, "", uid, (gid_t)-1, AT_EMPTY_PATH) != 0 || fstat(held, &st) != 0)
		return err_sys(err, "hand over %s", p->path);
	if (st.st_uid != uid || (st.st_mode & 07777) != 0600 || st.st_nlink != 1)
		return err_set(err, ERR_DENIED, "%s is not as it was made", p->path);
	*out = fd_take(&fd);
	return ERR_OK;
}

static enum err_code
make_in(struct outlet_place *out, const char *folder, int root_fd, uid_t uid, int *fd,
    struct err *err)
{
	struct outlet_place p = { .dir_fd = -1 };
	if (open_folder(&p.dir_fd, root_fd, folder, err))
		return err->code;
	if (make_name(p.name, sizeof p.name, err) == ERR_OK) {
		snprintf(p.path, sizeof p.path, "%s/%s", folder, p.name);
		if (make_pipe(&p, uid, fd, err) == ERR_OK) {
			*out = p;
			return ERR_OK;
		}
	}
	outlet_place_remove(&p);
	return err->code;
}

enum err_code
outlet_place_make(struct outlet_place *out, int root_fd, uid_t uid, int *fd, struct err *err)
{
	err_set(err, ERR_UNSUPPORTED, "no folder for a pipe");
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (make_in(out, folders[i], root_fd, uid, fd, err) == ERR_OK)
			return ERR_OK;
	return err->code;
}

void
outlet_place_remove(struct outlet_place *p)
{
	/* The container may have removed it itself; what else hinders us goes with the
	 * container. */
	if (p->is_there && unlinkat(p->dir_fd, p->name, 0) != 0 && errno != ENOENT)
		log_debug("remove %s: %s", p->path, strerror(errno));
	p->is_there = false;
	if (p->dir_fd >= 0)
		close(fd_take(&p->dir_fd));
}

static bool
is_left_over(const char *name, const struct process_identity *self)
{
	struct process_identity owner = *self;
	int begin = 0;
	if (sscanf(name, PREFIX "%" SCNd64 "-%" SCNu64 "-%" SCNu64 "-%n", &owner.pid,
		&owner.start, &owner.pid_space, &begin) != 3 ||
	    begin == 0)
		return false;
	const char *secret = name + begin;
	if (strlen(secret) != SECRET_SIZE || strspn(secret, "0123456789abcdef") != SECRET_SIZE)
		return false;
	return process_has_ended(&owner);
}

/* Opening it lets a tool go on that waits for a reader, and closing it ends that tool. */
static void
remove_left_over(int dir_fd, const char *name)
{
	AUTO(fd) int held = -1;
	AUTO(fd) int fd = -1;
	struct err err;
	if (open_pipe(&held, &fd, dir_fd, name, &err) != ERR_OK)
		log_debug("left over in a container: %s", err.msg);
	else if (unlinkat(dir_fd, name, 0) != 0)
		log_debug("remove %s from a container: %s", name, strerror(errno));
}

static void
sweep_folder(int root_fd, const char *path, const struct process_identity *self)
{
	AUTO(fd) int fd = -1;
	struct err err; /* a folder that cannot be looked at holds nothing of ours */
	if (open_folder(&fd, root_fd, path, &err) != ERR_OK)
		return;
	DIR *d = fdopendir(fd);
	if (d == NULL)
		return;
	int dir_fd = dirfd(d);
	fd = -1; /* d's now */
	const struct dirent *e;
	for (int i = 0; i < SWEEP_MAX && (e = readdir(d)) != NULL; i++)
		if (is_left_over(e->d_name, self))
			remove_left_over(dir_fd, e->d_name);
	closedir(d);
}

void
outlet_sweep(int root_fd)
{
	struct process_identity self;
	struct err err; /* without /proc there is nothing to tell whose they are by */
	if (process_identify(&self, getpid(), &err) != ERR_OK)
		return;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		sweep_folder(root_fd, folders[i], &self);
}
