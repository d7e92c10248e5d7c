/*
 * s3_server.h: tests/s3/server.py, started for a test program and told what to
 * do; it ends with the program, when its standard input does.
 */
#ifndef TESTS_UNIT_STORE_S3_SERVER_H
#define TESTS_UNIT_STORE_S3_SERVER_H

#include "testing.h"

#include "net/web.h"
#include "sys/fd.h"
#include "sys/proc.h"

#include <fcntl.h>

struct s3_server {
	struct proc *proc;
	int stdin_fd;
	char port[16];
};

static inline void
s3_server_start(struct s3_server *s, const char *const *more)
{
	struct err err;
	int in[2];
	int out[2];
	const char *source = getenv("STACKSNAP_SOURCE");
	assert_non_null(source);
	char program[4096];
	snprintf(program, sizeof program, "%s/tests/s3/server.py", source);
	const char *argv[20] = { program };
	for (size_t i = 0; more != NULL && more[i] != NULL && i < 18; i++)
		argv[i + 1] = more[i];
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	opt.stdin_fd = in[0];
	opt.stdout_fd = out[1];
	opt.stderr_fd = STDERR_FILENO;
	ok(proc_start(&s->proc, &opt, &err));
	close(in[0]);
	close(out[1]);
	s->stdin_fd = in[1];
	ssize_t n = 0;
	for (char c = 0; read(out[0], &c, 1) == 1 && c != '\n';)
		s->port[n++] = c;
	assert_true(n > 0);
	s->port[n] = '\0';
	close(out[0]);
	setenv("AWS_ACCESS_KEY_ID", "AKTEST", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	setenv("AWS_CONFIG_FILE", "/dev/null", 1);
	unsetenv("AWS_SESSION_TOKEN");
	unsetenv("AWS_REGION");
	unsetenv("AWS_PROFILE");
}

static inline void
s3_server_stop(struct s3_server *s)
{
	close(s->stdin_fd);
	proc_free(s->proc);
}

/* Ask /-/WHAT; out may be NULL. */
static inline void
s3_server_ask(const struct s3_server *s, const char *what, const char *json, struct buf *out)
{
	struct err err;
	AUTO(web) struct web *w = NULL;
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	struct web_options opt = WEB_OPTIONS_INIT;
	char url[100];
	opt.is_direct = true;
	snprintf(url, sizeof url, "http://127.0.0.1:%s/-/%s", s->port, what);
	struct web_call call = { .method = json != NULL ? "POST" : "GET",
		.url = url,
		.body = json,
		.body_len = json != NULL ? strlen(json) : 0,
		.into = out,
		.max = 1 << 20 };
	ok(web_open(&w, &opt, &err));
	ok(web_do(w, &call, &a, &err));
	assert_int_equal(a.status, 200);
}

#endif
