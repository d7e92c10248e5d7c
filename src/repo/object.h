/*
 * object.h: small sealed objects: indexes, snapshots, marks and proofs.
 *
 * Each is one block, sealed under a key of its own, stored under the SHA-256
 * of its bytes.  Format: docs/format.md, "Sealed object".  For repo/ only.
 */
#ifndef REPO_OBJECT_H
#define REPO_OBJECT_H

#include "repo/keys.h"

enum object_type { OBJECT_INDEX = 1, OBJECT_SNAPSHOT = 2, OBJECT_MARK = 3, OBJECT_PROOF = 4 };

#define OBJECT_KEY_SIZE 80

/* "index/3f02…" */
void object_key(char out[OBJECT_KEY_SIZE], enum object_type type, const struct id *id);
/* The folder of a type, "index/". */
const char *object_folder(enum object_type type);
/* Read an id from a listed key; false when it is none. */
bool object_id_of_key(struct id *id, const char *key, const char *folder);

MUST_CHECK enum err_code object_save(struct store *s, const struct secret *subkeys,
    enum object_type type, const void *payload, size_t len, struct id *id, struct err *err);
/* Append the payload to out.  The stored bytes are checked against the id. */
MUST_CHECK enum err_code object_load(struct store *s, const struct secret *subkeys,
    enum object_type type, const struct id *id, struct buf *out, struct err *err);

/* Fill in the header that packs and objects share. */
MUST_CHECK enum err_code header_make(
    uint8_t out[HEADER_SIZE], const char magic[8], uint8_t type, struct err *err);
/* Check magic, version and key scheme; *type is what the header says. */
MUST_CHECK enum err_code header_parse(const uint8_t *data, size_t len, const char magic[8],
    uint8_t *type, const uint8_t **salt, struct err *err);

#endif
