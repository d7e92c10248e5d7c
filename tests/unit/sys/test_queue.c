#include "testing.h"

#include "sys/queue.h"
#include "sys/thread.h"

#include <sched.h>
#include <stdatomic.h>

static int items[100];

static void
items_come_out_in_the_order_they_went_in(void **state)
{
	(void)state;
	struct err err;
	AUTO(queue) struct queue *q = NULL;
	ok(queue_new(&q, 3, NULL, &err));
	assert_null(queue_try_pop(q));
	/* Round and round, so that the ring wraps. */
	for (int i = 0; i < 98; i += 2) {
		assert_true(queue_push(q, &items[i]));
		assert_true(queue_push(q, &items[i + 1]));
		assert_ptr_equal(queue_pop(q), &items[i]);
		assert_ptr_equal(queue_pop(q), &items[i + 1]);
	}
}

static void
a_full_queue_takes_no_more_without_waiting(void **state)
{
	(void)state;
	struct err err;
	AUTO(queue) struct queue *q = NULL;
	ok(queue_new(&q, 2, NULL, &err));
	assert_true(queue_try_push(q, &items[0]));
	assert_true(queue_try_push(q, &items[1]));
	assert_false(queue_try_push(q, &items[2]));
	assert_ptr_equal(queue_pop(q), &items[0]);
	assert_true(queue_try_push(q, &items[2]));
}

static void
a_closed_queue_gives_what_is_left_and_takes_nothing(void **state)
{
	(void)state;
	struct err err;
	AUTO(queue) struct queue *q = NULL;
	ok(queue_new(&q, 4, NULL, &err));
	assert_true(queue_push(q, &items[0]));
	assert_true(queue_push(q, &items[1]));
	queue_close(q);
	assert_false(queue_push(q, &items[2]));
	assert_false(queue_try_push(q, &items[2]));
	assert_ptr_equal(queue_pop(q), &items[0]);
	assert_ptr_equal(queue_try_pop(q), &items[1]);
	assert_null(queue_pop(q));
	assert_null(queue_pop(q));
}

static int freed;

static void
count_freed(void *item)
{
	assert_true(item == &items[freed]);
	freed++;
}

static void
an_aborted_queue_frees_what_is_left(void **state)
{
	(void)state;
	struct err err;
	AUTO(queue) struct queue *q = NULL;
	ok(queue_new(&q, 4, count_freed, &err));
	freed = 0;
	for (int i = 0; i < 3; i++)
		assert_true(queue_push(q, &items[i]));
	queue_abort(q);
	assert_int_equal(freed, 3);
	assert_null(queue_pop(q));
	assert_false(queue_push(q, &items[3]));
	queue_abort(q);
	assert_int_equal(freed, 3);
}

static void
freeing_a_queue_frees_its_items(void **state)
{
	(void)state;
	struct err err;
	struct queue *q;
	freed = 0;
	ok(queue_new(&q, 4, count_freed, &err));
	assert_true(queue_push(q, &items[0]));
	queue_free(q);
	assert_int_equal(freed, 1);
	queue_free(NULL);
}

#define PUSHERS 4
#define POPPERS 4
#define EACH 20000

struct crowd {
	struct queue *q;
	atomic_uint pushed;
	atomic_uint popped;
	atomic_uint seen[PUSHERS * EACH];
};

static void *
push_many(void *arg)
{
	struct crowd *c = arg;
	for (unsigned i = 0; i < EACH; i++) {
		unsigned n = atomic_fetch_add(&c->pushed, 1);
		if (!queue_push(c->q, &c->seen[n]))
			return c;
	}
	return NULL;
}

static void *
pop_many(void *arg)
{
	struct crowd *c = arg;
	atomic_uint *item;
	while ((item = queue_pop(c->q)) != NULL) {
		atomic_fetch_add(item, 1);
		atomic_fetch_add(&c->popped, 1);
	}
	return NULL;
}

static void
among_many_threads_each_item_arrives_once(void **state)
{
	(void)state;
	struct err err;
	pthread_t pushers[PUSHERS];
	pthread_t poppers[POPPERS];
	struct crowd *c = calloc(1, sizeof *c);
	assert_non_null(c);
	ok(queue_new(&c->q, 7, NULL, &err));
	for (int i = 0; i < POPPERS; i++)
		ok(thread_start(&poppers[i], pop_many, c, "pop", &err));
	for (int i = 0; i < PUSHERS; i++)
		ok(thread_start(&pushers[i], push_many, c, "push", &err));
	for (int i = 0; i < PUSHERS; i++) {
		void *failed;
		pthread_join(pushers[i], &failed);
		assert_null(failed);
	}
	/* Those who wait for items are woken by closing. */
	queue_close(c->q);
	for (int i = 0; i < POPPERS; i++)
		pthread_join(poppers[i], NULL);
	assert_int_equal(c->popped, PUSHERS * EACH);
	for (size_t i = 0; i < PUSHERS * EACH; i++)
		assert_int_equal(c->seen[i], 1);
	queue_free(c->q);
	free(c);
}

static void *
push_two(void *arg)
{
	struct queue *q = arg;
	return queue_push(q, &items[1]) ? NULL : q;
}

/* Whether the other thread waits already cannot be seen: in some of the rounds it does. */
static void
who_waits_for_room_is_woken_by_closing(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		struct err err;
		pthread_t waiter;
		void *refused_push = NULL;
		struct queue *q;
		ok(queue_new(&q, 1, NULL, &err));
		assert_true(queue_push(q, &items[0]));
		ok(thread_start(&waiter, push_two, q, "wait", &err));
		for (int i = 0; i < round; i++)
			sched_yield();
		queue_close(q);
		pthread_join(waiter, &refused_push);
		assert_ptr_equal(refused_push, q);
		queue_free(q);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_out_in_the_order_they_went_in),
		cmocka_unit_test(a_full_queue_takes_no_more_without_waiting),
		cmocka_unit_test(a_closed_queue_gives_what_is_left_and_takes_nothing),
		cmocka_unit_test(an_aborted_queue_frees_what_is_left),
		cmocka_unit_test(freeing_a_queue_frees_its_items),
		cmocka_unit_test(among_many_threads_each_item_arrives_once),
		cmocka_unit_test(who_waits_for_room_is_woken_by_closing),
	};
	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
