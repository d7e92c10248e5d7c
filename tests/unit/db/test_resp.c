#include "testing.h"

#include "db/resp.h"
#include "sys/fd.h"

#include <sys/socket.h>

/* A connection whose other side has said this and then, if asked to, closed. */
static struct resp *
hearing(const char *text, size_t len, int *other)
{
	struct err err = ERR_INIT;
	int pair[2];
	struct resp *r;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ok(fd_write_all(pair[1], text, len, &err));
	if (other != NULL)
		*other = pair[1];
	else
		close(pair[1]);
	ok(resp_new(&r, pair[0], NULL, &err));
	return r;
}

static void
replies_of_all_types_are_read(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	static const char text[] = "+OK\r\n-ERR no\r\n:-42\r\n$5\r\na\0b\r\n\r\n$-1\r\n*-1\r\n"
				   "*2\r\n$1\r\nx\r\n*1\r\n:7\r\n";
	AUTO(resp) struct resp *r = hearing(text, sizeof text - 1, NULL);
	static const enum resp_type want[] = { RESP_STATUS, RESP_ERROR, RESP_NUMBER,
		RESP_STRING, RESP_NULL, RESP_NULL, RESP_ARRAY };
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
		ok(resp_receive(r, &reply, &err));
		assert_int_equal(reply.type, want[i]);
		if (reply.type == RESP_NUMBER)
			assert_int_equal(reply.number, -42);
		if (reply.type == RESP_STRING)
			assert_memory_equal(reply.text, "a\0b\r\n", 6);
		if (reply.type == RESP_ARRAY)
			assert_int_equal(reply.items[1].items[0].number, 7);
	}
}

static void
what_is_not_the_protocol_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{ "HTTP/1.1 400\r\n",
		    "the server's answer is not the Redis protocol: HTTP/1.1 400" },
		{ "$abc\r\n", "the server's answer is not the Redis protocol: length abc" },
		{ "$99999999999999999999\r\n", "the server's answer is not the Redis protocol: "
					       "length 99999999999999999999" },
		{ "*-5\r\n", "the server's answer is not the Redis protocol: length -5" },
		{ "$3\r\nabcde",
		    "the server's answer is not the Redis protocol: a string has no end" },
		{ ":\r\n", "the server's answer is not the Redis protocol: number " },
		{ "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
		    "the server's answer is nested too deeply" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		AUTO(resp) struct resp *r = hearing(cases[i].text, strlen(cases[i].text), NULL);
		AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
		refused(resp_receive(r, &reply, &err), ERR_CORRUPT, cases[i].want);
		assert_int_equal(reply.type, RESP_NULL);
	}
}

static void
connection_that_closes_in_a_reply_is_transient(void **state)
{
	(void)state;
	static const char text[] = "*2\r\n$5\r\nhello\r\n$5\r\nworld\r\n";
	for (size_t len = 0; len < sizeof text - 1; len++) {
		struct err err = ERR_INIT;
		AUTO(resp) struct resp *r = hearing(text, len, NULL);
		AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
		refused(resp_receive(r, &reply, &err), ERR_TRANSIENT,
		    "the server closed the connection");
	}
}

static void
endless_line_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	static char text[5000];
	memset(text, '+', sizeof text);
	AUTO(resp) struct resp *r = hearing(text, sizeof text, NULL);
	AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
	refused(resp_receive(r, &reply, &err), ERR_CORRUPT,
	    "the server's answer has a line longer than 4095 bytes");
}

static void
silent_server_is_given_up_in_time(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	int other = -1;
	AUTO(resp) struct resp *r = hearing("", 0, &other);
	AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
	resp_set_timeout(r, 10);
	refused(
	    resp_receive(r, &reply, &err), ERR_TRANSIENT, "the server said nothing for 10 ms");
	close(other);
}

static void
command_is_an_array_of_strings(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	int other = -1;
	AUTO(resp) struct resp *r = hearing("", 0, &other);
	const char *argv[] = { "AUTH", "a b\r\n", "", NULL };
	char got[64];
	size_t n;
	ok(resp_send(r, argv, &err));
	shutdown(other, SHUT_WR);
	n = (size_t)read(other, got, sizeof got);
	static const char want[] = "*3\r\n$4\r\nAUTH\r\n$5\r\na b\r\n\r\n$0\r\n\r\n";
	assert_int_equal(n, sizeof want - 1);
	assert_memory_equal(got, want, n);
	close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_of_all_types_are_read),
		cmocka_unit_test(what_is_not_the_protocol_is_refused),
		cmocka_unit_test(connection_that_closes_in_a_reply_is_transient),
		cmocka_unit_test(endless_line_is_refused),
		cmocka_unit_test(silent_server_is_given_up_in_time),
		cmocka_unit_test(command_is_an_array_of_strings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
