/*
 * recovery.h: a key slot kept outside the repository, and the way back from it.
 *
 * A recovery key is a slot as it lies in keys/, printed (recovery_lines.h).
 * It opens with the passphrase or key file that the slot was made for; one
 * with a code is a slot made for that code alone, which never was in keys/.
 *
 * Threads: one at a time.
 */
#ifndef REPO_RECOVERY_H
#define REPO_RECOVERY_H

#include "repo/key_ring.h"

#define RECOVERY_SLOT_SIZE 192
#define RECOVERY_CODE_LEN 32 /* characters of 5 bits: 160 bits of chance */

struct recovery_key {
	uint8_t slot[RECOVERY_SLOT_SIZE];
	bool has_code; /* the slot was made for a code */
	char code[RECOVERY_CODE_LEN + 1]; /* empty when it was not given with the slot */
};

void recovery_key_wipe(struct recovery_key *k);
static inline void UNUSED
recovery_key_auto(struct recovery_key *k)
{
	recovery_key_wipe(k);
}

/* The slot that opened the repository. */
void recovery_key_in_use(const struct repo *r, struct recovery_key *out);
/* A slot for a new code.  Nothing in the repository changes. */
MUST_CHECK enum err_code recovery_key_with_code(
    struct repo *r, struct recovery_key *out, struct err *err);

/* What the slot says of itself.  ERR_USAGE, naming both, when it belongs to another repository
 * than the one in s. */
MUST_CHECK enum err_code recovery_describe(
    const struct recovery_key *k, struct store *s, struct key_slot *out, struct err *err);

/* What a recovery key has proved: that it opens the repository in a store. */
struct recovery;

/* Open the slot, by key or, when that is NULL, by its code, and check the repository's config
 * with what was in it.  ERR_WRONG_KEY when it does not open. */
MUST_CHECK enum err_code recovery_open(struct recovery **out, struct store *s,
    const struct recovery_key *k, const struct repo_key *key, struct err *err);
void recovery_close(struct recovery *r);
AUTO_FREE(recovery, struct recovery *, recovery_close)

/* Is the slot in keys/, and sound? */
MUST_CHECK enum err_code recovery_is_there(struct recovery *r, bool *out, struct err *err);
/* Put the slot back into keys/. */
MUST_CHECK enum err_code recovery_put_back(struct recovery *r, struct id *id, struct err *err);
/* Add a slot for another key, and open it to prove it. */
MUST_CHECK enum err_code recovery_add_key(struct recovery *r, const struct repo_key *key,
    const struct repo_create_options *opt, struct id *id, struct err *err);

#endif
