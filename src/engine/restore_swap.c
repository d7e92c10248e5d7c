/* The swap: one rename for each item, and the same way back. */
#include "engine/restore_path.h"
#include "engine/restore_steps.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

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

/* What is at target goes to away, what is at fresh to target.  In one step where the filesystem
 * can: then there is no moment without either. */
static enum err_code
exchange(const char *fresh, const char *target, const char *away, struct err *err)
{
	if (renameat2(AT_FDCWD, fresh, AT_FDCWD, target, RENAME_EXCHANGE) == 0) {
		if (move(fresh, away, err) == ERR_OK)
			return ERR_OK;
		/* The first error is the one to tell; the record's inode tells which is which.
		 */
		if (renameat2(AT_FDCWD, fresh, AT_FDCWD, target, RENAME_EXCHANGE) != 0)
			return err_wrap(err, "%s is exchanged already", target);
		return err->code;
	}
	if (errno != EINVAL && errno != ENOSYS)
		return err_sys(err, "exchange %s and %s", fresh, target);
	if (move(target, away, err))
		return err->code;
	if (move(fresh, target, err) == ERR_OK)
		return ERR_OK;
	struct err scratch; /* the first error is the one to tell; the record has both places */
	(void)!move(away, target, &scratch);
	return err->code;
}

static enum err_code
swap_item(struct restore_item *it, struct err *err)
{
	it->was_there = fs_exists(it->target);
	if (it->was_there ? exchange(it->stage, it->target, it->old, err)
			  : move(it->stage, it->target, err))
		return err->code;
	it->state = ITEM_SWAPPED;
	return sync_holder(it->target, err);
}

enum err_code
job_swap(struct restore_job *j, struct err *err)
{
	for (size_t i = 0; i < j->n_items; i++)
		if (swap_item(&j->items[i], err))
			return err->code;
	return ERR_OK;
}

enum err_code
job_swap_back(struct restore_job *j, struct err *err)
{
	for (size_t i = j->n_items; i-- > 0;) {
		struct restore_item *it = &j->items[i];
		if (it->state != ITEM_SWAPPED)
			continue;
		if (it->was_there ? exchange(it->old, it->target, it->stage, err)
				  : move(it->target, it->stage, err))
			return err->code;
		it->state = ITEM_STAGED;
		if (sync_holder(it->target, err))
			return err->code;
	}
	return ERR_OK;
}

void
job_retire(struct restore_job *j, bool keep)
{
	struct event_sink *events = j->engine->events;
	for (size_t i = 0; i < j->n_items; i++) {
		struct restore_item *it = &j->items[i];
		if (it->state != ITEM_SWAPPED || !it->was_there)
			continue;
		/* A folder that was empty is nothing to keep. */
		if (it->has_old && (keep || it->must_keep)) {
			event_note(
			    events, it->name, "what was there before is kept in %s", it->old);
			continue;
		}
		struct err err;
		if (fs_remove_tree(it->old, &err))
			event_warning(events, it->name,
			    "what was there before could not be removed: %s", err.msg);
	}
}
