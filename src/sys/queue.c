#include "sys/queue.h"

#include <pthread.h>

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t may_push;
	pthread_cond_t may_pop;
	void (*free_item)(void *);
	bool closed;
	size_t capacity;
	size_t head; /* index of the oldest item */
	size_t len;
	void *items[];
};

enum err_code
queue_new(struct queue **out, size_t capacity, void (*free_item)(void *), struct err *err)
{
	struct queue *q = calloc(1, sizeof *q + capacity * sizeof q->items[0]);
	if (q == NULL)
		return err_nomem(err);
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->may_push, NULL);
	pthread_cond_init(&q->may_pop, NULL);
	q->capacity = capacity;
	q->free_item = free_item;
	*out = q;
	return ERR_OK;
}

void
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	queue_abort(q);
	pthread_cond_destroy(&q->may_pop);
	pthread_cond_destroy(&q->may_push);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static void
append(struct queue *q, void *item)
{
	q->items[(q->head + q->len) % q->capacity] = item;
	q->len++;
	pthread_cond_signal(&q->may_pop);
}

static void *
take_oldest(struct queue *q)
{
	void *item = q->items[q->head];
	q->head = (q->head + 1) % q->capacity;
	q->len--;
	pthread_cond_signal(&q->may_push);
	return item;
}

bool
queue_push(struct queue *q, void *item)
{
	pthread_mutex_lock(&q->lock);
	while (q->len == q->capacity && !q->closed)
		pthread_cond_wait(&q->may_push, &q->lock);
	bool ok = !q->closed;
	if (ok)
		append(q, item);
	pthread_mutex_unlock(&q->lock);
	return ok;
}

bool
queue_try_push(struct queue *q, void *item)
{
	pthread_mutex_lock(&q->lock);
	bool ok = !q->closed && q->len < q->capacity;
	if (ok)
		append(q, item);
	pthread_mutex_unlock(&q->lock);
	return ok;
}

void *
queue_pop(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	while (q->len == 0 && !q->closed)
		pthread_cond_wait(&q->may_pop, &q->lock);
	void *item = q->len > 0 ? take_oldest(q) : NULL;
	pthread_mutex_unlock(&q->lock);
	return item;
}

void *
queue_try_pop(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	void *item = q->len > 0 ? take_oldest(q) : NULL;
	pthread_mutex_unlock(&q->lock);
	return item;
}

void
queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->may_push);
	pthread_cond_broadcast(&q->may_pop);
	pthread_mutex_unlock(&q->lock);
}

void
queue_abort(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	while (q->len > 0) {
		void *item = take_oldest(q);
		if (q->free_item != NULL)
			q->free_item(item);
	}
	pthread_cond_broadcast(&q->may_push);
	pthread_cond_broadcast(&q->may_pop);
	pthread_mutex_unlock(&q->lock);
}
