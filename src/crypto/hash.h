/*
 * hash.h: SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104), by OpenSSL.
 *
 * Threads: an object belongs to one thread at a time; make one per thread and
 *          keep it, since making one costs more than hashing a small chunk.
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/err.h"

#include <stdbool.h>

#define HASH_SIZE 32

MUST_CHECK enum err_code sha256_of(
    const void *data, size_t len, uint8_t out[HASH_SIZE], struct err *err);

struct sha256;
MUST_CHECK enum err_code sha256_new(struct sha256 **out, struct err *err);
void sha256_free(struct sha256 *h);
AUTO_FREE(sha256, struct sha256 *, sha256_free)
MUST_CHECK enum err_code sha256_add(
    struct sha256 *h, const void *data, size_t len, struct err *err);
/* The hash of all that was added; the object starts anew. */
MUST_CHECK enum err_code sha256_finish(
    struct sha256 *h, uint8_t out[HASH_SIZE], struct err *err);

struct mac;
MUST_CHECK enum err_code mac_new(
    struct mac **out, const void *key, size_t key_len, struct err *err);
void mac_free(struct mac *m);
AUTO_FREE(mac, struct mac *, mac_free)
/* HMAC-SHA-256 of data under the key. */
MUST_CHECK enum err_code mac_of(
    struct mac *m, const void *data, size_t len, uint8_t out[HASH_SIZE], struct err *err);

/* Compare in constant time. */
bool hash_equal(const uint8_t a[HASH_SIZE], const uint8_t b[HASH_SIZE]);

#endif
