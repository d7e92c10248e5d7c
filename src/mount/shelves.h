/*
 * shelves.h: the folders above the snapshots.
 *
 *	snapshots/2026-11-21T15-30-05_12ab34cd/     each snapshot's tree
 *	stacks/shop/2026-11-21T15-30-05_12ab34cd    symlinks to those of a stack
 *	stacks/shop/latest
 *	hosts/nas/…                                 and of folders, by host
 *	latest
 *
 * Times are local.  New snapshots are looked for when somebody looks, but
 * not more often than every 30 seconds.  Places only come; a snapshot that was
 * removed is passed over from then on.
 *
 * Threads: any.
 */
#ifndef MOUNT_SHELVES_H
#define MOUNT_SHELVES_H

#include "engine/event.h"
#include "mount/nodes.h"

#define SHELVES_ROOT 1
#define SHELVES_NAME_MAX 256
#define SHELVES_TARGET_MAX (SHELVES_NAME_MAX + 32)

struct shelves;

enum place_kind { PLACE_FOLDER, PLACE_LINK, PLACE_SNAPSHOT };

/* A place in it, as it was when asked. */
struct shelves_place {
	uint64_t ino;
	enum place_kind kind;
	int64_t time_ns; /* of the snapshot, or of the newest in it */
	const struct tree_root *root; /* of a snapshot */
	char name[SHELVES_NAME_MAX];
	char target[SHELVES_TARGET_MAX]; /* of a symlink */
};

/* Reads the snapshots; one that is damaged is told as a problem and left out.  now_ns never
 * goes back (clock_mono_ns). */
MUST_CHECK enum err_code shelves_open(struct shelves **out, struct repo *r,
    struct event_sink *events, int64_t (*now_ns)(void), struct err *err);
void shelves_close(struct shelves *c);
AUTO_FREE(shelves, struct shelves *, shelves_close)

size_t shelves_count(struct shelves *c); /* snapshots */
/* False when there is none. */
bool shelves_get(struct shelves *c, uint64_t ino, struct shelves_place *out);
bool shelves_find(struct shelves *c, uint64_t dir, const char *name, struct shelves_place *out);
uint64_t shelves_parent(struct shelves *c, uint64_t ino);
/* The next place in a folder from *pos on, which is moved behind it.  False at the end. */
bool shelves_next(struct shelves *c, uint64_t dir, size_t *pos, struct shelves_place *out);

#endif
