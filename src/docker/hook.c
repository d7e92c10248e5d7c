#include "docker/hook.h"

#include "docker/exec.h"
#include "sys/clock.h"
#include "sys/deadline.h"

#include <stdio.h>
#include <string.h>

/* Of what it wrote, so much goes into an error. */
#define TAIL 300
#define TAIL_LINES 3

/* The end of what was written. */
struct tail {
	char bytes[4096];
	size_t len;
};

static void
tail_add(struct tail *t, const void *data, size_t len)
{
	const char *p = data;
	if (len >= sizeof t->bytes) {
		memcpy(t->bytes, p + len - sizeof t->bytes, sizeof t->bytes);
		t->len = sizeof t->bytes;
		return;
	}
	size_t kept = min_size(t->len, sizeof t->bytes - len);
	memmove(t->bytes, t->bytes + t->len - kept, kept);
	memcpy(t->bytes + kept, p, len);
	t->len = kept + len;
}

/* The last lines as one, without control characters. */
static void
last_lines(char *out, size_t size, const char *text, size_t len)
{
	while (len > 0 && (unsigned char)text[len - 1] <= ' ')
		len--;
	size_t from = len;
	for (int lines = 0; from > 0 && len - from < size - 1; from--) {
		if (text[from - 1] == '\n' && ++lines == TAIL_LINES)
			break;
	}
	size_t n = 0;
	for (size_t i = from; i < len && n < size - 1; i++)
		out[n++] = (unsigned char)text[i] < ' ' ? ' ' : text[i];
	out[n] = '\0';
}

static enum err_code
failure(struct run *run, const struct tail *said, int status, struct err *err)
{
	char text[TAIL];
	const char *errors = run_errors(run);
	last_lines(text, sizeof text, errors, strlen(errors));
	if (text[0] == '\0')
		last_lines(text, sizeof text, said->bytes, said->len);
	return err_set(
	    err, ERR_IO, "exit status %d%s%s", status, text[0] != '\0' ? ": " : "", text);
}

static enum err_code
run_in(struct docker *d, const char *container, const struct strv *argv, struct err *err)
{
	AUTO(runner) struct runner *runner = NULL;
	AUTO(run) struct run *run = NULL;
	struct run_spec spec = RUN_SPEC_INIT;
	struct tail said = { .len = 0 };
	int status;
	spec.argv = (const char *const *)argv->items;
	if (docker_runner_open(&runner, d, container, err) ||
	    runner_start(runner, &spec, &run, err))
		return err->code;
	enum err_code rc;
	for (;;) {
		char chunk[4096];
		size_t got;
		rc = run_read(run, chunk, sizeof chunk, &got, err);
		if (rc != ERR_OK || got == 0)
			break;
		tail_add(&said, chunk, got);
	}
	if (rc == ERR_OK && run_wait(run, -1, &status, err) == ERR_OK && status != 0)
		failure(run, &said, status, err);
	return rc != ERR_OK ? rc : err->code;
}

/* The first container of the service that runs. */
static enum err_code
find_container(
    char **id, struct docker *d, const char *stack, const char *service, struct err *err)
{
	AUTO(stack) struct stack *s = NULL;
	if (stack_load(&s, d, stack, err))
		return err->code;
	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i].service, service) == 0 &&
		    s->containers[i].state == CONTAINER_RUNNING)
			return str_dup(id, s->containers[i].id, err);
	return err_set(err, ERR_NOT_FOUND, "no container of it runs");
}

enum err_code
hook_run(const char *host, const char *stack, const struct journal_hook *h,
    const struct cancel *cancel, struct err *err)
{
	AUTO(deadline) struct deadline *until = NULL;
	AUTO(docker) struct docker *d = NULL;
	AUTO(str) char *id = NULL;
	struct deadline_options end = DEADLINE_OPTIONS_INIT;
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	end.parent = cancel;
	if (deadline_open(&until, &end, err))
		return err->code;
	opt.host = host;
	opt.cancel = deadline_cancel(until);
	opt.timeout_ms = h->timeout_ms > 0 && h->timeout_ms < INT32_MAX - 60000
			     ? (int)h->timeout_ms + 60000
			     : 60000;
	deadline_set(until, h->timeout_ms > 0 ? h->timeout_ms * NS_PER_MS : -1);
	*err = (struct err)ERR_INIT;
	enum err_code rc = docker_open(&d, &opt, err);
	if (rc == ERR_OK)
		rc = find_container(&id, d, stack, h->service, err);
	if (rc == ERR_OK)
		rc = run_in(d, id, &h->argv, err);
	docker_close(TAKE(d));
	if (rc == ERR_CANCELLED && deadline_has_expired(until))
		return err_set(err, ERR_CANCELLED, "%s has not ended within %.0f s",
		    h->argv.len > 0 ? h->argv.items[0] : "it", (double)h->timeout_ms / 1000);
	return rc;
}
