#include "crypto/kdf.h"

#include "crypto/openssl.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <sodium.h>

enum err_code
hkdf_derive(const void *key, size_t key_len, const void *salt, size_t salt_len,
    const char *info, void *out, size_t out_len, struct err *err)
{
	const struct openssl *o;
	if (openssl_get(&o, err))
		return err->code;
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, sizeof digest - 1),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, key_len),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, salt_len),
		OSSL_PARAM_octet_string(
		    OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, strlen(info)),
		OSSL_PARAM_END,
	};
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(o->hkdf);
	if (ctx == NULL)
		return err_nomem(err);
	int ok = EVP_KDF_derive(ctx, out, out_len, params);
	EVP_KDF_CTX_free(ctx);
	return ok == 1 ? ERR_OK : openssl_failed(err, "derive key");
}

enum err_code
argon2id_derive(const void *pass, size_t pass_len, const uint8_t salt[KDF_SALT_SIZE],
    uint32_t memory_kib, uint32_t passes, void *out, size_t out_len, struct err *err)
{
	if (memory_kib < 8 * 1024 || memory_kib > 4 * 1024 * 1024 || passes < 1 || passes > 64)
		return err_set(err, ERR_USAGE,
		    "Argon2id limits out of range: %u KiB, %u passes", memory_kib, passes);
	if (sodium_init() < 0)
		return err_set(err, ERR_UNSUPPORTED, "libsodium cannot start");
	if (crypto_pwhash(out, out_len, pass, pass_len, salt, passes, (size_t)memory_kib * 1024,
		crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(err, ERR_NO_MEMORY,
		    "no memory for the key of the passphrase (%u MiB)", memory_kib / 1024);
	return ERR_OK;
}
