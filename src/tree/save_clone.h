/*
 * save_clone.h: files that were cloned at their instant, to be read later; for
 * save*.c only.
 *
 * A clone is a file without a name beside the one it was made of (O_TMPFILE),
 * which shares its blocks (FICLONE, ioctl_ficlonerange(2)); the kernel frees it
 * with its descriptor, also when this process is killed.  There are so many
 * descriptors, and no more; files beyond that are read at once.
 *
 * Threads: any number may add; one at a time takes.
 */
#ifndef TREE_SAVE_CLONE_H
#define TREE_SAVE_CLONE_H

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Shorter files are read in the time that a clone takes. */
#define CLONE_MIN ((off_t)1 << 20)

struct slot;

struct clone {
	struct slot *slot;
	int fd;
};

struct clone_list {
	pthread_mutex_t lock;
	struct clone *items;
	size_t count;
	size_t cap; /* 0: none may be made */
	size_t taken;
	uint64_t bytes;
	dev_t refused; /* a filesystem that cannot */
	bool has_refused;
};

/* may: shall any be made?  Without memory for the list there are none. */
void clones_init(struct clone_list *l, bool may);
/* Closes what was not taken. */
void clones_release(struct clone_list *l);

/* Clone an open file of the folder dir_fd for a slot.  False: read it now. */
bool clones_add(
    struct clone_list *l, struct slot *slot, int dir_fd, int fd, const struct stat *st);
/* The next one, whose descriptor becomes the caller's; false when there is none left. */
bool clones_take(struct clone_list *l, struct clone *out);
/* Are there any that nobody has taken? */
bool clones_wait(struct clone_list *l);

#endif
