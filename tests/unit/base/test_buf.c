#include "testing.h"

#include "base/buf.h"

static void
what_is_added_stands_behind_what_was_there(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf b = BUF_INIT;
	ok(buf_add(&b, "ab", 2, &err));
	ok(buf_add(&b, NULL, 0, &err));
	ok(buf_str(&b, "cd", &err));
	ok(buf_printf(&b, &err, "-%d-", 42));
	assert_int_equal(b.len, 8);
	assert_string_equal(buf_cstr(&b), "abcd-42-");
}

static void
integers_are_little_endian(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf b = BUF_INIT;
	ok(buf_u8(&b, 0x01, &err));
	ok(buf_u16(&b, 0x0203, &err));
	ok(buf_u32(&b, 0x04050607, &err));
	ok(buf_u64(&b, UINT64_C(0x08090a0b0c0d0e0f), &err));
	static const uint8_t want[] = { 1, 3, 2, 7, 6, 5, 4, 15, 14, 13, 12, 11, 10, 9, 8 };
	assert_int_equal(b.len, sizeof want);
	assert_memory_equal(b.data, want, sizeof want);
}

static void
a_blob_is_a_length_and_the_bytes(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf b = BUF_INIT;
	uint8_t data[300];
	memset(data, 'z', sizeof data);
	ok(buf_blob(&b, data, sizeof data, &err));
	ok(buf_blob(&b, NULL, 0, &err));
	assert_int_equal(b.len, 2 + 300 + 1);
	assert_int_equal(b.data[0], 0xac);
	assert_int_equal(b.data[1], 0x02);
	assert_int_equal(b.data[301], 'z');
	assert_int_equal(b.data[302], 0);
}

static void
growing_keeps_the_bytes(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf b = BUF_INIT;
	for (unsigned i = 0; i < 100000; i++)
		ok(buf_u8(&b, (uint8_t)(i * 7), &err));
	assert_int_equal(b.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], (uint8_t)(i * 7));
}

static void
a_length_beyond_memory_is_refused_and_changes_nothing(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf b = BUF_INIT;
	ok(buf_str(&b, "kept", &err));
	refused(buf_reserve(&b, SIZE_MAX, &err), ERR_NO_MEMORY, "out of memory");
	refused(buf_reserve(&b, SIZE_MAX / 2, &err), ERR_NO_MEMORY, "out of memory");
	assert_string_equal(buf_cstr(&b), "kept");
}

static void
releasing_leaves_an_empty_buffer_that_may_be_used_again(void **state)
{
	(void)state;
	struct err err;
	struct buf b = BUF_INIT;
	ok(buf_str(&b, "gone", &err));
	buf_release(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	ok(buf_str(&b, "new", &err));
	assert_string_equal(buf_cstr(&b), "new");
	buf_release(&b);
	buf_release(NULL);
	buf_free(NULL);
	AUTO(buf) struct buf *heap = buf_new();
	assert_non_null(heap);
	ok(buf_str(heap, "heap", &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_stands_behind_what_was_there),
		cmocka_unit_test(integers_are_little_endian),
		cmocka_unit_test(a_blob_is_a_length_and_the_bytes),
		cmocka_unit_test(growing_keeps_the_bytes),
		cmocka_unit_test(a_length_beyond_memory_is_refused_and_changes_nothing),
		cmocka_unit_test(releasing_leaves_an_empty_buffer_that_may_be_used_again),
	};
	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
