#include "sys/deadline.h"

#include "sys/clock.h"
#include "sys/thread.h"

#include <limits.h>
#include <poll.h>

struct deadline {
	struct deadline_options opt;
	struct cancel cancel; /* given out */
	struct cancel wake; /* raised when the thread shall look again; made anew each time */
	pthread_t thread;
	bool has_thread; /* not stopped yet */
	pthread_mutex_t lock; /* guards what follows */
	int64_t end_ns; /* < 0: none */
	bool is_closed;
	bool has_expired;
};

static int64_t
now_ns(const struct deadline *d)
{
	return d->opt.now_ns != NULL ? d->opt.now_ns() : clock_mono_ns();
}

/* How long to wait; 0: it is over.  False when there is nothing more to wait for. */
static bool
next_wait(struct deadline *d, int *wait_ms)
{
	pthread_mutex_lock(&d->lock);
	bool goes_on = !d->is_closed;
	*wait_ms = -1;
	if (d->end_ns >= 0) {
		int64_t left_ms = (d->end_ns - now_ns(d) + NS_PER_MS - 1) / NS_PER_MS;
		*wait_ms = left_ms <= 0 ? 0 : left_ms < INT_MAX ? (int)left_ms : INT_MAX;
	}
	if (goes_on && *wait_ms == 0)
		d->has_expired = true;
	pthread_mutex_unlock(&d->lock);
	return goes_on;
}

static void *
watch(void *arg)
{
	struct deadline *d = arg;
	int wait_ms;
	while (next_wait(d, &wait_ms)) {
		if (wait_ms == 0) {
			cancel_raise(&d->cancel);
			if (d->opt.expired != NULL)
				d->opt.expired(d->opt.arg);
			return NULL;
		}
		bool was_raised = cancel_is_raised(&d->cancel);
		struct pollfd fds[] = {
			{ cancel_fd(&d->wake), POLLIN, 0 },
			{ was_raised ? -1 : cancel_fd(d->opt.parent), POLLIN, 0 },
		};
		poll(fds, ARRAY_LEN(fds), wait_ms);
		if (cancel_is_raised(d->opt.parent))
			cancel_raise(&d->cancel);
		cancel_lower(&d->wake);
	}
	return NULL;
}

enum err_code
deadline_open(struct deadline **out, const struct deadline_options *opt, struct err *err)
{
	struct deadline *d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_nomem(err);
	d->opt = *opt;
	d->end_ns = -1;
	d->cancel.event_fd = d->wake.event_fd = -1;
	pthread_mutex_init(&d->lock, NULL);
	if (cancel_init(&d->cancel, err) || cancel_init(&d->wake, err) ||
	    thread_start(&d->thread, watch, d, "deadline", err)) {
		cancel_release(&d->cancel);
		cancel_release(&d->wake);
		pthread_mutex_destroy(&d->lock);
		free(d);
		return err->code;
	}
	d->has_thread = true;
	/* Whoever looks at it before the thread does must find it raised, too. */
	if (cancel_is_raised(opt->parent))
		cancel_raise(&d->cancel);
	*out = d;
	return ERR_OK;
}

void
deadline_stop(struct deadline *d)
{
	if (d == NULL || !d->has_thread)
		return;
	pthread_mutex_lock(&d->lock);
	d->is_closed = true;
	pthread_mutex_unlock(&d->lock);
	cancel_raise(&d->wake);
	pthread_join(d->thread, NULL);
	d->has_thread = false;
}

void
deadline_close(struct deadline *d)
{
	if (d == NULL)
		return;
	deadline_stop(d);
	cancel_release(&d->cancel);
	cancel_release(&d->wake);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

void
deadline_set(struct deadline *d, int64_t ns)
{
	pthread_mutex_lock(&d->lock);
	d->end_ns = ns < 0 ? -1 : now_ns(d) + ns;
	pthread_mutex_unlock(&d->lock);
	cancel_raise(&d->wake);
}

const struct cancel *
deadline_cancel(const struct deadline *d)
{
	return &d->cancel;
}

bool
deadline_has_expired(struct deadline *d)
{
	pthread_mutex_lock(&d->lock);
	bool has = d->has_expired;
	pthread_mutex_unlock(&d->lock);
	return has;
}
