/*
 * getopt_long is called twice: up to the command with the global options, and
 * behind it with those of the command as well.
 */
#include "cli/parse.h"

#include "base/suggest.h"

#include <getopt.h>
#include <string.h>

#define MAX_OPTIONS 48
#define FIRST_KEY 256 /* what getopt_long gives for the option of index 0 */

/* The options that hold now, as getopt_long wants them. */
struct option_set {
	const struct option_def *defs[MAX_OPTIONS];
	size_t n;
	struct option longs[MAX_OPTIONS + 1];
	char letters[2 * MAX_OPTIONS + 3];
};

static void
add_options(struct option_set *set, const struct option_def *defs, size_t n)
{
	char *letter = set->letters + strlen(set->letters);
	for (size_t i = 0; i < n && set->n < MAX_OPTIONS; i++) {
		bool has_value = defs[i].kind != OPTION_SWITCH;
		set->longs[set->n] =
		    (struct option){ defs[i].name, has_value ? required_argument : no_argument,
			    NULL, FIRST_KEY + (int)set->n };
		set->defs[set->n++] = &defs[i];
		if (defs[i].letter != 0) {
			*letter++ = defs[i].letter;
			if (has_value)
				*letter++ = ':';
		}
	}
	*letter = '\0';
}

static const struct option_def *
option_of_key(const struct option_set *set, int key)
{
	if (key >= FIRST_KEY && (size_t)(key - FIRST_KEY) < set->n)
		return set->defs[key - FIRST_KEY];
	for (size_t i = 0; i < set->n; i++)
		if (set->defs[i]->letter == key)
			return set->defs[i];
	return NULL;
}

static bool
is_choice(const char *choices, const char *value)
{
	struct err scratch; /* out of memory: then the value is refused */
	AUTO(strv) struct strv words = STRV_INIT;
	return strv_split(&words, choices, ' ', &scratch) == ERR_OK && strv_has(&words, value);
}

static enum err_code
take_option(struct args *args, const struct option_def *def, const char *value, struct err *err)
{
	char *field = (char *)args + def->field;
	if (def->choices != NULL && !is_choice(def->choices, value))
		return err_set(err, ERR_USAGE, "--%s takes one of: %s (not '%s')", def->name,
		    def->choices, value);
	/* An empty name comes from an unset variable in a script: never guess what it meant. */
	if (def->kind != OPTION_SWITCH && *value == '\0')
		return err_set(err, ERR_USAGE, "--%s was given an empty value", def->name);
	switch (def->kind) {
	case OPTION_SWITCH:
		*(bool *)(void *)field = true;
		break;
	case OPTION_VALUE:
		*(const char **)(void *)field = value;
		break;
	case OPTION_LIST:
		return strv_add((struct strv *)(void *)field, value, err);
	}
	return ERR_OK;
}

static bool
is_of_a_command(const char *word)
{
	for (size_t i = 0; i < n_commands; i++)
		for (size_t k = 0; k < commands[i]->n_options; k++)
			if (strcmp(commands[i]->options[k].name, word) == 0)
				return true;
	return false;
}

/* getopt_long has met something that it does not know, or a value that is missing or too many.
 */
static enum err_code
refuse_option(const struct option_set *set, int key, char **argv, struct err *err)
{
	const struct option_def *def = option_of_key(set, optopt);
	const char *typed = argv[optind - 1];
	if (key == ':' && def != NULL)
		return err_set(err, ERR_USAGE, "--%s needs a value: %s", def->name, def->value);
	if (def != NULL && optopt >= FIRST_KEY)
		return err_set(err, ERR_USAGE, "--%s takes no value", def->name);
	if (optopt != 0)
		return err_set(err, ERR_USAGE, "unknown option: -%c", optopt);
	const char *names[MAX_OPTIONS];
	for (size_t i = 0; i < set->n; i++)
		names[i] = set->defs[i]->name;
	char word[64];
	snprintf(word, sizeof word, "%.*s", (int)strcspn(typed + 2, "="), typed + 2);
	if (set->letters[0] == '+' && is_of_a_command(word))
		return err_set(err, ERR_USAGE,
		    "--%s is an option of commands: it stands behind the command", word);
	const char *near = suggest(word, names, set->n);
	if (near != NULL)
		return err_set(
		    err, ERR_USAGE, "unknown option: --%s (did you mean --%s?)", word, near);
	return err_set(err, ERR_USAGE, "unknown option: --%s", word);
}

/* letters that begin with "+" stop at the first operand, with "-" give each as the key 1. */
static enum err_code
parse_options(struct option_set *set, struct args *args, int argc, char **argv, struct err *err)
{
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	for (;;) {
		int key = getopt_long(argc, argv, set->letters, set->longs, NULL);
		if (key == -1)
			return ERR_OK;
		if (key == '?' || key == ':')
			return refuse_option(set, key, argv, err);
		if (key == 1) {
			if (strv_add(&args->operands, optarg, err))
				return err->code;
			continue;
		}
		if (take_option(args, option_of_key(set, key), optarg, err))
			return err->code;
	}
}

enum err_code
parse_unknown_command(const char *typed, struct err *err)
{
	const char *names[64];
	size_t n = 0;
	for (size_t i = 0; i < n_commands && n < ARRAY_LEN(names); i++)
		if (!commands[i]->is_hidden)
			names[n++] = commands[i]->name;
	const char *near = suggest(typed, names, n);
	if (near != NULL)
		return err_set(
		    err, ERR_USAGE, "unknown command: %s (did you mean %s?)", typed, near);
	return err_set(err, ERR_USAGE, "unknown command: %s", typed);
}

static enum err_code
count_operands(const struct command *cmd, const struct args *args, struct err *err)
{
	if (args->operands.len < cmd->min_operands)
		return err_set(err, ERR_USAGE, "%s: something is missing: stacksnap %s %s",
		    cmd->name, cmd->name, cmd->operands);
	if (args->operands.len > cmd->max_operands)
		return err_set(err, ERR_USAGE, "%s: one thing too many: '%s'", cmd->name,
		    args->operands.items[cmd->max_operands]);
	for (size_t i = 0; i < args->operands.len; i++)
		if (*args->operands.items[i] == '\0')
			return err_set(
			    err, ERR_USAGE, "%s: an empty name was given", cmd->name);
	if (args->json && !cmd->has_json)
		return err_set(err, ERR_USAGE, "%s: --json means nothing here", cmd->name);
	return ERR_OK;
}

enum err_code
parse_args(
    const struct command **command, struct args *args, int argc, char **argv, struct err *err)
{
	struct option_set globals = { .n = 0, .letters = "+:" };
	add_options(&globals, global_options, n_global_options);
	*command = NULL;
	if (parse_options(&globals, args, argc, argv, err))
		return err->code;
	if (args->version)
		*command = &command_version;
	if (args->version || optind >= argc)
		return ERR_OK;

	const struct command *cmd = command_find(argv[optind]);
	if (cmd == NULL)
		return parse_unknown_command(argv[optind], err);
	*command = cmd;
	struct option_set all = { .n = 0, .letters = "-:" };
	add_options(&all, global_options, n_global_options);
	add_options(&all, cmd->options, cmd->n_options);
	int first = optind;
	if (parse_options(&all, args, argc - first, argv + first, err))
		return err_wrap(err, "%s", cmd->name);
	/* Behind "--" everything is an operand. */
	for (int i = first + optind; i < argc; i++)
		if (strv_add(&args->operands, argv[i], err))
			return err->code;
	if (args->version)
		*command = &command_version;
	return args->help || args->version ? ERR_OK : count_operands(cmd, args, err);
}
