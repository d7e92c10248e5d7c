/*
 * catalog.h: the folders above the snapshots.
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
#ifndef MOUNT_CATALOG_H
#define MOUNT_CATALOG_H

#include "engine/event.h"
#include "mount/nodes.h"

#define CATALOG_ROOT 1
#define CATALOG_NAME_MAX 256
#define CATALOG_TARGET_MAX (CATALOG_NAME_MAX + 32)

struct catalog;

enum place_kind { PLACE_FOLDER, PLACE_LINK, PLACE_SNAPSHOT };

/* A place in it, as it was when asked. */
struct catalog_place {
	uint64_t ino;
	enum place_kind kind;
	int64_t time_ns; /* of the snapshot, or of the newest in it */
	const struct tree_root *root; /* of a snapshot */
	char name[CATALOG_NAME_MAX];
	char target[CATALOG_TARGET_MAX]; /* of a symlink */
};

/* Reads the snapshots; one that is damaged is told as a problem and left out.  now_ns never
 * goes back (clock_mono_ns). */
MUST_CHECK enum err_code catalog_open(struct catalog **out, struct repo *r,
    struct event_sink *events, int64_t (*now_ns)(void), struct err *err);
void catalog_close(struct catalog *c);
AUTO_FREE(catalog, struct catalog *, catalog_close)

size_t catalog_count(struct catalog *c); /* snapshots */
/* False when there is none. */
bool catalog_get(struct catalog *c, uint64_t ino, struct catalog_place *out);
bool catalog_find(struct catalog *c, uint64_t dir, const char *name, struct catalog_place *out);
uint64_t catalog_parent(struct catalog *c, uint64_t ino);
/* The next place in a folder from *pos on, which is moved behind it.  False at the end. */
bool catalog_next(struct catalog *c, uint64_t dir, size_t *pos, struct catalog_place *out);

#endif
