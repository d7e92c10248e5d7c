#include "testing.h"

#include "base/bytes.h"
#include "crypto/aead.h"

/* Test case 16 of the GCM specification that NIST took over: AES-256, associated data. */
static const char key_hex[] =
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
static const char nonce_hex[] = "cafebabefacedbaddecaf888";
static const char plain_hex[] =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
static const char aad_hex[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
static const char sealed_hex[] =
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    "76fc6ece0f4e1768cddf8853bb2d551b";

#define PLAIN_LEN 60
#define AAD_LEN 20

struct example {
	uint8_t key[AEAD_KEY_SIZE];
	uint8_t nonce[AEAD_NONCE_SIZE];
	uint8_t plain[PLAIN_LEN];
	uint8_t aad[AAD_LEN];
	uint8_t sealed[PLAIN_LEN + AEAD_TAG_SIZE];
};

static struct example
the_example(void)
{
	struct example e;
	assert_true(hex_decode(e.key, sizeof e.key, key_hex, strlen(key_hex)));
	assert_true(hex_decode(e.nonce, sizeof e.nonce, nonce_hex, strlen(nonce_hex)));
	assert_true(hex_decode(e.plain, sizeof e.plain, plain_hex, strlen(plain_hex)));
	assert_true(hex_decode(e.aad, sizeof e.aad, aad_hex, strlen(aad_hex)));
	assert_true(hex_decode(e.sealed, sizeof e.sealed, sealed_hex, strlen(sealed_hex)));
	return e;
}

static void
sealing_and_opening_give_the_specifications_example(void **state)
{
	(void)state;
	struct err err;
	struct example e = the_example();
	AUTO(aead) struct aead *a = NULL;
	uint8_t out[sizeof e.sealed];
	ok(aead_new(&a, &err));
	ok(aead_seal(a, e.key, e.nonce, e.aad, AAD_LEN, e.plain, PLAIN_LEN, out, &err));
	assert_memory_equal(out, e.sealed, sizeof out);
	ok(aead_open(a, e.key, e.nonce, e.aad, AAD_LEN, e.sealed, sizeof e.sealed, out, &err));
	assert_memory_equal(out, e.plain, PLAIN_LEN);
}

static enum err_code
open_altered(struct aead *a, const struct example *e, uint8_t *out, struct err *err)
{
	return aead_open(
	    a, e->key, e->nonce, e->aad, AAD_LEN, e->sealed, sizeof e->sealed, out, err);
}

static void
one_flipped_bit_anywhere_is_refused_and_gives_no_plaintext(void **state)
{
	(void)state;
	struct err err;
	struct example e = the_example();
	AUTO(aead) struct aead *a = NULL;
	uint8_t out[PLAIN_LEN];
	static const uint8_t zeros[PLAIN_LEN];
	ok(aead_new(&a, &err));
	struct {
		uint8_t *bytes;
		size_t len;
	} parts[] = { { e.key, sizeof e.key }, { e.nonce, sizeof e.nonce },
		{ e.aad, sizeof e.aad }, { e.sealed, sizeof e.sealed } };
	for (size_t p = 0; p < ARRAY_LEN(parts); p++)
		for (size_t bit = 0; bit < parts[p].len * 8; bit += 3) {
			parts[p].bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
			memset(out, 0x55, sizeof out);
			refused(open_altered(a, &e, out, &err), ERR_CORRUPT,
			    "authentication failed: the data was altered");
			assert_memory_equal(out, zeros, sizeof out);
			parts[p].bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		}
	ok(open_altered(a, &e, out, &err));
}

static void
what_is_too_short_to_hold_a_tag_is_refused(void **state)
{
	(void)state;
	struct err err;
	struct example e = the_example();
	AUTO(aead) struct aead *a = NULL;
	uint8_t out[PLAIN_LEN];
	ok(aead_new(&a, &err));
	for (size_t len = 0; len < AEAD_TAG_SIZE; len++)
		refused(aead_open(a, e.key, e.nonce, e.aad, AAD_LEN, e.sealed, len, out, &err),
		    ERR_CORRUPT, "too short to be encrypted data");
	refused(aead_open(a, e.key, e.nonce, e.aad, AAD_LEN, e.sealed, sizeof e.sealed - 1, out,
		    &err),
	    ERR_CORRUPT, "authentication failed: the data was altered");
}

static void
nothing_at_all_can_be_sealed_and_is_still_authenticated(void **state)
{
	(void)state;
	struct err err;
	struct example e = the_example();
	AUTO(aead) struct aead *a = NULL;
	uint8_t tag[AEAD_TAG_SIZE];
	uint8_t none[1];
	ok(aead_new(&a, &err));
	ok(aead_seal(a, e.key, e.nonce, e.aad, AAD_LEN, "", 0, tag, &err));
	ok(aead_open(a, e.key, e.nonce, e.aad, AAD_LEN, tag, sizeof tag, none, &err));
	tag[0] ^= 1;
	refused(aead_open(a, e.key, e.nonce, e.aad, AAD_LEN, tag, sizeof tag, none, &err),
	    ERR_CORRUPT, "authentication failed: the data was altered");
}

/* One object is used for many messages under many keys: none may leave traces for the next. */
static void
an_object_may_be_used_again_after_a_refusal(void **state)
{
	(void)state;
	struct err err;
	struct example e = the_example();
	AUTO(aead) struct aead *a = NULL;
	uint8_t out[sizeof e.sealed];
	uint8_t bad[sizeof e.sealed];
	ok(aead_new(&a, &err));
	memcpy(bad, e.sealed, sizeof bad);
	bad[3] ^= 4;
	for (int i = 0; i < 3; i++) {
		refused(
		    aead_open(a, e.key, e.nonce, e.aad, AAD_LEN, bad, sizeof bad, out, &err),
		    ERR_CORRUPT, "authentication failed: the data was altered");
		ok(aead_seal(a, e.key, e.nonce, e.aad, AAD_LEN, e.plain, PLAIN_LEN, out, &err));
		assert_memory_equal(out, e.sealed, sizeof out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealing_and_opening_give_the_specifications_example),
		cmocka_unit_test(one_flipped_bit_anywhere_is_refused_and_gives_no_plaintext),
		cmocka_unit_test(what_is_too_short_to_hold_a_tag_is_refused),
		cmocka_unit_test(nothing_at_all_can_be_sealed_and_is_still_authenticated),
		cmocka_unit_test(an_object_may_be_used_again_after_a_refusal),
	};
	return cmocka_run_group_tests_name("aead", tests, NULL, NULL);
}
