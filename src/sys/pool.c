#include "sys/pool.h"

#include "sys/queue.h"
#include "sys/thread.h"

#include <assert.h>

struct pool {
	struct queue *jobs;
	unsigned started;
	pthread_t threads[];
};

static void *
run_jobs(void *arg)
{
	struct pool *p = arg;
	struct job *j;
	while ((j = queue_pop(p->jobs)) != NULL)
		j->run(j);
	return NULL;
}

enum err_code
pool_open(
    struct pool **out, unsigned threads, size_t capacity, const char *name, struct err *err)
{
	AUTO(pool) struct pool *p = calloc(1, sizeof *p + threads * sizeof p->threads[0]);
	if (p == NULL)
		return err_nomem(err);
	if (queue_new(&p->jobs, capacity, NULL, err))
		return err->code;
	for (; p->started < threads; p->started++)
		if (thread_start(&p->threads[p->started], run_jobs, p, name, err))
			return err->code;
	*out = TAKE(p);
	return ERR_OK;
}

void
pool_close(struct pool *p)
{
	if (p == NULL)
		return;
	if (p->jobs != NULL)
		queue_close(p->jobs);
	for (unsigned i = 0; i < p->started; i++)
		pthread_join(p->threads[i], NULL);
	queue_free(p->jobs);
	free(p);
}

void
pool_submit(struct pool *p, struct job *j)
{
	bool taken = queue_push(p->jobs, j);
	assert(taken); /* the queue is closed by pool_close only */
	(void)taken;
}

bool
pool_try_submit(struct pool *p, struct job *j)
{
	return queue_try_push(p->jobs, j);
}
