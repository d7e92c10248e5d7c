/*
 * restore_steps.h: what a restore does, a step each; restore_stack.c puts them
 * in order and knows the way back from each.  For restore*.c only.
 *
 * Unless said otherwise a step that fails leaves what it did, for the way back.
 */
#ifndef ENGINE_RESTORE_STEPS_H
#define ENGINE_RESTORE_STEPS_H

#include "engine/restore_job.h"
#include "engine/restore_site.h"

/* Recorded images that are not here are pulled by their digests. */
MUST_CHECK enum err_code job_fetch_images(struct restore_job *j, struct err *err);
/* *is_here: the engine has the very image that c was made of. */
MUST_CHECK enum err_code job_image_is_here(const struct restore_job *j,
    const struct restore_container *c, bool *is_here, struct err *err);
/* What the snapshot keeps by the name of c's image.  *loaded: the recorded image is here now.
 */
MUST_CHECK enum err_code job_load_image(
    struct restore_job *j, const struct restore_container *c, bool *loaded, struct err *err);
/* Make the volumes that are not there, and write every item beside its place. */
MUST_CHECK enum err_code job_stage(struct restore_job *j, struct err *err);
/* Which inodes are where, to be recorded before the swap. */
MUST_CHECK enum err_code job_note_places(struct restore_job *j, struct err *err);
/* Exchange every item with what is at its place.  The way back is past_go_back. */
MUST_CHECK enum err_code job_swap(struct restore_job *j, struct err *err);

struct restore_site job_site(const struct restore_job *j);
/* The stack that is there: containers and networks are removed, or only those stopped whose
 * data is exchanged. */
MUST_CHECK enum err_code job_take_down(struct restore_job *j, struct err *err);
/* Make the new stack's containers, start nothing, and look at them. */
MUST_CHECK enum err_code job_create(struct restore_job *j, struct err *err);
/* Start these services, and what they depend on. */
MUST_CHECK enum err_code job_start(
    struct restore_job *j, const struct strv *services, struct err *err);
/* Until everything that ran when the backup was made runs again and is healthy. */
MUST_CHECK enum err_code job_wait_healthy(
    struct restore_job *j, uint64_t *running, struct err *err);
/* partial: databases that did not run before were started only to be loaded. */
MUST_CHECK enum err_code job_stop_others(struct restore_job *j, struct err *err);
/* Stop what runs, for a restore that starts nothing. */
MUST_CHECK enum err_code job_stop(struct restore_job *j, struct err *err);
/* Fill what must be there before the first start: volumes without a name, and the files that a
 * database server reads when it starts. */
struct restore_loaders;
MUST_CHECK enum err_code job_fill_made(struct restore_job *j, struct err *err);
/* For the preview: those that the stack has now. */
MUST_CHECK enum err_code job_tell_unnamed(struct restore_job *j, struct err *err);
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
