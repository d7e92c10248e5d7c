/*
 * new_key.h: what is to open a repository from now on: a new passphrase or a
 * new key file.
 */
#ifndef CLI_NEW_KEY_H
#define CLI_NEW_KEY_H

#include "cli/cli.h"
#include "repo/key_ring.h"

struct new_key {
	struct secret *passphrase; /* exactly one of the two */
	struct secret *key_file;
	char label[KEY_LABEL_MAX + 1];
};

#define NEW_KEY_INIT                               \
	{                                          \
		.passphrase = NULL, .label = { 0 } \
	}

void new_key_release(struct new_key *k);
static inline void UNUSED
new_key_auto(struct new_key *k)
{
	new_key_release(k);
}

/* user@host, cut where it is too long. */
void new_key_default_label(char out[KEY_LABEL_MAX + 1]);

/* From --new-key-file, --new-password-file, or the terminal, which is asked twice.  label is
 * used when --label is not given; NULL: user@host. */
MUST_CHECK enum err_code new_key_get(
    struct cli *c, const char *label, struct new_key *out, struct err *err);

struct repo_key new_key_as_key(const struct new_key *k);
struct repo_create_options new_key_options(const struct new_key *k);

#endif
