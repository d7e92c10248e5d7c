/*
 * restore_steps.h: what a restore does, a step each; restore_stack.c puts them
 * in order and knows the way back from each.  For restore*.c only.
 *
 * Unless said otherwise a step that fails leaves what it did, for the way back.
 */
#ifndef ENGINE_RESTORE_STEPS_H
#define ENGINE_RESTORE_STEPS_H

#include "engine/restore_job.h"

/*
 * The record: one restore of a project at a time, and what it has done so far,
 * durable before each step that cannot be taken back.  It is JSON in
 * state_dir/restore-PROJECT.json: the step that has begun; for each item its
 * places, whether there was something before, and the inode of what was staged
 * (whichever place holds that inode holds the restored data, however far the
 * swap came); the volumes that were made; how to start the old stack and the new.
 */
struct restore_record;

/* ERR_LOCKED while another restore of that project runs, or when one that died has left its
 * record; the message then says what to look at. */
MUST_CHECK enum err_code restore_record_open(
    struct restore_record **out, const struct restore_job *j, struct err *err);
MUST_CHECK enum err_code restore_record_write(
    struct restore_record *r, const struct restore_job *j, const char *step, struct err *err);
/* All is settled: the file goes. */
MUST_CHECK enum err_code restore_record_remove(struct restore_record *r, struct err *err);
const char *restore_record_path(const struct restore_record *r);
void restore_record_close(struct restore_record *r);
AUTO_FREE(restore_record, struct restore_record *, restore_record_close)

/* Make the volumes that are not there, and write every item beside its place. */
MUST_CHECK enum err_code job_stage(struct restore_job *j, struct err *err);
/* Remove what was staged, and the volumes that were made. */
MUST_CHECK enum err_code job_unstage(struct restore_job *j, struct err *err);

/* Exchange every item with what is at its place. */
MUST_CHECK enum err_code job_swap(struct restore_job *j, struct err *err);
/* The same back again, for those that were exchanged. */
MUST_CHECK enum err_code job_swap_back(struct restore_job *j, struct err *err);
/* The new stack runs: remove what was there before, or say where it lies when it must be kept.
 */
void job_retire(struct restore_job *j, bool keep);

/* The stack that is there: containers and networks are removed. */
MUST_CHECK enum err_code job_take_down(struct restore_job *j, struct err *err);
/* Make the new stack's containers, start nothing, and look at them. */
MUST_CHECK enum err_code job_create(struct restore_job *j, struct err *err);
/* Start these services, and what they depend on. */
MUST_CHECK enum err_code job_start(
    struct restore_job *j, const struct strv *services, struct err *err);
/* Until everything that ran when the backup was made runs again and is healthy. */
MUST_CHECK enum err_code job_wait_healthy(
    struct restore_job *j, uint64_t *running, struct err *err);
/* Remove the new stack's containers, and the volumes that Compose made for it. */
MUST_CHECK enum err_code job_remove_made(struct restore_job *j, struct err *err);
/* Make the old stack's containers again, from its own files, and start those that ran. */
MUST_CHECK enum err_code job_start_old(struct restore_job *j, struct err *err);
/* Does it run as it did?  ERR_TRANSIENT names a service that does not. */
MUST_CHECK enum err_code job_wait_old(struct restore_job *j, struct err *err);
/* From here on nothing is cancelled: the way back must be gone to its end. */
MUST_CHECK enum err_code job_ignore_cancel(struct restore_job *j, struct err *err);

/* Fill what must be there before the first start: volumes without a name, and the files that a
 * database server reads when it starts. */
struct restore_loaders;
MUST_CHECK enum err_code job_fill_made(struct restore_job *j, struct err *err);
/* The old stack's containers are made again: give each the unnamed volumes that it had. */
MUST_CHECK enum err_code job_refill_old(struct restore_job *j, struct err *err);
/* For the preview: those that the stack has now. */
MUST_CHECK enum err_code job_tell_unnamed(struct restore_job *j, struct err *err);
/* As job_retire, for them. */
void job_retire_unnamed(struct restore_job *j, bool keep);
/* The folder on this host that a mount of a container shows; ERR_UNSUPPORTED when there is
 * none. */
MUST_CHECK enum err_code job_mount_folder(
    char **out, const struct restore_job *j, const struct stack_mount *m, struct err *err);

MUST_CHECK enum err_code loaders_open(
    struct restore_loaders **out, struct restore_job *j, struct err *err);
void loaders_close(struct restore_loaders *l);
AUTO_FREE(loaders, struct restore_loaders *, loaders_close)
MUST_CHECK enum err_code loaders_place(struct restore_loaders *l, struct err *err);
/* The servers run: load the dumps. */
MUST_CHECK enum err_code loaders_load(struct restore_loaders *l, struct err *err);

#endif
