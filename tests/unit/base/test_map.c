#include "testing.h"

#include "base/bytes.h"
#include "base/map.h"

static uint64_t seed;

static uint32_t
next_random(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % below;
}

/* A plain array that is searched from one end to the other, to hold the map against. */
struct oracle {
	uint8_t keys[700][40];
	uint32_t values[700];
	size_t len;
};

static size_t
oracle_find(const struct oracle *o, const uint8_t *key, size_t key_size)
{
	size_t i = 0;
	while (i < o->len && memcmp(o->keys[i], key, key_size) != 0)
		i++;
	return i;
}

/* Keys that are alike: few different ones, many of which differ in one place only. */
static void
make_key(uint8_t *key, size_t key_size, uint32_t n)
{
	memset(key, 0, key_size);
	put_u32(key + (n % 2 == 0 ? 0 : key_size - 4), n / 2);
}

static void
hold_against_oracle(size_t key_size)
{
	struct err err;
	struct map m;
	struct oracle *o = calloc(1, sizeof *o);
	assert_non_null(o);
	map_init(&m, key_size, sizeof(uint32_t));
	for (int round = 0; round < 6000; round++) {
		uint8_t key[40];
		make_key(key, key_size, next_random(700));
		size_t at = oracle_find(o, key, key_size);
		bool known = at < o->len;
		if (next_random(2) == 0) {
			const uint8_t *value = map_get(&m, key);
			assert_true((value != NULL) == known);
			if (known)
				assert_int_equal(get_u32(value), o->values[at]);
			continue;
		}
		void *value;
		bool is_new;
		ok(map_put(&m, key, &value, &is_new, &err));
		assert_true(is_new == !known);
		assert_int_equal(get_u32(value), known ? o->values[at] : 0);
		uint32_t v = next_random(UINT32_MAX);
		put_u32(value, v);
		if (!known) {
			memcpy(o->keys[at], key, key_size);
			o->len++;
		}
		o->values[at] = v;
		assert_int_equal(m.len, o->len);
	}
	/* A walk meets each key once. */
	size_t pos = 0;
	size_t met = 0;
	const void *key;
	void *value;
	while (map_next(&m, &pos, &key, &value)) {
		size_t at = oracle_find(o, key, key_size);
		assert_true(at < o->len);
		assert_int_equal(get_u32(value), o->values[at]);
		memset(o->keys[at], 0xff, key_size);
		met++;
	}
	assert_int_equal(met, o->len);
	map_release(&m);
	free(o);
}

static void
a_map_agrees_with_a_plain_array(void **state)
{
	(void)state;
	for (seed = 1; seed < 4; seed += 2) {
		hold_against_oracle(8);
		hold_against_oracle(16);
		hold_against_oracle(20);
		hold_against_oracle(32);
	}
}

static void
an_empty_map_holds_nothing(void **state)
{
	(void)state;
	struct map m;
	map_init(&m, 8, 0);
	size_t pos = 0;
	const void *key;
	void *value;
	assert_null(map_get(&m, "12345678"));
	assert_false(map_next(&m, &pos, &key, &value));
	map_clear(&m);
	map_release(&m);
}

static void
a_set_without_values_tells_members(void **state)
{
	(void)state;
	struct err err;
	struct map m;
	void *value;
	bool is_new;
	map_init(&m, 8, 0);
	ok(map_put(&m, "12345678", &value, &is_new, &err));
	assert_true(is_new);
	ok(map_put(&m, "12345678", &value, &is_new, &err));
	assert_false(is_new);
	assert_non_null(map_get(&m, "12345678"));
	assert_null(map_get(&m, "12345679"));
	map_clear(&m);
	assert_null(map_get(&m, "12345678"));
	assert_int_equal(m.len, 0);
	map_release(&m);
}

static void
a_value_that_is_new_is_zero_also_where_another_was(void **state)
{
	(void)state;
	struct err err;
	struct map m;
	void *value;
	bool is_new;
	map_init(&m, 8, sizeof(uint32_t));
	ok(map_put(&m, "12345678", &value, &is_new, &err));
	put_u32(value, 77);
	map_clear(&m);
	ok(map_put(&m, "12345678", &value, &is_new, &err));
	assert_true(is_new);
	assert_int_equal(get_u32(value), 0);
	map_release(&m);
}

/* Keys that crowd: many share a home, so that removal has gaps to close. */
static void
what_is_removed_is_gone_and_the_rest_stays(void **state)
{
	(void)state;
	struct err err;
	struct map m;
	bool is_there[4096] = { false };
	uint64_t x = 7;
	map_init(&m, 8, sizeof(uint32_t));
	for (int step = 0; step < 40000; step++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		uint32_t n = (uint32_t)(x >> 52);
		uint8_t key[8];
		put_u64(key, n);
		if (x >> 40 & 1) {
			void *value;
			bool is_new;
			ok(map_put(&m, key, &value, &is_new, &err));
			assert_int_equal(is_new, !is_there[n]);
			put_u32(value, n);
			is_there[n] = true;
		} else {
			map_remove(&m, key);
			is_there[n] = false;
		}
	}
	size_t count = 0;
	for (uint32_t n = 0; n < ARRAY_LEN(is_there); n++) {
		uint8_t key[8];
		put_u64(key, n);
		const void *value = map_get(&m, key);
		assert_int_equal(value != NULL, is_there[n]);
		if (value != NULL)
			assert_int_equal(get_u32(value), n);
		count += is_there[n];
	}
	assert_int_equal(m.len, count);
	map_release(&m);
}

static void
reserved_room_is_not_left(void **state)
{
	(void)state;
	struct err err;
	struct map m;
	map_init(&m, 8, 8);
	ok(map_reserve(&m, 1000, &err));
	size_t cap = m.cap;
	assert_true(cap - cap / 4 >= 1000);
	for (uint64_t i = 0; i < 1000; i++) {
		void *value;
		bool is_new;
		ok(map_put(&m, &i, &value, &is_new, &err));
		assert_true(is_new);
	}
	assert_int_equal(m.cap, cap);
	ok(map_reserve(&m, 10, &err));
	assert_int_equal(m.cap, cap);
	for (uint64_t i = 0; i < 1000; i++)
		assert_non_null(map_get(&m, &i));
	map_release(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_room_is_not_left),
		cmocka_unit_test(a_map_agrees_with_a_plain_array),
		cmocka_unit_test(an_empty_map_holds_nothing),
		cmocka_unit_test(a_set_without_values_tells_members),
		cmocka_unit_test(what_is_removed_is_gone_and_the_rest_stays),
		cmocka_unit_test(a_value_that_is_new_is_zero_also_where_another_was),
	};
	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
