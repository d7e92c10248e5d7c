/*
 * help: the table of commands, or one of them.
 */
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/parse.h"

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	(void)code;
	if (c->args.operands.len == 0) {
		help_general(stdout);
		return ERR_OK;
	}
	const char *name = c->args.operands.items[0];
	const struct command *cmd = command_find(name);
	if (cmd == NULL)
		return parse_unknown_command(name, err);
	help_command(stdout, cmd);
	return ERR_OK;
}

static const struct example examples[] = {
	{ "stacksnap help backup", "everything about backups" },
};

const struct command command_help = {
	.name = "help",
	.summary = "tell how a command is used",
	.operands = "[COMMAND]",
	.about = "Without a COMMAND, lists all of them.  The same text comes with --help.",
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.max_operands = 1,
	.word = WORD_COMMAND,
	.run = run,
};
