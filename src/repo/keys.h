/*
 * keys.h: the master key, what is derived from it, and the slots that wrap it.
 *
 * For repo/ only.  Formats: docs/format.md, "Keys" and "Key slot".
 */
#ifndef REPO_KEYS_H
#define REPO_KEYS_H

#include "crypto/aead.h"
#include "repo/format.h"
#include "repo/key_ring.h"

struct subkeys {
	uint8_t config[32]; /* authenticates the config */
	uint8_t chunk[32]; /* chunk ids */
	uint8_t chunker[32]; /* the chunker's table */
	uint8_t data[32]; /* root of pack and object keys */
};

/* *out holds a struct subkeys. */
MUST_CHECK enum err_code subkeys_derive(struct secret **out, const struct secret *master,
    const uint8_t repo_id[REPO_ID_SIZE], struct err *err);

/* The key of one pack or sealed object. */
MUST_CHECK enum err_code keys_of_salt(const struct secret *subkeys,
    const uint8_t salt[SALT_SIZE], const char *info, uint8_t out[AEAD_KEY_SIZE],
    struct err *err);

/* What a slot says of itself, which nothing has proved yet; id and is_in_use are not its to
 * say. ERR_UNSUPPORTED for a later format; a kind that is not known is no error. */
MUST_CHECK enum err_code slot_describe(struct key_slot *out, const uint8_t *slot, size_t len,
    const uint8_t repo_id[REPO_ID_SIZE], struct err *err);

/* Encode a slot that wraps master. */
MUST_CHECK enum err_code slot_seal(uint8_t out[SLOT_SIZE], const struct repo_key *key,
    const struct repo_create_options *opt, const uint8_t repo_id[REPO_ID_SIZE],
    const struct secret *master, struct err *err);

/* Try a slot.  ERR_WRONG_KEY when the key does not open it or it is of the other kind;
 * ERR_UNSUPPORTED when it is of a kind that is not known. */
MUST_CHECK enum err_code slot_open(struct secret **master, const uint8_t *slot, size_t len,
    const uint8_t repo_id[REPO_ID_SIZE], const struct repo_key *key, struct err *err);

/* The id of the repository that a slot is for; slot has SLOT_SIZE bytes. */
const uint8_t *slot_repo_id(const uint8_t *slot);

/* Append the bytes of a slot in keys/.  ERR_CORRUPT when they do not fit its name. */
MUST_CHECK enum err_code slot_load(
    struct store *s, const struct id *id, struct buf *out, struct err *err);
/* Put a slot into keys/, under the name of its bytes.  Fine when it is there already. */
MUST_CHECK enum err_code slot_save(
    struct store *s, const uint8_t *slot, size_t len, struct id *id, struct err *err);

/* A slot that opened, and what was in it. */
struct open_slot {
	struct secret *master;
	struct id id;
	uint8_t bytes[SLOT_SIZE];
};

/* Try the slots of keys/ until one opens.  out->master is the caller's. */
MUST_CHECK enum err_code slot_find(struct open_slot *out, struct store *s,
    const uint8_t repo_id[REPO_ID_SIZE], const struct repo_key *key, struct err *err);

#endif
