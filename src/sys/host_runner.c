#include "sys/host_runner.h"

#include "base/strv.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/proc.h"
#include "sys/sock.h"
#include "sys/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#define TAIL_SIZE ((size_t)8192)
#define STASH_MAX ((size_t)8 << 20)
#define PIPE_SIZE (1 << 20)
#define DIAL_TIMEOUT_MS 10000

struct host_runner {
	struct runner base;
	const char *host;
	const struct cancel *cancel;
};

struct host_run {
	struct run base;
	struct proc *proc;
	const struct cancel *cancel;
	int in; /* -1: closed */
	bool has_listener;
	pthread_t listener; /* reads err */
	struct cancel ended; /* raised when there is nothing more to listen to */
	int err;

	pthread_mutex_t reading; /* held while reading; guards what follows */
	int out; /* -1: at its end */
	int patience_ms;
	struct buf stash; /* output that came before it was asked for, from stash_at */
	size_t stash_at;

	pthread_mutex_t tail_lock; /* guards tail */
	struct buf tail;
	char shown[TAIL_SIZE + 1];
};

static struct host_run *
run_of(struct run *run)
{
	return (struct host_run *)run;
}

/* --- standard error --- */

static void
add_tail(struct host_run *r, const char *data, size_t len)
{
	struct err scratch; /* without memory the words are lost, not the run */
	pthread_mutex_lock(&r->tail_lock);
	if (buf_add(&r->tail, data, len, &scratch) == ERR_OK && r->tail.len > TAIL_SIZE) {
		size_t over = r->tail.len - TAIL_SIZE;
		memmove(r->tail.data, r->tail.data + over, TAIL_SIZE);
		r->tail.len = TAIL_SIZE;
	}
	pthread_mutex_unlock(&r->tail_lock);
}

/* A process that the tool left behind may hold the pipe open for as long as it likes: what is
 * there when the tool has ended is all that is waited for. */
static void *
listen_to_errors(void *arg)
{
	struct host_run *r = arg;
	char chunk[4096];
	for (;;) {
		struct pollfd pfd[2] = { { r->err, POLLIN, 0 },
			{ cancel_fd(&r->ended), POLLIN, 0 } };
		poll(pfd, 2, -1);
		ssize_t n = read(r->err, chunk, sizeof chunk);
		if (n > 0)
			add_tail(r, chunk, (size_t)n);
		else if (n == 0 || (errno != EINTR && errno != EAGAIN) ||
			 cancel_is_raised(&r->ended))
			return NULL;
	}
}

static void
stop_listening(struct host_run *r)
{
	if (!r->has_listener)
		return;
	cancel_raise(&r->ended);
	pthread_join(r->listener, NULL);
	r->has_listener = false;
}

static const char *
host_errors(struct run *run)
{
	struct host_run *r = run_of(run);
	pthread_mutex_lock(&r->tail_lock);
	if (r->tail.len > 0)
		memcpy(r->shown, r->tail.data, r->tail.len);
	r->shown[r->tail.len] = '\0';
	pthread_mutex_unlock(&r->tail_lock);
	return r->shown;
}

/* --- standard output --- */

/* Read what is there; *got 0 with out left open: nothing yet. */
static enum err_code
take(struct host_run *r, void *out, size_t len, size_t *got, struct err *err)
{
	ssize_t n = read(r->out, out, len);
	*got = 0;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return err_sys(err, "read what the tool writes");
	if (n == 0)
		close(fd_take(&r->out));
	if (n > 0)
		*got = (size_t)n;
	return ERR_OK;
}

/* Until the tool has written something, or has ended its output. */
static enum err_code
await_output(const struct host_run *r, int timeout_ms, struct err *err)
{
	int64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
	for (;;) {
		struct pollfd pfd[2] = { { r->out, POLLIN, 0 },
			{ cancel_fd(r->cancel), POLLIN, 0 } };
		int64_t left = timeout_ms < 0 ? -1 : (deadline - clock_mono_ns()) / NS_PER_MS;
		int n = poll(pfd, 2, timeout_ms >= 0 && left < 0 ? 0 : (int)left);
		if (n < 0 && errno != EINTR)
			return err_sys(err, "wait for what the tool writes");
		if (cancel_check(r->cancel, err))
			return err->code;
		if (n > 0)
			return ERR_OK;
		if (n == 0)
			return err_set(err, ERR_TRANSIENT,
			    "the tool has written nothing for %d ms", timeout_ms);
	}
}

static enum err_code
read_locked(struct host_run *r, void *out, size_t len, size_t *got, struct err *err)
{
	*got = min_size(len, r->stash.len - r->stash_at);
	if (*got > 0) {
		memcpy(out, r->stash.data + r->stash_at, *got);
		r->stash_at += *got;
		return ERR_OK;
	}
	while (r->out >= 0 && *got == 0)
		if (await_output(r, r->patience_ms, err) || take(r, out, len, got, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
host_read(struct run *run, void *out, size_t len, size_t *got, struct err *err)
{
	struct host_run *r = run_of(run);
	pthread_mutex_lock(&r->reading);
	enum err_code rc = read_locked(r, out, len, got, err);
	pthread_mutex_unlock(&r->reading);
	return rc;
}

static void
host_set_patience(struct run *run, int timeout_ms)
{
	struct host_run *r = run_of(run);
	pthread_mutex_lock(&r->reading);
	r->patience_ms = timeout_ms;
	pthread_mutex_unlock(&r->reading);
}

/* --- standard input --- */

/* With reading held. */
static enum err_code
stash_output(struct host_run *r, struct err *err)
{
	size_t got;
	if (r->stash_at == r->stash.len)
		r->stash_at = r->stash.len = 0;
	if (r->stash.len >= STASH_MAX)
		return err_set(err, ERR_USAGE,
		    "the tool writes more than it is read while it is given its input");
	if (buf_reserve(&r->stash, 65536, err) ||
	    take(r, r->stash.data + r->stash.len, 65536, &got, err))
		return err->code;
	r->stash.len += got;
	return ERR_OK;
}

/* Until the tool takes more; meanwhile its output is taken in, if nobody else does that. */
static enum err_code
await_room(struct host_run *r, struct err *err)
{
	bool reads = pthread_mutex_trylock(&r->reading) == 0;
	struct pollfd pfd[3] = { { r->in, POLLOUT, 0 }, { cancel_fd(r->cancel), POLLIN, 0 },
		{ reads ? r->out : -1, POLLIN, 0 } };
	enum err_code rc = ERR_OK;
	/* Not for long: the thread that reads may be gone by then. */
	if (poll(pfd, 3, reads ? -1 : 100) < 0 && errno != EINTR)
		rc = err_sys(err, "wait for the tool");
	else if (pfd[2].revents != 0)
		rc = stash_output(r, err);
	if (reads)
		pthread_mutex_unlock(&r->reading);
	return rc ? rc : cancel_check(r->cancel, err);
}

static enum err_code
host_write(struct run *run, const void *data, size_t len, struct err *err)
{
	struct host_run *r = run_of(run);
	const uint8_t *p = data;
	while (len > 0) {
		ssize_t n = write(r->in, p, len);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_sys(err, "write to the tool");
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (await_room(r, err)) {
			return err->code;
		}
	}
	return ERR_OK;
}

static enum err_code
host_close_stdin(struct run *run, struct err *err)
{
	(void)err;
	struct host_run *r = run_of(run);
	if (r->in >= 0)
		close(fd_take(&r->in));
	return ERR_OK;
}

/* --- the end --- */

/* Output that nobody asked for must not keep the tool from ending. */
static enum err_code
drain(struct host_run *r, int64_t deadline_ns, struct err *err)
{
	uint8_t chunk[16384];
	size_t got;
	while (r->out >= 0) {
		int64_t left = (deadline_ns - clock_mono_ns()) / NS_PER_MS;
		if (deadline_ns >= 0 && left <= 0)
			return err_set(err, ERR_CANCELLED, "the tool has not ended in time");
		if (await_output(r, deadline_ns < 0 ? -1 : (int)left, err)) {
			if (err->code == ERR_TRANSIENT)
				err->code = ERR_CANCELLED;
			return err->code;
		}
		if (take(r, chunk, sizeof chunk, &got, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
host_wait(struct run *run, int timeout_ms, int *status, struct err *err)
{
	struct host_run *r = run_of(run);
	int64_t deadline = timeout_ms < 0 ? -1 : clock_mono_ns() + timeout_ms * NS_PER_MS;
	if (host_close_stdin(run, err))
		return err->code;
	pthread_mutex_lock(&r->reading);
	enum err_code rc = drain(r, deadline, err);
	pthread_mutex_unlock(&r->reading);
	if (rc)
		return rc;
	int64_t left = (deadline - clock_mono_ns()) / NS_PER_MS;
	if (proc_wait(r->proc, deadline < 0 ? -1 : (int)(left > 0 ? left : 0), r->cancel,
		status, err))
		return err->code;
	stop_listening(r);
	return ERR_OK;
}

static void
host_free(struct run *run)
{
	struct host_run *r = run_of(run);
	proc_free(r->proc);
	stop_listening(r);
	cancel_release(&r->ended);
	fd_auto(&r->in);
	fd_auto(&r->out);
	fd_auto(&r->err);
	buf_release(&r->stash);
	buf_release(&r->tail);
	pthread_mutex_destroy(&r->reading);
	pthread_mutex_destroy(&r->tail_lock);
	free(r);
}

static const struct run_ops host_run_ops = {
	.read = host_read,
	.write = host_write,
	.close_stdin = host_close_stdin,
	.wait = host_wait,
	.errors = host_errors,
	.set_patience = host_set_patience,
	.free = host_free,
};

/* --- the beginning --- */

struct pipes {
	int in[2];
	int out[2];
	int err[2];
};

static void
pipes_auto(struct pipes *p)
{
	int *ends[] = { p->in, p->out, p->err };
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		fd_auto(&ends[i][0]);
		fd_auto(&ends[i][1]);
	}
}

static enum err_code
make_pipes(struct pipes *p, bool has_stdin, struct err *err)
{
	if ((has_stdin && pipe2(p->in, O_CLOEXEC) != 0) || pipe2(p->out, O_CLOEXEC) != 0 ||
	    pipe2(p->err, O_CLOEXEC) != 0)
		return err_sys(err, "create pipe");
	/* A dump is much data: larger steps when the system lets us. */
	fcntl(p->out[0], F_SETPIPE_SZ, PIPE_SIZE);
	if (fd_set_nonblocking(p->out[0], err) || fd_set_nonblocking(p->err[0], err))
		return err->code;
	return has_stdin ? fd_set_nonblocking(p->in[1], err) : ERR_OK;
}

static enum err_code
start_tool(
    const struct run_spec *spec, const struct pipes *p, struct proc **out, struct err *err)
{
	static const char *const keep[] = { "HOME", "PATH", "TMPDIR", "USER", "LOGNAME", "TZ",
		"KRB5CCNAME", "KRB5_CONFIG", NULL };
	AUTO(strv) struct strv env = STRV_INIT;
	if (strv_add_words(&env, spec->env, err) || strv_add(&env, "LC_ALL=C.UTF-8", err))
		return err->code;
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = spec->argv;
	opt.env = (const char *const *)env.items;
	opt.keep_env = keep;
	opt.stdin_fd = p->in[0];
	opt.stdout_fd = p->out[1];
	opt.stderr_fd = p->err[1];
	enum err_code rc = proc_start(out, &opt, err);
	for (size_t i = 0; i < env.len; i++)
		explicit_bzero(env.items[i], strlen(env.items[i]));
	return rc;
}

static enum err_code
host_start(
    struct runner *runner, const struct run_spec *spec, struct run **out, struct err *err)
{
	AUTO(pipes) struct pipes p = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (spec->user != NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "%s would have to run as the user %s of this host", spec->argv[0],
		    spec->user);
	if (make_pipes(&p, spec->has_stdin, err))
		return err->code;
	struct host_run *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	r->base.ops = &host_run_ops;
	r->in = r->out = r->err = r->ended.event_fd = -1;
	r->patience_ms = -1;
	r->cancel = ((struct host_runner *)runner)->cancel;
	pthread_mutex_init(&r->reading, NULL);
	pthread_mutex_init(&r->tail_lock, NULL);
	AUTO(run) struct run *run = &r->base;
	if (cancel_init(&r->ended, err) || start_tool(spec, &p, &r->proc, err))
		return err->code;
	r->in = fd_take(&p.in[1]);
	r->out = fd_take(&p.out[0]);
	r->err = fd_take(&p.err[0]);
	if (thread_start(&r->listener, listen_to_errors, r, "errors", err))
		return err->code;
	r->has_listener = true;
	*out = TAKE(run);
	return ERR_OK;
}

static enum err_code
parse_port(uint16_t *out, const char *text, struct err *err)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);
	if (end == text || *end != '\0' || port == 0 || port > 65535)
		return err_set(err, ERR_USAGE, "'%s' is no port", text);
	*out = (uint16_t)port;
	return ERR_OK;
}

static enum err_code
host_dial(struct runner *runner, const char *address, int *fd, struct err *err)
{
	const struct host_runner *h = (const struct host_runner *)runner;
	uint16_t port;
	if (str_starts(address, "unix:"))
		return sock_connect_unix(fd, address + strlen("unix:"), err);
	if (!str_starts(address, "tcp:"))
		return err_set(err, ERR_UNSUPPORTED, "%s cannot be reached", address);
	if (parse_port(&port, address + strlen("tcp:"), err))
		return err->code;
	return sock_connect_host(
	    fd, h->host != NULL ? h->host : "127.0.0.1", port, DIAL_TIMEOUT_MS, h->cancel, err);
}

static void
host_close(struct runner *runner)
{
	free(runner);
}

static const struct runner_ops host_runner_ops = {
	.start = host_start,
	.dial = host_dial,
	.close = host_close,
};

enum err_code
host_runner_open(
    struct runner **out, const char *host, const struct cancel *cancel, struct err *err)
{
	struct host_runner *h = calloc(1, sizeof *h);
	if (h == NULL)
		return err_nomem(err);
	*h = (struct host_runner){ { &host_runner_ops }, host, cancel };
	*out = &h->base;
	return ERR_OK;
}
