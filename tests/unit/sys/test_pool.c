#include "testing.h"

#include "sys/pool.h"

#include <sched.h>
#include <stdatomic.h>

struct counting {
	struct job job;
	struct pool *pool;
	atomic_int *ran;
	int children; /* to submit in turn */
};

static void
count(struct job *j)
{
	struct counting *c = (struct counting *)j;
	for (; c->children > 0; c->children--) {
		struct counting *child = calloc(1, sizeof *child);
		assert_non_null(child);
		child->job.run = count;
		child->ran = c->ran;
		if (!pool_try_submit(c->pool, &child->job))
			count(&child->job);
	}
	atomic_fetch_add(c->ran, 1);
	free(c);
}

static void
submit(struct pool *p, atomic_int *ran, int children)
{
	struct counting *c = calloc(1, sizeof *c);
	assert_non_null(c);
	*c = (struct counting){ { count }, p, ran, children };
	pool_submit(p, &c->job);
}

static void
every_job_has_run_when_the_pool_is_closed(void **state)
{
	(void)state;
	struct err err;
	struct pool *p;
	atomic_int ran = 0;
	ok(pool_open(&p, 3, 2, "test", &err));
	for (int i = 0; i < 500; i++)
		submit(p, &ran, 0);
	pool_close(p);
	assert_int_equal(ran, 500);
}

static void
jobs_submit_jobs_without_waiting_for_room(void **state)
{
	(void)state;
	struct err err;
	struct pool *p;
	atomic_int ran = 0;
	ok(pool_open(&p, 2, 1, "test", &err));
	for (int i = 0; i < 50; i++)
		submit(p, &ran, 20);
	/* Children may be submitted until their parents have run. */
	while (atomic_load(&ran) < 50 * 21)
		sched_yield();
	pool_close(p);
	assert_int_equal(ran, 50 * 21);
}

static void
unused_pool_closes(void **state)
{
	(void)state;
	struct err err;
	struct pool *p;
	ok(pool_open(&p, 4, 1, "test", &err));
	pool_close(p);
	pool_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_job_has_run_when_the_pool_is_closed),
		cmocka_unit_test(jobs_submit_jobs_without_waiting_for_room),
		cmocka_unit_test(unused_pool_closes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
