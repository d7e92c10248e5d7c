#include "docker/exec.h"

#include "base/log.h"
#include "docker/attach.h"
#include "docker/call.h"
#include "docker/dial.h"
#include "docker/exec_impl.h"
#include "docker/host_process.h"
#include "docker/tunnel.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/* Between the end of the streams and the exit code the engine needs a moment; not this long. */
#define EXIT_CODE_GRACE_MS 10000
#define KILL_TIMEOUT_MS 2000

struct exec_run {
	struct run base;
	struct exec_runner *place;
	char *id;
	struct attach *streams;
	bool has_ended; /* the exit code was seen */
	int status;
};

/* What the engine says about an exec. */
struct exec_state {
	bool is_running;
	bool has_code;
	int code;
	int64_t pid;
};

static enum err_code
ask(struct exec_run *r, bool ignores_cancel, struct exec_state *out, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, r->place->d, "GET", "/exec", "ask for the exit code");
	target_part(&call.target, r->id);
	target_part(&call.target, "json");
	call.ignores_cancel = ignores_cancel;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (docker_call_do(r->place->d, &call, &doc, err))
		return err->code;
	const json_t *code = json_object_get(doc.json, "ExitCode");
	out->is_running = json_get_bool(doc.json, "Running");
	out->has_code = json_is_integer(code);
	out->code = (int)json_integer_value(code);
	out->pid = json_get_int(doc.json, "Pid", 0);
	return ERR_OK;
}

/* Ask until the tool has ended, or for timeout_ms (< 0: for ever); ERR_CANCELLED then. */
static enum err_code
await_exit(struct exec_run *r, int timeout_ms, struct err *err)
{
	const struct cancel *c = docker_cancel(r->place->d);
	int64_t begun = clock_mono_ns();
	int64_t deadline = begun + timeout_ms * NS_PER_MS;
	for (int pause_ms = 1; !r->has_ended; pause_ms = pause_ms < 100 ? pause_ms * 2 : 200) {
		struct exec_state s;
		if (ask(r, false, &s, err))
			return err->code;
		int64_t now = clock_mono_ns();
		if (!s.is_running && s.has_code) {
			r->has_ended = true;
			r->status = s.code;
			return ERR_OK;
		}
		if (!s.is_running && now - begun > EXIT_CODE_GRACE_MS * NS_PER_MS)
			return err_set(err, ERR_TRANSIENT, "the engine tells no exit code");
		if (timeout_ms >= 0 && now >= deadline)
			return err_set(err, ERR_CANCELLED,
			    "the tool has not ended within %d ms", timeout_ms);
		struct pollfd pfd = { cancel_fd(c), POLLIN, 0 };
		poll(&pfd, 1, pause_ms);
		if (cancel_check(c, err))
			return err->code;
	}
	return ERR_OK;
}

/* The engine's words without the runtime's chain of wrappings. */
static enum err_code
refusal(const char *text, struct err *err)
{
	enum err_code code = ERR_IO;
	if (strstr(text, "not found") != NULL || strstr(text, "no such file") != NULL)
		code = ERR_NOT_FOUND;
	else if (strstr(text, "permission denied") != NULL)
		code = ERR_DENIED;
	const char *inner = strstr(text, "exec: \"");
	const char *s = inner != NULL ? inner + strlen("exec: ") : text;
	size_t n = strcspn(s, "\r\n");
	static const char suffix[] = ": unknown";
	if (n > sizeof suffix - 1 &&
	    memcmp(s + n - (sizeof suffix - 1), suffix, sizeof suffix - 1) == 0)
		n -= sizeof suffix - 1;
	return err_set(
	    err, code, "the container could not start it: %.*s", (int)min_size(n, 300), s);
}

/* At the end of the output: was it only the engine's word that there was no tool? */
static enum err_code
check_started(struct exec_run *r, struct err *err)
{
	const char *held = attach_held(r->streams);
	if (held == NULL)
		return ERR_OK;
	if (await_exit(r, EXIT_CODE_GRACE_MS, err))
		return err->code;
	/* As shells have it: 126 cannot be run, 127 is not there. */
	if (r->status == 126 || r->status == 127)
		return refusal(held, err);
	return attach_release(r->streams, err);
}

static struct exec_run *
run_of(struct run *run)
{
	return (struct exec_run *)run;
}

static enum err_code
exec_read(struct run *run, void *out, size_t len, size_t *got, struct err *err)
{
	struct exec_run *r = run_of(run);
	if (attach_read(r->streams, out, len, got, err))
		return err->code;
	if (*got > 0 || attach_held(r->streams) == NULL)
		return ERR_OK;
	if (check_started(r, err))
		return err->code;
	return attach_read(r->streams, out, len, got, err);
}

static enum err_code
exec_write(struct run *run, const void *data, size_t len, struct err *err)
{
	return attach_write(run_of(run)->streams, data, len, err);
}

static enum err_code
exec_close_stdin(struct run *run, struct err *err)
{
	return attach_shut(run_of(run)->streams, err);
}

/* A process that the tool left behind may hold the streams open, so the engine is asked as
 * well. */
static enum err_code
exec_wait(struct run *run, int timeout_ms, int *status, struct err *err)
{
	struct exec_run *r = run_of(run);
	int64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
	bool at_end = false;
	while (!r->has_ended && !at_end) {
		int64_t left = timeout_ms < 0 ? 1000 : (deadline - clock_mono_ns()) / NS_PER_MS;
		if (left <= 0)
			return err_set(err, ERR_CANCELLED,
			    "the tool has not ended within %d ms", timeout_ms);
		if (attach_drain(r->streams, left < 1000 ? (int)left : 1000, &at_end, err))
			return err->code;
		struct exec_state s;
		if (at_end)
			break;
		if (ask(r, false, &s, err))
			return err->code;
		r->has_ended = !s.is_running && s.has_code;
		r->status = s.code;
	}
	if (check_started(r, err))
		return err->code;
	int64_t left = (deadline - clock_mono_ns()) / NS_PER_MS;
	if (await_exit(r, timeout_ms < 0 ? -1 : (int)(left > 0 ? left : 0), err))
		return err->code;
	*status = r->status;
	return ERR_OK;
}

static const char *
exec_errors(struct run *run)
{
	return attach_errors(run_of(run)->streams);
}

/* Best effort, as exec.h tells: the engine may be elsewhere.  Before the connection is closed,
 * since the engine takes a write to a closed one for the tool's end (Running false, exit code
 * 126). */
static void
end_tool(struct exec_run *r)
{
	struct err scratch; /* nobody is left who could be told */
	struct exec_state s = { .is_running = true };
	/* A tool that is just being started has no process id yet. */
	for (int i = 0; i < 50 && s.is_running && s.pid == 0; i++) {
		if (i > 0)
			poll(NULL, 0, 10);
		if (ask(r, true, &s, &scratch) != ERR_OK)
			return;
	}
	AUTO(fd) int pid_fd = -1;
	if (s.is_running &&
	    host_process_open(&pid_fd, s.pid, r->place->container, &scratch) == ERR_OK &&
	    host_process_kill(pid_fd, s.pid, KILL_TIMEOUT_MS, &scratch) != ERR_OK)
		log_debug("exec in container %.12s: %s", r->place->container, scratch.msg);
}

static void
exec_free(struct run *run)
{
	struct exec_run *r = run_of(run);
	if (r->streams != NULL && !r->has_ended)
		end_tool(r);
	attach_free(r->streams);
	free(r->id);
	free(r);
}

static void
exec_set_patience(struct run *run, int timeout_ms)
{
	attach_set_patience(run_of(run)->streams, timeout_ms);
}

static const struct run_ops exec_run_ops = {
	.read = exec_read,
	.write = exec_write,
	.close_stdin = exec_close_stdin,
	.wait = exec_wait,
	.errors = exec_errors,
	.set_patience = exec_set_patience,
	.free = exec_free,
};

static void
write_list(struct json_writer *w, const char *key, const char *const *list)
{
	json_arr(w, key);
	for (; list != NULL && *list != NULL; list++)
		json_str(w, NULL, *list);
	json_arr_end(w);
}

static enum err_code
create(struct exec_runner *place, const struct run_spec *spec, char **id, struct err *err)
{
	AUTO(bufv) struct buf body = BUF_INIT;
	struct json_writer w;
	json_init(&w, &body);
	json_obj(&w, NULL);
	json_flag(&w, "AttachStdin", spec->has_stdin);
	json_flag(&w, "AttachStdout", true);
	json_flag(&w, "AttachStderr", true);
	json_flag(&w, "Tty", false);
	write_list(&w, "Cmd", spec->argv);
	write_list(&w, "Env", spec->env);
	if (spec->user != NULL)
		json_str(&w, "User", spec->user);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;

	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, place->d, "POST", "/containers", "exec in container %.12s",
	    place->container);
	target_part(&call.target, place->container);
	target_part(&call.target, "exec");
	call.body = &body;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (docker_call_do(place->d, &call, &doc, err))
		return err->code;
	const char *got = json_get_str(doc.json, "Id");
	if (got == NULL)
		return err_set(err, ERR_CORRUPT, "%s: the engine gave no id", call.what);
	return str_dup(id, got, err);
}

static enum err_code
attach(struct exec_run *r, struct err *err)
{
	static const char *const fields[] = { "Connection: Upgrade", "Upgrade: tcp", NULL };
	struct docker *d = r->place->d;
	AUTO(bufv) struct buf body = BUF_INIT;
	if (buf_str(&body, "{\"Detach\":false,\"Tty\":false}", err))
		return err->code;
	AUTO(docker_call) struct docker_call call;
	docker_call_init(
	    &call, d, "POST", "/exec", "exec in container %.12s", r->place->container);
	target_part(&call.target, r->id);
	target_part(&call.target, "start");
	call.body = &body;

	AUTO(http) struct http *h = NULL;
	const struct http_head *head;
	AUTO(bufv) struct buf rest = BUF_INIT;
	AUTO(fd) int fd = -1;
	if (docker_call_send(d, &call, NULL, fields, &h, err) ||
	    docker_call_receive(&call, h, &head, err) || http_hijack(h, &fd, &rest, err) ||
	    attach_new(&r->streams, fd, &rest, docker_cancel(d), err))
		return err->code;
	fd_take(&fd);
	return ERR_OK;
}

enum err_code
exec_start_plain(
    struct exec_runner *place, const struct run_spec *spec, struct run **out, struct err *err)
{
	struct exec_run *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	r->base.ops = &exec_run_ops;
	r->place = place;
	AUTO(run) struct run *run = &r->base;
	if (create(r->place, spec, &r->id, err) || attach(r, err))
		return err->code;
	*out = TAKE(run);
	return ERR_OK;
}

struct attach *
exec_streams(struct run *run)
{
	return run_of(run)->streams;
}

static enum err_code
exec_start(
    struct runner *runner, const struct run_spec *spec, struct run **out, struct err *err)
{
	struct exec_runner *place = (struct exec_runner *)runner;
	if (spec->file_option == NULL || spec->has_stdin)
		return exec_start_plain(place, spec, out, err);
	return exec_start_piped(place, spec, out, err);
}

static enum err_code
exec_dial(struct runner *runner, const char *address, int *fd, struct err *err)
{
	struct exec_runner *place = (struct exec_runner *)runner;
	if (docker_is_local(place->d))
		return docker_dial(place->d, place->container, address, fd, err);
	uint16_t port;
	if (!str_starts(address, "tcp:"))
		return err_set(err, ERR_UNSUPPORTED,
		    "%s cannot be reached: the engine is on another machine", address);
	if (dial_port(&port, address + 4, err))
		return err->code;
	return tunnel_open(fd, place->d, place->container, port, err);
}

static void
exec_close(struct runner *runner)
{
	struct exec_runner *place = (struct exec_runner *)runner;
	free(place->container);
	free(place);
}

static const struct runner_ops exec_runner_ops = {
	.start = exec_start,
	.dial = exec_dial,
	.close = exec_close,
};

enum err_code
docker_runner_open(
    struct runner **out, struct docker *d, const char *container, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (docker_container_inspect(d, container, &doc, err))
		return err->code;
	const char *id = json_get_str(doc.json, "Id");
	if (id == NULL)
		return err_set(err, ERR_CORRUPT, "container %s has no id", container);
	struct exec_runner *place = calloc(1, sizeof *place);
	if (place == NULL)
		return err_nomem(err);
	place->base.ops = &exec_runner_ops;
	place->d = d;
	if (str_dup(&place->container, id, err)) {
		free(place);
		return err->code;
	}
	*out = &place->base;
	return ERR_OK;
}
