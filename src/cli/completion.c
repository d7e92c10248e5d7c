/*
 * The scripts hold the tables as plain text, and ask the program itself only
 * for what changes: the names of stacks ("stacksnap completion stacks").  They
 * never open a repository, which could mean a question for a passphrase at
 * each press of the tab key.
 */
#include "cli/completion.h"

#include "cli/command.h"

#include <string.h>

/* --- bash --- */

static void
bash_words_of(FILE *out, const struct option_def *defs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fprintf(out, " --%s", defs[i].name);
		if (defs[i].letter != 0)
			fprintf(out, " -%c", defs[i].letter);
	}
}

static void
bash_action(FILE *out, enum word_kind word, const char *choices)
{
	switch (word) {
	case WORD_FILE:
		fputs("_stacksnap_files -f", out);
		break;
	case WORD_FOLDER:
		fputs("_stacksnap_files -d", out);
		break;
	case WORD_STACK:
		fputs("_stacksnap_words \"$(stacksnap completion stacks 2>/dev/null)\"", out);
		break;
	case WORD_SNAPSHOT:
		fputs("_stacksnap_words latest", out);
		break;
	case WORD_COMMAND:
		fputs("_stacksnap_words \"$commands\"", out);
		break;
	case WORD_CHOICE:
		fprintf(out, "_stacksnap_words \"%s\"", choices);
		break;
	case WORD_ANY:
		fputs("COMPREPLY=()", out);
		break;
	}
}

/* "	COMMAND:--option) action;;": the value of an option. */
static void
bash_values_of(FILE *out, const char *command, const struct option_def *defs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (defs[i].kind == OPTION_SWITCH)
			continue;
		fprintf(out, "\t%s:--%s", command, defs[i].name);
		if (defs[i].letter != 0)
			fprintf(out, " | %s:-%c", command, defs[i].letter);
		fputs(") ", out);
		bash_action(out, defs[i].word, defs[i].choices);
		fputs("; return ;;\n", out);
	}
}

void
completion_bash(FILE *out)
{
	fputs(
	    "# bash completion of stacksnap\n"
	    "\n"
	    "_stacksnap_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
	    "_stacksnap_files() {\n"
	    "\tcompopt -o filenames 2>/dev/null\n"
	    "\tmapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n"
	    "}\n"
	    "\n"
	    "_stacksnap() {\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	    "\tlocal command='' i commands='",
	    out);
	for (size_t i = 0; i < n_commands; i++)
		if (!commands[i]->is_hidden)
			fprintf(out, "%s%s", i > 0 ? " " : "", commands[i]->name);
	fputs("'\n\tlocal options='", out);
	bash_words_of(out, global_options, n_global_options);
	fputs("'\n"
	      "\tCOMPREPLY=()\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase \" $commands \" in *\" ${COMP_WORDS[i]} \"*)\n"
	      "\t\t\tcommand=${COMP_WORDS[i]}\n"
	      "\t\t\tbreak\n"
	      "\t\t\t;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tcase $command:$prev in\n",
	    out);
	bash_values_of(out, "*", global_options, n_global_options);
	for (size_t i = 0; i < n_commands; i++)
		bash_values_of(
		    out, commands[i]->name, commands[i]->options, commands[i]->n_options);
	fputs("\tesac\n\tcase $command in\n", out);
	for (size_t i = 0; i < n_commands; i++) {
		if (commands[i]->is_hidden || commands[i]->n_options == 0)
			continue;
		fprintf(out, "\t%s) options=\"$options", commands[i]->name);
		bash_words_of(out, commands[i]->options, commands[i]->n_options);
		fputs("\" ;;\n", out);
	}
	fputs("\tesac\n"
	      "\tcase $command:$cur in\n"
	      "\t*:-*) _stacksnap_words \"$options\" ;;\n"
	      "\t:*) _stacksnap_words \"$commands\" ;;\n",
	    out);
	for (size_t i = 0; i < n_commands; i++) {
		if (commands[i]->is_hidden || commands[i]->word == WORD_ANY)
			continue;
		fprintf(out, "\t%s:*) ", commands[i]->name);
		bash_action(out, commands[i]->word, commands[i]->choices);
		fputs(" ;;\n", out);
	}
	fputs("\tesac\n"
	      "}\n"
	      "\n"
	      "complete -F _stacksnap stacksnap\n",
	    out);
}

/* --- zsh --- */

/* Text inside a zsh argument specification in single quotes. */
static void
zsh_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *text) != NULL)
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void
zsh_action(FILE *out, enum word_kind word, const char *choices)
{
	switch (word) {
	case WORD_FILE:
		fputs("_files", out);
		break;
	case WORD_FOLDER:
		fputs("_files -/", out);
		break;
	case WORD_STACK:
		fputs("_stacksnap_stacks", out);
		break;
	case WORD_SNAPSHOT:
		fputs("(latest)", out);
		break;
	case WORD_COMMAND:
		fputs("_stacksnap_commands", out);
		break;
	case WORD_CHOICE:
		fprintf(out, "(%s)", choices);
		break;
	case WORD_ANY:
		break;
	}
}

static void
zsh_option(FILE *out, const struct option_def *o)
{
	const char *many = o->kind == OPTION_LIST ? "*" : "";
	fputs("\t\t", out);
	if (o->letter != 0)
		fprintf(out, "{-%c,--%s}'", o->letter, o->name);
	else
		fprintf(out, "'%s--%s", many, o->name);
	fputc('[', out);
	zsh_text(out, o->help);
	fputc(']', out);
	if (o->kind != OPTION_SWITCH) {
		fprintf(out, ":%s:", o->value);
		zsh_action(out, o->word, o->choices);
	}
	fputs("'\n", out);
}

static void
zsh_command(FILE *out, const struct command *cmd)
{
	fprintf(out, "\t%s)\n\t\tspec+=(\n", cmd->name);
	for (size_t i = 0; i < cmd->n_options; i++)
		zsh_option(out, &cmd->options[i]);
	if (cmd->max_operands > 0 && cmd->word != WORD_ANY) {
		fprintf(out, "\t\t'%s:%s:", cmd->max_operands > 2 ? "*" : "1",
		    cmd->word == WORD_STACK     ? "stack"
		    : cmd->word == WORD_COMMAND ? "command"
		    : cmd->word == WORD_CHOICE  ? "what"
		    : cmd->word == WORD_FOLDER  ? "folder"
						: "snapshot");
		zsh_action(out, cmd->word, cmd->choices);
		fputs("'\n", out);
	}
	fputs("\t\t)\n\t\t;;\n", out);
}

void
completion_zsh(FILE *out)
{
	fputs("#compdef stacksnap\n"
	      "\n"
	      "_stacksnap_commands() {\n"
	      "\tlocal -a list=(\n",
	    out);
	for (size_t i = 0; i < n_commands; i++) {
		if (commands[i]->is_hidden)
			continue;
		fprintf(out, "\t\t'%s:", commands[i]->name);
		zsh_text(out, commands[i]->summary);
		fputs("'\n", out);
	}
	fputs("\t)\n"
	      "\t_describe command list\n"
	      "}\n"
	      "\n"
	      "_stacksnap_stacks() {\n"
	      "\tlocal -a list=(${(f)\"$(stacksnap completion stacks 2>/dev/null)\"})\n"
	      "\t_describe stack list\n"
	      "}\n"
	      "\n"
	      "_stacksnap() {\n"
	      "\tlocal curcontext=$curcontext state line\n"
	      "\tlocal -a spec=(\n",
	    out);
	for (size_t i = 0; i < n_global_options; i++)
		zsh_option(out, &global_options[i]);
	fputs("\t)\n"
	      "\t_arguments -C $spec '1:command:_stacksnap_commands' '*::argument:->rest'\n"
	      "\t[[ $state == rest ]] || return\n"
	      "\tcase $words[1] in\n",
	    out);
	for (size_t i = 0; i < n_commands; i++)
		if (!commands[i]->is_hidden)
			zsh_command(out, commands[i]);
	fputs("\tesac\n"
	      "\t_arguments $spec\n"
	      "}\n"
	      "\n"
	      "_stacksnap \"$@\"\n",
	    out);
}

/* --- fish --- */

static void
fish_text(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('\'', out);
}

/* What completes a value or operand; only -F lets fish offer files. */
static void
fish_action(FILE *out, enum word_kind word, const char *choices)
{
	switch (word) {
	case WORD_FILE:
		fputs(" -F", out);
		break;
	case WORD_FOLDER:
		fputs(" -a '(__fish_complete_directories)'", out);
		break;
	case WORD_STACK:
		fputs(" -a '(stacksnap completion stacks 2>/dev/null)'", out);
		break;
	case WORD_SNAPSHOT:
		fputs(" -a latest", out);
		break;
	case WORD_COMMAND:
		fputs(" -a \"$__stacksnap_commands\"", out);
		break;
	case WORD_CHOICE:
		fprintf(out, " -a '%s'", choices);
		break;
	case WORD_ANY:
		break;
	}
}

static void
fish_option(FILE *out, const char *command, const struct option_def *o)
{
	fputs("complete -c stacksnap", out);
	if (command != NULL)
		fprintf(out, " -n '__fish_seen_subcommand_from %s'", command);
	fprintf(out, " -l %s", o->name);
	if (o->letter != 0)
		fprintf(out, " -s %c", o->letter);
	fputs(" -d ", out);
	fish_text(out, o->help);
	if (o->kind != OPTION_SWITCH) {
		fputs(o->word == WORD_FILE ? " -r" : " -x", out);
		fish_action(out, o->word, o->choices);
	}
	fputc('\n', out);
}

void
completion_fish(FILE *out)
{
	fputs("# fish completion of stacksnap\n"
	      "\n"
	      "complete -c stacksnap -f\n"
	      "set -g __stacksnap_commands",
	    out);
	for (size_t i = 0; i < n_commands; i++)
		if (!commands[i]->is_hidden)
			fprintf(out, " %s", commands[i]->name);
	fputc('\n', out);
	for (size_t i = 0; i < n_global_options; i++)
		fish_option(out, NULL, &global_options[i]);
	for (size_t i = 0; i < n_commands; i++) {
		const struct command *cmd = commands[i];
		if (cmd->is_hidden)
			continue;
		fprintf(out,
		    "\ncomplete -c stacksnap -n 'not __fish_seen_subcommand_from "
		    "$__stacksnap_commands' -a %s -d ",
		    cmd->name);
		fish_text(out, cmd->summary);
		fputc('\n', out);
		for (size_t k = 0; k < cmd->n_options; k++)
			fish_option(out, cmd->name, &cmd->options[k]);
		if (cmd->word != WORD_ANY) {
			fprintf(out,
			    "complete -c stacksnap -n '__fish_seen_subcommand_from %s'",
			    cmd->name);
			fish_action(out, cmd->word, cmd->choices);
			fputc('\n', out);
		}
	}
}
