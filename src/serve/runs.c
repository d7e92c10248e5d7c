#include "serve/runs.h"

#include "base/log.h"
#include "serve/diff_kept.h"
#include "serve/json_text.h"
#include "serve/keeper_impl.h"
#include "serve/run_files.h"
#include "serve/run_process.h"
#include "serve/run_view.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/thread.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define RUNNING_MAX 64
#define STRAYS_MAX 256
#define QUEUE_MAX 1000
#define FOLLOW_MS 200
#define TIDY_EVERY 20 /* runs */

struct stray {
	pid_t pid;
	int pid_fd;
};

struct runs {
	struct keeper *keeper;
	pthread_t thread;
	int wake_fd;
	unsigned at_once;
	pthread_mutex_t lock; /* guards all below; held by the thread but while it waits */
	bool stop;
	struct run_process *running[RUNNING_MAX];
	size_t n_running;
	struct stray strays[STRAYS_MAX];
	size_t n_strays;
	unsigned ended; /* since files were tidied */
};

/* {"run": ...} */
static enum err_code
event_of(const struct catalog_run *row, json_t **out, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	struct json_writer w;
	json_init(&w, &text);
	json_obj(&w, NULL);
	run_view_json(&w, "run", row);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return json_parse(out, text.data, text.len, "run", err);
}

void
runs_tell(struct keeper *k, int64_t id)
{
	struct err err = ERR_INIT;
	AUTO(catalog_run) struct catalog_run row = { 0 };
	json_t *event;
	if (catalog_run_get(k->catalog, id, &row, &err) || event_of(&row, &event, &err))
		log_debug("run %lld: %s", (long long)id, err.msg);
	else
		keeper_emit(k, "run", event);
}

/* --- what is queued --- */

struct queue_list {
	struct catalog_run rows[QUEUE_MAX];
	size_t count;
};

static void
queue_list_free(struct queue_list *q)
{
	for (size_t i = 0; q != NULL && i < q->count; i++)
		catalog_run_release(&q->rows[i]);
	free(q);
}
AUTO_FREE(queue_list, struct queue_list *, queue_list_free)

/* The row is taken out of the callback's hands. */
static enum err_code
collect(void *arg, const struct catalog_run *row, struct err *err)
{
	struct queue_list *q = arg;
	if (q->count == QUEUE_MAX)
		return ERR_OK;
	struct catalog_run *copy = &q->rows[q->count++];
	*copy = *row;
	copy->kind = copy->stack = copy->asked_by = copy->argv = NULL;
	copy->snapshot = copy->summary = NULL;
	if (str_dup(&copy->kind, row->kind, err) || str_dup(&copy->stack, row->stack, err) ||
	    str_dup(&copy->asked_by, row->asked_by, err) ||
	    str_dup(&copy->argv, row->argv, err))
		return err->code;
	return ERR_OK;
}

/* Queued and running, latest first. */
static enum err_code
list_unfinished(struct keeper *k, struct queue_list **out, struct err *err)
{
	AUTO(queue_list) struct queue_list *q = calloc(1, sizeof *q);
	const struct catalog_run_filter filter = { .unfinished = true, .limit = QUEUE_MAX };
	if (q == NULL)
		return err_nomem(err);
	if (catalog_run_list(k->catalog, &filter, collect, q, err))
		return err->code;
	*out = TAKE(q);
	return ERR_OK;
}

static bool
has_stack(const struct runs *r, const char *stack)
{
	for (size_t i = 0; i < r->n_running; i++)
		if (strcmp(r->running[i]->stack, stack) == 0)
			return true;
	return false;
}

/* It could not even be begun: that is its end. */
static void
fail_to_start(struct runs *r, const struct catalog_run *row, const struct err *why)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *summary = json_pack("{s:s, s:{s:s, s:o}}", "type", "result", "error",
	    "code", err_code_word(why->code), "message", json_text(why->msg));
	AUTO(mem) char *text = summary != NULL ? json_dumps(summary, JSON_COMPACT) : NULL;
	const struct catalog_run_end end = {
		.state = RUN_FAILED,
		.now_ns = clock_wall_ns(),
		.exit_code = -1,
		.summary = text,
	};
	event_warning(r->keeper->opt.events, row->stack, "run %lld cannot be begun: %s",
	    (long long)row->id, why->msg);
	if (catalog_run_end(r->keeper->catalog, row->id, &end, &err))
		log_debug("run %lld: %s", (long long)row->id, err.msg);
	runs_tell(r->keeper, row->id);
}

static void
start_one(struct runs *r, const struct catalog_run *row)
{
	struct err err = ERR_INIT;
	struct run_process *p;
	if (run_process_start(&p, r->keeper, row, &err) == ERR_OK) {
		r->running[r->n_running++] = p;
		runs_tell(r->keeper, row->id);
	} else if (err.code != ERR_NOT_FOUND) {
		fail_to_start(r, row, &err);
	}
}

/* A stack that waits for its turn keeps its place: what was asked later of it waits, too. */
static void
start_queued(struct runs *r)
{
	struct err err = ERR_INIT;
	AUTO(queue_list) struct queue_list *q = NULL;
	if (list_unfinished(r->keeper, &q, &err)) {
		event_warning(r->keeper->opt.events, NULL, "what is queued: %s", err.msg);
		return;
	}
	for (size_t i = q->count; i-- > 0 && r->n_running < r->at_once;)
		if (q->rows[i].state == RUN_QUEUED && !has_stack(r, q->rows[i].stack))
			start_one(r, &q->rows[i]);
}

/* --- those that run --- */

static bool
has_ended(int pid_fd)
{
	struct pollfd p = { pid_fd, POLLIN, 0 };
	return poll(&p, 1, 0) > 0;
}

static void
finish(struct runs *r, struct run_process *p)
{
	struct err err = ERR_INIT;
	AUTO(catalog_run) struct catalog_run row = { 0 };
	int64_t code = run_process_reap(p);
	run_process_follow(p, r->keeper, true);
	if (catalog_run_get(r->keeper->catalog, p->id, &row, &err) ||
	    run_end(r->keeper, &row, code, p->asked_ns != 0, &err))
		event_warning(r->keeper->opt.events, p->stack,
		    "how run %lld ended cannot be written down: %s", (long long)p->id, err.msg);
	if (strcmp(row.kind != NULL ? row.kind : "", "diff") == 0)
		diffs_tidy(r->keeper);
	if (++r->ended % TIDY_EVERY == 0)
		run_files_tidy(r->keeper);
}

/* Did any end? */
static bool
look_after(struct runs *r)
{
	size_t kept = 0;
	size_t count = r->n_running;
	for (size_t i = 0; i < count; i++) {
		struct run_process *p = r->running[i];
		bool is_over = has_ended(p->pid_fd);
		if (p->wants_stop && !is_over)
			run_process_stop(p, clock_mono_ns());
		if (is_over) {
			finish(r, p);
			run_process_free(p);
			continue;
		}
		run_process_follow(p, r->keeper, false);
		r->running[kept++] = p;
	}
	r->n_running = kept;
	return kept < count;
}

static void
reap_strays(struct runs *r)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->n_strays; i++) {
		struct stray *s = &r->strays[i];
		if (has_ended(s->pid_fd)) {
			(void)waitpid(s->pid, NULL, 0);
			close(s->pid_fd);
		} else {
			r->strays[kept++] = *s;
		}
	}
	r->n_strays = kept;
}

/* Until something happens; the lock is let go meanwhile. */
static void
wait_for_more(struct runs *r)
{
	struct pollfd fds[1 + RUNNING_MAX + STRAYS_MAX] = { { r->wake_fd, POLLIN, 0 } };
	nfds_t n = 1;
	int timeout_ms = r->n_running > 0 ? FOLLOW_MS : -1;
	for (size_t i = 0; i < r->n_running; i++)
		fds[n++] = (struct pollfd){ r->running[i]->pid_fd, POLLIN, 0 };
	for (size_t i = 0; i < r->n_strays; i++)
		fds[n++] = (struct pollfd){ r->strays[i].pid_fd, POLLIN, 0 };
	pthread_mutex_unlock(&r->lock);
	if (poll(fds, n, timeout_ms) < 0 && errno != EINTR)
		log_debug("runs: poll: %s", strerror(errno));
	uint64_t count;
	if ((fds[0].revents & POLLIN) != 0 && read(r->wake_fd, &count, sizeof count) < 0)
		log_debug("runs: read: %s", strerror(errno));
	pthread_mutex_lock(&r->lock);
}

static void *
run_thread(void *arg)
{
	struct runs *r = arg;
	pthread_mutex_lock(&r->lock);
	while (!r->stop) {
		look_after(r);
		reap_strays(r);
		start_queued(r);
		wait_for_more(r);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* --- from outside --- */

void
runs_wake(struct runs *r)
{
	uint64_t one = 1;
	if (write(r->wake_fd, &one, sizeof one) < 0)
		log_debug("runs: wake: %s", strerror(errno));
}

static bool
ask_to_stop(struct runs *r, int64_t id)
{
	for (size_t i = 0; i < r->n_running; i++)
		if (r->running[i]->id == id) {
			r->running[i]->wants_stop = true;
			return true;
		}
	return false;
}

static enum err_code
cancel(struct runs *r, int64_t id, struct err *err)
{
	AUTO(catalog_run) struct catalog_run row = { 0 };
	const struct catalog_run_end end = {
		.state = RUN_CANCELLED,
		.now_ns = clock_wall_ns(),
		.exit_code = -1,
	};
	if (ask_to_stop(r, id))
		return ERR_OK;
	if (catalog_run_get(r->keeper->catalog, id, &row, err))
		return err->code;
	if (row.state != RUN_QUEUED)
		return err_set(err, ERR_CHANGED, "run %lld has ended", (long long)id);
	if (catalog_run_end(r->keeper->catalog, id, &end, err))
		return err->code;
	runs_tell(r->keeper, id);
	return ERR_OK;
}

enum err_code
runs_cancel(struct runs *r, int64_t id, struct err *err)
{
	pthread_mutex_lock(&r->lock);
	enum err_code rc = cancel(r, id, err);
	pthread_mutex_unlock(&r->lock);
	runs_wake(r);
	return rc;
}

enum err_code
runs_adopt(struct runs *r, pid_t pid, struct err *err)
{
	enum err_code rc = ERR_OK;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return err_sys(err, "watch a program");
	pthread_mutex_lock(&r->lock);
	if (r->n_strays < STRAYS_MAX)
		r->strays[r->n_strays++] = (struct stray){ pid, fd };
	else
		rc = err_set(err, ERR_TRANSIENT, "%d downloads go on at once: try again later",
		    STRAYS_MAX);
	pthread_mutex_unlock(&r->lock);
	if (rc != ERR_OK)
		close(fd);
	runs_wake(r);
	return rc;
}

/* --- beginning and end --- */

/* What the keeper before has left running: go on with it, or write down how it ended. */
static enum err_code
find_again(struct runs *r, const struct catalog_run *row, struct err *err)
{
	struct run_process *p;
	enum err_code rc = run_process_find(&p, r->keeper, row, err);
	if (rc == ERR_NOT_FOUND)
		return run_end(r->keeper, row, -1, false, err);
	if (rc == ERR_OK)
		r->running[r->n_running++] = p;
	return rc;
}

static enum err_code
find_all(struct runs *r, struct err *err)
{
	AUTO(queue_list) struct queue_list *q = NULL;
	if (list_unfinished(r->keeper, &q, err))
		return err->code;
	for (size_t i = q->count; i-- > 0 && r->n_running < RUNNING_MAX;)
		if (q->rows[i].state == RUN_RUNNING && find_again(r, &q->rows[i], err))
			return err_wrap(err, "run %lld", (long long)q->rows[i].id);
	return ERR_OK;
}

enum err_code
runs_open(struct runs **out, struct keeper *k, struct err *err)
{
	struct runs *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	r->keeper = k;
	pthread_mutex_init(&r->lock, NULL);
	r->at_once = thread_cpus() < RUNNING_MAX ? thread_cpus() : RUNNING_MAX;
	r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->wake_fd < 0)
		err_sys(err, "make an event descriptor");
	else if (find_all(r, err) == ERR_OK) {
		run_files_tidy(k);
		*out = r;
		if (thread_start(&r->thread, run_thread, r, "runs", err) == ERR_OK)
			return ERR_OK;
		*out = NULL;
	}
	for (size_t i = 0; i < r->n_running; i++)
		run_process_free(r->running[i]);
	fd_auto(&r->wake_fd);
	pthread_mutex_destroy(&r->lock);
	free(r);
	return err->code;
}

void
runs_close(struct runs *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_mutex_unlock(&r->lock);
	runs_wake(r);
	pthread_join(r->thread, NULL);
	for (size_t i = 0; i < r->n_running; i++)
		run_process_free(r->running[i]);
	for (size_t i = 0; i < r->n_strays; i++)
		close(r->strays[i].pid_fd);
	close(r->wake_fd);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
