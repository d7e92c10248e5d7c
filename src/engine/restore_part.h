/*
 * restore_part.h: only some members of a snapshot, put into the stack that is
 * there; for restore*.c only.
 *
 * The stack's containers stay as they are: those whose data is exchanged, and
 * those that depend on them, are stopped meanwhile.  What they are made of
 * (images, compose files) is not looked at.
 */
#ifndef ENGINE_RESTORE_PART_H
#define ENGINE_RESTORE_PART_H

#include "engine/restore_job.h"

/* Drop all that opt.services and opt.members do not name; ERR_USAGE for what is not in the
 * snapshot, or cannot be had without something else.  Does nothing when neither is given. */
MUST_CHECK enum err_code job_choose(struct restore_job *j, struct err *err);
/* Which of the stack's services have to be stopped; what is in the way goes to the preview. */
MUST_CHECK enum err_code job_find_touched(struct restore_job *j, struct err *err);

#endif
