/*
 * repo_place.h: where the repository is, and what opens it, kept in STATE/secrets.
 *
 *	secrets/repository-3/address       "s3:https://…"
 *	                     passphrase    for --password-file
 *	                     s3.ini        for --s3-credentials; absent: as the host is
 *configured
 *
 * A folder is written whole under another name first, all files 0600; which one counts is told
 *by the catalogue (without it: the one of the highest number), so that a change is there whole
 *or not at all.
 *
 * Ownership: a place is the caller's.  Threads: any.
 */
#ifndef SERVE_REPO_PLACE_H
#define SERVE_REPO_PLACE_H

#include "base/json.h"
#include "crypto/secret.h"

struct repo_place {
	char *folder; /* all three are paths, of the folder and in it */
	char *password_file;
	char *s3_credentials; /* NULL */
	char *address;
};

void repo_place_release(struct repo_place *p);
static inline void UNUSED
repo_place_auto(struct repo_place *p)
{
	repo_place_release(p);
}

/* name: "repository-3". */
MUST_CHECK enum err_code repo_place_load(
    struct repo_place *out, const char *state_dir, const char *name, struct err *err);

/* A new one: its name is the caller's.  s3_keys: {"access_key", "secret_key",
 * "session_token"?}, or NULL. */
MUST_CHECK enum err_code repo_place_save(char **name, const char *state_dir,
    const char *address, const char *passphrase, const json_t *s3_keys, struct err *err);

/* S3 keys in a file that --s3-credentials reads. */
MUST_CHECK enum err_code repo_place_write_keys(
    const char *path, const json_t *s3_keys, struct err *err);

/* The name of the latest; NULL when there is none. */
MUST_CHECK enum err_code repo_place_latest(char **name, const char *state_dir, struct err *err);
/* Remove all others, and what was not finished. */
MUST_CHECK enum err_code repo_place_keep_only(
    const char *state_dir, const char *name, struct err *err);

#endif
