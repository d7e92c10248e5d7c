#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/http_client.h"
#include "sys/fd.h"
#include "sys/thread.h"

#include <string.h>
#include <sys/socket.h>

/* A client and the server's end of its connection. */
struct pair {
	struct http *client;
	int server;
};

static struct pair
connect_pair(const struct http_options *opt)
{
	int fds[2];
	struct pair p;
	struct err err = ERR_INIT;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(http_open(&p.client, fds[0], opt, &err), ERR_OK);
	p.server = fds[1];
	return p;
}

/* A pair whose server has already answered text and, if so told, closed. */
static struct pair
answered(const char *text, bool should_close)
{
	struct http_options opt = HTTP_OPTIONS_INIT;
	struct pair p = connect_pair(&opt);
	struct err err = ERR_INIT;
	assert_int_equal(fd_write_all(p.server, text, strlen(text), &err), ERR_OK);
	if (should_close) {
		close(p.server);
		p.server = -1;
	}
	return p;
}

static void
pair_close(struct pair *p)
{
	http_close(p->client);
	if (p->server >= 0)
		close(p->server);
}

static void
request_is_written_as_told(void **state)
{
	(void)state;
	struct http_options opt = HTTP_OPTIONS_INIT;
	struct pair p = connect_pair(&opt);
	struct err err = ERR_INIT;
	const char *fields[] = { "Connection: Upgrade", "Upgrade: tcp", NULL };
	struct http_request req = HTTP_REQUEST_INIT;
	req.method = "POST";
	req.target = "/exec/1/start";
	req.host = "docker";
	req.fields = fields;
	req.content_type = "application/json";
	req.body = "{}";
	req.body_len = 2;
	assert_int_equal(http_send(p.client, &req, &err), ERR_OK);
	char got[512] = { 0 };
	assert_true(read(p.server, got, sizeof got - 1) > 0);
	assert_string_equal(got,
	    "POST /exec/1/start HTTP/1.1\r\nHost: docker\r\nUser-Agent: stacksnap\r\n"
	    "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\n"
	    "Content-Length: 2\r\n\r\n{}");
	pair_close(&p);
}

static void
line_break_in_a_request_is_refused(void **state)
{
	(void)state;
	struct http_options opt = HTTP_OPTIONS_INIT;
	struct pair p = connect_pair(&opt);
	struct err err = ERR_INIT;
	struct http_request req = HTTP_REQUEST_INIT;
	req.target = "/a b";
	assert_int_equal(http_send(p.client, &req, &err), ERR_USAGE);
	assert_string_equal(err.msg, "a blank or control byte in an HTTP request");
	const char *fields[] = { "X: a\r\nY: b", NULL };
	req.target = "/";
	req.fields = fields;
	assert_int_equal(http_send(p.client, &req, &err), ERR_USAGE);
	assert_string_equal(err.msg, "a control byte in an HTTP field");
	pair_close(&p);
}

static void
streamed_body_goes_in_chunks(void **state)
{
	(void)state;
	struct http_options opt = HTTP_OPTIONS_INIT;
	struct pair p = connect_pair(&opt);
	struct err err = ERR_INIT;
	struct http_request req = HTTP_REQUEST_INIT;
	req.method = "PUT";
	req.has_streamed_body = true;
	assert_int_equal(http_send(p.client, &req, &err), ERR_OK);
	assert_int_equal(http_send_body(p.client, "0123456789abcdefg", 17, &err), ERR_OK);
	assert_int_equal(http_send_body(p.client, "", 0, &err), ERR_OK);
	assert_int_equal(http_send_end(p.client, &err), ERR_OK);
	char got[512] = { 0 };
	assert_true(read(p.server, got, sizeof got - 1) > 0);
	assert_string_equal(got,
	    "PUT / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: stacksnap\r\nConnection: "
	    "close\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n11\r\n0123456789abcdefg\r\n0\r\n\r\n");
	pair_close(&p);
}

static void
early_answer_ends_the_body(void **state)
{
	(void)state;
	struct pair p = answered("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", true);
	struct err err = ERR_INIT;
	struct http_request req = HTTP_REQUEST_INIT;
	req.method = "PUT";
	req.has_streamed_body = true;
	assert_int_equal(http_send(p.client, &req, &err), ERR_OK);
	static const uint8_t much[65536];
	for (int i = 0; i < 100; i++)
		assert_int_equal(http_send_body(p.client, much, sizeof much, &err), ERR_OK);
	assert_int_equal(http_send_end(p.client, &err), ERR_OK);
	assert_true(http_has_answer(p.client));
	const struct http_head *head;
	assert_int_equal(http_receive(p.client, &head, &err), ERR_OK);
	assert_int_equal(head->status, 404);
	pair_close(&p);
}

static void
check_body(const char *answer, const char *body)
{
	struct pair p = answered(answer, true);
	struct err err = ERR_INIT;
	const struct http_head *head;
	assert_int_equal(http_receive(p.client, &head, &err), ERR_OK);
	AUTO(bufv) struct buf got = BUF_INIT;
	assert_int_equal(http_read_all(p.client, 1000, &got, &err), ERR_OK);
	assert_string_equal(buf_cstr(&got), body);
	pair_close(&p);
}

static void
body_is_read_by_length_chunks_or_close(void **state)
{
	(void)state;
	check_body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloREST", "hello");
	check_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		   "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\nREST",
	    "hello");
	check_body("HTTP/1.0 200 OK\r\n\r\nhello", "hello");
	check_body("HTTP/1.1 204 No Content\r\n\r\nhello", "");
	check_body(
	    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
	    "hi");
}

static void
check_broken(const char *answer, const char *said)
{
	struct pair p = answered(answer, true);
	struct err err = ERR_INIT;
	const struct http_head *head;
	AUTO(bufv) struct buf got = BUF_INIT;
	if (http_receive(p.client, &head, &err) == ERR_OK)
		assert_int_equal(http_read_all(p.client, 1000, &got, &err), ERR_TRANSIENT);
	assert_int_equal(err.code, ERR_TRANSIENT);
	assert_string_equal(err.msg, said);
	pair_close(&p);
}

static void
cut_off_answer_is_told(void **state)
{
	(void)state;
	const char *middle = "the connection was closed in the middle of the answer";
	check_broken("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", middle);
	check_broken(
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", middle);
	check_broken("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhel", middle);
	check_broken("HTTP/1.1 200 OK\r\n", "the connection was closed before an answer came");
	check_broken("", "the connection was closed before an answer came");
}

static void
answer_longer_than_the_cap_is_refused(void **state)
{
	(void)state;
	struct pair p = answered("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true);
	struct err err = ERR_INIT;
	const struct http_head *head;
	AUTO(bufv) struct buf got = BUF_INIT;
	assert_int_equal(http_receive(p.client, &head, &err), ERR_OK);
	assert_int_equal(http_read_all(p.client, 4, &got, &err), ERR_CORRUPT);
	assert_string_equal(err.msg, "the answer is longer than 4 bytes");
	pair_close(&p);
}

static void
silent_peer_is_given_up(void **state)
{
	(void)state;
	struct http_options opt = { NULL, 20 };
	struct pair p = connect_pair(&opt);
	struct err err = ERR_INIT;
	const struct http_head *head;
	assert_int_equal(http_receive(p.client, &head, &err), ERR_CANCELLED);
	assert_string_equal(err.msg, "no answer within 20 ms");
	pair_close(&p);
}

static void *
raise_cancel(void *arg)
{
	cancel_raise(arg);
	return NULL;
}

static void
cancel_wakes_a_waiting_read(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct cancel c;
	assert_int_equal(cancel_init(&c, &err), ERR_OK);
	struct http_options opt = { &c, -1 };
	struct pair p = connect_pair(&opt);
	pthread_t t;
	assert_int_equal(thread_start(&t, raise_cancel, &c, "raise", &err), ERR_OK);
	const struct http_head *head;
	assert_int_equal(http_receive(p.client, &head, &err), ERR_CANCELLED);
	assert_string_equal(err.msg, "stopped on request");
	pthread_join(t, NULL);
	pair_close(&p);
	cancel_release(&c);
}

static void
hijack_gives_descriptor_and_leftover(void **state)
{
	(void)state;
	struct pair p = answered(
	    "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nleft", false);
	struct err err = ERR_INIT;
	const struct http_head *head;
	assert_int_equal(http_receive(p.client, &head, &err), ERR_OK);
	assert_int_equal(head->status, 101);
	AUTO(bufv) struct buf rest = BUF_INIT;
	int fd = -1;
	assert_int_equal(http_hijack(p.client, &fd, &rest, &err), ERR_OK);
	assert_string_equal(buf_cstr(&rest), "left");
	assert_int_equal(write(p.server, "x", 1), 1);
	char c;
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(c, 'x');
	close(fd);
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_written_as_told),
		cmocka_unit_test(line_break_in_a_request_is_refused),
		cmocka_unit_test(streamed_body_goes_in_chunks),
		cmocka_unit_test(early_answer_ends_the_body),
		cmocka_unit_test(body_is_read_by_length_chunks_or_close),
		cmocka_unit_test(cut_off_answer_is_told),
		cmocka_unit_test(answer_longer_than_the_cap_is_refused),
		cmocka_unit_test(silent_peer_is_given_up),
		cmocka_unit_test(cancel_wakes_a_waiting_read),
		cmocka_unit_test(hijack_gives_descriptor_and_leftover),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
