/*
 * aead.h: AES-256-GCM (NIST SP 800-38D), by OpenSSL.
 *
 * The caller sees to it that no nonce is used twice under one key.
 *
 * Threads: an aead belongs to one thread at a time; keep one per thread.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "base/err.h"

#define AEAD_KEY_SIZE 32
#define AEAD_NONCE_SIZE 12
#define AEAD_TAG_SIZE 16

struct aead;

MUST_CHECK enum err_code aead_new(struct aead **out, struct err *err);
void aead_free(struct aead *a);
AUTO_FREE(aead, struct aead *, aead_free)

/* Encrypt len bytes and put the tag behind them: out has room for len + AEAD_TAG_SIZE. */
MUST_CHECK enum err_code aead_seal(struct aead *a, const uint8_t key[AEAD_KEY_SIZE],
    const uint8_t nonce[AEAD_NONCE_SIZE], const void *aad, size_t aad_len, const void *in,
    size_t len, uint8_t *out, struct err *err);

/* Decrypt len bytes, tag included, into out, which has room for len - AEAD_TAG_SIZE.
 * ERR_CORRUPT when the tag does not fit: out then holds nothing to be used. */
MUST_CHECK enum err_code aead_open(struct aead *a, const uint8_t key[AEAD_KEY_SIZE],
    const uint8_t nonce[AEAD_NONCE_SIZE], const void *aad, size_t aad_len, const void *in,
    size_t len, uint8_t *out, struct err *err);

#endif
