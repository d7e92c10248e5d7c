/*
 * passphrase.h: where the passphrase, or the key file, comes from.
 *
 * The first of these that is given: the file of --password-file, the file that
 * STACKSNAP_PASSWORD_FILE names, what the command in STACKSNAP_PASSWORD_COMMAND
 * writes (it is split by words.h, no shell), and else the terminal is asked.
 * One newline (LF or CR LF) at the end is not part of the passphrase.
 */
#ifndef CLI_PASSPHRASE_H
#define CLI_PASSPHRASE_H

#include "crypto/secret.h"
#include "engine/event.h"
#include "sys/cancel.h"

#include <stdbool.h>

struct passphrase_source {
	const char *file; /* NULL: not given, and so on */
	const char *command;
	bool is_new; /* asked twice, since typing errors would cost everything; a short one
			gives a warning */
	const char *of; /* whose it is, for the question; NULL: "the repository" */
	const char *ways; /* how else it may be given; NULL: as the repository's own */
	struct event_sink *events; /* is warned of files that others may read */
	const struct cancel *cancel;
};

/* ERR_USAGE, with the ways to give one, when there is none and no terminal. */
MUST_CHECK enum err_code passphrase_get(
    struct secret **out, const struct passphrase_source *source, struct err *err);

/* A password that is not the repository's: what a file or an open descriptor holds, without one
 * newline at its end.  It may be empty. */
MUST_CHECK enum err_code password_from_file(struct secret **out, const char *path,
    struct event_sink *events, const struct cancel *c, struct err *err);
MUST_CHECK enum err_code password_from_fd(
    struct secret **out, int fd, const struct cancel *c, struct err *err);

/* The bytes of a key file, all of them. */
MUST_CHECK enum err_code key_file_get(struct secret **out, const char *path,
    struct event_sink *events, const struct cancel *c, struct err *err);

#endif
