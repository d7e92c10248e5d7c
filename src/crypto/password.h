/*
 * password.h: passwords of people, kept so that they can be checked and not read.
 *
 * Argon2id by libsodium (crypto_pwhash_str, RFC 9106): the text holds salt and
 * costs, so that costs may rise later.
 *
 * Threads: any; a check takes 64 MiB and a tenth of a second, so callers bound how many run at
 *          once.
 */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define PASSWORD_TEXT_SIZE 128

MUST_CHECK enum err_code password_hash(
    char out[PASSWORD_TEXT_SIZE], const char *password, size_t len, struct err *err);
/* False for a wrong one, and for a text that is none. */
bool password_is(const char *text, const char *password, size_t len);

#endif
