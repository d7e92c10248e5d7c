/* The swap: one exchange for each item, forwards and back.  Which place holds which data is
 * told by inodes alone, so that either way may be interrupted and gone again.  Folders that are
 * mount points: restore_mounted.h. */
#include "engine/restore_mounted.h"
#include "engine/restore_past.h"
#include "engine/restore_path.h"
#include "engine/restore_steps.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

uint64_t
swap_inode(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 ? st.st_ino : 0;
}

static enum err_code
sync_holder(const char *path, struct err *err)
{
	AUTO(str) char *holder = NULL;
	if (path_holder(&holder, path, err))
		return err->code;
	return fs_sync_dir(holder, err);
}

static enum err_code
move(const char *from, const char *to, struct err *err)
{
	if (rename(from, to) != 0)
		return err_sys(err, "rename %s to %s", from, to);
	return ERR_OK;
}

enum err_code
swap_move(const char *from, const char *to, struct err *err)
{
	if (move(from, to, err))
		return err->code;
	return sync_holder(to, err);
}

/* In one step where the filesystem can: then there is no moment without either. */
static enum err_code
exchange(const char *fresh, const char *target, const char *away, struct err *err)
{
	if (renameat2(AT_FDCWD, fresh, AT_FDCWD, target, RENAME_EXCHANGE) == 0)
		return strcmp(fresh, away) == 0 ? ERR_OK : move(fresh, away, err);
	if ((errno != EINVAL && errno != ENOSYS) || strcmp(fresh, away) == 0)
		return err_sys(err, "exchange %s and %s", fresh, target);
	if (move(target, away, err))
		return err->code;
	return move(fresh, target, err);
}

enum err_code
swap_places(const char *fresh, const char *target, const char *away, struct err *err)
{
	if (exchange(fresh, target, away, err))
		return err->code;
	return sync_holder(target, err);
}

/* Written down before the exchange: afterwards these numbers tell what is what. */
enum err_code
job_note_places(struct restore_job *j, struct err *err)
{
	for (size_t i = 0; i < j->n_items; i++) {
		struct restore_item *it = &j->items[i];
		it->old_ino = swap_inode(it->is_mounted ? it->old : it->target);
		it->was_there = it->old_ino != 0;
		if (it->stage_ino == 0 || swap_inode(it->stage) != it->stage_ino)
			return err_set(err, ERR_IO,
			    "%s is not the folder that was made there: files get new inode "
			    "numbers by themselves on this filesystem, so that a restore could "
			    "not be undone safely",
			    it->stage);
	}
	return ERR_OK;
}

enum err_code
job_swap(struct restore_job *j, struct err *err)
{
	for (size_t i = 0; i < j->n_items; i++) {
		struct restore_item *it = &j->items[i];
		struct mounted mounted = { it->target, it->stage, it->old };
		if (it->is_mounted  ? mounted_swap(&mounted, err)
		    : it->was_there ? swap_places(it->stage, it->target, it->old, err)
				    : swap_move(it->stage, it->target, err))
			return err->code;
		it->state = ITEM_SWAPPED;
	}
	return ERR_OK;
}
