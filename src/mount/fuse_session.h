/*
 * fuse_session.h: a view mounted in a folder, until it is unmounted.
 *
 * Threads: one session at a time.
 */
#ifndef MOUNT_FUSE_SESSION_H
#define MOUNT_FUSE_SESSION_H

#include "mount/view.h"
#include "sys/cancel.h"

struct mount_options {
	const char *place; /* an empty folder */
	/* Let others in.  They, and everybody then, may do what the stored modes allow them;
	 * without it only the user who mounts gets in, and to everything. */
	bool allow_other;
	const struct cancel *cancel; /* unmounts */
};

/* Called once it is mounted. */
typedef void mounted_fn(void *arg);

/* Answer the kernel until the folder is unmounted or the cancel raised; ERR_OK in both cases.
 * It is unmounted on return. */
MUST_CHECK enum err_code fuse_session_serve(struct view *v, const struct mount_options *opt,
    mounted_fn *mounted, void *arg, struct err *err);

#endif
