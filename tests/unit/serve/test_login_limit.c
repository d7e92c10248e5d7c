#include "testing.h"

#include "serve/login_limit.h"

#define S INT64_C(1000000000)
#define HOUR (3600 * S)
#define START (1000 * HOUR)

static int
open_limit(void **state)
{
	struct err err;
	return login_limit_new((struct login_limit **)state, &err) == ERR_OK ? 0 : -1;
}

static int
close_limit(void **state)
{
	login_limit_free(*state);
	return 0;
}

static void
after_three_tries_each_wait_is_twice_as_long(void **state)
{
	static const unsigned waits[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600 };
	int64_t now = START;
	for (int i = 0; i < 3; i++)
		assert_int_equal(login_limit_try(*state, "10.0.0.1", now), 0);
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		assert_int_equal(login_limit_try(*state, "10.0.0.1", now), waits[i]);
		now += waits[i] * S - 1;
		assert_int_equal(login_limit_try(*state, "10.0.0.1", now), 1);
		now += 1;
		assert_int_equal(login_limit_try(*state, "10.0.0.1", now), 0);
	}
	/* Others do not wait for that. */
	assert_int_equal(login_limit_try(*state, "10.0.0.2", now), 0);
}

static void
what_was_right_or_is_long_ago_is_forgiven(void **state)
{
	int64_t now = START;
	for (int i = 0; i < 3; i++)
		assert_int_equal(login_limit_try(*state, "10.0.0.1", now), 0);
	login_limit_passed(*state, "10.0.0.1", now);
	for (int i = 0; i < 3; i++)
		assert_int_equal(login_limit_try(*state, "10.0.0.1", now), 0);
	assert_int_equal(login_limit_try(*state, "10.0.0.1", now), 1);
	now += HOUR + 1;
	for (int i = 0; i < 3; i++)
		assert_int_equal(login_limit_try(*state, "10.0.0.1", now), 0);
}

/* Who has many addresses gains little, and who is known does not wait for them. */
static void
all_together_have_a_limit_that_friends_do_not_share(void **state)
{
	char address[32];
	int64_t now = START;
	assert_int_equal(login_limit_try(*state, "192.168.0.9", now), 0);
	login_limit_passed(*state, "192.168.0.9", now);
	for (unsigned i = 0; i < 30; i++) {
		snprintf(address, sizeof address, "10.0.1.%u", i);
		assert_int_equal(login_limit_try(*state, address, now), 0);
	}
	assert_int_equal(login_limit_try(*state, "10.0.2.1", now), 2);
	assert_int_equal(login_limit_try(*state, "192.168.0.9", now), 0);
	assert_int_equal(login_limit_try(*state, "10.0.2.1", now + 2 * S), 0);
	assert_int_equal(login_limit_try(*state, "10.0.2.2", now + 2 * S), 2);
}

static void
neighbours_of_ipv6_count_as_one(void **state)
{
	int64_t now = START;
	for (unsigned i = 0; i < 3; i++) {
		char address[32];
		snprintf(address, sizeof address, "2001:db8:1:2::%u", i);
		assert_int_equal(login_limit_try(*state, address, now), 0);
	}
	assert_int_equal(login_limit_try(*state, "2001:db8:1:2:ffff::1", now), 1);
	assert_int_equal(login_limit_try(*state, "2001:db8:1:3::1", now), 0);
}

/* More addresses than are remembered: the oldest are forgotten, and nothing grows. */
static void
many_addresses_are_bounded(void **state)
{
	int64_t now = START;
	for (unsigned i = 0; i < 5000; i++) {
		char address[32];
		snprintf(address, sizeof address, "10.1.%u.%u", i / 256, i % 256);
		now += 2 * S;
		assert_int_equal(login_limit_try(*state, address, now), 0);
	}
}

/* Nor is a friend, by strangers who have many. */
static void
friends_are_not_forgotten_for_strangers(void **state)
{
	char address[32];
	int64_t now = START;
	assert_int_equal(login_limit_try(*state, "192.168.0.9", now), 0);
	login_limit_passed(*state, "192.168.0.9", now);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(address, sizeof address, "10.1.%u.%u", i / 256, i % 256);
		now += 2 * S;
		assert_int_equal(login_limit_try(*state, address, now), 0);
	}
	for (unsigned i = 0; i < 100; i++) {
		snprintf(address, sizeof address, "10.2.0.%u", i);
		if (login_limit_try(*state, address, now) != 0)
			break;
	}
	assert_int_equal(login_limit_try(*state, "10.2.1.1", now), 2);
	assert_int_equal(login_limit_try(*state, "192.168.0.9", now), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, open_limit, close_limit)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(after_three_tries_each_wait_is_twice_as_long),
		CASE(what_was_right_or_is_long_ago_is_forgiven),
		CASE(all_together_have_a_limit_that_friends_do_not_share),
		CASE(neighbours_of_ipv6_count_as_one),
		CASE(many_addresses_are_bounded),
		CASE(friends_are_not_forgotten_for_strangers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
