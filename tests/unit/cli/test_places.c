#include "testing.h"

#include "base/strv.h"
#include "cli/places.h"

static void
clear_env(void)
{
	unsetenv("HOME");
	unsetenv("XDG_CACHE_HOME");
	unsetenv("XDG_STATE_HOME");
	unsetenv("STACKSNAP_STATE_DIR");
}

static void
expect_cache(const char *given, bool is_root, const char *want)
{
	struct err err = ERR_INIT;
	AUTO(str) char *got = NULL;
	ok(place_of_cache(&got, given, is_root, &err));
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static void
expect_state(bool is_root, const char *want)
{
	struct err err = ERR_INIT;
	AUTO(str) char *got = NULL;
	ok(place_of_state(&got, is_root, &err));
	assert_string_equal(got, want);
}

static void
cache_is_where_it_was_given_else_xdg_else_home(void **state)
{
	(void)state;
	clear_env();
	setenv("HOME", "/home/ann", 1);
	expect_cache(NULL, false, "/home/ann/.cache/stacksnap");
	setenv("XDG_CACHE_HOME", "/cache", 1);
	expect_cache(NULL, false, "/cache/stacksnap");
	expect_cache("mine", false, "mine");
}

static void
cache_without_home_is_roots_own_or_none(void **state)
{
	(void)state;
	clear_env();
	expect_cache(NULL, true, "/var/cache/stacksnap");
	expect_cache(NULL, false, NULL);
}

/* A relative one would be another folder in each working directory. */
static void
relative_and_empty_variables_do_not_count(void **state)
{
	(void)state;
	clear_env();
	setenv("XDG_CACHE_HOME", "cache", 1);
	setenv("HOME", "", 1);
	expect_cache(NULL, true, "/var/cache/stacksnap");
}

static void
state_is_where_it_was_given_else_fixed_for_root_else_xdg_else_home(void **state)
{
	(void)state;
	clear_env();
	setenv("HOME", "/home/ann", 1);
	expect_state(false, "/home/ann/.local/state/stacksnap");
	setenv("XDG_STATE_HOME", "/state", 1);
	expect_state(false, "/state/stacksnap");
	/* The next run must find the journals, also when sudo keeps the user's variables. */
	expect_state(true, "/var/lib/stacksnap");
	setenv("STACKSNAP_STATE_DIR", "/own", 1);
	expect_state(true, "/own");
}

static void
no_place_for_journals_is_told(void **state)
{
	(void)state;
	clear_env();
	struct err err = ERR_INIT;
	char *got = NULL;
	refused(place_of_state(&got, false, &err), ERR_USAGE,
	    "no place to keep journals: set HOME, or STACKSNAP_STATE_DIR to a folder");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cache_is_where_it_was_given_else_xdg_else_home),
		cmocka_unit_test(cache_without_home_is_roots_own_or_none),
		cmocka_unit_test(relative_and_empty_variables_do_not_count),
		cmocka_unit_test(
		    state_is_where_it_was_given_else_fixed_for_root_else_xdg_else_home),
		cmocka_unit_test(no_place_for_journals_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
