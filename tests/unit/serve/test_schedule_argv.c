#include "testing.h"

#include "base/strv.h"
#include "serve/scheduler.h"

static void
makes(const char *kind, const char *stack, const char *options, const char *want)
{
	struct err err;
	AUTO(str) char *got = NULL;
	ok(schedule_argv(kind, stack, options, &got, &err));
	assert_string_equal(got, want);
}

static void
refuses(const char *kind, const char *stack, const char *options, const char *why)
{
	struct err err;
	char *got = NULL;
	refused_like(schedule_argv(kind, stack, options, &got, &err), ERR_USAGE, why);
}

static void
each_kind_has_its_command_line(void **state)
{
	(void)state;
	makes("backup", "shop", "{}", "[\"backup\",\"shop\"]");
	makes("verify", "", "{}", "[\"verify\"]");
	makes("verify", "shop", "{\"read_data\":true}", "[\"verify\",\"--read-data\"]");
	makes("drill", "shop", "{\"pull\":true}", "[\"drill\",\"--pull\",\"shop\"]");
	makes("drill", "shop", "{\"pull\":false}", "[\"drill\",\"shop\"]");
	makes("retention", "shop",
	    "{\"policy\":{\"keep_last\":2,\"keep_daily\":7,\"keep_weekly\":0,"
	    "\"keep_within\":\"30d\",\"keep_tags\":[\"release\",\"a,b\"]}}",
	    "[\"forget\",\"--proved\",\"--prune\",\"--stack\",\"shop\",\"--keep-last\",\"2\","
	    "\"--keep-daily\",\"7\",\"--keep-within\",\"30d\",\"--keep-tag\",\"release\","
	    "\"--keep-tag\",\"a,b\"]");
	makes("retention", "", "{\"policy\":{\"keep_yearly\":3}}",
	    "[\"forget\",\"--proved\",\"--prune\",\"--keep-yearly\",\"3\"]");
}

static void
what_could_not_be_run_is_refused(void **state)
{
	(void)state;
	refuses("prune", "", "{}", "kind: ");
	refuses("backup", "", "{}", "stack: a backup is of one");
	refuses("drill", "", "{}", "stack: a drill is of one");
	refuses("backup", "--all", "{}", "stack: '--all' is no name");
	refuses("backup", "../shop", "{}", "stack: '../shop' is no name");
	refuses("backup", "shop", "{\"pull\":true}", "options: a backup takes no pull");
	refuses("verify", "", "{\"policy\":{}}", "options: a verify takes no policy");
	refuses("retention", "", "{}", "options: a retention wants a policy");
	refuses(
	    "retention", "", "{\"policy\":{\"keep_last\":0}}", "options: a retention wants");
	refuses("retention", "", "{\"policy\":{\"keep_last\":\"1\"}}", "options: --keep-last");
	refuses(
	    "retention", "", "{\"policy\":{\"keep_last\":1000000}}", "options: --keep-last");
	refuses(
	    "retention", "", "{\"policy\":{\"keep_within\":\"-x\"}}", "options: keep_within");
	refuses("retention", "", "{\"policy\":{\"keep_tags\":[\"-x\"]}}", "options: keep_tags");
	refuses("retention", "", "{\"policy\":{\"keep_tags\":\"x\"}}", "options: keep_tags");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_command_line),
		cmocka_unit_test(what_could_not_be_run_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
