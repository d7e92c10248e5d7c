/*
 * program.h: from a command line to a command with all it needs, and back to
 * an exit code.  The only place that decides where events and errors go.
 */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include "cli/command.h"

/* What main() does; call it once.  instead (may be NULL) is run in place of the command of its
 * name: what another program than stacksnap does for that command. */
int program_run(int argc, char **argv, const struct command *instead);

#endif
