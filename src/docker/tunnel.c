#include "docker/tunnel.h"

#include "base/log.h"
#include "docker/exec.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PIECE ((size_t)64 << 10)
/* How long a tool may take to end after its input has. */
#define END_NS (2 * NS_PER_S)

/* Fixed text; the port is an argument.  A plus sign says that it is connected.  When either
 * side has no more to say the other is ended too. */
static const char script[] = "exec 3<>\"/dev/tcp/127.0.0.1/$0\" || exit 1\n"
			     "printf +\n"
			     "exec 4<&0\n"
			     "cat <&3 & r=$!\n"
			     "cat <&4 >&3 & w=$!\n"
			     "wait -n\n"
			     "kill $r $w 2>/dev/null\n";

struct tunnel {
	struct cancel cancel;
	struct docker *docker;
	struct runner *runner;
	struct run *run;
	int fd; /* our end of the pair */
};

static void
tunnel_free(struct tunnel *t)
{
	if (t == NULL)
		return;
	run_free(t->run);
	runner_close(t->runner);
	docker_close(t->docker);
	cancel_release(&t->cancel);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

AUTO_FREE(tunnel, struct tunnel *, tunnel_free)

static enum err_code
tunnel_new(struct tunnel **out, const struct docker *d, const char *container, struct err *err)
{
	struct tunnel *t = calloc(1, sizeof *t);
	if (t == NULL)
		return err_nomem(err);
	t->fd = -1;
	if (cancel_init(&t->cancel, err)) {
		free(t);
		return err->code;
	}
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	opt.host = docker_host(d);
	opt.cancel = &t->cancel;
	if (docker_open(&t->docker, &opt, err) ||
	    docker_runner_open(&t->runner, t->docker, container, err)) {
		tunnel_free(t);
		return err->code;
	}
	*out = t;
	return ERR_OK;
}

/* --- carrying bytes --- */

/* What the owner writes goes to the tool.  When there is no more, the tool has a moment to end
 * by itself. */
static void *
carry_in(void *arg)
{
	struct tunnel *t = arg;
	uint8_t piece[16384];
	struct err err = ERR_INIT;
	ssize_t n;
	while ((n = recv(t->fd, piece, sizeof piece, 0)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && run_write(t->run, piece, (size_t)n, &err))
			break;
	if (err.code != ERR_OK || run_close_stdin(t->run, &err))
		log_debug("tunnel into a container: %s", err.msg);
	if (cancel_wait(&t->cancel, END_NS, &err) == ERR_OK)
		cancel_raise(&t->cancel);
	return NULL;
}

static void
carry_out(struct tunnel *t)
{
	AUTO(mem) uint8_t *piece = malloc(PIECE);
	struct err err = ERR_INIT;
	size_t got = 0;
	while (piece != NULL && run_read(t->run, piece, PIECE, &got, &err) == ERR_OK && got > 0)
		if (fd_write_all(t->fd, piece, got, &err))
			break;
	if (err.code != ERR_OK)
		log_debug("tunnel out of a container: %s", err.msg);
}

static void *
tunnel_main(void *arg)
{
	struct tunnel *t = arg;
	pthread_t in;
	struct err err;
	if (thread_start(&in, carry_in, t, "tunnel", &err) == ERR_OK) {
		carry_out(t);
		/* Tells the owner, and ends the other thread. */
		shutdown(t->fd, SHUT_RDWR);
		cancel_raise(&t->cancel);
		pthread_join(in, NULL);
	}
	tunnel_free(t);
	return NULL;
}

/* Takes t over when it succeeds. */
static enum err_code
start(int *fd, struct tunnel *t, struct err *err)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(err, "create socket pair");
	AUTO(fd) int theirs = pair[1];
	t->fd = pair[0];
	pthread_t thread;
	if (thread_start(&thread, tunnel_main, t, "tunnel", err))
		return err->code;
	pthread_detach(thread);
	*fd = fd_take(&theirs);
	return ERR_OK;
}

/* --- the tool --- */

static enum err_code
run_bash(struct tunnel *t, const char *port, struct err *err)
{
	const char *argv[] = { "bash", "-c", script, port, NULL };
	struct run_spec spec = RUN_SPEC_INIT;
	spec.argv = argv;
	spec.has_stdin = true;
	char mark = 0;
	size_t got = 0;
	if (runner_start(t->runner, &spec, &t->run, err) ||
	    run_read(t->run, &mark, 1, &got, err))
		return err->code;
	if (got == 1 && mark == '+')
		return ERR_OK;
	int status = 0;
	if (run_wait(t->run, 5000, &status, err))
		return err->code;
	return err_set(
	    err, ERR_TRANSIENT, "nobody listens on port %s: %.200s", port, run_errors(t->run));
}

static enum err_code
run_nc(struct tunnel *t, const char *port, struct err *err)
{
	const char *argv[] = { "nc", "127.0.0.1", port, NULL };
	struct run_spec spec = RUN_SPEC_INIT;
	spec.argv = argv;
	spec.has_stdin = true;
	return runner_start(t->runner, &spec, &t->run, err);
}

static enum err_code
has_tool(struct runner *r, const char *tool, bool *has, struct err *err)
{
	const char *argv[] = { tool, "--help", NULL };
	struct run_spec spec = RUN_SPEC_INIT;
	spec.argv = argv;
	AUTO(run) struct run *run = NULL;
	int status;
	enum err_code rc = runner_start(r, &spec, &run, err);
	if (rc == ERR_OK)
		rc = run_wait(run, 10000, &status, err);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	*has = rc == ERR_OK;
	return ERR_OK;
}

static enum err_code
run_tool(struct tunnel *t, const char *port, struct err *err)
{
	bool has = false;
	if (has_tool(t->runner, "bash", &has, err))
		return err->code;
	if (has)
		return run_bash(t, port, err);
	if (has_tool(t->runner, "nc", &has, err))
		return err->code;
	if (has)
		return run_nc(t, port, err);
	return err_set(err, ERR_UNSUPPORTED,
	    "port %s of a container on another machine: neither bash nor nc is in it to reach "
	    "it by; run StackSnap on that machine",
	    port);
}

enum err_code
tunnel_open(int *fd, struct docker *d, const char *container, uint16_t port, struct err *err)
{
	char text[8];
	AUTO(tunnel) struct tunnel *t = NULL;
	snprintf(text, sizeof text, "%u", port);
	if (tunnel_new(&t, d, container, err) || run_tool(t, text, err) || start(fd, t, err))
		return err->code;
	t = NULL; /* its thread's */
	return ERR_OK;
}
