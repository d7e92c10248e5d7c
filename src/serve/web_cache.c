#include "serve/web_cache.h"

#include "sys/rand.h"

#include <pthread.h>
#include <xxhash.h>

/* One place for each hash: what comes later takes it. */
struct kept {
	char *key;
	struct reply reply;
	size_t bytes;
	int64_t until_ns;
};

struct cache {
	pthread_mutex_t lock;
	uint64_t seed; /* nobody outside can choose keys that meet */
	uint64_t age;
	size_t bytes;
	struct kept kept[CACHE_ANSWERS];
};

enum err_code
cache_new(struct cache **out, struct err *err)
{
	AUTO(mem) struct cache *c = calloc(1, sizeof *c);
	if (c == NULL)
		return err_nomem(err);
	if (rand_bytes(&c->seed, sizeof c->seed, err))
		return err->code;
	pthread_mutex_init(&c->lock, NULL);
	*out = TAKE(c);
	return ERR_OK;
}

static void
drop(struct cache *c, struct kept *k)
{
	if (k->key == NULL)
		return;
	c->bytes -= k->bytes;
	free(k->key);
	MHD_destroy_response(k->reply.response);
	*k = (struct kept){ 0 };
}

static void
drop_all(struct cache *c)
{
	for (size_t i = 0; c->bytes > 0 && i < CACHE_ANSWERS; i++)
		drop(c, &c->kept[i]);
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	drop_all(c);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct kept *
place(struct cache *c, const char *key)
{
	return &c->kept[XXH3_64bits_withSeed(key, strlen(key), c->seed) % CACHE_ANSWERS];
}

uint64_t
cache_age(struct cache *c)
{
	pthread_mutex_lock(&c->lock);
	uint64_t age = c->age;
	pthread_mutex_unlock(&c->lock);
	return age;
}

bool
cache_send(struct cache *c, const char *key, int64_t now_ns, struct MHD_Connection *con)
{
	/* MHD adds a reference to what it queues, which only the owner of one may ask it for.
	 */
	pthread_mutex_lock(&c->lock);
	struct kept *k = place(c, key);
	const bool is_it = k->key != NULL && strcmp(k->key, key) == 0 && k->until_ns > now_ns;
	const bool is_sent =
	    is_it && MHD_queue_response(con, k->reply.status, k->reply.response) == MHD_YES;
	pthread_mutex_unlock(&c->lock);
	return is_sent;
}

/* With the lock held; the key was copied. */
static bool
keep(struct cache *c, const struct kept *new)
{
	struct kept *k = place(c, new->key);
	drop(c, k);
	if (c->bytes + new->bytes > CACHE_BYTES)
		return false;
	c->bytes += new->bytes;
	*k = *new;
	return true;
}

void
cache_keep(struct cache *c, const char *key, uint64_t age, struct reply reply, size_t bytes,
    int64_t until_ns)
{
	/* What it costs to keep an answer of no bytes. */
	struct kept new = { strdup(key), reply, bytes + 1024, until_ns };
	pthread_mutex_lock(&c->lock);
	const bool is_kept = new.key != NULL &&age == c->age &&keep(c, &new);
	pthread_mutex_unlock(&c->lock);
	if (is_kept)
		return;
	free(new.key);
	MHD_destroy_response(reply.response);
}

void
cache_forget(struct cache *c)
{
	pthread_mutex_lock(&c->lock);
	c->age++;
	drop_all(c);
	pthread_mutex_unlock(&c->lock);
}
