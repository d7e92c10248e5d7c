#include "repo/writer_claims.h"

void
claims_init(struct claims *c, struct index *index)
{
	*c = (struct claims){ .index = index };
	pthread_mutex_init(&c->lock, NULL);
	map_init(&c->taken, ID_SIZE, 0);
}

void
claims_release(struct claims *c)
{
	map_release(&c->taken);
	pthread_mutex_destroy(&c->lock);
}

enum err_code
claims_take(struct claims *c, const struct id *id, size_t len, bool *is_new, struct err *err)
{
	/* An index that is added between this look and the lock makes a chunk be stored twice,
	 * which costs its space only. */
	struct location loc;
	bool stored = index_find(c->index, id, &loc);
	void *value;
	*is_new = false;
	enum err_code rc = stored ? watch_found_pack(c->watch, &loc.pack, err) : ERR_OK;
	pthread_mutex_lock(&c->lock);
	if (!stored)
		rc = map_put(&c->taken, id->b, &value, is_new, err);
	c->chunks++;
	c->bytes += len;
	if (*is_new) {
		c->new_chunks++;
		c->new_bytes += len;
	}
	pthread_mutex_unlock(&c->lock);
	return rc;
}

void
claims_forget(struct claims *c, const struct id *ids, size_t count)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < count; i++)
		map_remove(&c->taken, ids[i].b);
	pthread_mutex_unlock(&c->lock);
}
