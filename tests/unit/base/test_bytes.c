#include "testing.h"

#include "base/buf.h"
#include "base/bytes.h"

static struct rd
reader_of(const void *data, size_t len)
{
	struct rd r;
	rd_init(&r, data, len);
	return r;
}

static void
integers_come_back_as_they_were_put(void **state)
{
	(void)state;
	uint8_t raw[15] = { 0xfe };
	put_u16(raw + 1, 0xbeef);
	put_u32(raw + 3, 0xdeadbeef);
	put_u64(raw + 7, UINT64_C(0xfedcba9876543210));
	assert_int_equal(get_u16(raw + 1), 0xbeef);
	struct rd r = reader_of(raw, sizeof raw);
	assert_int_equal(rd_u8(&r), 0xfe);
	assert_int_equal(rd_u16(&r), 0xbeef);
	assert_int_equal(rd_u32(&r), 0xdeadbeef);
	assert_true(rd_u64(&r) == UINT64_C(0xfedcba9876543210));
	assert_true(rd_done(&r));
}

static void
a_read_beyond_the_end_fails_and_all_later_ones_give_zero(void **state)
{
	(void)state;
	static const uint8_t raw[] = { 1, 2, 3, 4, 5 };
	struct rd r = reader_of(raw, sizeof raw);
	assert_int_equal(rd_u32(&r), 0x04030201);
	assert_int_equal(rd_u32(&r), 0);
	assert_false(rd_ok(&r));
	/* One byte is left, but nothing that comes behind a failure may be believed. */
	assert_int_equal(rd_u8(&r), 0);
	assert_null(rd_bytes(&r, 0));
	assert_false(rd_done(&r));
}

static void
a_varint_of_every_length_comes_back(void **state)
{
	(void)state;
	struct err err;
	for (unsigned bit = 0; bit < 64; bit++) {
		const uint64_t values[] = { UINT64_C(1) << bit, (UINT64_C(1) << bit) - 1,
			~UINT64_C(0) >> bit };
		for (size_t i = 0; i < ARRAY_LEN(values); i++) {
			AUTO(bufv) struct buf b = BUF_INIT;
			ok(buf_varint(&b, values[i], &err));
			struct rd r = reader_of(b.data, b.len);
			assert_true(rd_varint(&r) == values[i]);
			assert_true(rd_done(&r));
			/* Cut off anywhere, it is refused. */
			for (size_t n = 0; n < b.len; n++) {
				r = reader_of(b.data, n);
				assert_true(rd_varint(&r) == 0);
				assert_false(rd_ok(&r));
			}
		}
	}
}

static void
varints_that_are_not_the_shortest_or_too_large_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint8_t raw[12];
		size_t len;
	} bad[] = {
		{ { 0x80, 0x00 }, 2 },
		{ { 0xff, 0x80, 0x00 }, 3 },
		{ { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00 }, 10 },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 }, 10 },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x00 }, 11 },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 }, 11 },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rd r = reader_of(bad[i].raw, bad[i].len);
		assert_true(rd_varint(&r) == 0);
		assert_false(rd_ok(&r));
	}
}

/* All runs of up to three bytes: what is accepted is encoded to the same bytes again. */
static void
each_value_has_one_encoding(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf b = BUF_INIT;
	for (uint32_t n = 0; n < 1U << 24; n += 1 + n / 9000) {
		uint8_t raw[3] = { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16) };
		struct rd r = reader_of(raw, sizeof raw);
		uint64_t v = rd_varint(&r);
		if (!rd_ok(&r))
			continue;
		size_t used = sizeof raw - rd_left(&r);
		b.len = 0;
		ok(buf_varint(&b, v, &err));
		assert_int_equal(b.len, used);
		assert_memory_equal(b.data, raw, used);
	}
}

static void
a_blob_that_claims_more_than_is_there_is_refused(void **state)
{
	(void)state;
	static const uint8_t good[] = { 2, 'a', 'b', 0 };
	size_t len;
	struct rd r = reader_of(good, sizeof good);
	assert_memory_equal(rd_blob(&r, &len), "ab", 2);
	assert_int_equal(len, 2);
	assert_non_null(rd_blob(&r, &len));
	assert_int_equal(len, 0);
	assert_true(rd_done(&r));

	static const uint8_t hostile[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x01, 'x' };
	len = 99;
	r = reader_of(hostile, sizeof hostile);
	assert_null(rd_blob(&r, &len));
	assert_int_equal(len, 0);
	assert_false(rd_ok(&r));
	static const uint8_t one_short[] = { 3, 'a', 'b' };
	r = reader_of(one_short, sizeof one_short);
	assert_null(rd_blob(&r, &len));
	assert_false(rd_ok(&r));
}

static void
hexadecimal_goes_there_and_back(void **state)
{
	(void)state;
	uint8_t all[256];
	uint8_t back[256];
	char text[513];
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	hex_encode(text, all, sizeof all);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text + 2 * 0xab, "abac", 4);
	assert_true(hex_decode(back, sizeof back, text, 512));
	assert_memory_equal(back, all, sizeof all);
}

static void
hexadecimal_of_another_form_is_refused(void **state)
{
	(void)state;
	uint8_t out[2];
	assert_true(hex_decode(out, 2, "0aff", 4));
	assert_false(hex_decode(out, 2, "0aFF", 4));
	assert_false(hex_decode(out, 2, "0af", 3));
	assert_false(hex_decode(out, 2, "0aff0", 5));
	assert_false(hex_decode(out, 2, "0ag0", 4));
	assert_false(hex_decode(out, 2, "0a 0", 4));
	assert_true(hex_decode(out, 0, "", 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_come_back_as_they_were_put),
		cmocka_unit_test(a_read_beyond_the_end_fails_and_all_later_ones_give_zero),
		cmocka_unit_test(a_varint_of_every_length_comes_back),
		cmocka_unit_test(varints_that_are_not_the_shortest_or_too_large_are_refused),
		cmocka_unit_test(each_value_has_one_encoding),
		cmocka_unit_test(a_blob_that_claims_more_than_is_there_is_refused),
		cmocka_unit_test(hexadecimal_goes_there_and_back),
		cmocka_unit_test(hexadecimal_of_another_form_is_refused),
	};
	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
