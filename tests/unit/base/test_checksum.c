#include "testing.h"

#include "base/checksum.h"

/* From xxhsum -H3: a segment that another build has cached must be readable. */
static void
known_inputs_give_known_sums(void **state)
{
	(void)state;
	assert_true(checksum_of("", 0, 0) == UINT64_C(0x2D06800538D394C2));
	assert_true(checksum_of("abc", 3, 0) == UINT64_C(0x78AF5F94892F3950));
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
