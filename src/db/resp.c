#include "db/resp.h"

#include "base/room.h"
#include "base/strv.h"
#include "sys/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DEFAULT_TIMEOUT_MS 30000
#define LINE_MAX_LEN 4096
#define STRING_MAX ((int64_t)64 << 20)
#define ARRAY_MAX ((int64_t)1 << 20)
#define DEPTH_MAX 8

struct resp {
	int fd;
	const struct cancel *cancel;
	int timeout_ms;
	size_t at; /* next byte in in */
	size_t len; /* bytes in in */
	uint8_t in[16384];
};

void
resp_reply_release(struct resp_reply *r)
{
	for (size_t i = 0; i < r->count; i++)
		resp_reply_release(&r->items[i]);
	free(r->items);
	free(r->text);
	*r = (struct resp_reply)RESP_REPLY_INIT;
}

enum err_code
resp_new(struct resp **out, int fd, const struct cancel *cancel, struct err *err)
{
	struct resp *r = malloc(sizeof *r);
	if (r == NULL) {
		close(fd);
		return err_nomem(err);
	}
	r->fd = fd;
	r->cancel = cancel;
	r->timeout_ms = DEFAULT_TIMEOUT_MS;
	r->at = 0;
	r->len = 0;
	*out = r;
	return ERR_OK;
}

void
resp_free(struct resp *r)
{
	if (r == NULL)
		return;
	close(r->fd);
	free(r);
}

void
resp_set_timeout(struct resp *r, int timeout_ms)
{
	r->timeout_ms = timeout_ms;
}

static enum err_code
wait_for(struct resp *r, short events, struct err *err)
{
	for (;;) {
		struct pollfd pfd[2] = { { r->fd, events, 0 },
			{ cancel_fd(r->cancel), POLLIN, 0 } };
		int n = poll(pfd, 2, r->timeout_ms);
		if (cancel_check(r->cancel, err))
			return err->code;
		if (n == 0)
			return err_set(err, ERR_TRANSIENT, "the server said nothing for %d ms",
			    r->timeout_ms);
		if (n > 0)
			return ERR_OK;
		if (errno != EINTR)
			return err_sys(err, "wait for the server");
	}
}

static enum err_code
receive_some(struct resp *r, void *out, size_t len, size_t *got, struct err *err)
{
	for (;;) {
		if (wait_for(r, POLLIN, err))
			return err->code;
		ssize_t n = recv(r->fd, out, len, MSG_DONTWAIT);
		if (n >= 0) {
			*got = (size_t)n;
			return ERR_OK;
		}
		if (errno != EINTR && errno != EAGAIN)
			return err_sys(err, "read from the server");
	}
}

enum err_code
resp_bytes(struct resp *r, void *out, size_t len, size_t *got, struct err *err)
{
	size_t here = min_size(r->len - r->at, len);
	if (here == 0)
		return receive_some(r, out, len, got, err);
	memcpy(out, r->in + r->at, here);
	r->at += here;
	*got = here;
	return ERR_OK;
}

static enum err_code
next_byte(struct resp *r, uint8_t *out, struct err *err)
{
	if (r->at == r->len) {
		size_t got = 0;
		if (receive_some(r, r->in, sizeof r->in, &got, err))
			return err->code;
		if (got == 0)
			return err_set(err, ERR_TRANSIENT, "the server closed the connection");
		r->at = 0;
		r->len = got;
	}
	*out = r->in[r->at++];
	return ERR_OK;
}

enum err_code
resp_line(struct resp *r, char *line, size_t size, struct err *err)
{
	size_t n = 0;
	for (;;) {
		uint8_t ch = 0;
		if (next_byte(r, &ch, err))
			return err->code;
		if (ch == '\n')
			break;
		if (n + 1 == size)
			return err_set(err, ERR_CORRUPT,
			    "the server's answer has a line longer "
			    "than %zu bytes",
			    size - 1);
		line[n++] = (char)ch;
	}
	if (n > 0 && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	return ERR_OK;
}

enum err_code
resp_put(struct buf *out, const struct resp_word *words, size_t count, struct err *err)
{
	if (buf_printf(out, err, "*%zu\r\n", count))
		return err->code;
	for (size_t i = 0; i < count; i++)
		if (buf_printf(out, err, "$%zu\r\n", words[i].len) ||
		    buf_add(out, words[i].data, words[i].len, err) || buf_str(out, "\r\n", err))
			return err->code;
	return ERR_OK;
}

enum err_code
resp_send_bytes(struct resp *r, const void *data, size_t len, struct err *err)
{
	const uint8_t *bytes = data;
	for (size_t sent = 0; sent < len;) {
		if (wait_for(r, POLLOUT, err))
			return err->code;
		ssize_t n = send(r->fd, bytes + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return err_sys(err, "write to the server");
		sent += n > 0 ? (size_t)n : 0;
	}
	return ERR_OK;
}

enum err_code
resp_send(struct resp *r, const char *const *argv, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	size_t count = 0;
	while (argv[count] != NULL)
		count++;
	if (buf_printf(&text, err, "*%zu\r\n", count))
		return err->code;
	for (size_t i = 0; i < count; i++)
		if (buf_printf(&text, err, "$%zu\r\n%s\r\n", strlen(argv[i]), argv[i]))
			return err->code;
	return resp_send_bytes(r, text.data, text.len, err);
}

static enum err_code
parse_number(int64_t *out, const char *text, int64_t max, struct err *err)
{
	char *end;
	errno = 0;
	long long v = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || v < -1 || v > max)
		return err_set(err, ERR_CORRUPT,
		    "the server's answer is not the Redis protocol: length %.40s", text);
	*out = v;
	return ERR_OK;
}

static enum err_code
read_exactly(struct resp *r, char *out, size_t len, struct err *err)
{
	for (size_t n = 0; n < len;) {
		size_t got;
		if (resp_bytes(r, out + n, len - n, &got, err))
			return err->code;
		if (got == 0)
			return err_set(err, ERR_TRANSIENT, "the server closed the connection");
		n += got;
	}
	return ERR_OK;
}

static enum err_code
receive_string(struct resp *r, const char *length, struct resp_reply *out, struct err *err)
{
	int64_t len = 0;
	if (parse_number(&len, length, STRING_MAX, err))
		return err->code;
	if (len < 0)
		return ERR_OK; /* stays RESP_NULL */
	AUTO(str) char *text = malloc((size_t)len + 3);
	if (text == NULL)
		return err_nomem(err);
	if (read_exactly(r, text, (size_t)len + 2, err))
		return err->code;
	if (memcmp(text + len, "\r\n", 2) != 0)
		return err_set(err, ERR_CORRUPT,
		    "the server's answer is not the Redis protocol: a string has no end");
	text[len] = '\0';
	*out =
	    (struct resp_reply){ .type = RESP_STRING, .text = TAKE(text), .len = (size_t)len };
	return ERR_OK;
}

static enum err_code receive_nested(
    struct resp *r, struct resp_reply *out, unsigned depth, struct err *err);

static enum err_code
receive_array(
    struct resp *r, const char *length, struct resp_reply *out, unsigned depth, struct err *err)
{
	int64_t count = 0;
	if (parse_number(&count, length, ARRAY_MAX, err))
		return err->code;
	if (count < 0)
		return ERR_OK; /* stays RESP_NULL */
	if (depth == DEPTH_MAX)
		return err_set(err, ERR_CORRUPT, "the server's answer is nested too deeply");
	AUTO(resp_reply) struct resp_reply array = { .type = RESP_ARRAY };
	/* Room grows with what has come, not with what was announced. */
	for (int64_t i = 0; i < count; i++) {
		struct resp_reply item = RESP_REPLY_INIT;
		if (receive_nested(r, &item, depth + 1, err))
			return err->code;
		if (ROOM_SHORT(array.items, array.count, err)) {
			resp_reply_release(&item);
			return err->code;
		}
		array.items[array.count++] = item;
	}
	*out = array;
	array = (struct resp_reply)RESP_REPLY_INIT;
	return ERR_OK;
}

static enum err_code
receive_text(const char *text, enum resp_type type, struct resp_reply *out, struct err *err)
{
	char *copy;
	if (str_dup(&copy, text, err))
		return err->code;
	*out = (struct resp_reply){ .type = type, .text = copy, .len = strlen(copy) };
	return ERR_OK;
}

static enum err_code
receive_number(const char *text, struct resp_reply *out, struct err *err)
{
	char *end;
	errno = 0;
	long long v = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0)
		return err_set(err, ERR_CORRUPT,
		    "the server's answer is not the Redis protocol: number %.40s", text);
	*out = (struct resp_reply){ .type = RESP_NUMBER, .number = v };
	return ERR_OK;
}

static enum err_code
receive_nested(struct resp *r, struct resp_reply *out, unsigned depth, struct err *err)
{
	char line[LINE_MAX_LEN];
	if (resp_line(r, line, sizeof line, err))
		return err->code;
	switch (line[0]) {
	case '+':
		return receive_text(line + 1, RESP_STATUS, out, err);
	case '-':
		return receive_text(line + 1, RESP_ERROR, out, err);
	case ':':
		return receive_number(line + 1, out, err);
	case '$':
		return receive_string(r, line + 1, out, err);
	case '*':
		return receive_array(r, line + 1, out, depth, err);
	default:
		return err_set(err, ERR_CORRUPT,
		    "the server's answer is not the Redis protocol: %.40s", line);
	}
}

enum err_code
resp_receive(struct resp *r, struct resp_reply *out, struct err *err)
{
	return receive_nested(r, out, 0, err);
}

enum err_code
resp_call(struct resp *r, const char *const *argv, struct resp_reply *out, struct err *err)
{
	if (resp_send(r, argv, err))
		return err->code;
	return resp_receive(r, out, err);
}
