/*
 * fd.h: file descriptors: owning them, and moving all the bytes.
 *
 * The transfer functions restart after EINTR and go on after short transfers.
 */
#ifndef SYS_FD_H
#define SYS_FD_H

#include "base/buf.h"
#include "sys/cancel.h"

#include <unistd.h>

static inline void UNUSED
fd_auto(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Hand a descriptor over: yields it and leaves -1 behind. */
static inline int UNUSED
fd_take(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

/* Write all of it. */
MUST_CHECK enum err_code fd_write_all(int fd, const void *data, size_t len, struct err *err);
/* The same into a new file, past the page cache where data is aligned to a page and the
 * filesystem can: for much data that nobody reads soon, which would only push out what is in
 * use. */
MUST_CHECK enum err_code fd_write_past_cache(
    int fd, const void *data, size_t len, struct err *err);
MUST_CHECK enum err_code fd_pwrite_all(
    int fd, const void *data, size_t len, uint64_t offset, struct err *err);
/* Read up to len bytes; *got is less only at the end of the file. */
MUST_CHECK enum err_code fd_read_full(
    int fd, void *out, size_t len, size_t *got, struct err *err);
MUST_CHECK enum err_code fd_pread_full(
    int fd, void *out, size_t len, uint64_t offset, size_t *got, struct err *err);
/* What is there now, once something is; *got is 0 only at the end of the file.  ERR_CANCELLED
 * when c is raised meanwhile; c may be NULL. */
MUST_CHECK enum err_code fd_read_some(
    int fd, void *out, size_t len, const struct cancel *c, size_t *got, struct err *err);
/* Append everything up to the end; ERR_CORRUPT when there are more than max bytes. */
MUST_CHECK enum err_code fd_read_to_end(int fd, size_t max, struct buf *out, struct err *err);
MUST_CHECK enum err_code fd_set_nonblocking(int fd, struct err *err);

#endif
