/*
 * The table of commands must be true: its examples parse, its help fits, its
 * options are told apart, and the scripts made from it know all of it.
 */
#include "testing.h"

#include "cli/completion.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "cli/words.h"

static char *
text_of(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	assert_non_null(f);
	print(f);
	fclose(f);
	return text;
}

/* Up to what a shell would take: a pipe or a redirection. */
static void
words_before_the_shells(struct strv *out, const char *line)
{
	struct err err = ERR_INIT;
	AUTO(strv) struct strv all = STRV_INIT;
	ok(words_split(&all, line, &err));
	for (size_t i = 0; i < all.len && strchr("|>;", all.items[i][0]) == NULL; i++)
		ok(strv_add(out, all.items[i], &err));
}

static void
every_example_is_a_command_line_that_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_commands; i++)
		for (size_t k = 0; k < commands[i]->n_examples; k++) {
			const char *line = strstr(commands[i]->examples[k].line, "stacksnap ");
			struct err err = ERR_INIT;
			AUTO(strv) struct strv argv = STRV_INIT;
			struct args args = ARGS_INIT;
			const struct command *cmd;
			assert_non_null(line);
			if (commands[i]->is_hidden)
				continue; /* its line is for a shell */
			words_before_the_shells(&argv, line);
			if (parse_args(&cmd, &args, (int)argv.len, argv.items, &err))
				fail_msg("%s: %s", line, err.msg);
			assert_ptr_equal(cmd, commands[i]);
			args_release(&args);
		}
}

static void
options_of_a_command_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_commands; i++) {
		const struct option_def *all[64];
		size_t n = 0;
		for (size_t k = 0; k < n_global_options; k++)
			all[n++] = &global_options[k];
		for (size_t k = 0; k < commands[i]->n_options; k++)
			all[n++] = &commands[i]->options[k];
		for (size_t a = 0; a < n; a++)
			for (size_t b = 0; b < a; b++) {
				assert_string_not_equal(all[a]->name, all[b]->name);
				assert_true(
				    all[a]->letter == 0 || all[a]->letter != all[b]->letter);
			}
	}
}

static void
help_fits_into_88_columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_commands; i++) {
		char *text = NULL;
		size_t n = 0;
		FILE *f = open_memstream(&text, &n);
		assert_non_null(f);
		help_command(f, commands[i]);
		fclose(f);
		for (char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
			if (strcspn(line, "\n") > 88)
				fail_msg("%s: %.*s", commands[i]->name,
				    (int)strcspn(line, "\n"), line);
		free(text);
	}
}

static void
general_help_lists_each_command_but_hidden_ones(void **state)
{
	(void)state;
	char *text = text_of(help_general);
	for (size_t i = 0; i < n_commands; i++) {
		char line[128];
		snprintf(line, sizeof line, "  %-12s  %s\n", commands[i]->name,
		    commands[i]->summary);
		assert_int_equal(strstr(text, line) != NULL, !commands[i]->is_hidden);
	}
	free(text);
}

static void
expect_all_in(const char *text, const char *long_form)
{
	for (size_t i = 0; i < n_commands; i++) {
		if (commands[i]->is_hidden)
			continue;
		assert_non_null(strstr(text, commands[i]->name));
		for (size_t k = 0; k < commands[i]->n_options; k++) {
			char option[64];
			snprintf(option, sizeof option, "%s%s", long_form,
			    commands[i]->options[k].name);
			if (strstr(text, option) == NULL)
				fail_msg("no %s", option);
		}
	}
}

static void
completion_scripts_know_all_commands_and_options(void **state)
{
	(void)state;
	char *bash = text_of(completion_bash);
	char *zsh = text_of(completion_zsh);
	char *fish = text_of(completion_fish);
	expect_all_in(bash, "--");
	expect_all_in(zsh, "--");
	expect_all_in(fish, "-l ");
	free(bash);
	free(zsh);
	free(fish);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_example_is_a_command_line_that_is_understood),
		cmocka_unit_test(options_of_a_command_are_told_apart),
		cmocka_unit_test(help_fits_into_88_columns),
		cmocka_unit_test(general_help_lists_each_command_but_hidden_ones),
		cmocka_unit_test(completion_scripts_know_all_commands_and_options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
