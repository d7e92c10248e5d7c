#include "serve/wire.h"

#include "base/bytes.h"
#include "sys/fd.h"

#include <errno.h>
#include <sys/socket.h>

#define LENGTH_SIZE 4
/* One may come; room for more only so that they are seen, and closed. */
#define FDS_MAX 8

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

/* Send what is left of two runs of bytes; the descriptor goes along with the first part. */
static enum err_code
send_parts(int sock, struct iovec parts[2], int fd, struct err *err)
{
	union control control = { .room = { 0 } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	if (fd >= 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(sizeof fd);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	while (parts[0].iov_len + parts[1].iov_len > 0) {
		ssize_t n = sendmsg(sock, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, ERR_IO, "send a message: %s", strerror(errno));
		for (size_t i = 0; i < 2; i++) {
			size_t part = min_size((size_t)n, parts[i].iov_len);
			parts[i].iov_base = (uint8_t *)parts[i].iov_base + part;
			parts[i].iov_len -= part;
			n -= (ssize_t)part;
		}
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
	}
	return ERR_OK;
}

enum err_code
wire_send(int sock, const json_t *message, int fd, struct err *err)
{
	uint8_t length[LENGTH_SIZE];
	AUTO(mem) char *text = json_dumps(message, JSON_COMPACT);
	if (text == NULL)
		return err_nomem(err);
	size_t len = strlen(text);
	if (len > WIRE_MAX)
		return err_set(err, ERR_USAGE, "a message of %zu bytes is too long", len);
	put_u32(length, (uint32_t)len);
	struct iovec parts[2] = { { length, sizeof length }, { text, len } };
	return send_parts(sock, parts, fd, err);
}

/* Keep the one descriptor that came along in *fd; any other is closed, and told. */
static bool
take_descriptors(struct msghdr *msg, int *fd)
{
	bool is_fine = (msg->msg_flags & MSG_CTRUNC) == 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int got;
			memcpy(&got, CMSG_DATA(c) + i * sizeof got, sizeof got);
			if (*fd < 0) {
				*fd = got;
				continue;
			}
			close(got);
			is_fine = false;
		}
	}
	return is_fine;
}

/* Read len bytes, and what comes with them; *got is less only when the other side has closed.
 */
static enum err_code
receive_bytes(int sock, uint8_t *out, size_t len, int *fd, size_t *got, struct err *err)
{
	*got = 0;
	while (*got < len) {
		union control control;
		struct iovec part = { out + *got, len - *got };
		struct msghdr msg = { .msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control.room,
			.msg_controllen = sizeof control.room };
		ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != ECONNRESET)
			return err_set(err, ERR_IO, "receive a message: %s", strerror(errno));
		if (n > 0 && !take_descriptors(&msg, fd))
			return err_set(
			    err, ERR_CORRUPT, "more than one descriptor came with a message");
		if (n <= 0)
			return ERR_OK;
		*got += (size_t)n;
	}
	return ERR_OK;
}

static enum err_code
receive_text(int sock, struct buf *text, int *fd, struct err *err)
{
	uint8_t length[LENGTH_SIZE];
	size_t got;
	if (receive_bytes(sock, length, sizeof length, fd, &got, err))
		return err->code;
	if (got == 0)
		return err_set(err, ERR_CANCELLED, "the other side has closed");
	size_t len = get_u32(length);
	if (got < sizeof length || len > WIRE_MAX)
		return err_set(err, ERR_CORRUPT,
		    got < sizeof length ? "a message stops in its length"
					: "a message of %zu bytes is too long",
		    len);
	if (buf_reserve(text, len, err) || receive_bytes(sock, text->data, len, fd, &got, err))
		return err->code;
	if (got < len)
		return err_set(err, ERR_CORRUPT,
		    "a message of %zu bytes stops after %zu of them", len, got);
	text->len = len;
	return ERR_OK;
}

enum err_code
wire_receive(int sock, json_t **message, int *fd, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(fd) int came = -1;
	AUTO(json) json_t *j = NULL;
	if (receive_text(sock, &text, &came, err))
		return err->code;
	if (came >= 0 && fd == NULL)
		return err_set(err, ERR_CORRUPT, "a descriptor came with a message");
	if (json_parse(&j, text.data, text.len, "a message", err))
		return err->code;
	if (!json_is_object(j))
		return err_set(err, ERR_CORRUPT, "a message is no object");
	*message = TAKE(j);
	if (fd != NULL)
		*fd = fd_take(&came);
	return ERR_OK;
}
