#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/http_head.h"

#include <string.h>

static enum err_code
parse(struct http_head *head, const char *text, size_t *used, struct err *err)
{
	return http_head_parse(head, text, strlen(text), used, err);
}

static void
head_of_an_answer_is_read(void **state)
{
	(void)state;
	const char *text = "HTTP/1.1 404 Not Found\r\n"
			   "Api-Version: 1.41\r\n"
			   "Content-Type:application/json\r\n"
			   "X-Blank: \t  a b \t\r\n"
			   "X-Empty:\r\n"
			   "Content-Length: 34\r\n"
			   "\r\n"
			   "{\"message\"";
	struct err err = ERR_INIT;
	AUTO(http_head) struct http_head h = { 0 };
	size_t used;
	assert_int_equal(parse(&h, text, &used, &err), ERR_OK);
	assert_int_equal(used, strlen(text) - strlen("{\"message\""));
	assert_int_equal(h.status, 404);
	assert_string_equal(h.reason, "Not Found");
	assert_int_equal(h.n_fields, 5);
	assert_string_equal(http_head_field(&h, "api-VERSION"), "1.41");
	assert_string_equal(http_head_field(&h, "X-Blank"), "a b");
	assert_string_equal(http_head_field(&h, "X-Empty"), "");
	assert_null(http_head_field(&h, "X-Other"));
	assert_int_equal(h.framing, HTTP_LENGTH);
	assert_int_equal(h.content_length, 34);
}

static void
status_without_reason_is_read(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	size_t used;
	AUTO(http_head) struct http_head h = { 0 };
	assert_int_equal(parse(&h, "HTTP/1.0 200\r\n\r\n", &used, &err), ERR_OK);
	assert_int_equal(h.status, 200);
	assert_string_equal(h.reason, "");
	assert_int_equal(h.framing, HTTP_UNTIL_CLOSE);
}

static void
head_that_is_not_whole_asks_for_more(void **state)
{
	(void)state;
	const char *text = "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n";
	for (size_t n = 0; n < strlen(text); n++) {
		struct err err = ERR_INIT;
		struct http_head h = { 0 };
		size_t used = 99;
		assert_int_equal(http_head_parse(&h, text, n, &used, &err), ERR_OK);
		assert_int_equal(used, 0);
		assert_null(h.text);
	}
}

static void
framing_follows_status_and_fields(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum http_framing framing;
	} cases[] = {
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", HTTP_CHUNKED },
		{ "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", HTTP_NO_BODY },
		{ "HTTP/1.1 304 Not Modified\r\n\r\n", HTTP_NO_BODY },
		{ "HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n", HTTP_NO_BODY },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
		    HTTP_LENGTH },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		size_t used;
		AUTO(http_head) struct http_head h = { 0 };
		assert_int_equal(parse(&h, cases[i].text, &used, &err), ERR_OK);
		assert_int_equal(h.framing, cases[i].framing);
	}
}

static void
what_is_no_http_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{ "SSH-2.0-OpenSSH\r\n\r\n", "the answer is not HTTP/1" },
		{ "\r\n\r\n", "the answer is not HTTP/1" },
		{ "HTTP/2 200 OK\r\n\r\n", "the answer is not HTTP/1" },
		{ "HTTP/1.1 20 OK\r\n\r\n", "the answer is not HTTP/1" },
		{ "HTTP/1.1 2000 OK\r\n\r\n", "the answer is not HTTP/1" },
		{ "HTTP/1.1 099 OK\r\n\r\n", "HTTP status 99 is none" },
		{ "HTTP/1.1\r\n\r\n", "the answer is not HTTP/1" },
		{ "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "bad HTTP field line" },
		{ "HTTP/1.1 200 OK\r\n: v\r\n\r\n", "bad HTTP field line" },
		{ "HTTP/1.1 200 OK\r\nName : v\r\n\r\n", "bad HTTP field line" },
		{ "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "bad HTTP field line" },
		{ "HTTP/1.1 200 OK\nA: b\r\n\r\n", "byte 0x0a in the HTTP head" },
		{ "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "byte 0x0d in the HTTP head" },
		{ "HTTP/1.1 200 OK\r\nA: \x1b[2J\r\n\r\n", "byte 0x1b in the HTTP head" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		    "HTTP Content-Length is no number" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
		    "HTTP Content-Length is no number" },
		{ "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		    "HTTP Content-Length is no number" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
		    "HTTP Content-Length is too large" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		    "two different HTTP Content-Lengths" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		    "both HTTP Content-Length and chunks" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		    "unknown HTTP Transfer-Encoding: gzip, chunked" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct http_head h = { 0 };
		size_t used;
		assert_int_equal(parse(&h, cases[i].text, &used, &err), ERR_CORRUPT);
		assert_string_equal(err.msg, cases[i].said);
		assert_null(h.text);
	}
}

static void
nul_byte_in_a_head_is_refused(void **state)
{
	(void)state;
	static const char text[] = "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n";
	struct err err = ERR_INIT;
	struct http_head h = { 0 };
	size_t used;
	assert_int_equal(http_head_parse(&h, text, sizeof text - 1, &used, &err), ERR_CORRUPT);
	assert_string_equal(err.msg, "byte 0x00 in the HTTP head");
}

static void
head_without_end_is_refused(void **state)
{
	(void)state;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(buf_str(&b, "HTTP/1.1 200 OK\r\nA: ", &err), ERR_OK);
	while (b.len < HTTP_HEAD_MAX)
		assert_int_equal(buf_u8(&b, 'x', &err), ERR_OK);
	struct http_head h = { 0 };
	size_t used = 0;
	assert_int_equal(http_head_parse(&h, b.data, HTTP_HEAD_MAX - 1, &used, &err), ERR_OK);
	assert_int_equal(http_head_parse(&h, b.data, b.len, &used, &err), ERR_CORRUPT);
	assert_string_equal(err.msg, "the HTTP head is longer than 65536 bytes");
}

static void
too_many_fields_are_refused(void **state)
{
	(void)state;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(buf_str(&b, "HTTP/1.1 200 OK\r\n", &err), ERR_OK);
	for (int i = 0; i <= HTTP_FIELDS_MAX; i++)
		assert_int_equal(buf_str(&b, "A: b\r\n", &err), ERR_OK);
	assert_int_equal(buf_str(&b, "\r\n", &err), ERR_OK);
	struct http_head h = { 0 };
	size_t used;
	assert_int_equal(http_head_parse(&h, b.data, b.len, &used, &err), ERR_CORRUPT);
	assert_string_equal(err.msg, "more than 128 HTTP fields");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_of_an_answer_is_read),
		cmocka_unit_test(status_without_reason_is_read),
		cmocka_unit_test(head_that_is_not_whole_asks_for_more),
		cmocka_unit_test(framing_follows_status_and_fields),
		cmocka_unit_test(what_is_no_http_is_refused),
		cmocka_unit_test(nul_byte_in_a_head_is_refused),
		cmocka_unit_test(head_without_end_is_refused),
		cmocka_unit_test(too_many_fields_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
