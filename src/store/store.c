#include "store/store.h"

#include "store/store_impl.h"

#include <string.h>

bool
store_key_is_valid(const char *key)
{
	size_t n = strnlen(key, STORE_KEY_MAX);
	if (n == 0 || n >= STORE_KEY_MAX || key[0] == '/' || key[n - 1] == '/')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = key[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (!plain && !(c == '/' && key[i - 1] != '/'))
			return false;
	}
	return true;
}

static enum err_code
check_key(const char *key, struct err *err)
{
	if (!store_key_is_valid(key))
		return err_set(err, ERR_USAGE, "bad key: %s", key);
	return ERR_OK;
}

void
store_close(struct store *s)
{
	if (s != NULL)
		s->ops->close(s);
}

const char *
store_location(const struct store *s)
{
	return s->location;
}

unsigned
store_list_lag_s(const struct store *s)
{
	return s->list_lag_s;
}

unsigned
store_parallel(const struct store *s)
{
	return s->parallel > 0 ? s->parallel : 1;
}

static enum err_code
wrap(struct store *s, const char *verb, const char *key, struct err *err)
{
	return err_wrap(err, "%s: %s %s", s->location, verb, key);
}

/* As wrap, for what changes something. */
static enum err_code
wrap_change(struct store *s, const char *verb, const char *key, struct err *err)
{
	wrap(s, verb, key, err);
	if (err->code == ERR_DENIED) {
		err_wrap(err, "the repository is read-only");
		err->code = ERR_READ_ONLY;
	}
	return err->code;
}

enum err_code
store_check_writable(struct store *s, struct err *err)
{
	if (s->ops->check_writable != NULL && s->ops->check_writable(s, err))
		return wrap_change(s, "write to", "it", err);
	return ERR_OK;
}

enum err_code
store_put(struct store *s, const char *key, const void *data, size_t len, struct err *err)
{
	if (check_key(key, err) || s->ops->put(s, key, data, len, err))
		return wrap_change(s, "put", key, err);
	return ERR_OK;
}

enum err_code
store_get(struct store *s, const char *key, size_t max, struct buf *out, struct err *err)
{
	if (check_key(key, err) || s->ops->get(s, key, max, out, err))
		return wrap(s, "get", key, err);
	return ERR_OK;
}

enum err_code
store_get_range(
    struct store *s, const char *key, uint64_t offset, void *out, size_t len, struct err *err)
{
	if (check_key(key, err) || s->ops->get_range(s, key, offset, out, len, err))
		return wrap(s, "get", key, err);
	return ERR_OK;
}

enum err_code
store_size(struct store *s, const char *key, uint64_t *size, struct err *err)
{
	if (check_key(key, err) || s->ops->size(s, key, size, err))
		return wrap(s, "look at", key, err);
	return ERR_OK;
}

enum err_code
store_list(struct store *s, const char *prefix, const char *after, store_entry_fn *fn,
    void *arg, struct err *err)
{
	return s->ops->list(s, prefix, after, fn, arg, err);
}

enum err_code
store_settle(struct store *s, const char *folder, struct err *err)
{
	if (s->ops->settle != NULL && s->ops->settle(s, folder, err))
		return wrap_change(s, "settle", folder, err);
	return ERR_OK;
}

enum err_code
store_delete(struct store *s, const char *key, struct err *err)
{
	if (check_key(key, err) || s->ops->del(s, key, err))
		return wrap_change(s, "delete", key, err);
	return ERR_OK;
}
