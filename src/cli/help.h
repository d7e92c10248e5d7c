/*
 * help.h: the table of commands as text that teaches.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/command.h"

void help_general(FILE *out);
void help_command(FILE *out, const struct command *cmd);

#endif
