#include "crypto/openssl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <pthread.h>

static struct openssl algorithms;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
	algorithms.aes256gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	algorithms.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	algorithms.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	algorithms.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
}

void
openssl_stay(void)
{
	/* Whoever comes first decides; that it cannot be done is found by the next call. */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

enum err_code
openssl_get(const struct openssl **out, struct err *err)
{
	pthread_once(&fetched, fetch);
	if (algorithms.aes256gcm == NULL || algorithms.sha256 == NULL ||
	    algorithms.hmac == NULL || algorithms.hkdf == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "this OpenSSL lacks one of AES-256-GCM, SHA-256, HMAC, HKDF");
	*out = &algorithms;
	return ERR_OK;
}

enum err_code
openssl_failed(struct err *err, const char *what)
{
	char text[160];
	ERR_error_string_n(ERR_get_error(), text, sizeof text);
	return err_set(err, ERR_IO, "%s: %s", what, text);
}
