#include "net/http_client.h"

#include "net/http_chunks.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define RECEIVE_SIZE ((size_t)64 << 10)

struct http {
	int fd;
	const struct cancel *cancel;
	int timeout_ms;
	bool has_streamed_body;
	bool has_no_answer_body; /* the request was HEAD */
	bool has_answer;

	struct http_head head;
	struct http_chunks chunks;
	uint64_t left; /* of a body with a length */

	/* Received and not yet looked at: in[start..end). */
	uint8_t *in;
	size_t start;
	size_t end;
};

enum err_code
http_open(struct http **out, int fd_given, const struct http_options *opt, struct err *err)
{
	AUTO(fd) int fd = fd_given;
	if (fd_set_nonblocking(fd, err))
		return err->code;
	struct http *h = calloc(1, sizeof *h);
	if (h == NULL)
		return err_nomem(err);
	h->in = malloc(RECEIVE_SIZE);
	if (h->in == NULL) {
		free(h);
		return err_nomem(err);
	}
	h->fd = fd_take(&fd);
	h->cancel = opt->cancel;
	h->timeout_ms = opt->timeout_ms;
	*out = h;
	return ERR_OK;
}

void
http_close(struct http *h)
{
	if (h == NULL)
		return;
	if (h->fd >= 0)
		close(h->fd);
	http_head_release(&h->head);
	free(h->in);
	free(h);
}

bool
http_has_answer(const struct http *h)
{
	return h->has_answer;
}

/* Wait until the peer is ready for one of events; *revents says for which. */
static enum err_code
wait_for(struct http *h, short events, short *revents, struct err *err)
{
	int64_t deadline = clock_mono_ns() + h->timeout_ms * NS_PER_MS;
	for (;;) {
		if (cancel_check(h->cancel, err))
			return err->code;
		int wait_ms = -1;
		if (h->timeout_ms >= 0) {
			int64_t left = deadline - clock_mono_ns();
			wait_ms = left > 0 ? (int)((left + NS_PER_MS - 1) / NS_PER_MS) : 0;
		}
		struct pollfd pfd[2] = { { h->fd, events, 0 },
			{ cancel_fd(h->cancel), POLLIN, 0 } };
		int n = poll(pfd, 2, wait_ms);
		if (n < 0 && errno != EINTR)
			return err_sys(err, "poll");
		if (n == 0)
			return err_set(
			    err, ERR_CANCELLED, "no answer within %d ms", h->timeout_ms);
		if (n > 0 && pfd[0].revents != 0) {
			*revents = pfd[0].revents;
			return ERR_OK;
		}
	}
}

/* Send, until all is sent or (when the peer may answer early) there is something to be read. */
static enum err_code
send_all(struct http *h, const void *data, size_t len, bool may_be_answered, struct err *err)
{
	const uint8_t *p = data;
	while (len > 0) {
		short revents;
		short events = may_be_answered ? POLLIN | POLLOUT : POLLOUT;
		if (wait_for(h, events, &revents, err))
			return err->code;
		if (may_be_answered && (revents & POLLIN) != 0) {
			h->has_answer = true;
			return ERR_OK;
		}
		ssize_t n = send(h->fd, p, len, MSG_NOSIGNAL);
		if (n < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			/* The peer may have answered before it closed: let the caller read
			 * that. */
			if (errno == EPIPE || errno == ECONNRESET) {
				h->has_answer = true;
				return ERR_OK;
			}
			return err_sys(err, "send request");
		}
		p += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

/* More bytes into in; *got is 0 when the peer has closed. */
static enum err_code
fill(struct http *h, size_t *got, struct err *err)
{
	if (h->start == h->end)
		h->start = h->end = 0;
	if (h->start > 0 && h->end == RECEIVE_SIZE) {
		memmove(h->in, h->in + h->start, h->end - h->start);
		h->end -= h->start;
		h->start = 0;
	}
	for (;;) {
		ssize_t n = recv(h->fd, h->in + h->end, RECEIVE_SIZE - h->end, 0);
		if (n >= 0) {
			h->end += (size_t)n;
			*got = (size_t)n;
			return ERR_OK;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return err_sys(err, "receive answer");
		short revents;
		if (wait_for(h, POLLIN, &revents, err))
			return err->code;
	}
}

static bool
has_bad_byte(const char *s, bool is_word)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		if (c < (is_word ? 0x21 : 0x20) || c == 0x7f)
			return true;
	}
	return false;
}

static enum err_code
add_fields(struct buf *b, const struct http_request *req, struct err *err)
{
	bool has_connection = false;
	for (const char *const *f = req->fields; f != NULL && *f != NULL; f++) {
		if (has_bad_byte(*f, false))
			return err_set(err, ERR_USAGE, "a control byte in an HTTP field");
		has_connection = has_connection || strncasecmp(*f, "Connection:", 11) == 0;
		if (buf_printf(b, err, "%s\r\n", *f))
			return err->code;
	}
	if (!has_connection && buf_str(b, "Connection: close\r\n", err))
		return err->code;
	if (req->content_type != NULL &&
	    buf_printf(b, err, "Content-Type: %s\r\n", req->content_type))
		return err->code;
	if (req->has_streamed_body)
		return buf_str(b, "Transfer-Encoding: chunked\r\n", err);
	if (req->body != NULL || strcmp(req->method, "GET") != 0)
		return buf_printf(b, err, "Content-Length: %zu\r\n", req->body_len);
	return ERR_OK;
}

enum err_code
http_send(struct http *h, const struct http_request *req, struct err *err)
{
	if (has_bad_byte(req->target, true) || has_bad_byte(req->host, true) ||
	    has_bad_byte(req->method, true))
		return err_set(err, ERR_USAGE, "a blank or control byte in an HTTP request");
	AUTO(bufv) struct buf b = BUF_INIT;
	if (buf_printf(&b, err, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: stacksnap\r\n",
		req->method, req->target, req->host) ||
	    add_fields(&b, req, err) || buf_str(&b, "\r\n", err))
		return err->code;
	if (!req->has_streamed_body && buf_add(&b, req->body, req->body_len, err))
		return err->code;
	h->has_streamed_body = req->has_streamed_body;
	h->has_no_answer_body = strcmp(req->method, "HEAD") == 0;
	return send_all(h, b.data, b.len, true, err);
}

enum err_code
http_send_body(struct http *h, const void *data, size_t len, struct err *err)
{
	if (len == 0 || h->has_answer)
		return ERR_OK;
	char size[24];
	int n = snprintf(size, sizeof size, "%zx\r\n", len);
	if (send_all(h, size, (size_t)n, true, err))
		return err->code;
	if (!h->has_answer && send_all(h, data, len, true, err))
		return err->code;
	return h->has_answer ? ERR_OK : send_all(h, "\r\n", 2, true, err);
}

enum err_code
http_send_end(struct http *h, struct err *err)
{
	return h->has_answer ? ERR_OK : send_all(h, "0\r\n\r\n", 5, true, err);
}

enum err_code
http_receive(struct http *h, const struct http_head **out, struct err *err)
{
	for (;;) {
		size_t used;
		struct http_head head = { 0 };
		if (http_head_parse(&head, h->in + h->start, h->end - h->start, &used, err))
			return err->code;
		h->start += used;
		if (used > 0 && (head.status >= 200 || head.status == 101)) {
			http_head_release(&h->head);
			h->head = head;
			break;
		}
		http_head_release(&head); /* an interim answer, or none yet */
		size_t got = 1;
		if (used == 0 && fill(h, &got, err))
			return err->code;
		if (got == 0)
			return err_set(err, ERR_TRANSIENT,
			    "the connection was closed before an answer came");
	}
	if (h->has_no_answer_body)
		h->head.framing = HTTP_NO_BODY;
	h->left = h->head.content_length;
	http_chunks_init(&h->chunks);
	*out = &h->head;
	return ERR_OK;
}

static enum err_code
cut_off(struct err *err)
{
	return err_set(
	    err, ERR_TRANSIENT, "the connection was closed in the middle of the answer");
}

/* Raw bytes of the body: what is there already, else straight from the socket. */
static enum err_code
read_raw(struct http *h, void *out, size_t len, size_t *got, struct err *err)
{
	if (h->start < h->end) {
		*got = min_size(len, h->end - h->start);
		memcpy(out, h->in + h->start, *got);
		h->start += *got;
		return ERR_OK;
	}
	for (;;) {
		ssize_t n = recv(h->fd, out, len, 0);
		if (n >= 0) {
			*got = (size_t)n;
			return ERR_OK;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return err_sys(err, "receive answer");
		short revents;
		if (wait_for(h, POLLIN, &revents, err))
			return err->code;
	}
}

static enum err_code
read_length(struct http *h, void *out, size_t len, size_t *got, struct err *err)
{
	if (h->left == 0) {
		*got = 0;
		return ERR_OK;
	}
	size_t n;
	if (read_raw(h, out, h->left < len ? (size_t)h->left : len, &n, err))
		return err->code;
	if (n == 0)
		return cut_off(err);
	h->left -= n;
	*got = n;
	return ERR_OK;
}

static enum err_code
read_chunked(struct http *h, void *out, size_t len, size_t *got, struct err *err)
{
	while (!http_chunks_is_done(&h->chunks)) {
		uint64_t left = http_chunks_body_left(&h->chunks);
		if (left > 0) {
			size_t n;
			if (read_raw(h, out, left < len ? (size_t)left : len, &n, err))
				return err->code;
			if (n == 0)
				return cut_off(err);
			http_chunks_skip(&h->chunks, n);
			*got = n;
			return ERR_OK;
		}
		if (h->start == h->end) {
			size_t n;
			if (fill(h, &n, err))
				return err->code;
			if (n == 0)
				return cut_off(err);
		}
		/* One byte more than the coding's own would be body, which read_raw takes. */
		size_t used;
		size_t body;
		if (http_chunks_next(&h->chunks, h->in + h->start, 1, &used, &body, err))
			return err->code;
		h->start += used;
	}
	*got = 0;
	return ERR_OK;
}

enum err_code
http_read(struct http *h, void *out, size_t len, size_t *got, struct err *err)
{
	switch (h->head.framing) {
	case HTTP_LENGTH:
		return read_length(h, out, len, got, err);
	case HTTP_CHUNKED:
		return read_chunked(h, out, len, got, err);
	case HTTP_UNTIL_CLOSE:
		return read_raw(h, out, len, got, err);
	case HTTP_NO_BODY:
		break;
	}
	*got = 0;
	return ERR_OK;
}

enum err_code
http_read_all(struct http *h, size_t max, struct buf *out, struct err *err)
{
	size_t start = out->len;
	for (;;) {
		size_t got;
		if (buf_reserve(out, 16384, err) ||
		    http_read(h, out->data + out->len, out->cap - out->len, &got, err))
			return err->code;
		if (got == 0)
			return ERR_OK;
		out->len += got;
		if (out->len - start > max)
			return err_set(
			    err, ERR_CORRUPT, "the answer is longer than %zu bytes", max);
	}
}

enum err_code
http_hijack(struct http *h, int *fd, struct buf *rest, struct err *err)
{
	if (buf_add(rest, h->in + h->start, h->end - h->start, err))
		return err->code;
	h->start = h->end;
	*fd = fd_take(&h->fd);
	return ERR_OK;
}
