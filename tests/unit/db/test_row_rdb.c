#include "testing.h"

#include "base/bytes.h"
#include "base/json.h"
#include "base/strv.h"
#include "db/rdb_packed.h"
#include "db/rdb_value.h"
#include "db/row.h"
#include "recorded_dump.h"

#include <stdlib.h>

#define FIELDS 4

/* A row as make-rdb-rows writes it: the key as JSON, type, when it expires, value. */
static enum err_code
row_line(const struct row *row, struct buf *out, struct err *err)
{
	struct field f[FIELDS];
	size_t n;
	AUTO(bufv) struct buf key = BUF_INIT;
	struct json_writer w;
	if (row_split(ROW_RDB, row, f, FIELDS, &n, err) || row_text(ROW_RDB, &f[0], &key, err))
		return err->code;
	assert_int_equal(n, FIELDS);
	json_init(&w, out);
	rdb_json_string(&w, NULL, key.data, key.len);
	if (json_finish(&w, err) || buf_str(out, "\t", err) ||
	    row_text(ROW_RDB, &f[1], out, err) || buf_str(out, "\t", err) ||
	    (f[2].is_null && buf_str(out, "-", err)) || row_text(ROW_RDB, &f[2], out, err) ||
	    buf_str(out, "\t", err))
		return err->code;
	return row_text(ROW_RDB, &f[3], out, err);
}

/* The line of the only row, and of its canonical form, which must be the same. */
static void
only_row(const void *data, size_t len, struct buf *out)
{
	struct err err = ERR_INIT;
	struct row_reader r;
	struct row row;
	bool got;
	AUTO(bufv) struct buf canonical = BUF_INIT;
	AUTO(bufv) struct buf again = BUF_INIT;
	row_reader_init(&r, ROW_RDB, data, len);
	ok(row_next(&r, &row, &got, &err));
	assert_true(got);
	assert_int_equal(r.pos, len);
	ok(row_line(&row, out, &err));
	ok(row_canonical(ROW_RDB, &row, &canonical, &err));
	struct row other = { canonical.data, canonical.len };
	ok(row_line(&other, &again, &err));
	assert_string_equal(buf_cstr(out), buf_cstr(&again));
	again.len = 0;
	ok(row_canonical(ROW_RDB, &other, &again, &err));
	assert_int_equal(again.len, canonical.len);
	assert_memory_equal(again.data, canonical.data, again.len);
}

#define says(bytes, want) says_(bytes, sizeof(bytes) - 1, want)

static void
says_(const char *data, size_t len, const char *want)
{
	AUTO(bufv) struct buf got = BUF_INIT;
	only_row(data, len, &got);
	assert_string_equal(buf_cstr(&got), want);
	/* Cut anywhere, it is no row. */
	for (size_t n = 1; n < len; n++) {
		struct err err = ERR_INIT;
		struct row_reader r;
		struct row row;
		bool is_got;
		AUTO(mem) char *cut = malloc(n);
		assert_non_null(cut);
		memcpy(cut, data, n);
		row_reader_init(&r, ROW_RDB, cut, n);
		assert_int_equal(row_next(&r, &row, &is_got, &err), ERR_CORRUPT);
	}
}

#define packed_says(type, bytes, want) packed_says_(type, bytes, sizeof(bytes) - 1, want)

/* A value that is one string, of so many bytes. */
static void
packed_says_(uint8_t type, const char *bytes, size_t len, const char *want)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf row = BUF_INIT;
	assert_true(len < 64);
	ok(buf_u8(&row, type, &err));
	ok(buf_add(&row, "\x01k", 2, &err));
	ok(buf_u8(&row, (uint8_t)len, &err));
	ok(buf_add(&row, bytes, len, &err));
	says_((const char *)row.data, row.len, want);
}

/* --- what servers wrote --- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
read_lines(struct strv *out, const char *file)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	recorded_read(&text, file);
	ok(strv_split(out, buf_cstr(&text), '\n', &err));
	qsort(out->items, out->len, sizeof *out->items, by_text);
}

static void
read_keys(struct strv *out, bool types[256], const char *file)
{
	struct err err = ERR_INIT;
	struct row_reader r;
	AUTO(bufv) struct buf dump = BUF_INIT;
	recorded_read(&dump, file);
	row_reader_init(&r, ROW_RDB, dump.data, dump.len);
	for (;;) {
		struct row row;
		struct field f[FIELDS];
		size_t n;
		bool got;
		AUTO(bufv) struct buf line = BUF_INIT;
		ok(row_next(&r, &row, &got, &err));
		if (!got)
			break;
		only_row(row.data, row.len, &line);
		ok(strv_add(out, buf_cstr(&line), &err));
		ok(row_split(ROW_RDB, &row, f, FIELDS, &n, &err));
		types[f[1].data[0]] = true;
	}
	qsort(out->items, out->len, sizeof *out->items, by_text);
}

static void
keys_say_what_the_client_says(void **state)
{
	static const char *const servers[] = { "redis-7", "redis-8", "valkey-8" };
	static const uint8_t want[] = { RDB_STRING, RDB_SET, RDB_HASH, RDB_ZSET_2,
		RDB_SET_INTSET, RDB_HASH_LISTPACK, RDB_ZSET_LISTPACK, RDB_QUICKLIST_2,
		RDB_STREAM_2, RDB_SET_LISTPACK, RDB_STREAM_3, RDB_HASH_EXPIRING,
		RDB_HASH_EXPIRING_LISTPACK };
	bool types[256] = { false };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
		char name[64];
		AUTO(strv) struct strv said = STRV_INIT;
		AUTO(strv) struct strv read = STRV_INIT;
		snprintf(name, sizeof name, "rows-%s.tsv", servers[i]);
		read_lines(&said, name);
		snprintf(name, sizeof name, "rows-%s.rdb", servers[i]);
		read_keys(&read, types, name);
		assert_true(said.len > 90);
		assert_int_equal(read.len, said.len);
		for (size_t k = 0; k < said.len; k++)
			assert_string_equal(read.items[k], said.items[k]);
	}
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		if (!types[want[i]])
			fail_msg("no value of type %u was recorded", want[i]);
}

/* --- what older servers wrote, by hand --- */

static void
strings_of_every_encoding_are_read(void **state)
{
	(void)state;
	says("\x00\x01k\x05value", "\"k\"\tstring\t-\t\"value\"");
	says("\x00\x01k\xc0\xfe", "\"k\"\tstring\t-\t\"-2\"");
	says("\x00\x01k\xc1\x2c\x01", "\"k\"\tstring\t-\t\"300\"");
	says("\x00\x01k\xc2\x00\x00\x00\x80", "\"k\"\tstring\t-\t\"-2147483648\"");
	/* a, then nine times what is one back: ten of them. */
	says("\x00\x01k\xc3\x05\x0a\x00"
	     "a\xe0\x00\x00",
	    "\"k\"\tstring\t-\t\"aaaaaaaaaa\"");
	says("\x00\x40\x01k\x80\x00\x00\x00\x01v", "\"k\"\tstring\t-\t\"v\"");
	says("\x00\xc0\x07\x81\x00\x00\x00\x00\x00\x00\x00\x02\xff\x00",
	    "\"7\"\tstring\t-\t{\"hex\":\"ff00\"}");
}

static void
expiry_is_milliseconds_and_use_does_not_count(void **state)
{
	(void)state;
	says("\xfc\x01\x00\x00\x00\x01\x00\x00\x00\x00\x01k\x01v",
	    "\"k\"\tstring\t4294967297\t\"v\"");
	says("\xfd\x02\x00\x00\x00\xf8\x05\x00\x01k\x01v", "\"k\"\tstring\t2000\t\"v\"");
	says("\xf9\x07\x00\x01k\x01v", "\"k\"\tstring\t-\t\"v\"");
	says("\xf4\x01\x02\x03\xfc\xff\xff\xff\xff\xff\xff\xff\xff\x00\x01k\x01v",
	    "\"k\"\tstring\t-1\t\"v\"");
}

static void
lists_keep_their_order_and_sets_and_hashes_are_sorted(void **state)
{
	(void)state;
	says("\x01\x01k\x03\x01z\x01"
	     "a\xc0\x05",
	    "\"k\"\tlist\t-\t[\"z\",\"a\",\"5\"]");
	says("\x02\x01k\x03\x01z\x02"
	     "ab\x01"
	     "a",
	    "\"k\"\tset\t-\t[\"a\",\"ab\",\"z\"]");
	says("\x04\x01k\x02\x01z\x01"
	     "1\x01"
	     "a\x01"
	     "2",
	    "\"k\"\thash\t-\t{\"a\":\"2\",\"z\":\"1\"}");
	says("\x04\x01k\x02\x01z\x01"
	     "1\x01\xff\x01"
	     "2",
	    "\"k\"\thash\t-\t[[\"z\",\"1\"],[{\"hex\":\"ff\"},\"2\"]]");
	says("\x03\x01k\x03\x01z\x03"
	     "1.5\x01"
	     "a\xfe\x01"
	     "b\xff",
	    "\"k\"\tzset\t-\t{\"a\":\"inf\",\"b\":\"-inf\",\"z\":1.5}");
	says("\x05\x01k\x01\x01z\x00\x00\x00\x00\x00\x00\x04\x40",
	    "\"k\"\tzset\t-\t{\"z\":2.5}");
}

#define ZIPLIST_HEAD "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

static void
ziplists_have_integers_of_every_size(void **state)
{
	(void)state;
	packed_says(RDB_LIST_ZIPLIST,
	    ZIPLIST_HEAD
	    "\x00\x01x\x03\xf1\x02\xfd\x02\xfe\xff\x03\xc0\x2c\x01\x04\xf0\x00\x00\x80"
	    "\x05\xd0\xff\xff\xff\x7f\x06\xe0\x00\x00\x00\x00\x00\x00\x00\x80\xff",
	    "\"k\"\tlist\t-\t[\"x\",\"0\",\"12\",\"-1\",\"300\",\"-8388608\",\"2147483647\","
	    "\"-9223372036854775808\"]");
	packed_says(RDB_ZSET_ZIPLIST,
	    ZIPLIST_HEAD "\x00\x01z\x03\x03"
			 "2.5\xff",
	    "\"k\"\tzset\t-\t{\"z\":2.5}");
	/* A length of 14 bits, one of 32, and that of a long entry before it. */
	packed_says(RDB_HASH_ZIPLIST,
	    ZIPLIST_HEAD "\x00\x40\x01z\xfe\x04\x00\x00\x00\x80\x00\x00\x00\x02vw\xff",
	    "\"k\"\thash\t-\t{\"z\":\"vw\"}");
	says("\x0e\x01k\x02\x0e" ZIPLIST_HEAD "\x00\x01x\xff\x0d" ZIPLIST_HEAD "\x00\xf2\xff",
	    "\"k\"\tlist\t-\t[\"x\",\"1\"]");
}

static void
zipmaps_and_sets_of_integers_are_read(void **state)
{
	(void)state;
	packed_says(RDB_HASH_ZIPMAP,
	    "\x02\x01z\x01\x02"
	    "1__\xfe\x01\x00\x00\x00"
	    "a\x01\x00"
	    "2\xff",
	    "\"k\"\thash\t-\t{\"a\":\"2\",\"z\":\"1\"}");
	packed_says(RDB_SET_INTSET, "\x02\x00\x00\x00\x02\x00\x00\x00\xff\xff\x0a\x00",
	    "\"k\"\tset\t-\t[\"-1\",\"10\"]");
}

static void
listpacks_have_integers_and_strings_of_every_size(void **state)
{
	static const char lp[] =
	    "\x00\x00\x00\x00\x00\x00\x7f\x01\x81x\x02\xdf\xff\x02\xe0\x01y\x03"
	    "\xf0\x01\x00\x00\x00z\x06\xf1\x00\x80\x03\xf2\xff\xff\xff\x04"
	    "\xf3\x00\x00\x00\x80\x05\xf4\x00\x00\x00\x00\x00\x00\x00\x80\x09"
	    "\xcf\xff\x02\xff";
	static const char *const want[] = { "127", "x", "-1", "y", "z", "-32768", "-1",
		"-2147483648", "-9223372036854775808", "4095" };
	struct packed p;
	struct packed_entry e;
	(void)state;
	packed_init(&p, PACKED_LISTPACK, lp, sizeof lp - 1);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		char scratch[RDB_INTEGER_TEXT];
		size_t len;
		assert_true(packed_next(&p, &e));
		const void *text = packed_text(&e, scratch, &len);
		assert_int_equal(len, strlen(want[i]));
		assert_memory_equal(text, want[i], len);
	}
	assert_false(packed_next(&p, &e));
	assert_true(packed_ok(&p));
	for (size_t cut = 0; cut < sizeof lp - 1; cut++) {
		packed_init(&p, PACKED_LISTPACK, lp, cut);
		while (packed_next(&p, &e))
			;
		assert_false(packed_ok(&p));
	}
}

static void
modules_give_their_name_and_bytes(void **state)
{
	(void)state;
	/* The number is nine times "B" and version 3. */
	says(
	    "\x07\x01k\x81\x04\x10\x41\x04\x10\x41\x04\x03\x02\x05\x05\x01x\x03\x00\x00\x00\x00"
	    "\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	    "\"k\"\tmodule\t-\t{\"module\":\"BBBBBBBBB\",\"version\":3,\"hex\":"
	    "\"02050501780300000000040000000000000000"
	    "00\"}");
}

/* --- the same value, otherwise --- */

static void
must_be_equal(const char *a, size_t a_len, const char *b, size_t b_len, bool want)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf x = BUF_INIT;
	AUTO(bufv) struct buf y = BUF_INIT;
	struct row one = { (const uint8_t *)a, a_len };
	struct row two = { (const uint8_t *)b, b_len };
	ok(row_canonical(ROW_RDB, &one, &x, &err));
	ok(row_canonical(ROW_RDB, &two, &y, &err));
	assert_int_equal(x.len == y.len && memcmp(x.data, y.data, x.len) == 0, want);
}

#define SAME(a, b) must_be_equal(a, sizeof(a) - 1, b, sizeof(b) - 1, true)
#define OTHER(a, b) must_be_equal(a, sizeof(a) - 1, b, sizeof(b) - 1, false)

static void
equal_values_have_equal_canonical_rows_and_no_others(void **state)
{
	(void)state;
	SAME("\x00\x01"
	     "7\x02"
	     "12",
	    "\x00\xc0\x07\xc0\x0c");
	SAME("\x00\x01k\xc3\x05\x0a\x00"
	     "a\xe0\x00\x00",
	    "\x00\x01k\x0a"
	    "aaaaaaaaaa");
	SAME("\xfd\x02\x00\x00\x00\x00\x01k\x01v",
	    "\xfc\xd0\x07\x00\x00\x00\x00\x00\x00\x00\x01k\x01v");
	SAME("\xf9\x01\x00\x01k\x01v", "\x00\x01k\x01v");
	SAME("\x02\x01k\x02\x01"
	     "a\x01z",
	    "\x02\x01k\x02\x01z\x01"
	    "a");
	SAME("\x02\x01k\x02\xc0\xff\xc0\x0a",
	    "\x0b\x01k\x0c\x02\x00\x00\x00\x02\x00\x00\x00\xff\xff\x0a\x00");
	SAME("\x03\x01k\x01\x01z\x03"
	     "2.5",
	    "\x05\x01k\x01\x01z\x00\x00\x00\x00\x00\x00\x04\x40");
	OTHER("\x00\x01k\x01v", "\x00\x01l\x01v");
	OTHER("\x00\x01k\x01v", "\x00\x01k\x01w");
	OTHER("\x00\x01k\x01v", "\x01\x01k\x01\x01v");
	OTHER("\x01\x01k\x01\x01v", "\x02\x01k\x01\x01v");
	OTHER("\x01\x01k\x02\x01"
	      "a\x01z",
	    "\x01\x01k\x02\x01z\x01"
	    "a");
	OTHER("\x00\x01k\x01v", "\xfd\x00\x00\x00\x00\x00\x01k\x01v");
	OTHER("\x00\x01k\x01\xff", "\x00\x01k\x0c{\"hex\":\"ff\"}");
}

/* --- around the keys --- */

static void
what_is_no_key_is_passed_over(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct row_reader r;
	struct row row;
	bool got;
	static const char file[] = "REDIS0011\xfa\x03ver\x01"
				   "8\xf5\x02"
				   "fn\xfe\x00\xfb\x01\x00"
				   "\x00\x01k\x01v\xfe\x0f\xfb\x01\x00\xf8\x01\x00\x01l\x01w"
				   "\xff\x00\x00\x00\x00\x00\x00\x00\x00";
	row_reader_init(&r, ROW_RDB, file, sizeof file - 1);
	ok(row_next(&r, &row, &got, &err));
	assert_true(got);
	assert_int_equal(row.len, 5);
	assert_memory_equal(row.data, "\x00\x01k\x01v", 5);
	ok(row_next(&r, &row, &got, &err));
	assert_true(got);
	assert_memory_equal(row.data, "\xf8\x01\x00\x01l\x01w", row.len);
	ok(row_next(&r, &row, &got, &err));
	assert_false(got);
	assert_int_equal(r.pos, r.len);
}

static void
key_of_a_later_server_is_unsupported(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct row_reader r;
	struct row row;
	bool got;
	row_reader_init(&r, ROW_RDB, "\x63\x01k\x01v", 5);
	refused(row_next(&r, &row, &got, &err), ERR_UNSUPPORTED,
	    "an RDB file has a key or remark of type 99, which this version does not know");
}

static void
values_that_are_bent_are_refused_and_leave_nothing_behind(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
#define CASE(s) { s, sizeof(s) - 1 }
		CASE("\x0b\x01k\x0c\x03\x00\x00\x00\x02\x00\x00\x00\xff\xff\x0a\x00"),
		CASE("\x0b\x01k\x0c\x02\x00\x00\x00\x09\x00\x00\x00\xff\xff\x0a\x00"),
		CASE("\x10\x01k\x09\x00\x00\x00\x00\x00\x00\x81x\x02"),
		CASE("\x10\x01k\x0a\x00\x00\x00\x00\x00\x00\x81x\x02\xff"),
		CASE("\x09\x01k\x04\x01\x01z\xff"),
		CASE("\x00\x01k\xc3\x05\x0b\x00"
		     "a\xe0\x00\x00"),
		CASE("\x00\x01k\xc3\x03\x0a\xe0\x00\x00"),
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct field f[FIELDS];
		size_t n;
		AUTO(bufv) struct buf out = BUF_INIT;
		struct row row = { (const uint8_t *)cases[i].bytes, cases[i].len };
		ok(buf_str(&out, "before", &err));
		ok(row_split(ROW_RDB, &row, f, FIELDS, &n, &err));
		refused(row_text(ROW_RDB, &f[3], &out, &err), ERR_CORRUPT,
		    "a key of an RDB file is not as it should be");
		refused(row_canonical(ROW_RDB, &row, &out, &err), ERR_CORRUPT,
		    "a key of an RDB file is not as it should be");
		assert_string_equal(buf_cstr(&out), "before");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_say_what_the_client_says),
		cmocka_unit_test(strings_of_every_encoding_are_read),
		cmocka_unit_test(expiry_is_milliseconds_and_use_does_not_count),
		cmocka_unit_test(lists_keep_their_order_and_sets_and_hashes_are_sorted),
		cmocka_unit_test(ziplists_have_integers_of_every_size),
		cmocka_unit_test(zipmaps_and_sets_of_integers_are_read),
		cmocka_unit_test(listpacks_have_integers_and_strings_of_every_size),
		cmocka_unit_test(modules_give_their_name_and_bytes),
		cmocka_unit_test(equal_values_have_equal_canonical_rows_and_no_others),
		cmocka_unit_test(what_is_no_key_is_passed_over),
		cmocka_unit_test(key_of_a_later_server_is_unsupported),
		cmocka_unit_test(values_that_are_bent_are_refused_and_leave_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
