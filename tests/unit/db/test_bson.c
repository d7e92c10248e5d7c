#include "testing.h"

#include "base/bytes.h"
#include "db/bson.h"
#include "db/bson_json.h"

#include <stdio.h>
#include <stdlib.h>

/* Bytes of text in hexadecimal, as bsonspec's corpus writes documents. */
static void
from_hex(struct buf *out, const char *hex)
{
	struct err err = ERR_INIT;
	size_t len = strlen(hex) / 2;
	out->len = 0;
	ok(buf_reserve(out, len, &err));
	for (size_t i = 0; i < len; i++) {
		unsigned byte;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out->data[i] = (uint8_t)byte;
	}
	out->len = len;
}

static void
read_json(struct buf *out, const char *text)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *j = NULL;
	out->len = 0;
	ok(json_parse(&j, text, strlen(text), "test", &err));
	ok(bson_of_json(out, j, &err));
}

/* From the corpus of the BSON specification: bytes and their canonical text. */
static const struct {
	const char *bytes;
	const char *text;
} corpus[] = {
	{ "0500000000", "{}" },
	{ "10000000016400000000000000F03F00", "{\"d\":{\"$numberDouble\":\"1.0\"}}" },
	{ "10000000016400000000000000008000", "{\"d\":{\"$numberDouble\":\"-0.0\"}}" },
	{ "10000000016400000000000000F87F00", "{\"d\":{\"$numberDouble\":\"NaN\"}}" },
	{ "10000000016400000000000000F0FF00", "{\"d\":{\"$numberDouble\":\"-Infinity\"}}" },
	{ "0E00000002610002000000620000", "{\"a\":\"b\"}" },
	{ "190000000261000D000000C3A9C3A9C3A9C3A9C3A9C3A90000", "{\"a\":\"éééééé\"}" },
	{ "190000000261000D0000006162006261620062616261620000",
	    "{\"a\":\"ab\\u0000bab\\u0000babab\"}" },
	{ "0D000000037800050000000000", "{\"x\":{}}" },
	{ "140000000461000C0000001030000A0000000000", "{\"a\":[{\"$numberInt\":\"10\"}]}" },
	{ "0F0000000578000200000000FFFF00",
	    "{\"x\":{\"$binary\":{\"base64\":\"//8=\",\"subType\":\"00\"}}}" },
	{ "13000000057800060000000202000000FFFF00",
	    "{\"x\":{\"$binary\":{\"base64\":\"//8=\",\"subType\":\"02\"}}}" },
	{ "0D000000057800000000008000",
	    "{\"x\":{\"$binary\":{\"base64\":\"\",\"subType\":\"80\"}}}" },
	{ "0800000006610000", "{\"a\":{\"$undefined\":true}}" },
	{ "1400000007610056E1FC72E0C917E9C471416100",
	    "{\"a\":{\"$oid\":\"56e1fc72e0c917e9c4714161\"}}" },
	{ "090000000862000100", "{\"b\":true}" },
	{ "10000000096100C5D8D6CC3B01000000",
	    "{\"a\":{\"$date\":{\"$numberLong\":\"1356351330501\"}}}" },
	{ "10000000096100C33CE7B9BDFFFFFF00",
	    "{\"a\":{\"$date\":{\"$numberLong\":\"-284643869501\"}}}" },
	{ "080000000A610000", "{\"a\":null}" },
	{ "0F0000000B610061626300696D0000",
	    "{\"a\":{\"$regularExpression\":{\"pattern\":\"abc\",\"options\":\"im\"}}}" },
	{ "1A0000000C610002000000620056E1FC72E0C917E9C471416100",
	    "{\"a\":{\"$dbPointer\":{\"$ref\":\"b\",\"$id\":{\"$oid\":"
	    "\"56e1fc72e0c917e9c4714161\"}}}}" },
	{ "0E0000000D610002000000620000", "{\"a\":{\"$code\":\"b\"}}" },
	{ "0E0000000E610002000000620000", "{\"a\":{\"$symbol\":\"b\"}}" },
	{ "0C0000001069000000008000", "{\"i\":{\"$numberInt\":\"-2147483648\"}}" },
	{ "100000001161002A00000015CD5B0700",
	    "{\"a\":{\"$timestamp\":{\"t\":123456789,\"i\":42}}}" },
	{ "10000000126100FFFFFFFFFFFFFF7F00",
	    "{\"a\":{\"$numberLong\":\"9223372036854775807\"}}" },
	{ "08000000FF610000", "{\"a\":{\"$minKey\":1}}" },
	{ "080000007F610000", "{\"a\":{\"$maxKey\":1}}" },
};

static void
documents_of_the_corpus_have_its_text_and_come_back_from_it(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf doc = BUF_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(bufv) struct buf again = BUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(corpus); i++) {
		from_hex(&doc, corpus[i].bytes);
		ok(bson_check(doc.data, doc.len, &err));
		text.len = 0;
		ok(bson_json(&text, doc.data, doc.len, BSON_CANONICAL, &err));
		assert_string_equal(buf_cstr(&text), corpus[i].text);
		read_json(&again, buf_cstr(&text));
		assert_int_equal(again.len, doc.len);
		assert_memory_equal(again.data, doc.data, doc.len);
	}
}

static void
code_with_scope_comes_back(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf doc = BUF_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	static const char want[] = "{\"a\":{\"$code\":\"abcd\",\"$scope\":{\"x\":{"
				   "\"$numberInt\":\"1\"}}}}";
	from_hex(&doc, "210000000F6100190000000500000061626364000C000000107800010000000000");
	ok(bson_check(doc.data, doc.len, &err));
	ok(bson_json(&text, doc.data, doc.len, BSON_CANONICAL, &err));
	assert_string_equal(buf_cstr(&text), want);
	AUTO(bufv) struct buf again = BUF_INIT;
	read_json(&again, want);
	assert_int_equal(again.len, doc.len);
	assert_memory_equal(again.data, doc.data, doc.len);
}

/* From the specification of Decimal128. */
static const struct {
	const char *bytes;
	const char *text;
} decimals[] = {
	{ "0000000000000000000000000000007C", "NaN" },
	{ "00000000000000000000000000000078", "Infinity" },
	{ "000000000000000000000000000000F8", "-Infinity" },
	{ "00000000000000000000000000004030", "0" },
	{ "000000000000000000000000000040B0", "-0" },
	{ "01000000000000000000000000004030", "1" },
	{ "0A000000000000000000000000003E30", "1.0" },
	{ "F2AF967ED05C82DE3297FF6FDE3CFC2F", "0.1234567890123456789012345678901234" },
	{ "FFFFFFFF638E8D37C087ADBE09EDFF5F", "9.999999999999999999999999999999999E+6144" },
	{ "01000000000000000000000000000000", "1E-6176" },
	{ "00000000000000000000000000005430", "0E+10" },
};

static void
decimals_have_the_text_of_their_specification(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(decimals); i++) {
		AUTO(bufv) struct buf doc = BUF_INIT;
		AUTO(bufv) struct buf text = BUF_INIT;
		AUTO(bufv) struct buf again = BUF_INIT;
		char hex[100];
		char want[100];
		snprintf(hex, sizeof hex, "18000000136400%.32s00", decimals[i].bytes);
		snprintf(
		    want, sizeof want, "{\"d\":{\"$numberDecimal\":\"%s\"}}", decimals[i].text);
		from_hex(&doc, hex);
		ok(bson_check(doc.data, doc.len, &err));
		ok(bson_json(&text, doc.data, doc.len, BSON_CANONICAL, &err));
		assert_string_equal(buf_cstr(&text), want);
		read_json(&again, want);
		assert_memory_equal(again.data, doc.data, doc.len);
	}
}

static void
relaxed_text_has_plain_numbers_and_dates(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf doc = BUF_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(bufv) struct buf again = BUF_INIT;
	static const char want[] =
	    "{\"i\":5,\"l\":5000000000,\"d\":0.1,\"n\":{\"$numberDouble\":\"NaN\"},"
	    "\"t\":{\"$date\":\"2012-12-24T12:15:30.501Z\"},"
	    "\"u\":{\"$date\":\"2012-12-24T12:15:30Z\"},"
	    "\"b\":{\"$date\":{\"$numberLong\":\"-1\"}}}";
	read_json(&doc, "{\"i\":{\"$numberInt\":\"5\"},\"l\":{\"$numberLong\":\"5000000000\"},"
			"\"d\":{\"$numberDouble\":\"0.1\"},\"n\":{\"$numberDouble\":\"NaN\"},"
			"\"t\":{\"$date\":{\"$numberLong\":\"1356351330501\"}},"
			"\"u\":{\"$date\":{\"$numberLong\":\"1356351330000\"}},"
			"\"b\":{\"$date\":{\"$numberLong\":\"-1\"}}}");
	ok(bson_json(&text, doc.data, doc.len, BSON_RELAXED, &err));
	assert_string_equal(buf_cstr(&text), want);
	read_json(&again, want);
	assert_int_equal(again.len, doc.len);
	assert_memory_equal(again.data, doc.data, doc.len);
}

static const char *const broken[] = {
	"",
	"05000000",
	"0400000000",
	"0500000001",
	"0600000000",
	"090000000862000200", /* a boolean of 2 */
	"0D0000000261000000000000", /* a string of no bytes */
	"0E00000002610003000000620000", /* that goes on into the end */
	"0E00000002610002000000623100", /* without its NUL */
	"0D000000037800040000000000",
	"0F0000000578000300000000FFFF00",
	"13000000057800060000000203000000FFFF00", /* two lengths that differ */
	"0800000099610000", /* no type */
	"0C00000010690000000000", /* cut */
	"210000000F61001A0000000500000061626364000C000000107800010000000000",
	"FFFFFFFF00",
};

static void
what_is_no_document_is_refused(void **state)
{
	(void)state;
	AUTO(bufv) struct buf doc = BUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct err err = ERR_INIT;
		AUTO(bufv) struct buf text = BUF_INIT;
		from_hex(&doc, broken[i]);
		refused(bson_check(doc.data, doc.len, &err), ERR_CORRUPT,
		    "this is no BSON document");
		refused(bson_json(&text, doc.data, doc.len, BSON_CANONICAL, &err), ERR_CORRUPT,
		    "this is no BSON document");
	}
}

static void
depth_is_bounded(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct bson_maker m;
	AUTO(bufv) struct buf doc = BUF_INIT;
	AUTO(bufv) struct buf outer = BUF_INIT;
	bson_begin(&m, &doc);
	for (int i = 0; i < BSON_DEPTH - 1; i++)
		bson_open_document(&m, "a");
	for (int i = 0; i < BSON_DEPTH - 1; i++)
		bson_shut(&m);
	ok(bson_finish(&m, &err));
	ok(bson_check(doc.data, doc.len, &err));
	bson_begin(&m, &outer);
	bson_put_document(&m, "a", doc.data, doc.len);
	ok(bson_finish(&m, &err));
	refused(bson_check(outer.data, outer.len, &err), ERR_CORRUPT,
	    "a BSON document has more than 200 others around it");
	AUTO(bufv) struct buf text = BUF_INIT;
	refused(bson_json(&text, outer.data, outer.len, BSON_RELAXED, &err), ERR_CORRUPT,
	    "a BSON document has more than 200 others around it");
	bson_begin(&m, &outer);
	for (int i = 0; i < BSON_DEPTH; i++)
		bson_open_array(&m, "a");
	refused(bson_finish(&m, &err), ERR_CORRUPT,
	    "a BSON document has more than 200 others around it");
}

static void
paths_lead_to_values(void **state)
{
	(void)state;
	struct bson_value v;
	AUTO(bufv) struct buf doc = BUF_INIT;
	static const char *const id[] = { "cursor", "id", NULL };
	static const char *const second[] = { "cursor", "batch", "1", NULL };
	static const char *const none[] = { "ok", "id", NULL };
	read_json(&doc, "{\"ok\":{\"$numberDouble\":\"1.0\"},\"cursor\":{\"id\":"
			"{\"$numberLong\":\"77\"},\"ns\":\"a.b\",\"batch\":[\"x\",\"y\"]}}");
	assert_true(bson_get(doc.data, doc.len, "ok", &v));
	assert_true(bson_is_true(&v));
	assert_true(bson_find(doc.data, doc.len, id, &v));
	assert_int_equal(bson_integer(&v, -1), 77);
	assert_true(bson_find(doc.data, doc.len, second, &v));
	assert_string_equal(bson_string(&v), "y");
	assert_int_equal(bson_integer(&v, -1), -1);
	assert_false(bson_find(doc.data, doc.len, none, &v));
	assert_false(bson_get(doc.data, doc.len, "OK", &v));
	assert_false(bson_get(doc.data, doc.len - 1, "ok", &v));
}

/* --- random ones --- */

static uint64_t seed;

static uint64_t
some(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static void
some_text(char out[16])
{
	static const char letters[] = "abz$.\"\\\n 0/";
	size_t n = some(15);
	for (size_t i = 0; i < n; i++)
		out[i] = letters[some(sizeof letters - 1)];
	out[n] = '\0';
}

static void fill(struct bson_maker *m, unsigned depth);

static void
some_value(struct bson_maker *m, const char *name, unsigned depth)
{
	static const enum bson_type fixed[] = { BSON_OID, BSON_DATE, BSON_TIMESTAMP, BSON_INT64,
		BSON_INT32, BSON_NULL, BSON_MIN_KEY, BSON_MAX_KEY, BSON_UNDEFINED };
	static const size_t sizes[] = { 12, 8, 8, 8, 4, 0, 0, 0, 0 };
	uint8_t raw[16];
	char text[16];
	for (size_t i = 0; i < sizeof raw; i++)
		raw[i] = (uint8_t)some(256);
	some_text(text);
	size_t kind = some(16);
	switch (kind) {
	case 0:
	case 1:
		if (depth > 4)
			break;
		if (kind == 0)
			bson_open_document(m, name);
		else
			bson_open_array(m, name);
		fill(m, depth + 1);
		bson_shut(m);
		return;
	case 2:
		bson_put_double(m, name, (double)(int64_t)seed / (double)(1 + some(1000)));
		return;
	case 3:
		bson_put_bool(m, name, some(2));
		return;
	case 4:
		put_u32(raw, (uint32_t)some(11));
		raw[4] = raw[4] == 2 ? 0 : raw[4];
		bson_put_raw(m, name, BSON_BINARY, raw, 5 + get_u32(raw));
		return;
	case 5:
		bson_put_text(m, name, some(2) ? BSON_CODE : BSON_SYMBOL, text, strlen(text));
		return;
	case 6:
		raw[15] &= 0x2f; /* below the special ones, and few digits */
		memset(raw + 8, 0, 6);
		bson_put_raw(m, name, BSON_DECIMAL, raw, 16);
		return;
	default:
		break;
	}
	if (kind - 7 < ARRAY_LEN(fixed))
		bson_put_raw(m, name, fixed[kind - 7], raw, sizes[kind - 7]);
	else
		bson_put_string(m, name, text);
}

static void
fill(struct bson_maker *m, unsigned depth)
{
	char name[24];
	for (uint64_t n = some(10); n > 0; n--) {
		/* Two of one name are possible in BSON, and none in JSON. */
		snprintf(name, sizeof name, "%u%c", (unsigned)n, (char)('a' + some(26)));
		some_value(m, name, depth);
	}
}

static void
any_document_is_the_same_after_text_and_broken_nowhere_unseen(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const char *times = getenv("STACKSNAP_TEST_TIMES");
	long rounds = times != NULL ? strtol(times, NULL, 10) : 300;
	AUTO(bufv) struct buf doc = BUF_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(bufv) struct buf again = BUF_INIT;
	size_t longest = 0;
	for (long i = 0; i < rounds; i++) {
		struct bson_maker m;
		seed = 88172645463325252u + (uint64_t)i * 7919;
		doc.len = text.len = 0;
		bson_begin(&m, &doc);
		fill(&m, 0);
		ok(bson_finish(&m, &err));
		ok(bson_check(doc.data, doc.len, &err));
		ok(bson_json(&text, doc.data, doc.len, BSON_CANONICAL, &err));
		read_json(&again, buf_cstr(&text));
		if (again.len != doc.len || memcmp(again.data, doc.data, doc.len) != 0)
			fail_msg("round %ld: %s", i, buf_cstr(&text));
		for (size_t cut = 0; cut < doc.len; cut += 1 + doc.len / 50)
			assert_int_equal(bson_check(doc.data, cut, &err), ERR_CORRUPT);
		longest = max_size(longest, doc.len);
	}
	assert_true(longest > 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_of_the_corpus_have_its_text_and_come_back_from_it),
		cmocka_unit_test(code_with_scope_comes_back),
		cmocka_unit_test(decimals_have_the_text_of_their_specification),
		cmocka_unit_test(relaxed_text_has_plain_numbers_and_dates),
		cmocka_unit_test(what_is_no_document_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(paths_lead_to_values),
		cmocka_unit_test(any_document_is_the_same_after_text_and_broken_nowhere_unseen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
