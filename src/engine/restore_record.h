/*
 * restore_record.h: one restore of a project at a time, and what it has done
 * so far, durable before each step that cannot simply be repeated.  For
 * restore*.c only.
 *
 * The record is JSON in state_dir/restore-PROJECT.json.  It says everything
 * that it takes to go back, or on, without the snapshot (restore_past.h): the
 * step that has begun; of each item its places and the inodes of what was
 * staged and of what it takes the place of (whichever place holds an inode
 * holds that data, however far the exchange came); the volumes that are made;
 * how the old stack and the new are started.
 *
 * Beside it, restore-PROJECT.lock is locked (flock) while a process works on
 * the restore.  A record without a lock, at any step but "kept", was left by
 * one that died.
 */
#ifndef ENGINE_RESTORE_RECORD_H
#define ENGINE_RESTORE_RECORD_H

#include "engine/restore_job.h"

/* In their order; what each means for the way back is told in restore_stack.c. */
enum restore_step {
	STEP_STAGING,
	STEP_DOWN,
	STEP_SWAPPING,
	STEP_CREATING,
	STEP_LOADING,
	STEP_STARTING,
	STEP_KEPT, /* all runs, and can be undone */
	STEP_UNDOING,
	STEP_RESTARTING, /* old data is in place: the old stack is started again */
	STEP_FINISHING, /* old data is being removed */
};

/* "staging", ... */
const char *restore_step_word(enum restore_step step);
/* ERR_CORRUPT when it is none. */
MUST_CHECK enum err_code restore_step_of_word(
    enum restore_step *out, const char *word, struct err *err);

struct restore_record {
	char *path;
	int lock;
	int64_t begun_ns;
};

MUST_CHECK enum err_code restore_record_path(
    char **out, const char *state_dir, const char *stack, struct err *err);
/* ERR_LOCKED while another process works on a restore of that stack.  *fd is the caller's. */
MUST_CHECK enum err_code restore_record_lock(
    int *fd, const char *state_dir, const char *stack, struct err *err);

/* ERR_LOCKED as above, or when there is a record: restore_look.h has told of it by then. */
MUST_CHECK enum err_code restore_record_open(
    struct restore_record **out, const struct restore_job *j, struct err *err);
/* The text of the record, as restore_past.h reads it. */
MUST_CHECK enum err_code restore_record_text(const struct restore_record *r,
    const struct restore_job *j, enum restore_step step, struct buf *out, struct err *err);
MUST_CHECK enum err_code restore_record_write(struct restore_record *r,
    const struct restore_job *j, enum restore_step step, struct err *err);
/* All is settled: the file goes, durably. */
MUST_CHECK enum err_code restore_record_remove(const char *path, struct err *err);
void restore_record_close(struct restore_record *r);
AUTO_FREE(restore_record, struct restore_record *, restore_record_close)

#endif
