/*
 * view_impl.h: the inside of a view, for mount/ only.
 */
#ifndef MOUNT_VIEW_IMPL_H
#define MOUNT_VIEW_IMPL_H

#include "mount/view.h"

#include <pthread.h>

#define TOLD_MAX 64

struct view {
	struct pieces *pieces;
	struct nodes *nodes;
	struct shelves *shelves;
	struct event_sink *events;
	uid_t uid; /* who owns what is of no snapshot */
	gid_t gid;
	pthread_mutex_t lock; /* guards all below */
	uint64_t told[TOLD_MAX]; /* damage that was told lately, by ino */
	size_t next_told;
	struct view_file *open; /* what nobody has closed yet when it is unmounted */
};

/* number tells it apart from other damage; name may be NULL for dir itself. */
void view_tell(struct view *v, const struct node *dir, uint64_t number, const char *name,
    const struct err *why);

/* The entry behind an ino of a snapshot, the folder that it is or that holds it, and its
 * number. Damage is told. */
MUST_CHECK enum err_code view_find_entry(struct view *v, uint64_t ino, struct node **dir,
    uint64_t *number, struct tree_entry *out, struct err *err);

/* folder_dev is the device of what has none of its own there. */
void view_stat_entry(const struct tree_entry *e, const struct tree_root *root,
    uint64_t folder_dev, uint64_t number, struct stat *st);
void view_stat_place(const struct view *v, const struct shelves_place *p, struct stat *st);

#endif
