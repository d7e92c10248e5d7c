/*
 * words.h: a command line in one string, split into arguments without a shell.
 *
 * Blanks separate.  'single quotes' keep everything as it is; in "double
 * quotes" and outside of quotes a backslash takes the next character as it is.
 * There are no variables, no wildcards, no ';', no pipes.
 */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "base/strv.h"

/* ERR_USAGE when a quote is not closed, when a backslash is the last character, or when there
 * is no word. */
MUST_CHECK enum err_code words_split(struct strv *out, const char *text, struct err *err);

#endif
