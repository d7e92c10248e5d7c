/*
 * view.h: a repository as a read-only filesystem: what a name, an attribute, a
 * folder, a read gives.  Knows nothing of how the kernel asks (fuse_ops.h).
 *
 * Everything has an ino; the kernel counts how often it was given one by
 * view_lookup or view_list and gives that back by view_forget.
 *
 * Threads: any.
 * Errors:  ERR_NOT_FOUND for a name or ino that is not there; ERR_CORRUPT for
 *          damage, which was told to the events already, with the path.
 */
#ifndef MOUNT_VIEW_H
#define MOUNT_VIEW_H

#include "mount/shelves.h"

#include <sys/stat.h>
#include <sys/uio.h>

struct view;

MUST_CHECK enum err_code view_open(struct view **out, struct repo *r, struct event_sink *events,
    int64_t (*now_ns)(void), struct err *err);
void view_close(struct view *v);
AUTO_FREE(view, struct view *, view_close)

size_t view_snapshots(struct view *v);

/* Something that has a name. */
struct view_item {
	const char *name; /* in a listing only; its first name_len bytes */
	size_t name_len;
	struct node_name id;
	struct stat st;
	bool is_fixed; /* of a snapshot: will never change */
};

MUST_CHECK enum err_code view_lookup(
    struct view *v, uint64_t dir, const char *name, struct view_item *out, struct err *err);
void view_forget(struct view *v, uint64_t ino, uint64_t count);
MUST_CHECK enum err_code view_stat(
    struct view *v, uint64_t ino, struct stat *out, bool *is_fixed, struct err *err);
/* Append the target of a symlink. */
MUST_CHECK enum err_code view_target(
    struct view *v, uint64_t ino, struct buf *out, struct err *err);
/* The stored entry; false for what is of no snapshot.  *out is the caller's to release. */
MUST_CHECK enum err_code view_entry(
    struct view *v, uint64_t ino, struct tree_entry *out, bool *is_there, struct err *err);

/* Called for each name of a folder; next is where to go on behind it.  False when it has no
 * room: then the item was not taken. */
typedef bool view_item_fn(void *arg, const struct view_item *item, uint64_t next);
/* The names from a place on (0: the beginning).  With attributes each item but "." and ".." is
 * counted as by view_lookup, when it was taken; without, only st_ino and the type in st_mode
 * are set. */
enum view_detail { VIEW_NAMES, VIEW_ATTRIBUTES };
MUST_CHECK enum err_code view_list(struct view *v, uint64_t dir, uint64_t from,
    enum view_detail detail, view_item_fn *fn, void *arg, struct err *err);

/* A file that is open. */
struct view_file;
MUST_CHECK enum err_code view_file_open(
    struct view_file **out, struct view *v, uint64_t ino, struct err *err);
void view_file_close(struct view_file *f);

#define VIEW_READ_MAX 4 /* pieces that one read may touch */

/* Bytes of a file where they lie: given back by view_bytes_release. */
struct view_bytes {
	struct iovec parts[VIEW_READ_MAX];
	struct frame *pieces[VIEW_READ_MAX];
	int count;
	struct reading *reading;
};
/* Fewer than len at the end, and where len is more than VIEW_READ_MAX - 1 pieces. */
MUST_CHECK enum err_code view_file_read(
    struct view_file *f, uint64_t offset, size_t len, struct view_bytes *out, struct err *err);
void view_bytes_release(struct view_bytes *b);

#endif
