/*
 * terminal.h: asking the user, on the terminal itself and not on the standard
 * streams, which may be redirected.
 *
 * Errors: ERR_NOT_FOUND when there is no terminal; ERR_CANCELLED when the user
 *         pressed Ctrl-C (the terminal is then as it was).
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "crypto/secret.h"
#include "sys/cancel.h"

/* One line, not shown while it is typed; without its newline. */
MUST_CHECK enum err_code terminal_ask_secret(
    struct secret **out, const char *question, const struct cancel *c, struct err *err);

#define TERMINAL_ANSWER_MAX 64

/* One line; what is longer is cut. */
MUST_CHECK enum err_code terminal_ask(char out[TERMINAL_ANSWER_MAX], const char *question,
    const struct cancel *c, struct err *err);

/* Say something where the questions are asked. */
MUST_CHECK enum err_code terminal_say(const char *text, struct err *err);

#endif
