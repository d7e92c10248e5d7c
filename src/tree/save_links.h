/*
 * save_links.h: files with several names are read once.
 *
 * The first name that comes along reads; others that come before the content
 * is known wait (as slots of their batches); later ones get a copy.
 *
 * Threads: any.
 */
#ifndef TREE_SAVE_LINKS_H
#define TREE_SAVE_LINKS_H

#include "base/map.h"
#include "repo/content.h"

#include <pthread.h>
#include <sys/stat.h>

struct slot;
struct link;

struct link_table {
	pthread_mutex_t lock;
	struct map links; /* device and inode to struct link * */
};

enum link_turn {
	LINK_READ, /* the caller reads it, and calls links_done or links_failed */
	LINK_WAIT, /* the slot will be given the content */
	LINK_COPY, /* *content is a copy of it */
};

void links_init(struct link_table *t);
void links_release(struct link_table *t);
MUST_CHECK enum err_code links_turn(struct link_table *t, const struct stat *st,
    struct slot *slot, enum link_turn *turn, struct content *content, struct err *err);
/* The content that slot was to read is known.  Gives the slots that waited, by next_waiter,
 * each with a copy in its content. */
MUST_CHECK enum err_code links_done(
    struct link_table *t, struct slot *slot, struct slot **waited, struct err *err);
/* The slot could not read it.  Another that waits shall try, and has the turn: NULL if none. */
struct slot *links_failed(struct link_table *t, struct slot *slot);

#endif
