/*
 * nodes.h: the folders of snapshots that the kernel knows, by number.
 *
 * Only folders take memory here: everything else in a folder is known by the
 * folder's number and the place of its entry in the listing, both in one 64-bit
 * number (ino).  The kernel counts what it knows; a folder goes when neither
 * it nor anything in it is known any more.  Listings of folders used lately
 * are kept within bounds and are otherwise loaded again from the snapshot's
 * root down.
 *
 * Threads: any.  A node stays while the kernel knows its ino.
 */
#ifndef MOUNT_NODES_H
#define MOUNT_NODES_H

#include "mount/listing_view.h"

struct nodes;
struct node;

/* Where a tree begins; outlives the nodes. */
struct tree_root {
	struct id snapshot;
	const char *name; /* of its folder in the mount, for messages */
	struct tree_entry entry;
};

/* Inos below this are not of snapshots' trees. */
#define NODE_INO_FIRST (UINT64_C(1) << 36)

MUST_CHECK enum err_code nodes_open(struct nodes **out, struct pieces *p, struct err *err);
void nodes_close(struct nodes *n);
AUTO_FREE(nodes, struct nodes *, nodes_close)

/* What the kernel calls an entry, and how often that number was used before. */
struct node_name {
	uint64_t ino;
	uint64_t generation;
};

/* The kernel gets to know a snapshot's root, or an entry of a folder: once more. */
MUST_CHECK enum err_code nodes_know_root(
    struct nodes *n, const struct tree_root *root, struct node_name *out, struct err *err);
MUST_CHECK enum err_code nodes_know(struct nodes *n, struct node *dir, uint64_t at,
    const struct tree_entry *e, struct node_name *out, struct err *err);
/* And forgets, count times. */
void nodes_forget(struct nodes *n, uint64_t ino, uint64_t count);

/* The folder that ino is (place is 0 then), or that holds it. */
struct node *nodes_find(struct nodes *n, uint64_t ino, uint64_t *place);

/* The folder's listing, which the caller gives back by listing_view_unref. */
MUST_CHECK enum err_code node_view(
    struct nodes *n, struct node *node, struct listing_view **out, struct err *err);

const struct tree_root *node_root(const struct node *node);
/* The device, in the source, of what has none of its own in this folder. */
uint64_t node_dev(const struct node *node);
/* A number for a folder or entry that no other has while it is mounted. */
uint64_t node_number_of(const struct node *dir, uint64_t at);
/* That of the folder itself: as its own folder sees it. */
uint64_t node_number(const struct node *node);
/* Append the path in the mount; name may be NULL. */
MUST_CHECK enum err_code node_path(
    const struct node *node, const char *name, struct buf *out, struct err *err);

#endif
