/*
 * writer_buffers.h: a bounded number of buffers of one size, used again and
 * again, so that memory stays bounded and its pages are touched once.
 *
 * Threads: any number.  For the writer only.
 */
#ifndef REPO_WRITER_BUFFERS_H
#define REPO_WRITER_BUFFERS_H

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>

struct buffers {
	size_t size;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t returned;
	void *free; /* each begins with a pointer to the next */
	size_t made;
	size_t limit;
	bool stopped;
};

void buffers_init(struct buffers *b, size_t size, size_t limit);
/* All buffers must have been put back. */
void buffers_release(struct buffers *b);
/* Wait for a buffer, aligned to a page.  ERR_CANCELLED after buffers_stop. */
MUST_CHECK enum err_code buffers_get(struct buffers *b, uint8_t **out, struct err *err);
void buffers_put(struct buffers *b, uint8_t *data);
/* Let there be this many more. */
void buffers_allow(struct buffers *b, int more);
/* Nobody is given any more: all who wait return. */
void buffers_stop(struct buffers *b);

#endif
