#include "docker/outlet.h"

#include "base/log.h"
#include "base/strv.h"
#include "docker/inside.h"
#include "docker/outlet_place.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PIPE_SIZE (1 << 20)
/* Tools write pages; waking up for each would cost more than the pages do.  So we wait until a
 * good part of the pipe is full: about so long, by how fast it was filled before. */
#define GATHER_MIN_NS (100 * 1000)
#define GATHER_MAX_NS (2000 * 1000)
#define GATHER_LITTLE ((size_t)PIPE_SIZE / 4)
#define GATHER_MUCH ((size_t)PIPE_SIZE / 2)

struct outlet {
	struct outlet_place place; /* where it is; no more once it was opened */
	int fd; /* our end */
	enum {
		OUTLET_AWAITED, /* nobody has opened it */
		OUTLET_OPEN,
		OUTLET_ENDED, /* all that was written was read */
		OUTLET_PASSED_BY,
	} state;
	bool streams_ended;
	long gather_ns;
	size_t gathered; /* read since we waited */
};

enum err_code
outlet_new(struct outlet **out, int root_fd, const char *user, struct err *err)
{
	uid_t uid;
	outlet_sweep(root_fd);
	if (inside_user(&uid, root_fd, user, err))
		return err->code;
	AUTO(outlet) struct outlet *o = calloc(1, sizeof *o);
	if (o == NULL)
		return err_nomem(err);
	o->fd = -1;
	o->gather_ns = GATHER_MIN_NS;
	if (outlet_place_make(&o->place, root_fd, uid, &o->fd, err))
		return err->code;
	/* A smaller one is slower, nothing else. */
	if (fcntl(o->fd, F_SETPIPE_SZ, PIPE_SIZE) < 0)
		log_debug("outlet %s: %s", o->place.path, strerror(errno));
	*out = TAKE(o);
	return ERR_OK;
}

void
outlet_free(struct outlet *o)
{
	if (o == NULL)
		return;
	outlet_place_remove(&o->place);
	if (o->fd >= 0)
		close(o->fd);
	free(o);
}

const char *
outlet_path(const struct outlet *o)
{
	return o->place.path;
}

bool
outlet_is_passed_by(const struct outlet *o)
{
	return o->state == OUTLET_PASSED_BY;
}

/* Has anybody opened it since we did? */
static bool
was_opened(const struct outlet *o)
{
	struct pollfd pfd = { o->fd, POLLIN, 0 };
	return poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLIN | POLLHUP)) != 0;
}

static void
is_opened(struct outlet *o)
{
	if (o->state != OUTLET_AWAITED)
		return;
	o->state = OUTLET_OPEN;
	outlet_place_remove(&o->place);
}

/* What is in it now; *got is 0 when there is nothing. */
static enum err_code
take(struct outlet *o, void *out, size_t len, size_t *got, struct err *err)
{
	ssize_t n = read(o->fd, out, len);
	*got = 0;
	if (n < 0 && errno == EINTR)
		return ERR_OK;
	if (n < 0 && errno != EAGAIN)
		return err_sys(err, "read the tool's output");
	/* EAGAIN: there is somebody who might write.  0: there is nobody, any more or yet. */
	if (n != 0)
		is_opened(o);
	else if (o->state == OUTLET_OPEN)
		o->state = OUTLET_ENDED;
	else if (was_opened(o))
		is_opened(o);
	*got = n > 0 ? (size_t)n : 0;
	o->gathered += *got;
	return ERR_OK;
}

/* Let it become more. */
static void
gather(struct outlet *o)
{
	if (o->gathered < GATHER_LITTLE && o->gather_ns < GATHER_MAX_NS)
		o->gather_ns += o->gather_ns / 2;
	else if (o->gathered > GATHER_MUCH && o->gather_ns > GATHER_MIN_NS)
		o->gather_ns -= o->gather_ns / 4;
	o->gathered = 0;
	struct timespec t = { 0, o->gather_ns };
	nanosleep(&t, NULL);
}

/* Wait until there is something to read, of the tool's streams also; *is_full: in the pipe. */
static enum err_code
wait_for_any(const struct outlet *o, const struct attach *a, int64_t begun_ns, int timeout_ms,
    bool *is_full, struct err *err)
{
	int64_t waited_ms = (clock_mono_ns() - begun_ns) / NS_PER_MS;
	if (timeout_ms >= 0 && waited_ms >= timeout_ms)
		return err_set(err, ERR_TRANSIENT,
		    "nothing came for %d s: it hangs, or waits for a lock", timeout_ms / 1000);
	struct pollfd pfd[3] = { { o->fd, POLLIN, 0 }, { -1, POLLIN, 0 },
		{ cancel_fd(attach_cancel(a)), POLLIN, 0 } };
	if (!o->streams_ended)
		pfd[1].fd = attach_fd(a);
	int n = poll(pfd, ARRAY_LEN(pfd), timeout_ms < 0 ? -1 : timeout_ms - (int)waited_ms);
	if (n < 0 && errno != EINTR)
		return err_sys(err, "poll");
	*is_full = n > 0 && (pfd[0].revents & (POLLIN | POLLHUP)) == POLLIN;
	return cancel_check(attach_cancel(a), err);
}

/* What the tool says beside it. */
static enum err_code
listen_to(struct outlet *o, struct attach *a, struct err *err)
{
	if (o->streams_ended)
		return ERR_OK;
	if (attach_listen(a, &o->streams_ended, err))
		return err->code;
	if (attach_has_output(a)) {
		/* Nothing was given to anybody, so the stream can be all of it. */
		if (o->state == OUTLET_AWAITED && !was_opened(o))
			o->state = OUTLET_PASSED_BY;
		else
			return outlet_check(o, a, err);
	}
	if (o->streams_ended && o->state == OUTLET_AWAITED && !was_opened(o))
		o->state = OUTLET_PASSED_BY;
	return ERR_OK;
}

enum err_code
outlet_read(struct outlet *o, struct attach *a, int timeout_ms, void *out, size_t len,
    size_t *got, struct err *err)
{
	int64_t begun_ns = clock_mono_ns();
	*got = 0;
	for (;;) {
		if (o->state >= OUTLET_ENDED)
			return ERR_OK;
		if (take(o, out, len, got, err))
			return err->code;
		if (*got > 0)
			return ERR_OK;
		if (o->state == OUTLET_ENDED)
			continue;
		/* While it flows, nobody need be woken up by the first page. */
		if (o->gathered > 0) {
			gather(o);
			continue;
		}
		bool is_full;
		if (listen_to(o, a, err))
			return err->code;
		if (o->state == OUTLET_PASSED_BY)
			continue;
		if (wait_for_any(o, a, begun_ns, timeout_ms, &is_full, err))
			return err->code;
		if (is_full)
			gather(o);
	}
}

enum err_code
outlet_check(struct outlet *o, const struct attach *a, struct err *err)
{
	bool was_used = o->state == OUTLET_OPEN || o->state == OUTLET_ENDED || was_opened(o);
	if (was_used && attach_has_output(a))
		return err_set(err, ERR_IO,
		    "the tool wrote to standard output as well as to the file that it was "
		    "given");
	return ERR_OK;
}
