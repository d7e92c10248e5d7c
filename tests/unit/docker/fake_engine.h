/*
 * fake_engine.h: a Docker engine for tests: a unix socket in a temporary
 * folder, answered by threads of the test.
 *
 * Routes are fixed answers for "METHOD /path" (without version and query).
 * Containers have a state that pause, unpause, stop and start change.  One
 * scripted exec can be attached.  Every request is kept in a log.
 */
#ifndef TESTS_FAKE_ENGINE_H
#define TESTS_FAKE_ENGINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/strv.h"
#include "docker/engine.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/thread.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define FAKE_MAX 64

struct fake_route {
	const char *what; /* "GET /info" */
	int status;
	const char *body;
};

struct fake_container {
	const char *id;
	const char *status;
	int refusals; /* so many calls that change it fail; < 0: all */
	bool ignores; /* changes are answered with 204 and do nothing */
	bool is_hidden; /* 404 for all */
	const char *exit_code; /* NULL: none is told */
};

struct fake {
	char *dir;
	char *host;
	const char *api_version;
	int listen_fd;
	pthread_t acceptor;
	pthread_mutex_t lock; /* guards what follows */
	struct strv log;
	struct fake_route routes[FAKE_MAX];
	size_t n_routes;
	struct fake_container containers[FAKE_MAX];
	size_t n_containers;
	json_t *documents; /* "GET /path": document */
	pthread_t threads[1024];
	size_t n_threads;
	/* The tool that an exec runs, on the hijacked connection. */
	void (*tool)(struct fake *f, int fd);
	int exec_exit; /* the exit code; < 0: none yet */
	bool exec_runs;
	char *exec_body; /* what the create call asked for */
};

struct fake_connection {
	struct fake *fake;
	int fd;
};

static inline void
fake_write(int fd, const void *data, size_t len)
{
	const char *p = data;
	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return; /* the client need not read all */
		p += n;
		len -= (size_t)n;
	}
}

static inline void
fake_answer(int fd, const char *version, int status, const char *body)
{
	char head[256];
	int n = snprintf(head, sizeof head,
	    "HTTP/1.1 %d Some Reason\r\nApi-Version: %s\r\nContent-Length: %zu\r\n\r\n", status,
	    version, status == 204 || status == 304 ? 0 : strlen(body));
	fake_write(fd, head, (size_t)n);
	if (status != 204 && status != 304)
		fake_write(fd, body, strlen(body));
}

/* One frame of an attached stream. */
static inline void
fake_frame(int fd, int stream, const void *data, size_t len)
{
	uint8_t head[8] = { (uint8_t)stream, 0, 0, 0, (uint8_t)(len >> 24),
		(uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len };
	fake_write(fd, head, 8);
	fake_write(fd, data, len);
}

/* The whole request, head and body by its length; false at the end of the connection. */
static inline bool
fake_read_request(int fd, char *text, size_t size)
{
	size_t len = 0;
	for (;;) {
		ssize_t n = recv(fd, text + len, size - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
		const char *end = strstr(text, "\r\n\r\n");
		if (end == NULL)
			continue;
		const char *field = strstr(text, "Content-Length: ");
		size_t body = field != NULL ? strtoul(field + 16, NULL, 10) : 0;
		if (strstr(text, "Transfer-Encoding: chunked") != NULL) {
			if (strstr(end, "0\r\n\r\n") != NULL)
				return true;
		} else if (len >= (size_t)(end + 4 - text) + body) {
			return true;
		}
	}
}

static inline struct fake_container *
fake_find(struct fake *f, const char *path)
{
	for (size_t i = 0; i < f->n_containers; i++) {
		const char *id = f->containers[i].id;
		if (str_starts(path, "/containers/") &&
		    strncmp(path + 12, id, strlen(id)) == 0 && path[12 + strlen(id)] == '/')
			return &f->containers[i];
	}
	return NULL;
}

static inline int
fake_change(struct fake_container *c, const char *verb)
{
	if (strcmp(verb, "pause") == 0) {
		if (strcmp(c->status, "running") != 0 && strcmp(c->status, "levitating") != 0)
			return 409;
		c->status = "paused";
	} else if (strcmp(verb, "unpause") == 0) {
		if (strcmp(c->status, "paused") != 0)
			return 409;
		c->status = "running";
	} else if (strcmp(verb, "stop") == 0) {
		if (strcmp(c->status, "exited") == 0)
			return 304;
		c->status = "exited";
	} else if (strcmp(verb, "start") == 0) {
		if (strcmp(c->status, "running") == 0)
			return 304;
		c->status = "running";
	} else {
		return 404;
	}
	return 204;
}

static inline void
fake_container_answer(struct fake *f, int fd, struct fake_container *c, const char *path)
{
	const char *verb = strrchr(path, '/') + 1;
	char body[256] = "";
	int status = 200;
	pthread_mutex_lock(&f->lock);
	if (c->is_hidden) {
		status = 404;
		snprintf(body, sizeof body, "{\"message\":\"No such container: %s\"}", c->id);
	} else if (strcmp(verb, "json") == 0) {
		snprintf(body, sizeof body,
		    "{\"Id\":\"%s\",\"Name\":\"/%s\",\"State\":{\"Status\":\"%s\"%s%s}}", c->id,
		    c->id, c->status, c->exit_code != NULL ? ",\"ExitCode\":" : "",
		    c->exit_code != NULL ? c->exit_code : "");
	} else if (c->refusals != 0) {
		c->refusals--;
		status = 500;
		snprintf(body, sizeof body, "{\"message\":\"cannot %s it\\n\"}", verb);
	} else if (c->ignores) {
		status = 204;
	} else {
		status = fake_change(c, verb);
		snprintf(body, sizeof body, "{\"message\":\"Container %s is not fit for %s\"}",
		    c->id, verb);
	}
	pthread_mutex_unlock(&f->lock);
	fake_answer(fd, f->api_version, status, body);
}

static inline void
fake_exec_start(struct fake *f, int fd)
{
	static const char head[] =
	    "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
	    "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
	fake_write(fd, head, sizeof head - 1);
	f->tool(f, fd);
}

static inline void
fake_exec_inspect(struct fake *f, int fd)
{
	char body[128];
	pthread_mutex_lock(&f->lock);
	if (f->exec_exit < 0)
		snprintf(body, sizeof body, "{\"Running\":%s,\"ExitCode\":null,\"Pid\":0}",
		    f->exec_runs ? "true" : "false");
	else
		snprintf(body, sizeof body, "{\"Running\":false,\"ExitCode\":%d,\"Pid\":0}",
		    f->exec_exit);
	pthread_mutex_unlock(&f->lock);
	fake_answer(fd, f->api_version, 200, body);
}

static inline bool
fake_answer_route(struct fake *f, int fd, const char *what)
{
	for (size_t i = 0; i < f->n_routes; i++) {
		if (strcmp(f->routes[i].what, what) == 0) {
			fake_answer(fd, f->api_version, f->routes[i].status, f->routes[i].body);
			return true;
		}
	}
	json_t *doc = json_object_get(f->documents, what);
	if (doc == NULL)
		return false;
	char *text = json_dumps(doc, JSON_COMPACT | JSON_PRESERVE_ORDER);
	fake_answer(fd, f->api_version, 200, text);
	free(text);
	return true;
}

static inline void *
fake_serve(void *arg)
{
	struct fake_connection *c = arg;
	struct fake *f = c->fake;
	int fd = c->fd;
	free(c);
	static const char missing[] = "{\"message\":\"no such thing\"}";
	char *text = malloc(65536);
	char method[16];
	char target[2048];
	if (!fake_read_request(fd, text, 65536) ||
	    sscanf(text, "%15s %2047s", method, target) != 2) {
		free(text);
		close(fd);
		return NULL;
	}
	const char *path = target;
	if (str_starts(path, "/v1."))
		path = strchr(path + 1, '/');
	struct err err = ERR_INIT;
	/* Also makes visible what the test has set. */
	pthread_mutex_lock(&f->lock);
	enum err_code rc = strv_addf(&f->log, &err, "%s %s", method, target);
	pthread_mutex_unlock(&f->lock);
	target[strcspn(target, "?")] = '\0';
	char what[2100];
	snprintf(what, sizeof what, "%s %s", method, path);
	struct fake_container *fc = fake_find(f, path);
	if (rc != ERR_OK)
		fake_answer(fd, f->api_version, 500, missing);
	else if (fake_answer_route(f, fd, what))
		;
	else if (f->tool != NULL && str_ends(path, "/exec")) {
		pthread_mutex_lock(&f->lock);
		free(f->exec_body);
		f->exec_body = strdup(strstr(text, "\r\n\r\n") + 4);
		pthread_mutex_unlock(&f->lock);
		fake_answer(fd, f->api_version, 201, "{\"Id\":\"exec1\"}");
	} else if (strcmp(what, "POST /exec/exec1/start") == 0)
		fake_exec_start(f, fd);
	else if (strcmp(what, "GET /exec/exec1/json") == 0)
		fake_exec_inspect(f, fd);
	else if (fc != NULL)
		fake_container_answer(f, fd, fc, path);
	else
		fake_answer(fd, f->api_version, 404, missing);
	free(text);
	close(fd);
	return NULL;
}

static inline void *
fake_accept(void *arg)
{
	struct fake *f = arg;
	for (;;) {
		int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return NULL;
		struct fake_connection *c = malloc(sizeof *c);
		*c = (struct fake_connection){ f, fd };
		struct err err = ERR_INIT;
		if (f->n_threads == ARRAY_LEN(f->threads) ||
		    thread_start(&f->threads[f->n_threads], fake_serve, c, "fake", &err) !=
			ERR_OK) {
			close(fd);
			free(c);
			continue;
		}
		f->n_threads++;
	}
}

static inline void
fake_route(struct fake *f, const char *what, int status, const char *body)
{
	pthread_mutex_lock(&f->lock);
	f->routes[f->n_routes++] = (struct fake_route){ what, status, body };
	pthread_mutex_unlock(&f->lock);
}

static inline struct fake_container *
fake_add(struct fake *f, const char *id, const char *status)
{
	pthread_mutex_lock(&f->lock);
	struct fake_container *c = &f->containers[f->n_containers++];
	*c = (struct fake_container){ .id = id, .status = status };
	pthread_mutex_unlock(&f->lock);
	return c;
}

/* Let the next n changes fail; all when n < 0. */
static inline void
fake_refuse(struct fake *f, size_t container, int n)
{
	pthread_mutex_lock(&f->lock);
	f->containers[container].refusals = n;
	pthread_mutex_unlock(&f->lock);
}

static inline void
fake_set_version(struct fake *f, const char *api_version)
{
	pthread_mutex_lock(&f->lock);
	f->api_version = api_version;
	pthread_mutex_unlock(&f->lock);
}

/* The ith request, which stays f's. */
static inline const char *
fake_request(struct fake *f, size_t i)
{
	pthread_mutex_lock(&f->lock);
	const char *request = i < f->log.len ? f->log.items[i] : NULL;
	pthread_mutex_unlock(&f->lock);
	return request;
}

static inline size_t
fake_requests(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	size_t n = f->log.len;
	pthread_mutex_unlock(&f->lock);
	return n;
}

static inline struct fake *
fake_start(void)
{
	struct fake *f = calloc(1, sizeof *f);
	struct err err = ERR_INIT;
	f->api_version = "1.41";
	f->exec_exit = -1;
	pthread_mutex_init(&f->lock, NULL);
	assert_int_equal(fs_make_temp_dir(&f->dir, "stacksnap-test", &err), ERR_OK);
	assert_int_equal(str_printf(&f->host, &err, "unix://%s/docker.sock", f->dir), ERR_OK);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	snprintf(addr.sun_path, sizeof addr.sun_path, "%s/docker.sock", f->dir);
	f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listen_fd, (struct sockaddr *)&addr, sizeof addr), 0);
	assert_int_equal(listen(f->listen_fd, 64), 0);
	fake_route(f, "GET /_ping", 200, "OK");
	assert_int_equal(thread_start(&f->acceptor, fake_accept, f, "accept", &err), ERR_OK);
	return f;
}

static inline void
fake_stop(struct fake *f)
{
	shutdown(f->listen_fd, SHUT_RDWR);
	pthread_join(f->acceptor, NULL);
	close(f->listen_fd);
	for (size_t i = 0; i < f->n_threads; i++)
		pthread_join(f->threads[i], NULL);
	struct err err = ERR_INIT;
	assert_int_equal(fs_remove_tree(f->dir, &err), ERR_OK);
	strv_release(&f->log);
	json_decref(f->documents);
	free(f->exec_body);
	free(f->dir);
	free(f->host);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static inline struct docker *
fake_client(struct fake *f, const struct cancel *c)
{
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	struct err err = ERR_INIT;
	struct docker *d = NULL;
	opt.host = f->host;
	opt.cancel = c;
	opt.timeout_ms = 10000;
	assert_int_equal(docker_open(&d, &opt, &err), ERR_OK);
	return d;
}

/* It happens by itself, or somebody else does it. */
static inline void
fake_set(struct fake *f, size_t container, const char *status, const char *exit_code)
{
	pthread_mutex_lock(&f->lock);
	f->containers[container].status = status;
	f->containers[container].exit_code = exit_code;
	pthread_mutex_unlock(&f->lock);
}

static inline bool
fake_is(struct fake *f, const struct fake_container *c, const char *status)
{
	pthread_mutex_lock(&f->lock);
	bool is = strcmp(c->status, status) == 0;
	pthread_mutex_unlock(&f->lock);
	return is;
}

/* How often a request was made. */
static inline size_t
fake_count(struct fake *f, const char *request)
{
	size_t n = 0;
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->log.len; i++)
		n += strcmp(f->log.items[i], request) == 0;
	pthread_mutex_unlock(&f->lock);
	return n;
}

/* Where in the log a request stands first, or -1. */
static inline int
fake_place(struct fake *f, const char *request)
{
	int at = -1;
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->log.len && at < 0; i++)
		if (strcmp(f->log.items[i], request) == 0)
			at = (int)i;
	pthread_mutex_unlock(&f->lock);
	return at;
}

/* A fixture of tests/unit/docker/data, with @ROOT@ replaced by the fake's folder. */
static inline void
fake_load(struct fake *f, const char *name)
{
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	const char *top = getenv("STACKSNAP_SOURCE");
	assert_non_null(top);
	assert_int_equal(
	    str_printf(&path, &err, "%s/tests/unit/docker/data/%s", top, name), ERR_OK);
	assert_int_equal(fs_read_file(path, (size_t)4 << 20, &raw, &err), ERR_OK);
	const char *p = buf_cstr(&raw);
	for (const char *at; (at = strstr(p, "@ROOT@")) != NULL; p = at + 6) {
		assert_int_equal(buf_add(&text, p, (size_t)(at - p), &err), ERR_OK);
		assert_int_equal(buf_str(&text, f->dir, &err), ERR_OK);
	}
	assert_int_equal(buf_str(&text, p, &err), ERR_OK);
	pthread_mutex_lock(&f->lock);
	enum err_code rc = json_parse(&f->documents, text.data, text.len, "fixture", &err);
	pthread_mutex_unlock(&f->lock);
	assert_int_equal(rc, ERR_OK);
}

#endif
