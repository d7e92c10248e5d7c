#include "testing.h"

#include "base/bytes.h"
#include "crypto/kdf.h"
#include "crypto/secret.h"

static void
hex_equal(const uint8_t *got, size_t len, const char *want)
{
	char text[257];
	assert_true(len * 2 < sizeof text);
	hex_encode(text, got, len);
	assert_string_equal(text, want);
}

/* RFC 5869, test case 1. */
static void
hkdf_gives_the_example_of_its_rfc(void **state)
{
	(void)state;
	struct err err;
	uint8_t key[22];
	uint8_t salt[13];
	uint8_t out[42];
	memset(key, 0x0b, sizeof key);
	for (size_t i = 0; i < sizeof salt; i++)
		salt[i] = (uint8_t)i;
	ok(hkdf_derive(key, sizeof key, salt, sizeof salt,
	    "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9", out, sizeof out, &err));
	hex_equal(out, sizeof out,
	    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b8871858"
	    "65");
}

static void
hkdf_depends_on_key_salt_and_info(void **state)
{
	(void)state;
	struct err err;
	uint8_t base[32];
	uint8_t other[32];
	ok(hkdf_derive("key", 3, "salt", 4, "info", base, 32, &err));
	ok(hkdf_derive("kez", 3, "salt", 4, "info", other, 32, &err));
	assert_memory_not_equal(base, other, 32);
	ok(hkdf_derive("key", 3, "salu", 4, "info", other, 32, &err));
	assert_memory_not_equal(base, other, 32);
	ok(hkdf_derive("key", 3, "salt", 4, "infp", other, 32, &err));
	assert_memory_not_equal(base, other, 32);
	ok(hkdf_derive("key", 3, "salt", 4, "info", other, 32, &err));
	assert_memory_equal(base, other, 32);
}

/* What the reference implementation of Argon2 (version 1.3, one lane) gives. */
static void
argon2id_gives_what_the_reference_gives(void **state)
{
	(void)state;
	struct err err;
	uint8_t out[64];
	ok(argon2id_derive(
	    "password", 8, (const uint8_t *)"somesaltsomesalt", 8192, 1, out, 32, &err));
	hex_equal(out, 32, "84fb006bbc3cd69895722b64b5bf735251a9e8e9f3ecb93ff595b98aeb7accb7");
	ok(argon2id_derive("differential privilege", 22, (const uint8_t *)"0123456789abcdef",
	    16384, 3, out, 64, &err));
	hex_equal(out, 64,
	    "c5a63952474dac2f570603ecdd57dcd3fc5d8ed4d9ad7705f2edda3a21230b5d"
	    "ed6b497f1787fac686da35839cf66d059b84bcc50cd938bc5123a7e9cc2433e4");
}

static void
limits_that_could_eat_the_machine_are_refused(void **state)
{
	(void)state;
	struct err err;
	uint8_t out[32];
	const uint8_t *salt = (const uint8_t *)"somesaltsomesalt";
	refused(argon2id_derive("p", 1, salt, 8191, 1, out, 32, &err), ERR_USAGE,
	    "Argon2id limits out of range: 8191 KiB, 1 passes");
	refused(argon2id_derive("p", 1, salt, 4194305, 1, out, 32, &err), ERR_USAGE,
	    "Argon2id limits out of range: 4194305 KiB, 1 passes");
	refused(argon2id_derive("p", 1, salt, 8192, 0, out, 32, &err), ERR_USAGE,
	    "Argon2id limits out of range: 8192 KiB, 0 passes");
	refused(argon2id_derive("p", 1, salt, 8192, 65, out, 32, &err), ERR_USAGE,
	    "Argon2id limits out of range: 8192 KiB, 65 passes");
}

static void
secrets_are_copied_and_random_ones_differ(void **state)
{
	(void)state;
	struct err err;
	AUTO(secret) struct secret *copy = NULL;
	AUTO(secret) struct secret *empty = NULL;
	AUTO(secret) struct secret *a = NULL;
	AUTO(secret) struct secret *b = NULL;
	char text[] = "passphrase";
	ok(secret_copy(&copy, text, 10, &err));
	secret_wipe(text, sizeof text);
	assert_int_equal(text[0], 0);
	assert_int_equal(copy->len, 10);
	assert_memory_equal(copy->data, "passphrase", 10);
	ok(secret_copy(&empty, "", 0, &err));
	assert_int_equal(empty->len, 0);
	ok(secret_random(&a, 32, &err));
	ok(secret_random(&b, 32, &err));
	assert_memory_not_equal(a->data, b->data, 32);
	secret_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hkdf_gives_the_example_of_its_rfc),
		cmocka_unit_test(hkdf_depends_on_key_salt_and_info),
		cmocka_unit_test(argon2id_gives_what_the_reference_gives),
		cmocka_unit_test(limits_that_could_eat_the_machine_are_refused),
		cmocka_unit_test(secrets_are_copied_and_random_ones_differ),
	};
	return cmocka_run_group_tests_name("kdf", tests, NULL, NULL);
}
