/*
 * completion: the scripts for shells, and what they ask.
 */
#include "cli/cli.h"
#include "cli/completion.h"
#include "docker/stack.h"

static enum err_code
print_stacks(struct cli *c, struct err *err)
{
	AUTO(docker) struct docker *d = NULL;
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	struct stack_summary *list;
	size_t n;
	opt.cancel = c->cancel;
	opt.timeout_ms = 2000; /* somebody waits at a prompt */
	if (docker_open(&d, &opt, err) || stacks_list(d, &list, &n, err))
		return err->code;
	for (size_t i = 0; i < n; i++)
		puts(list[i].name);
	stacks_free(list, n);
	return ERR_OK;
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	(void)code;
	const char *what = c->args.operands.items[0];
	if (strcmp(what, "stacks") == 0)
		return print_stacks(c, err);
	if (strcmp(what, "bash") == 0)
		completion_bash(stdout);
	else if (strcmp(what, "zsh") == 0)
		completion_zsh(stdout);
	else if (strcmp(what, "fish") == 0)
		completion_fish(stdout);
	else
		return err_set(err, ERR_USAGE, "completion: bash, zsh or fish, not '%s'", what);
	return ERR_OK;
}

static const struct example examples[] = {
	{ "source <(stacksnap completion bash)", "completion in the shell that runs" },
};

const struct command command_completion = {
	.name = "completion",
	.summary = "write a completion script for a shell",
	.operands = "bash|zsh|fish",
	.about =
	    "Writes a script that completes StackSnap's commands and options in that shell.",
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.min_operands = 1,
	.max_operands = 1,
	.is_hidden = true,
	.run = run,
};
