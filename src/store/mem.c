/*
 * A store in memory: a sorted array of objects behind one lock.
 */
#include "store/store_impl.h"

#include "base/room.h"
#include "sys/clock.h"

#include <pthread.h>

struct object {
	char key[STORE_KEY_MAX];
	struct buf bytes;
	int64_t put_ns;
};

struct mem {
	struct store store;
	pthread_mutex_t lock; /* guards all below */
	struct object **objects;
	size_t len;
	size_t cap;
};

static struct mem *
mem_of(struct store *s)
{
	return (struct mem *)s;
}

/* Where key is, or belongs. */
static size_t
find(const struct mem *m, const char *key, bool *found)
{
	size_t lo = 0;
	size_t hi = m->len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(m->objects[mid]->key, key);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = false;
	return lo;
}

static void
object_free(struct object *o)
{
	if (o == NULL)
		return;
	buf_release(&o->bytes);
	free(o);
}
AUTO_FREE(object, struct object *, object_free)

static enum err_code
insert(struct mem *m, struct object *o, struct err *err)
{
	bool found;
	size_t i = find(m, o->key, &found);
	if (found)
		return err_set(err, ERR_EXISTS, "object exists already");
	if (ROOM(m->objects, m->len, m->cap, 16, err))
		return err->code;
	memmove(m->objects + i + 1, m->objects + i, (m->len - i) * sizeof *m->objects);
	m->objects[i] = o;
	m->len++;
	return ERR_OK;
}

static enum err_code
mem_put(struct store *s, const char *key, const void *data, size_t len, struct err *err)
{
	struct mem *m = mem_of(s);
	AUTO(object) struct object *o = calloc(1, sizeof *o);
	if (o == NULL)
		return err_nomem(err);
	memcpy(o->key, key, strlen(key) + 1);
	o->put_ns = clock_wall_ns();
	if (buf_add(&o->bytes, data, len, err))
		return err->code;
	pthread_mutex_lock(&m->lock);
	enum err_code rc = insert(m, o, err);
	pthread_mutex_unlock(&m->lock);
	if (rc == ERR_OK)
		o = NULL;
	return rc;
}

static enum err_code
mem_get(struct store *s, const char *key, size_t max, struct buf *out, struct err *err)
{
	struct mem *m = mem_of(s);
	bool found;
	pthread_mutex_lock(&m->lock);
	size_t i = find(m, key, &found);
	enum err_code rc = ERR_OK;
	if (!found)
		rc = err_set(err, ERR_NOT_FOUND, "no such object");
	else if (m->objects[i]->bytes.len > max)
		rc = err_set(err, ERR_CORRUPT, "larger than %zu bytes", max);
	else
		rc = buf_add(out, m->objects[i]->bytes.data, m->objects[i]->bytes.len, err);
	pthread_mutex_unlock(&m->lock);
	return rc;
}

static enum err_code
mem_get_range(
    struct store *s, const char *key, uint64_t offset, void *out, size_t len, struct err *err)
{
	struct mem *m = mem_of(s);
	bool found;
	pthread_mutex_lock(&m->lock);
	size_t i = find(m, key, &found);
	enum err_code rc = ERR_OK;
	if (!found)
		rc = err_set(err, ERR_NOT_FOUND, "no such object");
	else if (offset > m->objects[i]->bytes.len || len > m->objects[i]->bytes.len - offset)
		rc = err_set(err, ERR_CORRUPT, "ends early");
	else if (len > 0)
		memcpy(out, m->objects[i]->bytes.data + offset, len);
	pthread_mutex_unlock(&m->lock);
	return rc;
}

static enum err_code
mem_size(struct store *s, const char *key, uint64_t *size, struct err *err)
{
	struct mem *m = mem_of(s);
	bool found;
	pthread_mutex_lock(&m->lock);
	size_t i = find(m, key, &found);
	if (found)
		*size = m->objects[i]->bytes.len;
	pthread_mutex_unlock(&m->lock);
	return found ? ERR_OK : err_set(err, ERR_NOT_FOUND, "no such object");
}

/* The first object behind `after` that has the prefix. */
static bool
next_entry(struct mem *m, const char *prefix, const char *after, struct store_entry *e)
{
	bool found = false;
	pthread_mutex_lock(&m->lock);
	size_t i = find(m, after, &found);
	for (i += found ? 1 : 0, found = false; i < m->len && !found; i++) {
		if (strncmp(m->objects[i]->key, prefix, strlen(prefix)) != 0)
			continue;
		memcpy(e->key, m->objects[i]->key, sizeof e->key);
		e->size = m->objects[i]->bytes.len;
		e->modified_ns = m->objects[i]->put_ns;
		found = true;
	}
	pthread_mutex_unlock(&m->lock);
	return found;
}

static enum err_code
mem_list(struct store *s, const char *prefix, const char *after, store_entry_fn *fn, void *arg,
    struct err *err)
{
	struct store_entry e = { .key = "" };
	if (after != NULL)
		memcpy(e.key, after, min_size(strlen(after) + 1, sizeof e.key - 1));
	/* The lock is not held in the callback, which may use the store. */
	while (next_entry(mem_of(s), prefix, e.key, &e))
		if (fn(arg, &e, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
mem_delete(struct store *s, const char *key, struct err *err)
{
	struct mem *m = mem_of(s);
	bool found;
	pthread_mutex_lock(&m->lock);
	size_t i = find(m, key, &found);
	if (found) {
		object_free(m->objects[i]);
		m->len--;
		memmove(m->objects + i, m->objects + i + 1, (m->len - i) * sizeof *m->objects);
	}
	pthread_mutex_unlock(&m->lock);
	return found ? ERR_OK : err_set(err, ERR_NOT_FOUND, "no such object");
}

static void
mem_close(struct store *s)
{
	struct mem *m = mem_of(s);
	for (size_t i = 0; i < m->len; i++)
		object_free(m->objects[i]);
	free(m->objects);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static const struct store_ops mem_ops = {
	.put = mem_put,
	.get = mem_get,
	.get_range = mem_get_range,
	.size = mem_size,
	.list = mem_list,
	.del = mem_delete,
	.close = mem_close,
};

enum err_code
store_open_mem(struct store **out, struct err *err)
{
	struct mem *m = calloc(1, sizeof *m);
	if (m == NULL)
		return err_nomem(err);
	pthread_mutex_init(&m->lock, NULL);
	m->store.ops = &mem_ops;
	m->store.location = "memory";
	*out = &m->store;
	return ERR_OK;
}
