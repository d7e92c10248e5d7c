/*
 * key_ring.h: the key slots of a repository: who can open it.
 *
 * Any number of slots wrap the same master key, each in another way: under a
 * passphrase, or under a key file.  Adding and removing slots encrypts
 * nothing again.  A slot is trusted only when it was opened: what key_list
 * tells is what the slot says of itself.
 *
 * At every moment at least one slot opens the repository: the one that opened
 * this run is never removed here, and a new one is proved before an old one
 * goes (docs/decisions/0014).
 *
 * Threads: one at a time for one repository.
 */
#ifndef REPO_KEY_RING_H
#define REPO_KEY_RING_H

#include "repo/repo.h"

enum key_kind {
	KEY_PASSPHRASE = 1,
	KEY_FILE = 2,
	KEY_SEALED = 3, /* for a later version (docs/format.md, "Sealed slots") */
};

#define KEY_LABEL_MAX 63
#define KEY_FILE_MIN 32 /* bytes */

struct key_slot {
	struct id id;
	unsigned kind; /* enum key_kind, or what a later version defines */
	bool is_in_use; /* it opened the repository */
	char label[KEY_LABEL_MAX + 1]; /* UTF-8, may be empty */
	int64_t created_ns;
};

/* Called for each slot, in order of ids.  fault is NULL, or tells why the slot can be of no use
 * to this version; then all but id and is_in_use may be unknown (0). */
typedef enum err_code key_slot_fn(
    void *arg, const struct key_slot *slot, const struct err *fault, struct err *err);
MUST_CHECK enum err_code key_list(struct repo *r, key_slot_fn *fn, void *arg, struct err *err);

/* The slot that opened the repository. */
void key_in_use(const struct repo *r, struct key_slot *out);

/* Add a slot for the same master key, read it back and open it with the new key. */
MUST_CHECK enum err_code key_add(struct repo *r, const struct repo_key *key,
    const struct repo_create_options *opt, struct id *id, struct err *err);

/* Remove a slot.  ERR_USAGE for the one in use, ERR_NOT_FOUND when there is none such;
 * ERR_CHANGED when the one in use has gone meanwhile: then nothing is removed. */
MUST_CHECK enum err_code key_remove(struct repo *r, const struct id *id, struct err *err);

/* key_add, and then remove the slot that was in use: the new one is in use from now on.  *id is
 * set once the new one works, also when removing the old one fails. */
MUST_CHECK enum err_code key_change(struct repo *r, const struct repo_key *key,
    const struct repo_create_options *opt, struct id *id, struct err *err);

/* The slot whose id begins so (at least 4 hexadecimal digits).  ERR_NOT_FOUND; ERR_USAGE when
 * it is ambiguous. */
MUST_CHECK enum err_code key_resolve(
    struct repo *r, const char *prefix, struct id *id, struct err *err);

#endif
