#include "testing.h"

#include "engine/plan_rules.h"
#include "tree/ignore.h"

static void
rules_of_a_container_are_those_of_what_is_mounted_there(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		const char *target;
		const char *want;
	} cases[] = {
		{ "/data/cache", "/data", "/cache" },
		{ "!/data/cache/", "/data", "!/cache/" },
		{ "/data/cache", "/data/", "/cache" },
		{ "/data", "/data", "/*" },
		{ "/data/", "/data", "/*" },
		{ "/database", "/data", "/database" },
		{ "/cache", "/data", "/cache" },
		{ "*.tmp", "/data", "*.tmp" },
		{ "/x", "/", "/x" },
		{ "/x", "", "/x" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		char *got = NULL;
		ok(rule_in_mount(&got, cases[i].rule, cases[i].target, &err));
		assert_string_equal(got, cases[i].want);
		free(got);
	}
}

static void
rules_of_a_folder_are_tied_to_it_in_what_holds_it(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		const char *folder;
		const char *want;
	} cases[] = {
		{ "*.tmp", "data/up", "/data/up/**/*.tmp" },
		{ "cache/", "data", "/data/**/cache/" },
		{ "/cache", "data", "/data/cache" },
		{ "a/b", "data", "/data/a/b" },
		{ "!keep", "data", "!/data/**/keep" },
		{ "x", "da[t]a*?\\", "/da\\[t\\]a\\*\\?\\\\/**/x" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		char *got = NULL;
		ok(rule_in_folder(&got, cases[i].rule, cases[i].folder, &err));
		assert_string_equal(got, cases[i].want);
		free(got);
	}
}

/* The same paths match, below the folder and nowhere else. */
static void
a_tied_rule_matches_what_it_did(void **state)
{
	(void)state;
	static const char *const rules[] = { "*.tmp", "/cache", "a/b", "x/", "**/deep" };
	static const char *const paths[] = { "one.tmp", "in/one.tmp", "cache", "in/cache",
		"a/b", "in/a/b", "x", "in/x", "deep", "in/in/deep", "other" };
	for (size_t r = 0; r < ARRAY_LEN(rules); r++) {
		struct err err = ERR_INIT;
		AUTO(ignore) struct ignore *plain = NULL;
		AUTO(ignore) struct ignore *tied = NULL;
		AUTO(str) char *rule = NULL;
		ok(rule_in_folder(&rule, rules[r], "some[1]/dir", &err));
		ok(ignore_new(&plain, NULL, &err));
		ok(ignore_new(&tied, NULL, &err));
		ok(ignore_add(plain, rules[r], strlen(rules[r]), &err));
		ok(ignore_add(tied, rule, strlen(rule), &err));
		for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
			AUTO(str) char *below = NULL;
			ok(str_printf(&below, &err, "some[1]/dir/%s", paths[i]));
			for (int is_dir = 0; is_dir < 2; is_dir++) {
				bool want =
				    ignore_has(plain, paths[i], strlen(paths[i]), is_dir == 1);
				assert_int_equal(
				    ignore_has(tied, below, strlen(below), is_dir == 1), want);
				assert_false(
				    ignore_has(tied, paths[i], strlen(paths[i]), is_dir == 1));
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_a_container_are_those_of_what_is_mounted_there),
		cmocka_unit_test(rules_of_a_folder_are_tied_to_it_in_what_holds_it),
		cmocka_unit_test(a_tied_rule_matches_what_it_did),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
