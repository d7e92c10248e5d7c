/*
 * config.h: the repository's first object: version, id, algorithms, chunk sizes.
 *
 * For repo/ only.  Format: docs/format.md, "Config".
 */
#ifndef REPO_CONFIG_H
#define REPO_CONFIG_H

#include "codec/chunker.h"
#include "repo/keys.h"

struct config {
	uint8_t repo_id[REPO_ID_SIZE];
	uint64_t created_ns;
	struct chunk_sizes data;
	struct chunk_sizes rows;
	struct chunk_sizes tree;
};

/* What a new repository gets. */
MUST_CHECK enum err_code config_make(struct config *c, struct err *err);
MUST_CHECK enum err_code config_encode(const struct config *c, const struct secret *subkeys,
    uint8_t out[CONFIG_SIZE], struct err *err);
/* Parse without authentication: the id is needed to find the keys that authenticate it. */
MUST_CHECK enum err_code config_parse(
    struct config *c, const uint8_t *data, size_t len, struct err *err);
/* Read and parse it; its bytes are appended to raw.  ERR_NO_REPOSITORY when there is none. */
MUST_CHECK enum err_code config_load(
    struct config *c, struct store *s, struct buf *raw, struct err *err);
/* ERR_CORRUPT unless the config was written by a holder of the master key. */
MUST_CHECK enum err_code config_authenticate(
    const uint8_t data[CONFIG_SIZE], const struct secret *subkeys, struct err *err);

#endif
