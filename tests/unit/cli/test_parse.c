#include "testing.h"

#include "cli/parse.h"
#include "cli/words.h"

struct line {
	struct strv argv;
	const struct command *command;
	struct args args;
	struct err err;
};

/* Parse "stacksnap TEXT". */
static enum err_code
parse(struct line *l, const char *text)
{
	struct err err = ERR_INIT;
	*l = (struct line){ .argv = STRV_INIT, .args = ARGS_INIT, .err = ERR_INIT };
	ok(strv_add(&l->argv, "stacksnap", &err));
	if (*text != '\0')
		ok(words_split(&l->argv, text, &err));
	return parse_args(&l->command, &l->args, (int)l->argv.len, l->argv.items, &l->err);
}

static void
release(struct line *l)
{
	args_release(&l->args);
	strv_release(&l->argv);
}

static void
expect_ok(struct line *l, const char *text, const char *command)
{
	if (parse(l, text) != ERR_OK)
		fail_msg("%s: %s", text, l->err.msg);
	assert_non_null(l->command);
	assert_string_equal(l->command->name, command);
}

static void
expect_refused(const char *text, const char *message)
{
	struct line l;
	enum err_code rc = parse(&l, text);
	assert_string_equal(l.err.msg, message);
	assert_int_equal(rc, ERR_USAGE);
	release(&l);
}

static void
global_options_stand_before_or_behind_the_command(void **state)
{
	(void)state;
	struct line l;
	expect_ok(&l, "-r /b --json snapshots -q", "snapshots");
	assert_string_equal(l.args.repository, "/b");
	assert_true(l.args.json);
	assert_true(l.args.quiet);
	release(&l);
	expect_ok(&l, "snapshots --repository=/b", "snapshots");
	assert_string_equal(l.args.repository, "/b");
	assert_false(l.args.json);
	release(&l);
}

static void
options_and_operands_may_be_mixed(void **state)
{
	(void)state;
	struct line l;
	expect_ok(&l, "backup shop --tag a wiki --tag=b --quiesce stop", "backup");
	assert_int_equal(l.args.operands.len, 2);
	assert_string_equal(l.args.operands.items[0], "shop");
	assert_string_equal(l.args.operands.items[1], "wiki");
	assert_int_equal(l.args.tags.len, 2);
	assert_string_equal(l.args.tags.items[1], "b");
	assert_string_equal(l.args.quiesce, "stop");
	release(&l);
}

static void
letters_may_be_joined(void **state)
{
	(void)state;
	struct line l;
	expect_ok(&l, "ls -lR latest", "ls");
	assert_true(l.args.is_long);
	assert_true(l.args.recursive);
	assert_int_equal(l.args.operands.len, 1);
	release(&l);
}

static void
double_dash_ends_the_options(void **state)
{
	(void)state;
	struct line l;
	expect_ok(&l, "cat latest -- --json", "cat");
	assert_int_equal(l.args.operands.len, 2);
	assert_string_equal(l.args.operands.items[1], "--json");
	assert_false(l.args.json);
	release(&l);
}

static void
no_command_is_none(void **state)
{
	(void)state;
	struct line l;
	assert_int_equal(parse(&l, ""), ERR_OK);
	assert_null(l.command);
	release(&l);
}

static void
help_does_not_count_operands(void **state)
{
	(void)state;
	struct line l;
	expect_ok(&l, "restore --help", "restore");
	assert_true(l.args.help);
	release(&l);
}

static void
unknown_things_name_the_nearest(void **state)
{
	(void)state;
	expect_refused("bakcup shop", "unknown command: bakcup (did you mean backup?)");
	expect_refused("frobnicate", "unknown command: frobnicate");
	expect_refused("--jsno ls", "unknown option: --jsno (did you mean --json?)");
	expect_refused("ls --recursiv=x", "ls: --recursive takes no value");
	expect_refused(
	    "ls --recurse", "ls: unknown option: --recurse (did you mean --recursive?)");
	expect_refused("ls -x", "ls: unknown option: -x");
	expect_refused("ls --frobnicate", "ls: unknown option: --frobnicate");
}

static void
values_are_needed_and_checked(void **state)
{
	(void)state;
	expect_refused("-r", "--repository needs a value: PLACE");
	expect_refused("backup --tag", "backup: --tag needs a value: TAG");
	expect_refused("backup --quiesce freeze",
	    "backup: --quiesce takes one of: none pause stop down (not 'freeze')");
	expect_refused("-r '' snapshots", "--repository was given an empty value");
	expect_refused("backup ''", "backup: an empty name was given");
}

static void
operands_are_counted(void **state)
{
	(void)state;
	expect_refused("diff one", "diff: something is missing: stacksnap diff SNAPSHOT "
				   "SNAPSHOT|live [PATH]");
	expect_refused("version everything", "version: one thing too many: 'everything'");
	expect_refused("ls a b c", "ls: one thing too many: 'c'");
}

static void
json_is_refused_where_it_means_nothing(void **state)
{
	(void)state;
	expect_refused("--json cat latest a", "cat: --json means nothing here");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(global_options_stand_before_or_behind_the_command),
		cmocka_unit_test(options_and_operands_may_be_mixed),
		cmocka_unit_test(letters_may_be_joined),
		cmocka_unit_test(double_dash_ends_the_options),
		cmocka_unit_test(no_command_is_none),
		cmocka_unit_test(help_does_not_count_operands),
		cmocka_unit_test(unknown_things_name_the_nearest),
		cmocka_unit_test(values_are_needed_and_checked),
		cmocka_unit_test(operands_are_counted),
		cmocka_unit_test(json_is_refused_where_it_means_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
