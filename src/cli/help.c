#include "cli/help.h"

#include <string.h>

#define COLUMN 28 /* where what an option does begins */

static void
print_option(FILE *out, const struct option_def *o)
{
	char left[64];
	char letter[8] = "    ";
	if (o->letter != 0)
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	int n = snprintf(left, sizeof left, "  %s--%s%s%s", letter, o->name,
	    o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
	fputs(left, out);
	if (n >= COLUMN - 1)
		fprintf(out, "\n%*s", COLUMN, "");
	else
		fprintf(out, "%*s", COLUMN - n, "");
	fprintf(out, "%s\n", o->help);
}

static void
print_options(FILE *out, const char *title, const struct option_def *defs, size_t n)
{
	if (n == 0)
		return;
	fprintf(out, "\n%s:\n", title);
	for (size_t i = 0; i < n; i++)
		print_option(out, &defs[i]);
}

void
help_general(FILE *out)
{
	fputs("StackSnap backs up Docker Compose stacks: databases, volumes and files at one\n"
	      "instant, encrypted, and proved by reading them back.\n"
	      "\n"
	      "usage: stacksnap [OPTION]... COMMAND [OPTION]... [...]\n"
	      "\n"
	      "commands:\n",
	    out);
	for (size_t i = 0; i < n_commands; i++)
		if (!commands[i]->is_hidden)
			fprintf(out, "  %-12s  %s\n", commands[i]->name, commands[i]->summary);
	print_options(out, "options of every command", global_options, n_global_options);
	fputs("\n"
	      "examples:\n"
	      "  stacksnap -r /backup init         make a repository in /backup\n"
	      "  stacksnap stacks                  what is there, and what would be captured\n"
	      "  stacksnap -r /backup backup shop  one restore point of the stack \"shop\"\n"
	      "  stacksnap -r /backup show latest  its certificate\n"
	      "\n"
	      "'stacksnap help COMMAND' tells more of each command, 'man stacksnap' "
	      "everything.\n",
	    out);
}

/* -r and the ways to open a repository are of no use to commands that need none. */
static bool
applies(const struct command *cmd, const struct option_def *o)
{
	static const char *const for_repository[] = { "repository", "password-file", "key-file",
		"cache-dir", "s3-credentials", "cacert" };
	for (size_t i = 0; i < ARRAY_LEN(for_repository); i++)
		if (strcmp(o->name, for_repository[i]) == 0)
			return cmd->needs_repository;
	/* Said once, in the general help. */
	if (strcmp(o->name, "version") == 0)
		return false;
	return strcmp(o->name, "json") != 0 || cmd->has_json;
}

void
help_command(FILE *out, const struct command *cmd)
{
	fprintf(out, "stacksnap %s: %s\n\nusage: stacksnap %s%s%s%s\n\n%s\n", cmd->name,
	    cmd->summary, cmd->name, cmd->n_options > 0 ? " [OPTION]..." : "",
	    *cmd->operands != '\0' ? " " : "", cmd->operands, cmd->about);
	print_options(out, "options", cmd->options, cmd->n_options);
	fputs("\noptions of every command:\n", out);
	for (size_t i = 0; i < n_global_options; i++)
		if (applies(cmd, &global_options[i]))
			print_option(out, &global_options[i]);
	if (cmd->n_examples > 0)
		fputs("\nexamples:\n", out);
	for (size_t i = 0; i < cmd->n_examples; i++)
		fprintf(out, "  %s\n      %s\n", cmd->examples[i].line, cmd->examples[i].what);
}
