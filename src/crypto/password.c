#include "crypto/password.h"

#include <sodium.h>
#include <string.h>

_Static_assert(PASSWORD_TEXT_SIZE >= crypto_pwhash_STRBYTES, "room for the text");

enum err_code
password_hash(char out[PASSWORD_TEXT_SIZE], const char *password, size_t len, struct err *err)
{
	memset(out, 0, PASSWORD_TEXT_SIZE);
	if (sodium_init() < 0)
		return err_set(err, ERR_IO, "the cryptography library cannot be started");
	if (crypto_pwhash_str(out, password, len, crypto_pwhash_OPSLIMIT_INTERACTIVE,
		crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
		return err_nomem(err);
	return ERR_OK;
}

bool
password_is(const char *text, const char *password, size_t len)
{
	char copy[crypto_pwhash_STRBYTES] = "";
	if (sodium_init() < 0 || strlen(text) >= sizeof copy)
		return false;
	memcpy(copy, text, strlen(text));
	return crypto_pwhash_str_verify(copy, password, len) == 0;
}
