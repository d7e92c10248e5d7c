#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/http_chunks.h"

#include <string.h>

/* Decode text given in pieces of step bytes. */
static enum err_code
decode(const char *text, size_t step, struct buf *out, bool *is_done, struct err *err)
{
	struct http_chunks c;
	http_chunks_init(&c);
	size_t len = strlen(text);
	for (size_t at = 0; at < len && !http_chunks_is_done(&c);) {
		size_t used;
		size_t body;
		size_t n = min_size(step, len - at);
		if (http_chunks_next(&c, text + at, n, &used, &body, err))
			return err->code;
		assert_true(used > 0 && body <= used && used <= n);
		assert_int_equal(buf_add(out, text + at + used - body, body, err), ERR_OK);
		at += used;
	}
	*is_done = http_chunks_is_done(&c);
	return ERR_OK;
}

static void
body_is_the_same_for_every_split(void **state)
{
	(void)state;
	const char *text = "5\r\nhello\r\n1;name=\"v\"\r\n \r\nA \r\nworld, all\r\n"
			   "000\r\nTrailer: x\r\nOther: y\r\n\r\n";
	for (size_t step = 1; step <= strlen(text); step++) {
		struct err err = ERR_INIT;
		bool is_done;
		AUTO(bufv) struct buf out = BUF_INIT;
		assert_int_equal(decode(text, step, &out, &is_done, &err), ERR_OK);
		assert_true(is_done);
		assert_string_equal(buf_cstr(&out), "hello world, all");
	}
}

static void
cut_off_body_is_never_done(void **state)
{
	(void)state;
	const char *text = "3\r\nabc\r\n0\r\n\r\n";
	for (size_t n = 1; n < strlen(text); n++) {
		char part[32];
		memcpy(part, text, n);
		part[n] = '\0';
		struct err err = ERR_INIT;
		bool is_done;
		AUTO(bufv) struct buf out = BUF_INIT;
		assert_int_equal(decode(part, 4, &out, &is_done, &err), ERR_OK);
		assert_false(is_done);
	}
}

static void
what_is_not_chunked_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{ "\r\n", "bad HTTP chunk: no size" },
		{ "g\r\n", "bad HTTP chunk: no size" },
		{ "-1\r\n", "bad HTTP chunk: no size" },
		{ "0x5\r\n", "bad HTTP chunk: size is no number" },
		{ "5\nhello", "bad HTTP chunk: size is no number" },
		{ "5;a\nb\r\n", "bad HTTP chunk: bare line feed" },
		{ "5\rhello", "bad HTTP chunk: no line end where one must be" },
		{ "2\r\nabc\r\n", "bad HTTP chunk: no line end where one must be" },
		{ "fffffffffffffffff\r\n", "bad HTTP chunk: size is too large" },
		{ "0\r\n\n", "bad HTTP chunk: bare line feed" },
		{ "0\r\n\rX", "bad HTTP chunk: no line end where one must be" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		bool is_done;
		AUTO(bufv) struct buf out = BUF_INIT;
		assert_int_equal(decode(cases[i].text, 64, &out, &is_done, &err), ERR_CORRUPT);
		assert_string_equal(err.msg, cases[i].said);
	}
}

static void
endless_trailers_are_refused(void **state)
{
	(void)state;
	struct http_chunks c;
	struct err err = ERR_INIT;
	size_t used;
	size_t body;
	http_chunks_init(&c);
	assert_int_equal(http_chunks_next(&c, "0\r\n", 3, &used, &body, &err), ERR_OK);
	enum err_code rc = ERR_OK;
	for (int i = 0; i < 100000 && rc == ERR_OK; i++)
		rc = http_chunks_next(&c, "A:b\r\n", 5, &used, &body, &err);
	assert_int_equal(rc, ERR_CORRUPT);
	assert_string_equal(err.msg, "bad HTTP chunk: too many extensions and trailers");
}

static void
body_may_be_read_past_the_decoder(void **state)
{
	(void)state;
	struct http_chunks c;
	struct err err = ERR_INIT;
	size_t used;
	size_t body;
	http_chunks_init(&c);
	assert_int_equal(http_chunks_body_left(&c), 0);
	assert_int_equal(http_chunks_next(&c, "10\r\n", 4, &used, &body, &err), ERR_OK);
	assert_int_equal(used, 4);
	assert_int_equal(body, 0);
	assert_int_equal(http_chunks_body_left(&c), 16);
	http_chunks_skip(&c, 16);
	assert_int_equal(http_chunks_body_left(&c), 0);
	assert_int_equal(http_chunks_next(&c, "\r\n0\r\n\r\n", 7, &used, &body, &err), ERR_OK);
	assert_true(http_chunks_is_done(&c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(body_is_the_same_for_every_split),
		cmocka_unit_test(cut_off_body_is_never_done),
		cmocka_unit_test(what_is_not_chunked_is_refused),
		cmocka_unit_test(endless_trailers_are_refused),
		cmocka_unit_test(body_may_be_read_past_the_decoder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
