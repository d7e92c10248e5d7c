#include "crypto/hash.h"

#include "crypto/openssl.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>

struct sha256 {
	EVP_MD_CTX *ctx;
	const EVP_MD *md;
};

struct mac {
	EVP_MAC_CTX *ctx;
};

enum err_code
sha256_new(struct sha256 **out, struct err *err)
{
	const struct openssl *o;
	if (openssl_get(&o, err))
		return err->code;
	AUTO(sha256) struct sha256 *h = calloc(1, sizeof *h);
	if (h == NULL)
		return err_nomem(err);
	h->md = o->sha256;
	h->ctx = EVP_MD_CTX_new();
	if (h->ctx == NULL || EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1)
		return openssl_failed(err, "start SHA-256");
	*out = TAKE(h);
	return ERR_OK;
}

void
sha256_free(struct sha256 *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

enum err_code
sha256_add(struct sha256 *h, const void *data, size_t len, struct err *err)
{
	if (EVP_DigestUpdate(h->ctx, data, len) != 1)
		return openssl_failed(err, "SHA-256");
	return ERR_OK;
}

enum err_code
sha256_finish(struct sha256 *h, uint8_t out[HASH_SIZE], struct err *err)
{
	if (EVP_DigestFinal_ex(h->ctx, out, NULL) != 1 ||
	    EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1)
		return openssl_failed(err, "SHA-256");
	return ERR_OK;
}

enum err_code
sha256_of(const void *data, size_t len, uint8_t out[HASH_SIZE], struct err *err)
{
	AUTO(sha256) struct sha256 *h = NULL;
	if (sha256_new(&h, err) || sha256_add(h, data, len, err) || sha256_finish(h, out, err))
		return err->code;
	return ERR_OK;
}

enum err_code
mac_new(struct mac **out, const void *key, size_t key_len, struct err *err)
{
	const struct openssl *o;
	if (openssl_get(&o, err))
		return err->code;
	AUTO(mac) struct mac *m = calloc(1, sizeof *m);
	if (m == NULL)
		return err_nomem(err);
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, sizeof digest - 1),
		OSSL_PARAM_END,
	};
	m->ctx = EVP_MAC_CTX_new(o->hmac);
	if (m->ctx == NULL || EVP_MAC_init(m->ctx, key, key_len, params) != 1)
		return openssl_failed(err, "start HMAC");
	*out = TAKE(m);
	return ERR_OK;
}

void
mac_free(struct mac *m)
{
	if (m == NULL)
		return;
	EVP_MAC_CTX_free(m->ctx);
	free(m);
}

enum err_code
mac_of(struct mac *m, const void *data, size_t len, uint8_t out[HASH_SIZE], struct err *err)
{
	size_t n;
	/* No key given: the one of mac_new stays, without a new key schedule. */
	if (EVP_MAC_init(m->ctx, NULL, 0, NULL) != 1 ||
	    EVP_MAC_update(m->ctx, data, len) != 1 ||
	    EVP_MAC_final(m->ctx, out, &n, HASH_SIZE) != 1)
		return openssl_failed(err, "HMAC");
	return ERR_OK;
}

bool
hash_equal(const uint8_t a[HASH_SIZE], const uint8_t b[HASH_SIZE])
{
	return CRYPTO_memcmp(a, b, HASH_SIZE) == 0;
}
