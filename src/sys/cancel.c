#include "sys/cancel.h"

#include "sys/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct cancel *signalled;
static const char *told_again; /* NULL: nothing */
static size_t told_again_len;

enum err_code
cancel_init(struct cancel *c, struct err *err)
{
	atomic_init(&c->raised, false);
	c->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->event_fd < 0)
		return err_sys(err, "create event descriptor");
	return ERR_OK;
}

void
cancel_release(struct cancel *c)
{
	if (c->event_fd >= 0)
		close(c->event_fd);
	c->event_fd = -1;
}

void
cancel_raise(struct cancel *c)
{
	int saved = errno;
	atomic_store(&c->raised, true);
	uint64_t one = 1;
	ssize_t n = write(c->event_fd, &one, sizeof one);
	(void)n; /* only fails when the counter is full, and then it is readable already */
	errno = saved;
}

void
cancel_lower(struct cancel *c)
{
	uint64_t n;
	atomic_store(&c->raised, false);
	ssize_t got = read(c->event_fd, &n, sizeof n);
	(void)got; /* nothing is there to be read when it was not raised */
}

bool
cancel_is_raised(const struct cancel *c)
{
	return c != NULL && atomic_load_explicit(&c->raised, memory_order_relaxed);
}

int
cancel_fd(const struct cancel *c)
{
	return c != NULL ? c->event_fd : -1;
}

enum err_code
cancel_check(const struct cancel *c, struct err *err)
{
	return cancel_is_raised(c) ? err_set(err, ERR_CANCELLED, "stopped on request") : ERR_OK;
}

enum err_code
cancel_wait(const struct cancel *c, int64_t ns, struct err *err)
{
	int64_t end_ns = clock_mono_ns() + ns;
	for (;;) {
		int64_t left_ms = (end_ns - clock_mono_ns() + NS_PER_MS - 1) / NS_PER_MS;
		if (left_ms <= 0 || cancel_is_raised(c))
			return cancel_check(c, err);
		struct pollfd p = { .fd = cancel_fd(c), .events = POLLIN };
		poll(&p, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
	}
}

static void
on_signal(int sig)
{
	(void)sig;
	int saved = errno;
	if (cancel_is_raised(signalled) && told_again != NULL) {
		ssize_t n = write(STDERR_FILENO, told_again, told_again_len);
		(void)n; /* nobody is there to read it */
	}
	errno = saved;
	cancel_raise(signalled);
}

enum err_code
cancel_on_signals(struct cancel *c, const char *again, struct err *err)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP };
	signalled = c;
	told_again = again;
	told_again_len = again != NULL ? strlen(again) : 0;
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	for (size_t i = 0; i < ARRAY_LEN(stops); i++)
		if (sigaction(stops[i], &sa, NULL) != 0)
			return err_sys(err, "catch signal %d", stops[i]);
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	if (sigaction(SIGPIPE, &ignore, NULL) != 0)
		return err_sys(err, "ignore SIGPIPE");
	return ERR_OK;
}
