#include "docker/attach.h"

#include "base/strv.h"
#include "docker/frames.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The engine copies in pieces of 32 KiB, so several frames come by one system call. */
#define RECEIVE_SIZE ((size_t)256 << 10)
#define TAIL_SIZE ((size_t)8192)
#define STASH_MAX ((size_t)8 << 20)
/* How long a writer that can take in no more waits for a reader to appear. */
#define READER_GRACE_NS (10 * NS_PER_S)

/* What runc's refusal begins with, through all engines from 20.10 on; one short frame. */
#define REFUSAL "OCI runtime exec failed"
#define REFUSAL_MAX 4096

struct attach {
	int fd;
	const struct cancel *cancel;
	int patience_ms; /* the reading thread's */

	/* Held while reading, also while waiting for something to read.  Guards what follows.
	 */
	pthread_mutex_t reading;
	struct frames frames;
	uint8_t *in; /* received and not yet looked at: in[start..end) */
	size_t start;
	size_t end;
	struct buf stash; /* output that came before it was asked for, from stash_at */
	size_t stash_at;
	bool at_end;
	bool has_output; /* some came that is not held back */
	struct err failed;
	bool has_reader;
	pthread_t reader;
	enum { HOLD_NOTHING_YET, HOLD_FIRST, HOLD_OVER } hold;
	uint64_t held_frame; /* its number */
	struct buf held;

	pthread_mutex_t tail_lock; /* guards what follows */
	char tail[TAIL_SIZE]; /* a ring */
	uint64_t tail_total; /* bytes ever put into it */
	char tail_text[TAIL_SIZE + 1];
};

/* Where standard output goes in one call. */
struct dest {
	enum { TO_CALLER, TO_STASH, TO_NOWHERE } kind;
	uint8_t *out;
	size_t room;
	size_t got;
};

enum err_code
attach_new(struct attach **out, int fd, const struct buf *rest, const struct cancel *c,
    struct err *err)
{
	AUTO(attach) struct attach *a = calloc(1, sizeof *a);
	if (a == NULL)
		return err_nomem(err);
	pthread_mutex_init(&a->reading, NULL);
	pthread_mutex_init(&a->tail_lock, NULL);
	a->fd = -1;
	a->in = malloc(max_size(RECEIVE_SIZE, rest->len));
	if (a->in == NULL)
		return err_nomem(err);
	if (rest->len > 0)
		memcpy(a->in, rest->data, rest->len);
	a->end = rest->len;
	a->cancel = c;
	frames_init(&a->frames);
	a->fd = fd;
	a->patience_ms = -1;
	*out = TAKE(a);
	return ERR_OK;
}

void
attach_free(struct attach *a)
{
	if (a == NULL)
		return;
	if (a->fd >= 0)
		close(a->fd);
	pthread_mutex_destroy(&a->reading);
	pthread_mutex_destroy(&a->tail_lock);
	buf_release(&a->stash);
	buf_release(&a->held);
	free(a->in);
	free(a);
}

static void
add_tail(struct attach *a, const uint8_t *p, size_t n)
{
	pthread_mutex_lock(&a->tail_lock);
	if (n > TAIL_SIZE) {
		a->tail_total += n - TAIL_SIZE;
		p += n - TAIL_SIZE;
		n = TAIL_SIZE;
	}
	size_t at = (size_t)(a->tail_total % TAIL_SIZE);
	size_t first = min_size(n, TAIL_SIZE - at);
	memcpy(a->tail + at, p, first);
	memcpy(a->tail, p + first, n - first);
	a->tail_total += n;
	pthread_mutex_unlock(&a->tail_lock);
}

const char *
attach_errors(struct attach *a)
{
	pthread_mutex_lock(&a->tail_lock);
	size_t len = a->tail_total < TAIL_SIZE ? (size_t)a->tail_total : TAIL_SIZE;
	size_t at = a->tail_total < TAIL_SIZE ? 0 : (size_t)(a->tail_total % TAIL_SIZE);
	memcpy(a->tail_text, a->tail + at, len - at);
	memcpy(a->tail_text + len - at, a->tail, at);
	a->tail_text[len] = '\0';
	pthread_mutex_unlock(&a->tail_lock);
	return a->tail_text;
}

static bool
has_stash(const struct attach *a)
{
	return a->stash_at < a->stash.len;
}

static void
clear_stash(struct attach *a)
{
	a->stash.len = 0;
	a->stash_at = 0;
}

enum err_code
attach_release(struct attach *a, struct err *err)
{
	a->hold = HOLD_OVER;
	a->has_output = true;
	if (buf_add(&a->stash, a->held.data, a->held.len, err))
		return err->code;
	a->held.len = 0;
	return ERR_OK;
}

const char *
attach_held(struct attach *a)
{
	if (a->hold != HOLD_FIRST || !a->at_end || a->held.len == 0)
		return NULL;
	return buf_cstr(&a->held);
}

/* Does this payload of standard output belong to what is held back? */
static bool
is_for_hold(struct attach *a)
{
	if (a->hold == HOLD_NOTHING_YET) {
		a->hold = a->frames.size <= REFUSAL_MAX ? HOLD_FIRST : HOLD_OVER;
		a->held_frame = a->frames.count;
	}
	return a->hold == HOLD_FIRST && a->frames.count == a->held_frame;
}

static enum err_code
take_output(struct attach *a, struct dest *to, const uint8_t *p, size_t n, struct err *err)
{
	if (to->kind == TO_NOWHERE && a->hold != HOLD_NOTHING_YET && !is_for_hold(a)) {
		a->has_output = true;
		return ERR_OK;
	}
	if (is_for_hold(a)) {
		if (buf_add(&a->held, p, n, err))
			return err->code;
		bool is_whole = a->held.len == a->frames.size;
		bool is_refusal = a->held.len >= strlen(REFUSAL) &&
				  memcmp(a->held.data, REFUSAL, strlen(REFUSAL)) == 0;
		return is_whole && !is_refusal ? attach_release(a, err) : ERR_OK;
	}
	if (a->hold == HOLD_FIRST && attach_release(a, err))
		return err->code;
	a->has_output = true;
	if (to->kind == TO_CALLER && !has_stash(a)) {
		memcpy(to->out + to->got, p, n);
		to->got += n;
		return ERR_OK;
	}
	return to->kind == TO_NOWHERE ? ERR_OK : buf_add(&a->stash, p, n, err);
}

static bool
is_output(const struct frames *f)
{
	return f->stream == 0 || f->stream == FRAME_STDOUT;
}

/* How many of the n bytes at hand may be looked at now: heads on their own, so that the stream
 * of a payload is known before it is cut, and no more output than the caller has room for. */
static size_t
step_size(const struct attach *a, const struct dest *to, size_t n)
{
	const struct frames *f = &a->frames;
	if (f->left == 0)
		return min_size(n, sizeof f->head - f->head_len);
	n = min_size(n, f->left);
	if (!is_output(f))
		return n;
	if (to->kind == TO_CALLER)
		return has_stash(a) ? 0 : min_size(n, to->room - to->got);
	if (to->kind == TO_STASH && a->stash.len >= STASH_MAX)
		return 0;
	return n;
}

/* Look at what was received. */
static enum err_code
process(struct attach *a, struct dest *to, struct err *err)
{
	while (a->start < a->end) {
		size_t n = step_size(a, to, a->end - a->start);
		if (n == 0)
			break;
		const uint8_t *p = a->in + a->start;
		size_t used;
		size_t body;
		if (frames_next(&a->frames, p, n, &used, &body, err))
			return err->code;
		a->start += used;
		p += used - body;
		if (body == 0)
			continue;
		if (a->frames.stream == FRAME_ENGINE_ERROR)
			return err_set(err, ERR_IO, "the engine broke off: %.*s",
			    (int)min_size(body, 300), (const char *)p);
		if (a->frames.stream == FRAME_STDERR)
			add_tail(a, p, body);
		else if (take_output(a, to, p, body, err))
			return err->code;
	}
	return ERR_OK;
}

/* One receive, which does not wait; *got is false when there is nothing.  Output goes straight
 * to the caller where it can, and what follows it into in. */
static enum err_code
receive(struct attach *a, struct dest *to, bool *got, struct err *err)
{
	a->start = a->end = 0;
	struct iovec iov[2] = { { NULL, 0 }, { a->in, RECEIVE_SIZE } };
	if (to->kind == TO_CALLER && is_output(&a->frames) && a->hold == HOLD_OVER &&
	    !has_stash(a)) {
		iov[0].iov_base = to->out + to->got;
		iov[0].iov_len = min_size(to->room - to->got, a->frames.left);
	}
	ssize_t n = readv(a->fd, iov, 2);
	/* A tool that ended without reading all its input: what it wrote came before this. */
	if (n < 0 && errno == ECONNRESET)
		n = 0;
	*got = n > 0;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR
			   ? ERR_OK
			   : err_sys(err, "read the tool's output");
	if (n == 0) {
		a->at_end = true;
		return frames_is_between(&a->frames)
			   ? ERR_OK
			   : err_set(err, ERR_TRANSIENT,
				 "the connection broke in the middle of the tool's output");
	}
	size_t direct = min_size((size_t)n, iov[0].iov_len);
	if (direct > 0) {
		frames_skip(&a->frames, (uint32_t)direct);
		to->got += direct;
	}
	a->end = (size_t)n - direct;
	return ERR_OK;
}

/* Wait until fd is ready; *revents is 0 when timeout_ms went by. */
static enum err_code
wait_ready(struct attach *a, short events, int timeout_ms, short *revents, struct err *err)
{
	struct pollfd pfd[2] = { { a->fd, events, 0 }, { cancel_fd(a->cancel), POLLIN, 0 } };
	int n = poll(pfd, 2, timeout_ms);
	if (n < 0 && errno != EINTR)
		return err_sys(err, "poll");
	*revents = n > 0 ? pfd[0].revents : 0;
	return cancel_check(a->cancel, err);
}

/* Until something comes, or patience ends. */
static enum err_code
wait_for_output(struct attach *a, int64_t begun_ns, struct err *err)
{
	short revents;
	if (a->patience_ms < 0)
		return wait_ready(a, POLLIN, -1, &revents, err);
	int64_t waited_ms = (clock_mono_ns() - begun_ns) / NS_PER_MS;
	if (waited_ms >= a->patience_ms)
		return err_set(err, ERR_TRANSIENT,
		    "nothing came for %d s: it hangs, or waits for a lock",
		    a->patience_ms / 1000);
	return wait_ready(a, POLLIN, a->patience_ms - (int)waited_ms, &revents, err);
}

static enum err_code
read_some(struct attach *a, struct dest *to, struct err *err)
{
	int64_t begun_ns = clock_mono_ns();
	for (;;) {
		if (has_stash(a)) {
			to->got = min_size(to->room, a->stash.len - a->stash_at);
			memcpy(to->out, a->stash.data + a->stash_at, to->got);
			a->stash_at += to->got;
			if (!has_stash(a))
				clear_stash(a);
			return ERR_OK;
		}
		if (process(a, to, err))
			return err->code;
		if (to->got > 0)
			return ERR_OK;
		if (has_stash(a))
			continue;
		if (a->at_end)
			return ERR_OK;
		bool got;
		if (receive(a, to, &got, err))
			return err->code;
		if (!got && !a->at_end && wait_for_output(a, begun_ns, err))
			return err->code;
	}
}

/* Reading fails for good, but for a cancelled wait. */
static enum err_code
keep_failure(struct attach *a, enum err_code rc, struct err *err)
{
	if (rc != ERR_OK && rc != ERR_CANCELLED)
		a->failed = *err;
	return rc;
}

void
attach_set_patience(struct attach *a, int timeout_ms)
{
	a->patience_ms = timeout_ms;
}

enum err_code
attach_read(struct attach *a, void *out, size_t len, size_t *got, struct err *err)
{
	struct dest to = { TO_CALLER, out, len, 0 };
	pthread_mutex_lock(&a->reading);
	a->reader = pthread_self();
	a->has_reader = true;
	enum err_code rc = a->failed.code;
	if (rc != ERR_OK)
		*err = a->failed;
	else
		rc = keep_failure(a, read_some(a, &to, err), err);
	pthread_mutex_unlock(&a->reading);
	if (rc == ERR_OK)
		*got = to.got;
	return rc;
}

static enum err_code
drain(struct attach *a, int timeout_ms, struct err *err)
{
	struct dest to = { TO_NOWHERE, NULL, 0, 0 };
	int64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
	for (;;) {
		clear_stash(a);
		if (process(a, &to, err))
			return err->code;
		if (a->at_end)
			return ERR_OK;
		bool got;
		if (receive(a, &to, &got, err))
			return err->code;
		if (got || a->at_end)
			continue;
		int64_t left = (deadline - clock_mono_ns()) / NS_PER_MS;
		if (timeout_ms >= 0 && left <= 0)
			return ERR_OK;
		short revents;
		if (wait_ready(a, POLLIN, timeout_ms < 0 ? -1 : (int)left, &revents, err))
			return err->code;
	}
}

enum err_code
attach_drain(struct attach *a, int timeout_ms, bool *at_end, struct err *err)
{
	pthread_mutex_lock(&a->reading);
	enum err_code rc = a->failed.code;
	if (rc != ERR_OK)
		*err = a->failed;
	else
		rc = keep_failure(a, drain(a, timeout_ms, err), err);
	if (rc == ERR_OK)
		*at_end = a->at_end;
	pthread_mutex_unlock(&a->reading);
	return rc;
}

/* Let the tool go on writing: take in what it wrote.  *is_full when there is no more room. */
static enum err_code
take_in(struct attach *a, bool *is_full, struct err *err)
{
	struct dest to = { TO_STASH, NULL, 0, 0 };
	enum err_code rc = a->failed.code;
	if (rc != ERR_OK) {
		*err = a->failed;
		return rc;
	}
	bool got = true;
	while (rc == ERR_OK && got) {
		rc = process(a, &to, err);
		got = false;
		*is_full = a->start < a->end;
		if (rc == ERR_OK && !*is_full && !a->at_end)
			rc = receive(a, &to, &got, err);
	}
	return keep_failure(a, rc, err);
}

int
attach_fd(const struct attach *a)
{
	return a->fd;
}

const struct cancel *
attach_cancel(const struct attach *a)
{
	return a->cancel;
}

enum err_code
attach_listen(struct attach *a, bool *at_end, struct err *err)
{
	bool is_full;
	pthread_mutex_lock(&a->reading);
	enum err_code rc = take_in(a, &is_full, err);
	*at_end = a->at_end;
	pthread_mutex_unlock(&a->reading);
	return rc;
}

bool
attach_has_output(const struct attach *a)
{
	return a->has_output;
}

/* Make room for more input.  full_since is 0, or when the stash was first found full. */
static enum err_code
wait_to_write(struct attach *a, int64_t *full_since, struct err *err)
{
	short revents;
	bool is_full = false;
	bool is_mine = true; /* nobody else reads */
	if (pthread_mutex_trylock(&a->reading) == 0) {
		enum err_code rc = ERR_OK;
		is_mine = !a->has_reader || pthread_equal(a->reader, pthread_self());
		if (is_mine)
			rc = take_in(a, &is_full, err);
		bool at_end = a->at_end;
		pthread_mutex_unlock(&a->reading);
		if (rc != ERR_OK)
			return rc;
		if (at_end)
			return err_set(err, ERR_TRANSIENT, "the tool has ended");
	} else {
		is_mine = false;
	}
	if (!is_full)
		*full_since = 0;
	else if (*full_since == 0)
		*full_since = clock_mono_ns();
	else if (clock_mono_ns() - *full_since > READER_GRACE_NS)
		return err_set(err, ERR_USAGE,
		    "the tool writes and nobody reads: its output must be read on a thread");
	/* A look now and then, since who reads may change. */
	short events = is_mine && !is_full ? POLLIN | POLLOUT : POLLOUT;
	return wait_ready(a, events, 100, &revents, err);
}

enum err_code
attach_write(struct attach *a, const void *data, size_t len, struct err *err)
{
	const uint8_t *p = data;
	int64_t full_since = 0;
	while (len > 0) {
		if (cancel_check(a->cancel, err))
			return err->code;
		ssize_t n = send(a->fd, p, len, MSG_NOSIGNAL);
		if (n >= 0) {
			p += n;
			len -= (size_t)n;
			full_since = 0;
		} else if (errno == EAGAIN) {
			if (wait_to_write(a, &full_since, err))
				return err->code;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return err_set(
			    err, ERR_TRANSIENT, "the tool ended before it read all its input");
		} else if (errno != EINTR) {
			return err_sys(err, "write the tool's input");
		}
	}
	return ERR_OK;
}

enum err_code
attach_shut(struct attach *a, struct err *err)
{
	if (shutdown(a->fd, SHUT_WR) != 0 && errno != ENOTCONN)
		return err_sys(err, "end the tool's input");
	return ERR_OK;
}
