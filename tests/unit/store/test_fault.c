#include "testing.h"

#include "store/store.h"

static enum err_code
pass_over(void *arg, const struct store_entry *e, struct err *err)
{
	(void)arg;
	(void)e;
	(void)err;
	return ERR_OK;
}

/* The seven operations, each once, in this order; n counts those that failed. */
static unsigned
use_all(struct store *s, unsigned *first_failed)
{
	struct err err;
	uint64_t size;
	uint8_t byte;
	AUTO(bufv) struct buf out = BUF_INIT;
	bool failed[7] = {
		store_put(s, "index/ab", "x", 1, &err) != ERR_OK,
		store_get(s, "index/ab", 10, &out, &err) != ERR_OK,
		store_get_range(s, "index/ab", 0, &byte, 1, &err) != ERR_OK,
		store_size(s, "index/ab", &size, &err) != ERR_OK,
		store_list(s, "", NULL, pass_over, NULL, &err) != ERR_OK,
		store_settle(s, "index/", &err) != ERR_OK,
		store_delete(s, "index/ab", &err) != ERR_OK,
	};
	unsigned n = 0;
	*first_failed = 0;
	for (unsigned i = 0; i < ARRAY_LEN(failed); i++) {
		if (failed[i] && n++ == 0)
			*first_failed = i + 1;
	}
	return n;
}

static void
just_the_planned_operation_fails(void **state)
{
	(void)state;
	for (unsigned at = 2; at <= 7; at++) {
		struct err err;
		struct store *inner;
		AUTO(store) struct store *s = NULL;
		struct store_fault plan = { .fail_at = at };
		unsigned first;
		ok(store_open_mem(&inner, &err));
		ok(store_open_fault(&s, inner, &plan, &err));
		assert_int_equal(use_all(s, &first), 1);
		assert_int_equal(first, at);
		assert_int_equal(plan.count, 7);
	}
}

static void
a_sticky_fault_fails_all_that_comes_behind(void **state)
{
	(void)state;
	struct err err;
	struct store *inner;
	AUTO(store) struct store *s = NULL;
	struct store_fault plan = { .fail_at = 3, .sticky = true };
	unsigned first;
	ok(store_open_mem(&inner, &err));
	ok(store_open_fault(&s, inner, &plan, &err));
	assert_int_equal(use_all(s, &first), 5);
	assert_int_equal(first, 3);
	refused(store_put(s, "index/ac", "x", 1, &err), ERR_IO,
	    "memory: put index/ac: fault injected at operation 8");
}

static void
what_failed_was_not_done(void **state)
{
	(void)state;
	struct err err;
	struct store *inner;
	AUTO(store) struct store *s = NULL;
	struct store_fault plan = { .fail_at = 1 };
	uint64_t size;
	ok(store_open_mem(&inner, &err));
	ok(store_open_fault(&s, inner, &plan, &err));
	refused(store_put(s, "index/ab", "x", 1, &err), ERR_IO,
	    "memory: put index/ab: fault injected at operation 1");
	refused(store_size(s, "index/ab", &size, &err), ERR_NOT_FOUND,
	    "memory: look at index/ab: no such object");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(just_the_planned_operation_fails),
		cmocka_unit_test(a_sticky_fault_fails_all_that_comes_behind),
		cmocka_unit_test(what_failed_was_not_done),
	};
	return cmocka_run_group_tests_name("fault store", tests, NULL, NULL);
}
