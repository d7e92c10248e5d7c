#include "tree/folder.h"

#include "base/bytes.h"
#include "sys/fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Leave most descriptors to others: stores, sockets, files being read. */
#define SHARE_OF_LIMIT 4
#define OPEN_MIN 16
#define OPEN_MAX_WANTED 512

struct folder {
	struct folder_set *set;
	struct folder *up; /* NULL for the root */
	struct trail *trail;
	atomic_size_t refs;
	dev_t dev;
	ino_t ino;
	/* Guarded by set->lock: */
	int fd; /* -1 while closed */
	unsigned pins;
	struct folder *idle_before;
	struct folder *idle_after;
};

static int
sys_openat2(int dir_fd, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)flags,
		.mode = (flags & O_CREAT) != 0 ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd;
	/* EAGAIN: something was renamed meanwhile and the kernel could not be sure. */
	do
		fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof how);
	while (fd < 0 && errno == EAGAIN && (flags & O_NONBLOCK) == 0);
	return fd;
}

bool
folder_has_openat2(void)
{
	/* Sandboxes answer EPERM or ENOSYS for the call as such; "." is allowed to everybody.
	 */
	AUTO(fd) int fd = sys_openat2(AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	return fd >= 0;
}

int
folder_open_at(
    const struct folder_set *set, int dir_fd, const char *name, int flags, mode_t mode)
{
	if (set->use_openat2)
		return sys_openat2(dir_fd, name, flags | O_NOFOLLOW, mode);
	return openat(dir_fd, name, flags | O_NOFOLLOW, mode);
}

static int
open_folder(const struct folder_set *set, int dir_fd, const char *name)
{
	if (set->no_atime) {
		int fd = folder_open_at(set, dir_fd, name, OPEN_FOLDER | O_NOATIME, 0);
		if (fd >= 0 || errno != EPERM) /* EPERM: another user's folder */
			return fd;
	}
	return folder_open_at(set, dir_fd, name, OPEN_FOLDER, 0);
}

void
folder_set_init(struct folder_set *set, bool use_openat2, bool no_atime)
{
	*set = (struct folder_set){ .use_openat2 = use_openat2, .no_atime = no_atime };
	struct rlimit limit;
	size_t share = OPEN_MIN;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		share = (size_t)(limit.rlim_cur / SHARE_OF_LIMIT);
	set->max_open = min_size(max_size(share, OPEN_MIN), OPEN_MAX_WANTED);
	pthread_mutex_init(&set->lock, NULL);
}

void
folder_set_release(struct folder_set *set)
{
	assert(set->open == 0);
	pthread_mutex_destroy(&set->lock);
}

/* The list of idle folders; the set's lock is held. */

static void
idle_remove(struct folder *f)
{
	struct folder_set *set = f->set;
	if (f->idle_before != NULL)
		f->idle_before->idle_after = f->idle_after;
	else
		set->idle_first = f->idle_after;
	if (f->idle_after != NULL)
		f->idle_after->idle_before = f->idle_before;
	else
		set->idle_last = f->idle_before;
	f->idle_before = NULL;
	f->idle_after = NULL;
}

static void
idle_append(struct folder *f)
{
	struct folder_set *set = f->set;
	f->idle_before = set->idle_last;
	if (set->idle_last != NULL)
		set->idle_last->idle_after = f;
	else
		set->idle_first = f;
	set->idle_last = f;
}

/* Close those that have been idle longest until there is room for one more.  When all are
 * pinned there is none, and the limit gives way. */
static void
make_room(struct folder_set *set)
{
	while (set->open >= set->max_open && set->idle_first != NULL) {
		struct folder *f = set->idle_first;
		idle_remove(f);
		close(f->fd);
		f->fd = -1;
		set->open--;
	}
}

static enum err_code
new_folder(struct folder **out, struct folder_set *set, struct folder *up, const char *name,
    const struct stat *st, struct err *err)
{
	struct folder *f = calloc(1, sizeof *f);
	if (f == NULL)
		return err_nomem(err);
	if (trail_new(&f->trail, up != NULL ? up->trail : NULL, name, err)) {
		free(f);
		return err->code;
	}
	f->set = set;
	f->up = up;
	if (up != NULL)
		folder_ref(up);
	atomic_init(&f->refs, 1);
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	f->fd = -1;
	*out = f;
	return ERR_OK;
}

enum err_code
folder_root(struct folder **out, struct folder_set *set, int fd, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_sys(err, "stat");
	struct folder *f;
	if (new_folder(&f, set, NULL, "", &st, err))
		return err->code;
	pthread_mutex_lock(&set->lock);
	f->fd = fd;
	f->pins = 1; /* for good: there is no way back to a closed root */
	set->open++;
	pthread_mutex_unlock(&set->lock);
	*out = f;
	return ERR_OK;
}

enum err_code
folder_enter(
    struct folder **out, struct folder *up, const char *name, struct stat *st, struct err *err)
{
	struct folder_set *set = up->set;
	AUTO(fd) int fd = open_folder(set, up->fd, name);
	if (fd < 0)
		return err_sys(err, "open");
	if (fstat(fd, st) != 0)
		return err_sys(err, "stat");
	struct folder *f;
	if (new_folder(&f, set, up, name, st, err))
		return err->code;
	pthread_mutex_lock(&set->lock);
	make_room(set);
	f->fd = fd_take(&fd);
	f->pins = 1;
	set->open++;
	pthread_mutex_unlock(&set->lock);
	*out = f;
	return ERR_OK;
}

void
folder_ref(struct folder *f)
{
	atomic_fetch_add(&f->refs, 1);
}

void
folder_unref(struct folder *f)
{
	/* A loop, not a recursion: trees may be deeper than the stack. */
	while (f != NULL && atomic_fetch_sub(&f->refs, 1) == 1) {
		struct folder_set *set = f->set;
		struct folder *up = f->up;
		pthread_mutex_lock(&set->lock);
		if (f->fd >= 0) {
			if (f->pins == 0)
				idle_remove(f);
			close(f->fd);
			set->open--;
		}
		pthread_mutex_unlock(&set->lock);
		trail_unref(f->trail);
		free(f);
		f = up;
	}
}

/* Pin f if it is open. */
static bool
pin_open(struct folder *f)
{
	pthread_mutex_lock(&f->set->lock);
	bool is_open = f->fd >= 0;
	if (is_open && f->pins++ == 0)
		idle_remove(f);
	pthread_mutex_unlock(&f->set->lock);
	return is_open;
}

/* Open f again from its holder, which is pinned. */
static enum err_code
reopen(struct folder *f, struct err *err)
{
	AUTO(fd) int fd = open_folder(f->set, f->up->fd, trail_name(f->trail));
	if (fd < 0)
		return err_sys(err, "open again");
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_sys(err, "stat");
	if (st.st_dev != f->dev || st.st_ino != f->ino)
		return err_set(
		    err, ERR_NOT_FOUND, "open again: another folder has taken its place");
	pthread_mutex_lock(&f->set->lock);
	if (f->fd < 0) {
		make_room(f->set);
		f->fd = fd_take(&fd);
		f->set->open++;
	} else if (f->pins == 0) {
		idle_remove(f);
	}
	f->pins++;
	pthread_mutex_unlock(&f->set->lock);
	return ERR_OK;
}

/* Pin the nearest folder on the way from the root to f that is open, f's holder at best; *steps
 * tells how far it is above f. */
static struct folder *
pin_nearest(struct folder *f, size_t *steps)
{
	*steps = 0;
	while (!pin_open(f)) {
		f = f->up;
		++*steps;
	}
	return f;
}

static struct folder *
ancestor(struct folder *f, size_t steps)
{
	while (steps-- > 0)
		f = f->up;
	return f;
}

/* Reopening leaves the folders passed on the way open and idle, so that going back up a deep
 * tree does not begin at the root each time; finding each of them costs a walk up the list. */
#define KEPT_ON_THE_WAY 64

static enum err_code
pin_closed(struct folder *f, struct err *err)
{
	size_t steps;
	struct folder *at = pin_nearest(f, &steps);
	struct folder *way[KEPT_ON_THE_WAY];
	while (steps > 0) {
		/* Note the next folders down, since the links lead up only. */
		size_t n = min_size(steps, KEPT_ON_THE_WAY);
		struct folder *p = ancestor(f, steps - n);
		for (size_t i = n; i-- > 0; p = p->up)
			way[i] = p;
		for (size_t i = 0; i < n; i++) {
			enum err_code rc = reopen(way[i], err);
			folder_unpin(at);
			if (rc)
				return rc;
			at = way[i];
		}
		steps -= n;
	}
	return ERR_OK;
}

enum err_code
folder_pin(struct folder *f, int *fd, struct err *err)
{
	if (!pin_open(f) && pin_closed(f, err))
		return err->code;
	*fd = f->fd;
	return ERR_OK;
}

void
folder_unpin(struct folder *f)
{
	pthread_mutex_lock(&f->set->lock);
	assert(f->pins > 0);
	if (--f->pins == 0)
		idle_append(f);
	pthread_mutex_unlock(&f->set->lock);
}

dev_t
folder_dev(const struct folder *f)
{
	return f->dev;
}

enum err_code
folder_path(const struct folder *f, const char *name, struct buf *out, struct err *err)
{
	return trail_path(f->trail, name, out, err);
}

struct trail *
folder_trail(const struct folder *f)
{
	return f->trail;
}
