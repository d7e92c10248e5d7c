#include "testing.h"

#include "db/crc64.h"
#include "db/rdb.h"
#include "rdb_sample.h"

#include <stdio.h>

static enum err_code
judge(
    const uint8_t *data, size_t len, size_t chunk, bool *has_crc, bool *empty, struct err *err)
{
	struct rdb_check r;
	rdb_check_init(&r);
	for (size_t at = 0; at < len; at += chunk)
		rdb_check_feed(&r, data + at, min_size(chunk, len - at));
	if (rdb_check_finish(&r, has_crc, err))
		return err->code;
	*empty = rdb_check_is_empty(&r);
	return ERR_OK;
}

static void
crc_is_that_of_redis(void **state)
{
	(void)state;
	assert_true(crc64(0, "123456789", 9) == UINT64_C(0xe9c6d914c4b8d9ca));
	uint64_t crc = 0;
	for (size_t i = 0; i < 9; i++)
		crc = crc64(crc, &"123456789"[i], 1);
	assert_true(crc == UINT64_C(0xe9c6d914c4b8d9ca));
}

static void
whole_file_passes_however_it_is_cut_into_chunks(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf file = BUF_INIT;
	rdb_sample(&file, true);
	for (size_t chunk = 1; chunk <= file.len; chunk++) {
		bool has_crc = false;
		bool empty = true;
		ok(judge(file.data, file.len, chunk, &has_crc, &empty, &err));
		assert_true(has_crc);
		assert_false(empty);
	}
}

static void
file_cut_at_any_byte_is_refused(void **state)
{
	(void)state;
	AUTO(bufv) struct buf file = BUF_INIT;
	rdb_sample(&file, true);
	for (size_t len = 0; len < file.len; len++) {
		struct err err = ERR_INIT;
		bool has_crc;
		bool empty;
		assert_int_equal(
		    judge(file.data, len, 5, &has_crc, &empty, &err), ERR_INCOMPLETE);
	}
	struct err err = ERR_INIT;
	bool flag;
	refused(
	    judge(file.data, 0, 1, &flag, &flag, &err), ERR_INCOMPLETE, "the dump is empty");
	refused(judge(file.data, 30, 1, &flag, &flag, &err), ERR_INCOMPLETE,
	    "the dump is cut off: 30 bytes came, without the end mark of an RDB file");
}

static void
flipped_bit_anywhere_is_refused(void **state)
{
	(void)state;
	AUTO(bufv) struct buf file = BUF_INIT;
	rdb_sample(&file, true);
	for (size_t at = 0; at < file.len; at++) {
		struct err err = ERR_INIT;
		bool has_crc;
		bool empty;
		file.data[at] ^= 0x10;
		assert_int_not_equal(
		    judge(file.data, file.len, 9, &has_crc, &empty, &err), ERR_OK);
		file.data[at] ^= 0x10;
	}
}

static void
wrong_checksum_is_told_with_both_numbers(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf file = BUF_INIT;
	bool flag;
	rdb_sample(&file, true);
	uint64_t right = get_u64(file.data + file.len - 8);
	file.data[file.len - 1] ^= 1;
	char want[160];
	snprintf(want, sizeof want,
	    "the dump's checksum is wrong: it says %016llx, its bytes give %016llx",
	    (unsigned long long)get_u64(file.data + file.len - 8), (unsigned long long)right);
	refused(judge(file.data, file.len, 4, &flag, &flag, &err), ERR_INCOMPLETE, want);
}

static void
checksum_of_zero_means_that_the_server_made_none(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf file = BUF_INIT;
	bool has_crc = true;
	bool empty;
	rdb_sample(&file, true);
	memset(file.data + file.len - 8, 0, 8);
	ok(judge(file.data, file.len, 4, &has_crc, &empty, &err));
	assert_false(has_crc);
}

static void
file_without_keys_is_known_to_be_empty(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf file = BUF_INIT;
	bool has_crc;
	bool empty = false;
	rdb_sample(&file, false);
	ok(judge(file.data, file.len, 4, &has_crc, &empty, &err));
	assert_true(empty);
}

static void
what_is_no_rdb_file_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	bool flag;
	static const char html[] = "<html>not found</html>\xff         ";
	refused(judge((const uint8_t *)html, sizeof html - 1, 4, &flag, &flag, &err),
	    ERR_INCOMPLETE,
	    "the dump is no RDB file: it does not begin with REDIS or VALKEY and a version");
	static const char old[] = "REDIS0003\xfe\x00\xff\0\0\0\0\0\0\0\0";
	refused(judge((const uint8_t *)old, sizeof old - 1, 4, &flag, &flag, &err),
	    ERR_UNSUPPORTED, "RDB version 3 has no checksum; Redis 2.6 or newer is needed");
}

static void
magic_word_of_valkey_9_is_known(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	bool has_crc;
	bool empty;
	static const char file[] = "VALKEY080\xff\0\0\0\0\0\0\0\0";
	ok(judge((const uint8_t *)file, sizeof file - 1, 4, &has_crc, &empty, &err));
	assert_true(empty);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_that_of_redis),
		cmocka_unit_test(whole_file_passes_however_it_is_cut_into_chunks),
		cmocka_unit_test(file_cut_at_any_byte_is_refused),
		cmocka_unit_test(flipped_bit_anywhere_is_refused),
		cmocka_unit_test(wrong_checksum_is_told_with_both_numbers),
		cmocka_unit_test(checksum_of_zero_means_that_the_server_made_none),
		cmocka_unit_test(file_without_keys_is_known_to_be_empty),
		cmocka_unit_test(what_is_no_rdb_file_is_refused),
		cmocka_unit_test(magic_word_of_valkey_9_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
