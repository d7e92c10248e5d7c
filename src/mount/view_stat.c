/*
 * Attributes as stat shows them.
 */
#include "mount/view_impl.h"

#include "sys/clock.h"

#include <sys/sysmacros.h>

#define BLOCK_SIZE 131072

/* Holes take no space.  What a list of extents says further down is not fetched for it. */
static uint64_t
allocated(const struct content *c)
{
	if (c->level > 0)
		return c->size;
	uint64_t bytes = 0;
	for (size_t i = 0; i < c->count; i++)
		bytes += c->items[i].is_hole ? 0 : c->items[i].len;
	return bytes;
}

/* Names of one inode have one number, whichever folders they are in. */
static uint64_t
shared_number(const struct tree_root *root, uint64_t dev, uint64_t ino)
{
	uint64_t h = get_u64(root->snapshot.b);
	h = (h ^ dev) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ (h >> 29) ^ ino) * UINT64_C(0xff51afd7ed558ccd);
	return (h ^ (h >> 32)) | UINT64_C(1) << 63;
}

void
view_stat_entry(const struct tree_entry *e, const struct tree_root *root, uint64_t folder_dev,
    uint64_t number, struct stat *st)
{
	uint64_t dev = e->dev != 0 ? e->dev : folder_dev;
	memset(st, 0, sizeof *st);
	st->st_ino = number;
	if (e->links > 1 && e->type != TREE_DIR && e->ino != 0)
		st->st_ino = shared_number(root, dev, e->ino);
	st->st_mode = tree_type_format(e->type) | (mode_t)e->mode;
	/* One link: how many folders are in it is not known, and "find" must look. */
	st->st_nlink = e->type == TREE_DIR ? 1 : (nlink_t)e->links;
	st->st_uid = e->uid;
	st->st_gid = e->gid;
	st->st_mtim = (struct timespec){ e->modified.s, e->modified.ns };
	st->st_ctim = (struct timespec){ e->changed.s, e->changed.ns };
	st->st_atim = st->st_mtim;
	st->st_blksize = BLOCK_SIZE;
	if (e->type == TREE_FILE || e->type == TREE_DIR) {
		st->st_size = (off_t)e->content.size;
		st->st_blocks = (blkcnt_t)((allocated(&e->content) + 511) / 512);
	} else if (e->type == TREE_SYMLINK) {
		st->st_size = (off_t)e->target_len;
	} else if (e->type == TREE_CHAR_DEVICE || e->type == TREE_BLOCK_DEVICE) {
		st->st_rdev = makedev(e->rdev_major, e->rdev_minor);
	}
}

void
view_stat_place(const struct view *v, const struct shelves_place *p, struct stat *st)
{
	memset(st, 0, sizeof *st);
	bool is_link = p->kind == PLACE_LINK;
	st->st_ino = p->ino;
	st->st_mode = is_link ? S_IFLNK | 0777 : S_IFDIR | 0555;
	st->st_nlink = 1;
	st->st_uid = v->uid;
	st->st_gid = v->gid;
	st->st_size = is_link ? (off_t)strlen(p->target) : 0;
	st->st_mtim = (struct timespec){ p->time_ns / NS_PER_S, p->time_ns % NS_PER_S };
	st->st_ctim = st->st_mtim;
	st->st_atim = st->st_mtim;
	st->st_blksize = BLOCK_SIZE;
}
