/*
 * local_runner.h: a runner whose place is this machine: tools are processes,
 * ports are on the loopback address.  For tests only.
 */
#ifndef TESTS_DB_LOCAL_RUNNER_H
#define TESTS_DB_LOCAL_RUNNER_H

#include "base/strv.h"
#include "sys/fd.h"
#include "sys/proc.h"
#include "sys/runner.h"
#include "sys/sock.h"
#include "sys/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOCAL_ERRORS ((size_t)8192)

struct local_runner {
	struct runner base;
	const char *const *env; /* what the place's environment has beside ours; may be NULL */
	bool cannot_dial;
	const struct cancel *cancel;
};

struct local_run {
	struct run base;
	struct proc *proc;
	const struct cancel *cancel;
	int in;
	int out;
	int err;
	bool has_reader;
	pthread_t reader;
	pthread_mutex_t lock;
	struct buf errors; /* under lock */
	char shown[LOCAL_ERRORS + 1];
};

static void *
local_read_errors(void *arg)
{
	struct local_run *r = arg;
	char chunk[1024];
	ssize_t n;
	while ((n = read(r->err, chunk, sizeof chunk)) > 0) {
		struct err scratch;
		pthread_mutex_lock(&r->lock);
		if (buf_add(&r->errors, chunk, (size_t)n, &scratch) == ERR_OK &&
		    r->errors.len > LOCAL_ERRORS) {
			size_t over = r->errors.len - LOCAL_ERRORS;
			memmove(r->errors.data, r->errors.data + over, LOCAL_ERRORS);
			r->errors.len = LOCAL_ERRORS;
		}
		pthread_mutex_unlock(&r->lock);
	}
	return NULL;
}

static enum err_code
local_read(struct run *run, void *out, size_t len, size_t *got, struct err *err)
{
	struct local_run *r = (struct local_run *)run;
	ssize_t n;
	do
		n = read(r->out, out, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "read");
	*got = (size_t)n;
	return ERR_OK;
}

static enum err_code
local_write(struct run *run, const void *data, size_t len, struct err *err)
{
	return fd_write_all(((struct local_run *)run)->in, data, len, err);
}

static enum err_code
local_close_stdin(struct run *run, struct err *err)
{
	(void)err;
	struct local_run *r = (struct local_run *)run;
	fd_auto(&r->in);
	r->in = -1;
	return ERR_OK;
}

static enum err_code
local_wait(struct run *run, int timeout_ms, int *status, struct err *err)
{
	struct local_run *r = (struct local_run *)run;
	fd_auto(&r->in);
	r->in = -1;
	fd_auto(&r->out);
	r->out = -1;
	if (proc_wait(r->proc, timeout_ms, r->cancel, status, err))
		return err->code;
	if (r->has_reader)
		pthread_join(r->reader, NULL);
	r->has_reader = false;
	return ERR_OK;
}

static const char *
local_errors(struct run *run)
{
	struct local_run *r = (struct local_run *)run;
	pthread_mutex_lock(&r->lock);
	if (r->errors.len > 0)
		memcpy(r->shown, r->errors.data, r->errors.len);
	r->shown[r->errors.len] = '\0';
	pthread_mutex_unlock(&r->lock);
	return r->shown;
}

static void
local_free(struct run *run)
{
	struct local_run *r = (struct local_run *)run;
	proc_free(r->proc);
	if (r->has_reader)
		pthread_join(r->reader, NULL);
	fd_auto(&r->in);
	fd_auto(&r->out);
	fd_auto(&r->err);
	buf_release(&r->errors);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static const struct run_ops local_run_ops = {
	.read = local_read,
	.write = local_write,
	.close_stdin = local_close_stdin,
	.wait = local_wait,
	.errors = local_errors,
	.free = local_free,
};

static enum err_code
local_words(struct strv *out, const char *const *words, struct err *err)
{
	for (; words != NULL && *words != NULL; words++)
		if (strv_add(out, *words, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
local_start(
    struct runner *runner, const struct run_spec *spec, struct run **out, struct err *err)
{
	static const char *const as_user[] = { "runuser", "--preserve-environment", "-u" };
	struct local_runner *l = (struct local_runner *)runner;
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	for (size_t i = 0; spec->user != NULL && i < ARRAY_LEN(as_user); i++)
		if (strv_add(&argv, as_user[i], err))
			return err->code;
	if (spec->user != NULL &&
	    (strv_add(&argv, spec->user, err) || strv_add(&argv, "--", err)))
		return err->code;
	if (local_words(&argv, spec->argv, err) || local_words(&env, l->env, err) ||
	    local_words(&env, spec->env, err))
		return err->code;
	int in[2] = { -1, -1 };
	int outp[2];
	int errp[2];
	if ((spec->has_stdin && pipe2(in, O_CLOEXEC) != 0) || pipe2(outp, O_CLOEXEC) != 0 ||
	    pipe2(errp, O_CLOEXEC) != 0)
		return err_sys(err, "pipe");
	struct local_run *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	r->base.ops = &local_run_ops;
	r->cancel = l->cancel;
	r->in = in[1];
	r->out = outp[0];
	r->err = errp[0];
	pthread_mutex_init(&r->lock, NULL);
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = (const char *const *)argv.items;
	opt.env = (const char *const *)env.items;
	opt.stdin_fd = in[0];
	opt.stdout_fd = outp[1];
	opt.stderr_fd = errp[1];
	enum err_code rc = proc_start(&r->proc, &opt, err);
	fd_auto(&in[0]);
	close(outp[1]);
	close(errp[1]);
	if (rc == ERR_OK)
		rc = thread_start(&r->reader, local_read_errors, r, "stderr", err);
	if (rc) {
		local_free(&r->base);
		return rc;
	}
	r->has_reader = true;
	*out = &r->base;
	return ERR_OK;
}

static enum err_code
local_dial(struct runner *runner, const char *address, int *out, struct err *err)
{
	if (((struct local_runner *)runner)->cannot_dial)
		return err_set(err, ERR_UNSUPPORTED, "cannot connect to %s from here", address);
	if (str_starts(address, "unix:"))
		return sock_connect_unix(out, address + 5, err);
	struct sockaddr_in sin = { .sin_family = AF_INET };
	sin.sin_port = htons((uint16_t)strtoul(address + strlen("tcp:"), NULL, 10));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	AUTO(fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sin, sizeof sin) != 0)
		return err_sys(err, "connect to %s", address);
	*out = fd_take(&fd);
	return ERR_OK;
}

static void
local_close(struct runner *runner)
{
	(void)runner;
}

static const struct runner_ops local_runner_ops = {
	.start = local_start,
	.dial = local_dial,
	.close = local_close,
};

#endif
