/*
 * openssl.h: the algorithms, fetched once for the whole process.
 *
 * Fetching takes locks that many threads would fight over; see "Crypto" in
 * docs/design.md.  For crypto/ only, but for openssl_stay.
 */
#ifndef CRYPTO_OPENSSL_H
#define CRYPTO_OPENSSL_H

#include "base/err.h"

#include <openssl/evp.h>

struct openssl {
	EVP_CIPHER *aes256gcm;
	EVP_MD *sha256;
	EVP_MAC *hmac;
	EVP_KDF *hkdf;
};

/* OpenSSL stays until the process has ended, and is not torn down while it exits: threads that
 * nobody waits for (net/tls.h) may be using it then.  main's, before any other call of OpenSSL.
 */
void openssl_stay(void);

/* ERR_UNSUPPORTED when this OpenSSL lacks one of them.  Any thread. */
MUST_CHECK enum err_code openssl_get(const struct openssl **out, struct err *err);
/* The error of the OpenSSL call that just failed. */
enum err_code openssl_failed(struct err *err, const char *what);

#endif
