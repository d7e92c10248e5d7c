/*
 * web_fixture.h: a web process in this one, a keeper that follows a script, and a client that
 * sends exactly the bytes it is given.
 */
#ifndef TESTS_UNIT_SERVE_WEB_FIXTURE_H
#define TESTS_UNIT_SERVE_WEB_FIXTURE_H

#include "testing.h"

#include "serve/web.h"
#include "serve/wire.h"
#include "sys/fd.h"
#include "sys/thread.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#define SESSION "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TOKEN "aa112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define CSRF "cc112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct place {
	struct web_server *web;
	int wire; /* the keeper's end */
	uint16_t port;
	pthread_t keeper;
	/* What the keeper does with an ask; it answers by itself.  NULL: says what it was
	 * asked. */
	void (*script)(struct place *p, const json_t *ask);
	atomic_int asks;
	_Atomic int status; /* of what it says otherwise */
	atomic_int keep_ms;
	atomic_bool is_denying;
};

/* A message made by json_pack, which is freed; -1: no descriptor. */
static void
say(struct place *p, json_t *message, int fd)
{
	struct err err = ERR_INIT;
	assert_non_null(message);
	ok(wire_send(p->wire, message, fd, &err));
	json_decref(message);
}

static void
say_asked(struct place *p, const json_t *ask)
{
	json_int_t id = json_get_int(ask, "id", 0);
	if (p->is_denying) {
		say(p,
		    json_pack("{s:I, s:i, s:{s:s, s:s, s:s}}", "id", id, "status", 401,
			"problem", "title", "Not logged in", "detail", "Log in first.", "code",
			"denied"),
		    -1);
		return;
	}
	say(p,
	    json_pack("{s:I, s:i, s:{s:O, s:i}, s:i}", "id", id, "status", p->status, "body",
		"ask", ask, "nth", p->asks, "keep_ms", p->keep_ms),
	    -1);
}

static void *
keep(void *arg)
{
	struct place *p = arg;
	struct err err = ERR_INIT;
	for (;;) {
		AUTO(json) json_t *ask = NULL;
		if (wire_receive(p->wire, &ask, NULL, &err))
			return NULL;
		p->asks++;
		if (p->script != NULL)
			p->script(p, ask);
		else
			say_asked(p, ask);
	}
}

static json_t *
hello(void)
{
	return json_pack("{s:{s:s, s:[s, s], s:b}}", "hello", "listen", "127.0.0.1:8080",
	    "public", "https://backup.example.org", "http://nas.lan:8080/", "proxy", true);
}

static inline int
set_up(void **state)
{
	struct err err = ERR_INIT;
	struct place *p = calloc(1, sizeof *p);
	int ends[2];
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(listener, 64), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	p->port = ntohs(at.sin_port);
	p->wire = ends[0];
	p->status = 200;
	say(p, json_pack("{s:{s:i, s:s, s:{}}}", "event", "id", 41, "type", "old", "data"), -1);
	say(p, hello(), -1);
	ok(web_server_open(&p->web, listener, ends[1], &err));
	ok(thread_start(&p->keeper, keep, p, "keeper", &err));
	*state = p;
	return 0;
}

static inline int
tear_down(void **state)
{
	struct place *p = *state;
	web_server_close(p->web);
	shutdown(p->wire, SHUT_RDWR);
	pthread_join(p->keeper, NULL);
	close(p->wire);
	free(p);
	return 0;
}

/* --- the client --- */

/* A connection that is given up on after ten seconds of silence. */
static int
dial(const struct place *p)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(p->port) };
	struct timeval ten = { 10, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ten, sizeof ten), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static void
send_text(int fd, const char *text)
{
	size_t len = strlen(text);
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* What comes until the end, or until it holds what is waited for. */
static char *
receive_until(int fd, const char *mark)
{
	static char text[1 << 16];
	size_t len = 0;
	text[0] = '\0';
	while (len < sizeof text - 1 && (mark == NULL || strstr(text, mark) == NULL)) {
		ssize_t n = recv(fd, text + len, sizeof text - 1 - len, 0);
		if (n <= 0)
			break;
		len += (size_t)n;
		text[len] = '\0';
	}
	return text;
}

/* The whole answer to a request, after which the connection is closed. */
static char *
exchange(const struct place *p, const char *request)
{
	AUTO(fd) int fd = dial(p);
	send_text(fd, request);
	return receive_until(fd, NULL);
}

#define HOST "Host: localhost\r\nConnection: close\r\n"

/* "GET /api/v1/session" with these headers. */
static char *
ask_web(const struct place *p, const char *line, const char *headers, const char *body)
{
	char request[8192];
	snprintf(
	    request, sizeof request, "%s HTTP/1.1\r\n" HOST "%s\r\n%s", line, headers, body);
	return exchange(p, request);
}

static void
has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in: %s", part, text);
}

static void
has_not(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("\"%s\" in: %s", part, text);
}

static void
status_is(const char *text, int status)
{
	char line[32];
	snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
	if (strncmp(text, line, strlen(line)) != 0)
		fail_msg("not %d: %s", status, text);
}

#endif
