/*
 * fuse_ops.h: what the kernel asks, answered by a view.  Low-level FUSE 3
 * operations; the session's user data is the view.
 */
#ifndef MOUNT_FUSE_OPS_H
#define MOUNT_FUSE_OPS_H

#include "mount/view.h"

#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>

extern const struct fuse_lowlevel_ops view_ops;

#endif
