#include "testing.h"

#include "base/bytes.h"
#include "crypto/hash.h"

static void
hex_equal(const uint8_t *got, size_t len, const char *want)
{
	char text[257];
	assert_true(len * 2 < sizeof text);
	hex_encode(text, got, len);
	assert_string_equal(text, want);
}

/* FIPS 180-4's examples. */
static void
sha256_gives_the_standards_examples(void **state)
{
	(void)state;
	struct err err;
	uint8_t out[HASH_SIZE];
	ok(sha256_of("", 0, out, &err));
	hex_equal(out, sizeof out,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	ok(sha256_of("abc", 3, out, &err));
	hex_equal(out, sizeof out,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
sha256_in_portions_is_the_same_and_starts_anew_afterwards(void **state)
{
	(void)state;
	struct err err;
	uint8_t data[1000];
	uint8_t whole[HASH_SIZE];
	uint8_t parts[HASH_SIZE];
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 31);
	ok(sha256_of(data, sizeof data, whole, &err));
	AUTO(sha256) struct sha256 *h = NULL;
	ok(sha256_new(&h, &err));
	for (size_t step = 1; step < 400; step += 63) {
		for (size_t at = 0; at < sizeof data; at += step)
			ok(sha256_add(h, data + at, min_size(step, sizeof data - at), &err));
		ok(sha256_finish(h, parts, &err));
		assert_memory_equal(parts, whole, HASH_SIZE);
	}
}

/* RFC 4231, cases 1, 2 and 6. */
static void
hmac_gives_the_examples_of_its_rfc(void **state)
{
	(void)state;
	struct err err;
	uint8_t long_key[131];
	uint8_t short_key[20];
	memset(long_key, 0xaa, sizeof long_key);
	memset(short_key, 0x0b, sizeof short_key);
	const struct {
		const void *key;
		size_t key_len;
		const char *text;
		const char *want;
	} all[] = {
		{ short_key, sizeof short_key, "Hi There",
		    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ "Jefe", 4, "what do ya want for nothing?",
		    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ long_key, sizeof long_key,
		    "Test Using Larger Than Block-Size Key - Hash Key First",
		    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		AUTO(mac) struct mac *m = NULL;
		uint8_t out[HASH_SIZE];
		ok(mac_new(&m, all[i].key, all[i].key_len, &err));
		/* Twice: the key stays. */
		for (int n = 0; n < 2; n++) {
			ok(mac_of(m, all[i].text, strlen(all[i].text), out, &err));
			hex_equal(out, sizeof out, all[i].want);
		}
	}
}

static void
hashes_are_equal_only_in_all_bytes(void **state)
{
	(void)state;
	uint8_t a[HASH_SIZE] = { 1, 2, 3 };
	uint8_t b[HASH_SIZE] = { 1, 2, 3 };
	assert_true(hash_equal(a, b));
	for (size_t i = 0; i < HASH_SIZE; i++) {
		b[i] ^= 0x80;
		assert_false(hash_equal(a, b));
		b[i] ^= 0x80;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_gives_the_standards_examples),
		cmocka_unit_test(sha256_in_portions_is_the_same_and_starts_anew_afterwards),
		cmocka_unit_test(hmac_gives_the_examples_of_its_rfc),
		cmocka_unit_test(hashes_are_equal_only_in_all_bytes),
	};
	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
