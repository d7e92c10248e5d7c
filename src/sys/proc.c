#include "sys/proc.h"

#include "base/strv.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CAPTURE_MAX ((size_t)1 << 20)
#define KILL_TIMEOUT_MS 5000

extern char **environ;

struct proc {
	pid_t pid;
	int pid_fd; /* readable when the child has ended */
	bool reaped;
	bool is_killed;
	bool has_group; /* of its own */
	int status;
};

/* Does a list of names ("LC_*" for all that begin so) hold the one of "NAME=value"? */
static bool
is_kept(const char *entry, const char *const *keep)
{
	if (keep == NULL)
		return true;
	for (; *keep != NULL; keep++) {
		size_t n = strcspn(*keep, "*");
		if (strncmp(entry, *keep, n) == 0 && ((*keep)[n] == '*' || entry[n] == '='))
			return true;
	}
	return false;
}

/* What is kept of environ, with the entries of add replacing those of the same name. */
static enum err_code
merge_env(struct strv *out, const char *const *keep, const char *const *add, struct err *err)
{
	for (char **e = environ; *e != NULL; e++) {
		bool replaced = !is_kept(*e, keep);
		for (size_t i = 0; add != NULL && add[i] != NULL && !replaced; i++) {
			size_t n = (size_t)(strchrnul(add[i], '=') - add[i]);
			replaced = strncmp(*e, add[i], n) == 0 && (*e)[n] == '=';
		}
		if (!replaced && strv_add(out, *e, err))
			return err->code;
	}
	return strv_add_words(out, add, err);
}

static int
add_descriptor(posix_spawn_file_actions_t *fa, int fd, int as)
{
	if (fd < 0)
		return posix_spawn_file_actions_addopen(
		    fa, as, "/dev/null", as == 0 ? O_RDONLY : O_WRONLY, 0);
	return posix_spawn_file_actions_adddup2(fa, fd, as);
}

static enum err_code
spawn(pid_t *pid, const struct proc_options *opt, char **env, struct err *err)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);

	sigset_t none;
	sigset_t defaults;
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setpgroup(&attr, 0); /* a session's leader is its group's, too */
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	short apart = opt->own_session    ? POSIX_SPAWN_SETSID
		      : opt->in_our_group ? 0
					  : POSIX_SPAWN_SETPGROUP;
	posix_spawnattr_setflags(
	    &attr, (short)(apart | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));

	int e = add_descriptor(&fa, opt->stdin_fd, 0);
	if (e == 0)
		e = add_descriptor(&fa, opt->stdout_fd, 1);
	if (e == 0)
		e = add_descriptor(&fa, opt->stderr_fd, 2);
	if (e == 0)
		e = posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	if (e == 0 && opt->cwd != NULL)
		e = posix_spawn_file_actions_addchdir_np(&fa, opt->cwd);
	if (e == 0)
		e = posix_spawnp(
		    pid, opt->argv[0], &fa, &attr, (char *const *)(uintptr_t)opt->argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return e == 0 ? ERR_OK : err_errno(err, e, "run %s", opt->argv[0]);
}

enum err_code
proc_start(struct proc **out, const struct proc_options *opt, struct err *err)
{
	AUTO(strv) struct strv env = STRV_INIT;
	if (merge_env(&env, opt->keep_env, opt->env, err))
		return err->code;
	struct proc *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	p->pid_fd = -1;
	p->has_group = !opt->in_our_group;
	if (spawn(&p->pid, opt, env.items, err)) {
		free(p);
		return err->code;
	}
	p->pid_fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pid_fd < 0) {
		err_sys(err, "watch %s", opt->argv[0]);
		proc_free(p);
		return err->code;
	}
	*out = p;
	return ERR_OK;
}

static void
reap(struct proc *p)
{
	int st = 0;
	while (waitpid(p->pid, &st, 0) < 0 && errno == EINTR)
		;
	p->reaped = true;
	p->status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

/* A process that the kernel does not let go of (a dead disk or network share) is not waited
 * for: it ends when it can, and nobody reaps it. */
static void
kill_group(struct proc *p)
{
	kill(p->has_group ? -p->pid : p->pid, SIGKILL);
	struct pollfd pfd = { p->pid_fd, POLLIN, 0 };
	int n = 1;
	while (p->pid_fd >= 0 && (n = poll(&pfd, 1, KILL_TIMEOUT_MS)) < 0 && errno == EINTR)
		;
	p->status = 128 + SIGKILL;
	if (n > 0)
		reap(p);
	p->is_killed = true;
}

enum err_code
proc_wait(struct proc *p, int timeout_ms, const struct cancel *c, int *status, struct err *err)
{
	int64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
	while (!p->reaped && !p->is_killed) {
		int wait_ms = -1;
		if (timeout_ms >= 0) {
			int64_t left = (deadline - clock_mono_ns()) / NS_PER_MS;
			wait_ms = left > 0 ? (int)left : 0;
		}
		struct pollfd pfd[2] = { { p->pid_fd, POLLIN, 0 },
			{ cancel_fd(c), POLLIN, 0 } };
		int n = poll(pfd, 2, wait_ms);
		if (n < 0 && errno != EINTR)
			return err_sys(err, "wait for process");
		if (n > 0 && (pfd[0].revents & POLLIN)) {
			reap(p);
		} else if (n == 0) {
			kill_group(p);
			return err_set(err, ERR_CANCELLED, "timed out after %d ms", timeout_ms);
		} else if (cancel_is_raised(c)) {
			kill_group(p);
			return err_set(err, ERR_CANCELLED, "stopped on request");
		}
	}
	*status = p->status;
	return ERR_OK;
}

void
proc_free(struct proc *p)
{
	if (p == NULL)
		return;
	if (!p->reaped && !p->is_killed)
		kill_group(p);
	if (p->pid_fd >= 0)
		close(p->pid_fd);
	free(p);
}

pid_t
proc_pid(const struct proc *p)
{
	return p->pid;
}

void
proc_detach(struct proc *p)
{
	if (p == NULL)
		return;
	if (p->pid_fd >= 0)
		close(p->pid_fd);
	free(p);
}

struct pump {
	int pid_fd;
	int in_w;
	int out_r;
	int err_r;
	const struct buf *input;
	size_t sent;
	struct buf *out;
	struct buf *errout;
};

static void
close_end(int *fd)
{
	close(*fd);
	*fd = -1;
}

static enum err_code
drain(int *fd, struct buf *to, struct err *err)
{
	uint8_t chunk[16384];
	ssize_t n = read(*fd, chunk, sizeof chunk);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return ERR_OK;
	if (n <= 0) {
		close_end(fd);
		return ERR_OK;
	}
	if (to->len >= CAPTURE_MAX)
		return ERR_OK;
	return buf_add(to, chunk, min_size((size_t)n, CAPTURE_MAX - to->len), err);
}

static void
feed(struct pump *m)
{
	size_t left = m->input->len - m->sent;
	ssize_t n = left > 0 ? write(m->in_w, m->input->data + m->sent, left) : 0;
	if (n > 0)
		m->sent += (size_t)n;
	/* A child that does not read to the end says so by its exit status. */
	if (m->sent == m->input->len || (n < 0 && errno != EINTR && errno != EAGAIN))
		close_end(&m->in_w);
}

/* The child has ended: take what lies in its pipes.  Others may hold them open for as long as
 * they like. */
static enum err_code
empty_pipes(struct pump *m, struct err *err)
{
	int *ends[] = { &m->out_r, &m->err_r };
	struct buf *to[] = { m->out, m->errout };
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct pollfd pfd = { *ends[i], POLLIN, 0 };
		while (*ends[i] >= 0 && poll(&pfd, 1, 0) > 0)
			if (drain(ends[i], to[i], err))
				return err->code;
	}
	return ERR_OK;
}

static enum err_code
pump_all(struct pump *m, int64_t deadline_ns, const struct cancel *c, struct err *err)
{
	bool has_ended = false;
	while (!has_ended && (m->out_r >= 0 || m->err_r >= 0)) {
		int wait_ms = -1;
		if (deadline_ns >= 0) {
			int64_t left = (deadline_ns - clock_mono_ns()) / NS_PER_MS;
			if (left <= 0)
				return err_set(err, ERR_CANCELLED, "timed out");
			wait_ms = (int)left;
		}
		struct pollfd pfd[] = {
			{ m->out_r, POLLIN, 0 },
			{ m->err_r, POLLIN, 0 },
			{ m->in_w, POLLOUT, 0 },
			{ cancel_fd(c), POLLIN, 0 },
			{ m->pid_fd, POLLIN, 0 },
		};
		int n = poll(pfd, ARRAY_LEN(pfd), wait_ms);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "poll");
		if (cancel_check(c, err))
			return err->code;
		if (pfd[0].revents != 0 && drain(&m->out_r, m->out, err))
			return err->code;
		if (pfd[1].revents != 0 && drain(&m->err_r, m->errout, err))
			return err->code;
		if (pfd[2].revents != 0)
			feed(m);
		has_ended = pfd[4].revents != 0;
	}
	return has_ended ? empty_pipes(m, err) : ERR_OK;
}

static enum err_code
make_pipe(int fds[2], struct err *err)
{
	return pipe2(fds, O_CLOEXEC) == 0 ? ERR_OK : err_sys(err, "create pipe");
}

enum err_code
proc_run(const struct proc_options *opt, const struct buf *input, int timeout_ms,
    const struct cancel *c, struct buf *out, struct buf *errout, int *status, struct err *err)
{
	int in[2] = { -1, -1 };
	int outp[2] = { -1, -1 };
	int errp[2] = { -1, -1 };
	if ((input != NULL && make_pipe(in, err)) || make_pipe(outp, err) ||
	    make_pipe(errp, err)) {
		for (int i = 0; i < 2; i++) {
			fd_auto(&in[i]);
			fd_auto(&outp[i]);
		}
		return err->code;
	}
	struct proc_options o = *opt;
	o.stdin_fd = in[0];
	o.stdout_fd = outp[1];
	o.stderr_fd = errp[1];

	int64_t deadline = timeout_ms < 0 ? -1 : clock_mono_ns() + timeout_ms * NS_PER_MS;
	AUTO(proc) struct proc *p = NULL;
	enum err_code rc = proc_start(&p, &o, err);
	fd_auto(&in[0]);
	close(outp[1]);
	close(errp[1]);

	struct pump m = { p != NULL ? p->pid_fd : -1, in[1], outp[0], errp[0], input, 0, out,
		errout };
	if (rc == ERR_OK && input != NULL)
		rc = fd_set_nonblocking(m.in_w, err);
	if (rc == ERR_OK)
		rc = pump_all(&m, deadline, c, err);
	fd_auto(&m.in_w);
	fd_auto(&m.out_r);
	fd_auto(&m.err_r);
	if (rc == ERR_OK) {
		int64_t left = deadline < 0 ? -1 : (deadline - clock_mono_ns()) / NS_PER_MS;
		rc = proc_wait(
		    p, deadline < 0 ? -1 : (int)(left > 0 ? left : 0), c, status, err);
	}
	return rc ? err_wrap(err, "%s", opt->argv[0]) : ERR_OK;
}
