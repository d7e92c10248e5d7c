/*
 * queue.h: a bounded queue of pointers between threads.
 *
 * queue_push waits while the queue is full, queue_pop while it is empty.
 * After queue_close, pushes are refused and pops drain what is left, then
 * give NULL.  After queue_abort, pops give NULL at once; what was left is
 * handed to the free function given at queue_new.
 *
 * Ownership: a pushed item belongs to the queue until it is popped.  An item
 * that queue_push refuses stays the caller's.
 * Threads: any number on both sides.
 */
#ifndef SYS_QUEUE_H
#define SYS_QUEUE_H

#include "base/err.h"

#include <stdbool.h>

struct queue;

MUST_CHECK enum err_code queue_new(
    struct queue **out, size_t capacity, void (*free_item)(void *), struct err *err);
void queue_free(struct queue *q);
AUTO_FREE(queue, struct queue *, queue_free)

/* False when the queue was closed or aborted. */
MUST_CHECK bool queue_push(struct queue *q, void *item);
/* Like queue_push but gives false at once when the queue is full. */
MUST_CHECK bool queue_try_push(struct queue *q, void *item);
/* NULL when closed and empty, or aborted. */
void *queue_pop(struct queue *q);
/* NULL when there is nothing right now. */
void *queue_try_pop(struct queue *q);
void queue_close(struct queue *q);
void queue_abort(struct queue *q);

#endif
