/*
 * account_impl.h: what users, sessions and tokens share.
 */
#ifndef CATALOG_ACCOUNT_IMPL_H
#define CATALOG_ACCOUNT_IMPL_H

#include "catalog/account.h"
#include "catalog/catalog_impl.h"
#include "crypto/hash.h"

/* The last use of a session or token is written at most so often. */
#define ACCOUNT_TOUCH_NS (INT64_C(60) * 1000000000)

/* A session or token that was shown: its row, when it is found. */
struct finding {
	const uint8_t *hash;
	int64_t now_ns;
	struct caller who;
	int64_t used_ns;
	bool is_found;
};

/* Random bytes for their owner, and what the catalogue keeps of them. */
MUST_CHECK enum err_code account_secret(
    uint8_t out[ACCOUNT_SECRET], uint8_t hash[HASH_SIZE], struct err *err);

/* By an UPDATE of used_ns where the hash is that. */
MUST_CHECK enum err_code account_touch(
    struct catalog *c, const char *text, const struct finding *f, struct err *err);

#endif
