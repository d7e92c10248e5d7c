#include "serve/scheduler.h"

#include "base/log.h"
#include "serve/keeper_impl.h"
#include "serve/schedule_file.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/thread.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

/* After what keeps schedules from being looked at (a full disk). */
#define TRY_AGAIN_S 60

struct scheduler {
	struct keeper *keeper;
	pthread_t thread;
	int timer_fd;
	int wake_fd;
	pthread_mutex_t file_lock; /* held while schedules.json is written */
	atomic_bool stop;
};

static enum err_code
argv_of(void *arg, const struct schedule *s, char **argv, struct err *err)
{
	(void)arg;
	return schedule_argv(s->kind, s->stack, s->options, argv, err);
}

/* Begin what is due; *at is when the next one is. */
static enum err_code
take_due(struct scheduler *s, int64_t *at, struct err *err)
{
	struct keeper *k = s->keeper;
	unsigned queued = 0;
	int64_t now_s = clock_wall_ns() / NS_PER_S;
	if (schedule_next(k->catalog, at, err))
		return err->code;
	if (*at > now_s)
		return ERR_OK;
	if (schedule_take_due(k->catalog, now_s, argv_of, NULL, &queued, err) ||
	    schedule_next(k->catalog, at, err))
		return err->code;
	if (queued > 0)
		runs_wake(k->runs);
	keeper_emit(k, "schedule", json_pack("{s:i, s:s}", "schedule", 0, "stack", ""));
	return ERR_OK;
}

/* At that time of the wall's clock, or when that clock is set. */
static enum err_code
set_timer(struct scheduler *s, int64_t at_s, struct err *err)
{
	struct itimerspec when = { .it_value = { .tv_sec = at_s } };
	if (at_s == INT64_MAX) /* far away, but it still tells of a clock that is set */
		when.it_value.tv_sec = clock_wall_ns() / NS_PER_S + INT64_C(365) * 86400;
	if (timerfd_settime(
		s->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) != 0)
		return err_sys(err, "set the timer of schedules");
	return ERR_OK;
}

static void
wait_for_time(struct scheduler *s)
{
	uint64_t count;
	struct pollfd fds[] = { { s->timer_fd, POLLIN, 0 }, { s->wake_fd, POLLIN, 0 } };
	if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
		log_debug("schedules: poll: %s", strerror(errno));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i].revents != 0 && read(fds[i].fd, &count, sizeof count) < 0)
			log_debug("schedules: the clock was set");
}

static void *
schedule_thread(void *arg)
{
	struct scheduler *s = arg;
	while (!atomic_load(&s->stop)) {
		struct err err = ERR_INIT;
		int64_t at;
		if (take_due(s, &at, &err)) {
			event_warning(s->keeper->opt.events, NULL, "schedules: %s", err.msg);
			at = clock_wall_ns() / NS_PER_S + TRY_AGAIN_S;
		}
		if (set_timer(s, at, &err))
			event_warning(s->keeper->opt.events, NULL, "%s", err.msg);
		wait_for_time(s);
	}
	return NULL;
}

static void
wake(struct scheduler *s)
{
	uint64_t one = 1;
	if (write(s->wake_fd, &one, sizeof one) < 0)
		log_debug("schedules: wake: %s", strerror(errno));
}

enum err_code
scheduler_changed(struct scheduler *s, struct err *err)
{
	pthread_mutex_lock(&s->file_lock);
	enum err_code rc = schedule_file_write(s->keeper->catalog, s->keeper->state_dir, err);
	pthread_mutex_unlock(&s->file_lock);
	wake(s);
	return rc;
}

enum err_code
scheduler_rebuild(struct keeper *k, size_t *count, struct err *err)
{
	return schedule_file_read(k->catalog, k->state_dir, count, err);
}

static void
scheduler_release(struct scheduler *s)
{
	fd_auto(&s->timer_fd);
	fd_auto(&s->wake_fd);
	pthread_mutex_destroy(&s->file_lock);
	free(s);
}

enum err_code
scheduler_open(struct scheduler **out, struct keeper *k, struct err *err)
{
	struct scheduler *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	s->keeper = k;
	pthread_mutex_init(&s->file_lock, NULL);
	s->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->timer_fd < 0 || s->wake_fd < 0)
		err_sys(err, "make the timer of schedules");
	else if (thread_start(&s->thread, schedule_thread, s, "schedules", err) == ERR_OK) {
		*out = s;
		return ERR_OK;
	}
	scheduler_release(s);
	return err->code;
}

void
scheduler_close(struct scheduler *s)
{
	if (s == NULL)
		return;
	atomic_store(&s->stop, true);
	wake(s);
	pthread_join(s->thread, NULL);
	scheduler_release(s);
}
