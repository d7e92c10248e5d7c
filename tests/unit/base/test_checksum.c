#include "testing.h"

#include "base/checksum.h"

/* From the XXH64 specification's reference implementation. */
static void
known_inputs_give_known_sums(void **state)
{
	(void)state;
	const char *text = "Nobody inspects the spammish repetition";
	assert_true(checksum_of("", 0, 0) == UINT64_C(0xEF46DB3751D8E999));
	assert_true(checksum_of("a", 1, 0) == UINT64_C(0xD24EC4F1A98C6E5B));
	assert_true(checksum_of("abc", 3, 0) == UINT64_C(0x44BC2CF5AD770999));
	assert_true(checksum_of(text, strlen(text), 0) == UINT64_C(0xFBCEA83C8A378BF1));
}

static void
every_bit_and_the_seed_matter(void **state)
{
	(void)state;
	uint8_t data[77] = { 0 };
	uint64_t whole = checksum_of(data, sizeof data, 5);
	assert_true(checksum_of(data, sizeof data, 6) != whole);
	for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(checksum_of(data, sizeof data, 5) != whole);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_inputs_give_known_sums),
		cmocka_unit_test(every_bit_and_the_seed_matter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
