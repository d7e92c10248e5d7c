#include "crypto/aead.h"

#include "crypto/openssl.h"
#include "crypto/secret.h"

#include <limits.h>

struct aead {
	EVP_CIPHER_CTX *ctx;
	const EVP_CIPHER *cipher;
};

enum err_code
aead_new(struct aead **out, struct err *err)
{
	const struct openssl *o;
	if (openssl_get(&o, err))
		return err->code;
	AUTO(aead) struct aead *a = calloc(1, sizeof *a);
	if (a == NULL)
		return err_nomem(err);
	a->cipher = o->aes256gcm;
	a->ctx = EVP_CIPHER_CTX_new();
	/* The cipher is given once: later inits with NULL leave it and its references alone. */
	if (a->ctx == NULL || EVP_CipherInit_ex2(a->ctx, a->cipher, NULL, NULL, 1, NULL) != 1)
		return openssl_failed(err, "start AES-256-GCM");
	*out = TAKE(a);
	return ERR_OK;
}

void
aead_free(struct aead *a)
{
	if (a == NULL)
		return;
	EVP_CIPHER_CTX_free(a->ctx);
	free(a);
}

enum err_code
aead_seal(struct aead *a, const uint8_t key[AEAD_KEY_SIZE],
    const uint8_t nonce[AEAD_NONCE_SIZE], const void *aad, size_t aad_len, const void *in,
    size_t len, uint8_t *out, struct err *err)
{
	if (len > INT_MAX - AEAD_TAG_SIZE || aad_len > INT_MAX)
		return err_set(err, ERR_USAGE, "too long to seal at once");
	int n = 0;
	int end = 0;
	if (EVP_EncryptInit_ex2(a->ctx, NULL, key, nonce, NULL) != 1 ||
	    EVP_EncryptUpdate(a->ctx, NULL, &n, aad, (int)aad_len) != 1 ||
	    EVP_EncryptUpdate(a->ctx, out, &n, in, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(a->ctx, out + n, &end) != 1 ||
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, out + len) != 1)
		return openssl_failed(err, "encrypt");
	return ERR_OK;
}

enum err_code
aead_open(struct aead *a, const uint8_t key[AEAD_KEY_SIZE],
    const uint8_t nonce[AEAD_NONCE_SIZE], const void *aad, size_t aad_len, const void *in,
    size_t len, uint8_t *out, struct err *err)
{
	if (len < AEAD_TAG_SIZE || len > INT_MAX || aad_len > INT_MAX)
		return err_set(err, ERR_CORRUPT, "too short to be encrypted data");
	size_t body = len - AEAD_TAG_SIZE;
	uint8_t tag[AEAD_TAG_SIZE];
	memcpy(tag, (const uint8_t *)in + body, sizeof tag);
	int n = 0;
	int end = 0;
	if (EVP_DecryptInit_ex2(a->ctx, NULL, key, nonce, NULL) != 1 ||
	    EVP_DecryptUpdate(a->ctx, NULL, &n, aad, (int)aad_len) != 1 ||
	    EVP_DecryptUpdate(a->ctx, out, &n, in, (int)body) != 1 ||
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, tag) != 1)
		return openssl_failed(err, "decrypt");
	if (EVP_DecryptFinal_ex(a->ctx, out + n, &end) != 1) {
		secret_wipe(out, body);
		return err_set(err, ERR_CORRUPT, "authentication failed: the data was altered");
	}
	return ERR_OK;
}
