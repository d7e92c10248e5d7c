#include "tree/save_clone.h"

#include "base/log.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#define CLONES_MAX 256

/* A quarter of the descriptors that this process may have: folders need some, too. */
static size_t
room_for_clones(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	return limit.rlim_cur / 4 < CLONES_MAX ? (size_t)limit.rlim_cur / 4 : CLONES_MAX;
}

void
clones_init(struct clone_list *l, bool may)
{
	*l = (struct clone_list){ .cap = may ? room_for_clones() : 0 };
	pthread_mutex_init(&l->lock, NULL);
	if (l->cap == 0)
		return;
	l->items = calloc(l->cap, sizeof *l->items);
	if (l->items == NULL)
		l->cap = 0;
}

void
clones_release(struct clone_list *l)
{
	for (size_t i = l->taken; i < l->count; i++)
		close(l->items[i].fd);
	free(l->items);
	pthread_mutex_destroy(&l->lock);
}

static bool
may_try(struct clone_list *l, const struct stat *st)
{
	if (l->cap == 0 || st->st_size < CLONE_MIN)
		return false;
	pthread_mutex_lock(&l->lock);
	bool may = l->count < l->cap && !(l->has_refused && l->refused == st->st_dev);
	pthread_mutex_unlock(&l->lock);
	return may;
}

/* A filesystem that cannot clone is not asked for each of its files. */
static void
note_refusal(struct clone_list *l, dev_t dev, int errnum)
{
	log_debug("files of device %llu cannot be cloned (%d): they are read at once",
	    (unsigned long long)dev, errnum);
	pthread_mutex_lock(&l->lock);
	l->refused = dev;
	l->has_refused = true;
	pthread_mutex_unlock(&l->lock);
}

bool
clones_add(struct clone_list *l, struct slot *slot, int dir_fd, int fd, const struct stat *st)
{
	if (!may_try(l, st))
		return false;
	AUTO(fd) int copy = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (copy < 0 || ioctl(copy, FICLONE, fd) != 0) {
		note_refusal(l, st->st_dev, errno);
		return false;
	}
	pthread_mutex_lock(&l->lock);
	bool fits = l->count < l->cap;
	if (fits) {
		l->items[l->count++] = (struct clone){ slot, fd_take(&copy) };
		l->bytes += (uint64_t)st->st_size;
	}
	pthread_mutex_unlock(&l->lock);
	return fits;
}

bool
clones_take(struct clone_list *l, struct clone *out)
{
	pthread_mutex_lock(&l->lock);
	bool has = l->taken < l->count;
	if (has)
		*out = l->items[l->taken++];
	pthread_mutex_unlock(&l->lock);
	return has;
}

bool
clones_wait(struct clone_list *l)
{
	pthread_mutex_lock(&l->lock);
	bool has = l->taken < l->count;
	pthread_mutex_unlock(&l->lock);
	return has;
}
