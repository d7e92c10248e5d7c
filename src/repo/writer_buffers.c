#include "repo/writer_buffers.h"

#include <stdlib.h>

#define ALIGNMENT 4096

void
buffers_init(struct buffers *b, size_t size, size_t limit)
{
	*b = (struct buffers){ .size = size, .limit = limit };
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->returned, NULL);
}

static void *
next_of(const void *buffer)
{
	void *next;
	memcpy(&next, buffer, sizeof next);
	return next;
}

void
buffers_release(struct buffers *b)
{
	while (b->free != NULL) {
		void *next = next_of(b->free);
		free(b->free);
		b->free = next;
	}
	pthread_cond_destroy(&b->returned);
	pthread_mutex_destroy(&b->lock);
}

enum err_code
buffers_get(struct buffers *b, uint8_t **out, struct err *err)
{
	pthread_mutex_lock(&b->lock);
	while (b->free == NULL && b->made >= b->limit && !b->stopped)
		pthread_cond_wait(&b->returned, &b->lock);
	bool stopped = b->stopped;
	void *p = stopped ? NULL : b->free;
	if (p != NULL)
		b->free = next_of(p);
	else if (!stopped)
		b->made++;
	pthread_mutex_unlock(&b->lock);
	if (stopped)
		return err_set(err, ERR_CANCELLED, "the writer has stopped");
	if (p == NULL && posix_memalign(&p, ALIGNMENT, b->size) != 0) {
		pthread_mutex_lock(&b->lock);
		b->made--;
		pthread_mutex_unlock(&b->lock);
		return err_nomem(err);
	}
	*out = p;
	return ERR_OK;
}

void
buffers_put(struct buffers *b, uint8_t *data)
{
	if (data == NULL)
		return;
	pthread_mutex_lock(&b->lock);
	memcpy(data, &b->free, sizeof b->free);
	b->free = data;
	pthread_cond_signal(&b->returned);
	pthread_mutex_unlock(&b->lock);
}

void
buffers_allow(struct buffers *b, int more)
{
	pthread_mutex_lock(&b->lock);
	b->limit = (size_t)((long)b->limit + more);
	pthread_cond_broadcast(&b->returned);
	pthread_mutex_unlock(&b->lock);
}

void
buffers_stop(struct buffers *b)
{
	pthread_mutex_lock(&b->lock);
	b->stopped = true;
	pthread_cond_broadcast(&b->returned);
	pthread_mutex_unlock(&b->lock);
}
