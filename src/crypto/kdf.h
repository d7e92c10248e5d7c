/*
 * kdf.h: keys from other keys (HKDF-SHA-256, RFC 5869) and from passphrases
 * (Argon2id version 1.3, RFC 9106, parallelism 1, by libsodium).
 */
#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include "base/err.h"

#define KDF_SALT_SIZE 16

/* Extract and expand; out_len up to 8160. */
MUST_CHECK enum err_code hkdf_derive(const void *key, size_t key_len, const void *salt,
    size_t salt_len, const char *info, void *out, size_t out_len, struct err *err);

/* ERR_USAGE when the limits are outside 8 MiB to 4 GiB and 1 to 64 passes: a hostile key slot
 * must not be able to eat the machine. */
MUST_CHECK enum err_code argon2id_derive(const void *pass, size_t pass_len,
    const uint8_t salt[KDF_SALT_SIZE], uint32_t memory_kib, uint32_t passes, void *out,
    size_t out_len, struct err *err);

#endif
