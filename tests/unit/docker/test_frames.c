#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "docker/frames.h"

#include <string.h>

static const uint8_t stream[] = "\x01\0\0\0\0\0\0\x05hello"
				"\x02\0\0\0\0\0\0\x03"
				"err"
				"\x01\0\0\0\0\0\0\0"
				"\x01\0\0\0\0\0\0\x01!";

struct demuxed {
	struct buf out;
	struct buf err;
};

static void
demux(struct frames *f, const uint8_t *p, size_t len, struct demuxed *to)
{
	struct err err = ERR_INIT;
	while (len > 0) {
		size_t used;
		size_t body;
		assert_int_equal(frames_next(f, p, len, &used, &body, &err), ERR_OK);
		assert_true(used > 0 && used <= len && body <= used);
		struct buf *b = f->stream == FRAME_STDERR ? &to->err : &to->out;
		assert_int_equal(buf_add(b, p + used - body, body, &err), ERR_OK);
		p += used;
		len -= used;
	}
}

static void
streams_are_the_same_for_every_split(void **state)
{
	(void)state;
	size_t len = sizeof stream - 1;
	for (size_t a = 0; a <= len; a++) {
		for (size_t b = a; b <= len; b++) {
			struct frames f;
			struct demuxed d = { BUF_INIT, BUF_INIT };
			frames_init(&f);
			demux(&f, stream, a, &d);
			demux(&f, stream + a, b - a, &d);
			demux(&f, stream + b, len - b, &d);
			assert_true(frames_is_between(&f));
			assert_int_equal(f.count, 4);
			assert_string_equal(buf_cstr(&d.out), "hello!");
			assert_string_equal(buf_cstr(&d.err), "err");
			buf_release(&d.out);
			buf_release(&d.err);
		}
	}
}

static void
stream_may_end_only_between_frames(void **state)
{
	(void)state;
	static const size_t borders[] = { 0, 13, 24, 32, 41 };
	for (size_t n = 0; n < sizeof stream; n++) {
		struct frames f;
		struct demuxed d = { BUF_INIT, BUF_INIT };
		frames_init(&f);
		demux(&f, stream, n, &d);
		bool is_border = false;
		for (size_t i = 0; i < ARRAY_LEN(borders); i++)
			is_border = is_border || borders[i] == n;
		assert_int_equal(frames_is_between(&f), is_border);
		buf_release(&d.out);
		buf_release(&d.err);
	}
}

static void
payload_of_the_largest_size_is_counted(void **state)
{
	(void)state;
	struct frames f;
	struct err err = ERR_INIT;
	size_t used;
	size_t body;
	frames_init(&f);
	assert_int_equal(
	    frames_next(&f, "\x01\0\0\0\xff\xff\xff\xff", 8, &used, &body, &err), ERR_OK);
	assert_int_equal(f.left, UINT32_MAX);
	frames_skip(&f, UINT32_MAX - 1);
	assert_false(frames_is_between(&f));
	frames_skip(&f, 1);
	assert_true(frames_is_between(&f));
}

static void
what_is_not_framed_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *head;
		const char *said;
	} cases[] = {
		{ "plain te", "the engine's stream is not framed (head 706c6169)" },
		{ "\x04\0\0\0\0\0\0\x01", "the engine's stream is not framed (head 04000000)" },
		{ "\x01\x01\0\0\0\0\0\x01",
		    "the engine's stream is not framed (head 01010000)" },
		{ "\x01\0\0\x09\0\0\0\x01",
		    "the engine's stream is not framed (head 01000009)" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct frames f;
		struct err err = ERR_INIT;
		size_t used;
		size_t body;
		frames_init(&f);
		assert_int_equal(
		    frames_next(&f, cases[i].head, 8, &used, &body, &err), ERR_CORRUPT);
		assert_string_equal(err.msg, cases[i].said);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_are_the_same_for_every_split),
		cmocka_unit_test(stream_may_end_only_between_frames),
		cmocka_unit_test(payload_of_the_largest_size_is_counted),
		cmocka_unit_test(what_is_not_framed_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
