#include "tree/save_links.h"

#include "tree/save_impl.h"

struct link {
	uint64_t key[2];
	bool known;
	struct content content;
	struct slot *waiters;
};

void
links_init(struct link_table *t)
{
	pthread_mutex_init(&t->lock, NULL);
	map_init(&t->links, 2 * sizeof(uint64_t), sizeof(struct link *));
}

void
links_release(struct link_table *t)
{
	size_t pos = 0;
	const void *key;
	void *value;
	while (map_next(&t->links, &pos, &key, &value)) {
		struct link *l;
		memcpy(&l, value, sizeof l);
		if (l == NULL)
			continue;
		content_release(&l->content);
		free(l);
	}
	map_release(&t->links);
	pthread_mutex_destroy(&t->lock);
}

/* A link without a reader yet; with the lock held. */
static enum err_code
new_link(struct link **out, const uint64_t key[2], void *value, struct err *err)
{
	struct link *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	memcpy(l->key, key, sizeof l->key);
	memcpy(value, &l, sizeof l);
	*out = l;
	return ERR_OK;
}

static enum err_code
take_turn(struct link_table *t, const uint64_t key[2], struct slot *slot, enum link_turn *turn,
    struct content *content, struct err *err)
{
	void *value;
	bool is_new;
	struct link *l = NULL;
	if (map_put(&t->links, key, &value, &is_new, err))
		return err->code;
	memcpy(&l, value, sizeof l);
	if (l == NULL) {
		if (new_link(&l, key, value, err))
			return err->code;
		slot->link = l;
		*turn = LINK_READ;
		return ERR_OK;
	}
	if (l->known) {
		*turn = LINK_COPY;
		return content_copy(content, &l->content, err);
	}
	slot->next_waiter = l->waiters;
	l->waiters = slot;
	*turn = LINK_WAIT;
	return ERR_OK;
}

enum err_code
links_turn(struct link_table *t, const struct stat *st, struct slot *slot, enum link_turn *turn,
    struct content *content, struct err *err)
{
	uint64_t key[2] = { st->st_dev, st->st_ino };
	pthread_mutex_lock(&t->lock);
	enum err_code rc = take_turn(t, key, slot, turn, content, err);
	pthread_mutex_unlock(&t->lock);
	return rc;
}

enum err_code
links_done(struct link_table *t, struct slot *slot, struct slot **waited, struct err *err)
{
	struct link *l = slot->link;
	slot->link = NULL;
	pthread_mutex_lock(&t->lock);
	*waited = l->waiters;
	l->waiters = NULL;
	enum err_code rc = content_copy(&l->content, &slot->content, err);
	l->known = rc == ERR_OK;
	for (struct slot *s = *waited; s != NULL && rc == ERR_OK; s = s->next_waiter)
		rc = content_copy(&s->content, &slot->content, err);
	pthread_mutex_unlock(&t->lock);
	return rc;
}

struct slot *
links_failed(struct link_table *t, struct slot *slot)
{
	struct link *l = slot->link;
	slot->link = NULL;
	pthread_mutex_lock(&t->lock);
	struct slot *next = l->waiters;
	if (next != NULL) {
		l->waiters = next->next_waiter;
		next->link = l;
	} else {
		/* Whoever comes later tries anew. */
		void *value = map_get(&t->links, l->key);
		struct link *none = NULL;
		memcpy(value, &none, sizeof none);
	}
	pthread_mutex_unlock(&t->lock);
	if (next == NULL)
		free(l);
	return next;
}
