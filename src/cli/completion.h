/*
 * completion.h: scripts that complete StackSnap's command lines in a shell,
 * made from the table of commands.
 */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include <stdio.h>

void completion_bash(FILE *out);
void completion_zsh(FILE *out);
void completion_fish(FILE *out);

#endif
