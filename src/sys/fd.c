#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

enum err_code
fd_write_all(int fd, const void *data, size_t len, struct err *err)
{
	const uint8_t *p = data;
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, "write");
		}
		p += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

/* What direct writes must be aligned to, wherever it is known; most devices ask for less. */
#define DIRECT_ALIGNMENT 4096

/* Write whole pages directly; gives how many bytes were, and what is left is for others. */
static size_t
write_direct(int fd, const uint8_t *data, size_t len)
{
	int flags = fcntl(fd, F_GETFL);
	size_t whole = len - len % DIRECT_ALIGNMENT;
	size_t at = 0;
	if ((uintptr_t)data % DIRECT_ALIGNMENT != 0 || whole == 0 || flags < 0 ||
	    fcntl(fd, F_SETFL, flags | O_DIRECT) != 0)
		return 0;
	while (at < whole && at % DIRECT_ALIGNMENT == 0) {
		ssize_t n = write(fd, data + at, whole - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* not here, or a true failure: the next write will tell */
		at += (size_t)n;
	}
	/* Should this fail, so will the write of what is left. */
	(void)fcntl(fd, F_SETFL, flags);
	return at;
}

enum err_code
fd_write_past_cache(int fd, const void *data, size_t len, struct err *err)
{
	size_t done = write_direct(fd, data, len);
	return fd_write_all(fd, (const uint8_t *)data + done, len - done, err);
}

enum err_code
fd_pwrite_all(int fd, const void *data, size_t len, uint64_t offset, struct err *err)
{
	const uint8_t *p = data;
	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, "write");
		}
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

enum err_code
fd_read_full(int fd, void *out, size_t len, size_t *got, struct err *err)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = read(fd, (uint8_t *)out + done, len - done);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, "read");
		}
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*got = done;
	return ERR_OK;
}

enum err_code
fd_pread_full(int fd, void *out, size_t len, uint64_t offset, size_t *got, struct err *err)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n =
		    pread(fd, (uint8_t *)out + done, len - done, (off_t)(offset + done));
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, "read");
		}
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*got = done;
	return ERR_OK;
}

enum err_code
fd_read_some(
    int fd, void *out, size_t len, const struct cancel *c, size_t *got, struct err *err)
{
	for (;;) {
		struct pollfd fds[] = { { fd, POLLIN, 0 }, { cancel_fd(c), POLLIN, 0 } };
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return err_sys(err, "wait for input");
		if (cancel_check(c, err))
			return err->code;
		if (fds[0].revents == 0)
			continue;
		ssize_t n = read(fd, out, len);
		if (n >= 0) {
			*got = (size_t)n;
			return ERR_OK;
		}
		if (errno != EINTR && errno != EAGAIN)
			return err_sys(err, "read");
	}
}

enum err_code
fd_read_to_end(int fd, size_t max, struct buf *out, struct err *err)
{
	size_t start = out->len;
	for (;;) {
		if (buf_reserve(out, 16384, err))
			return err->code;
		size_t got = 0;
		if (fd_read_full(fd, out->data + out->len, out->cap - out->len, &got, err))
			return err->code;
		out->len += got;
		if (out->len - start > max)
			return err_set(err, ERR_CORRUPT, "larger than %zu bytes", max);
		if (out->len < out->cap)
			return ERR_OK;
	}
}

enum err_code
fd_set_nonblocking(int fd, struct err *err)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(err, "set non-blocking");
	return ERR_OK;
}
