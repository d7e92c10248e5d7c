#include "crypto/secret.h"

#include "sys/rand.h"

#include <sodium.h>

enum err_code
secret_new(struct secret **out, size_t len, struct err *err)
{
	if (sodium_init() < 0)
		return err_set(err, ERR_UNSUPPORTED, "libsodium cannot start");
	struct secret *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	s->data = sodium_malloc(len > 0 ? len : 1);
	if (s->data == NULL) {
		free(s);
		return err_nomem(err);
	}
	sodium_memzero(s->data, len);
	s->len = len;
	*out = s;
	return ERR_OK;
}

enum err_code
secret_copy(struct secret **out, const void *data, size_t len, struct err *err)
{
	if (secret_new(out, len, err))
		return err->code;
	if (len > 0)
		memcpy((*out)->data, data, len);
	return ERR_OK;
}

enum err_code
secret_random(struct secret **out, size_t len, struct err *err)
{
	AUTO(secret) struct secret *s = NULL;
	if (secret_new(&s, len, err) || rand_bytes(s->data, len, err))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	sodium_free(s->data);
	free(s);
}

void
secret_wipe(void *p, size_t len)
{
	sodium_memzero(p, len);
}

void
secret_buf_release(struct buf *b)
{
	if (b->data != NULL)
		secret_wipe(b->data, b->cap);
	buf_release(b);
}
