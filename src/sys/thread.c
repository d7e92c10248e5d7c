#include "sys/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#define EACH_MAX 31

enum err_code
thread_start(pthread_t *out, void *(*run)(void *), void *arg, const char *name, struct err *err)
{
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int e = pthread_create(out, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (e != 0)
		return err_errno(err, e, "start thread %s", name);
	pthread_setname_np(*out, name); /* for debuggers only: a failure does not matter */
	return ERR_OK;
}

struct each {
	atomic_size_t next;
	size_t n;
	void (*one)(void *ctx, size_t i);
	void *ctx;
};

static void *
work(void *arg)
{
	struct each *e = arg;
	for (;;) {
		size_t i = atomic_fetch_add(&e->next, 1);
		if (i >= e->n)
			return NULL;
		e->one(e->ctx, i);
	}
}

void
thread_each(size_t n, size_t max, void (*one)(void *ctx, size_t i), void *ctx)
{
	pthread_t threads[EACH_MAX];
	struct each e = { .n = n, .one = one, .ctx = ctx };
	struct err scratch; /* this thread does what no other does */
	size_t started = 0;
	while (started < EACH_MAX && started + 1 < min_size(n, max) &&
	       thread_start(&threads[started], work, &e, "each", &scratch) == ERR_OK)
		started++;
	work(&e);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

unsigned
thread_cpus(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	int n = CPU_COUNT(&set);
	return n > 0 ? (unsigned)n : 1;
}
