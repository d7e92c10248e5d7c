/*
 * secret.h: bytes that must not leak: passphrases and keys.
 *
 * Kept in memory that is locked where the limits allow it, guarded, left out
 * of core dumps and wiped when freed (libsodium's sodium_malloc).
 *
 * Threads: read by many, written by none after secret_new.
 */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include "base/buf.h"

struct secret {
	size_t len;
	uint8_t *data;
};

/* len zero bytes to be filled in. */
MUST_CHECK enum err_code secret_new(struct secret **out, size_t len, struct err *err);
/* A copy of data, which stays the caller's to wipe. */
MUST_CHECK enum err_code secret_copy(
    struct secret **out, const void *data, size_t len, struct err *err);
MUST_CHECK enum err_code secret_random(struct secret **out, size_t len, struct err *err);
void secret_free(struct secret *s);
AUTO_FREE(secret, struct secret *, secret_free)
/* For text that holds a secret: wipe what the buffer holds now, and release it. */
void secret_buf_release(struct buf *b);
static inline void UNUSED
secret_buf_auto(struct buf *b)
{
	secret_buf_release(b);
}
/* Overwrite memory so that the compiler cannot leave it out. */
void secret_wipe(void *p, size_t len);

#endif
