/*
 * parse.h: the command line, by the table of commands.
 *
 * Global options may stand before or after the command; options and operands
 * may be mixed; "--" ends the options.
 *
 * Errors: ERR_USAGE with a line that names the nearest thing that there is.
 */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "cli/command.h"

/* *command is NULL when none was named; it is set also when what follows it is wrong.  When
 * --help was asked for, operands are not counted. args must be ARGS_INIT. */
MUST_CHECK enum err_code parse_args(
    const struct command **command, struct args *args, int argc, char **argv, struct err *err);

/* ERR_USAGE that names the command which may have been meant. */
enum err_code parse_unknown_command(const char *typed, struct err *err);

#endif
