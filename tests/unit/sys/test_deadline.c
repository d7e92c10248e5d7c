#include "testing.h"

#include "sys/clock.h"
#include "sys/deadline.h"

#include <poll.h>
#include <stdatomic.h>

/* A clock that the test moves. */
static _Atomic int64_t fake_now;

static int64_t
fake_clock(void)
{
	return fake_now;
}

static atomic_int calls;

static void
count_call(void *arg)
{
	assert_ptr_equal(arg, &calls);
	atomic_fetch_add(&calls, 1);
}

static bool
is_raised_within(const struct cancel *c, int ms)
{
	struct pollfd p = { cancel_fd(c), POLLIN, 0 };
	return poll(&p, 1, ms) > 0 && cancel_is_raised(c);
}

static struct deadline *
open_deadline(const struct cancel *parent)
{
	struct err err;
	struct deadline *d = NULL;
	struct deadline_options opt = {
		.parent = parent,
		.expired = count_call,
		.arg = &calls,
		.now_ns = fake_clock,
	};
	fake_now = 1;
	calls = 0;
	ok(deadline_open(&d, &opt, &err));
	return d;
}

static void
it_expires_when_its_time_is_over(void **state)
{
	(void)state;
	struct deadline *d = open_deadline(NULL);
	deadline_set(d, 10 * NS_PER_S);
	assert_false(is_raised_within(deadline_cancel(d), 0));
	assert_false(deadline_has_expired(d));
	fake_now = 11 * NS_PER_S;
	deadline_set(d, 0); /* makes it look at the clock */
	assert_true(is_raised_within(deadline_cancel(d), 10000));
	assert_true(deadline_has_expired(d));
	deadline_close(d);
	assert_int_equal(calls, 1);
}

static void
what_is_taken_back_does_not_expire(void **state)
{
	(void)state;
	struct deadline *d = open_deadline(NULL);
	deadline_set(d, NS_PER_S);
	deadline_set(d, -1);
	fake_now = 100 * NS_PER_S;
	deadline_set(d, -1);
	assert_false(is_raised_within(deadline_cancel(d), 20));
	assert_false(deadline_has_expired(d));
	deadline_close(d);
	assert_int_equal(calls, 0);
}

static void
the_parents_cancel_is_handed_on_and_is_no_expiry(void **state)
{
	(void)state;
	struct err err;
	struct cancel parent;
	ok(cancel_init(&parent, &err));
	struct deadline *d = open_deadline(&parent);
	deadline_set(d, NS_PER_S);
	assert_false(is_raised_within(deadline_cancel(d), 0));
	cancel_raise(&parent);
	assert_true(is_raised_within(deadline_cancel(d), 10000));
	assert_false(deadline_has_expired(d));
	assert_int_equal(calls, 0);
	/* Time goes on after that. */
	fake_now = 2 * NS_PER_S + 1;
	deadline_set(d, 0);
	while (!deadline_has_expired(d))
		poll(NULL, 0, 1);
	deadline_close(d);
	assert_int_equal(calls, 1);
	cancel_release(&parent);
}

static void
a_parent_that_was_raised_before_is_seen_at_once(void **state)
{
	(void)state;
	struct err err;
	struct cancel parent;
	ok(cancel_init(&parent, &err));
	cancel_raise(&parent);
	struct deadline *d = open_deadline(&parent);
	assert_true(cancel_is_raised(deadline_cancel(d)));
	deadline_close(d);
	cancel_release(&parent);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_expires_when_its_time_is_over),
		cmocka_unit_test(what_is_taken_back_does_not_expire),
		cmocka_unit_test(the_parents_cancel_is_handed_on_and_is_no_expiry),
		cmocka_unit_test(a_parent_that_was_raised_before_is_seen_at_once),
	};
	return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
