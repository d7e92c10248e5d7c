#include "repo/memory_repo.h"

#include "repo/content.h"
#include "repo/stream.h"

#include <pthread.h>

#define MIB ((size_t)1 << 20)

/*
 * One content of many chunks with holes among them: rows give small chunks,
 * so that the list of extents is stored as chunks itself.
 */
#define DATA_LEN (12 * MIB)
#define HOLE_AT (5 * MIB)
#define HOLE_LEN (3 * MIB)
#define SIZE (DATA_LEN + HOLE_LEN)

struct fixture {
	struct memory_repo m;
	uint8_t *plain; /* SIZE bytes as they must come back */
	struct content content;
};

static void
fill_rows(uint8_t *p, size_t len)
{
	uint64_t seed = 7;
	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		p[i] = (uint8_t)(i % 80 == 79 ? '\n' : 'a' + (seed >> 56) % 26);
	}
}

static void
save(struct fixture *f)
{
	struct err err;
	struct intake *in;
	struct stream *s;
	f->plain = calloc(1, SIZE);
	assert_non_null(f->plain);
	fill_rows(f->plain, HOLE_AT);
	fill_rows(f->plain + HOLE_AT + HOLE_LEN, DATA_LEN - HOLE_AT);
	f->plain[SIZE - 1] = '!';
	ok(intake_new(&in, f->m.writer, &err));
	ok(stream_open(&s, in, CHUNK_ROWS, &err));
	ok(stream_write(s, f->plain, HOLE_AT, &err));
	ok(stream_hole(s, HOLE_LEN, &err));
	ok(stream_write(s, f->plain + HOLE_AT + HOLE_LEN, DATA_LEN - HOLE_AT, &err));
	ok(stream_close(s, &f->content, &err));
	intake_free(in);
	ok(writer_flush(f->m.writer, &err));
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	memory_repo_open(&f->m);
	save(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	content_release(&f->content);
	memory_repo_close(&f->m);
	free(f->plain);
	free(f);
	return 0;
}

/* Read a range, into memory of exactly its size, and compare. */
static void
check_range(struct fixture *f, uint64_t offset, size_t len, size_t want)
{
	struct err err;
	size_t got = SIZE_MAX;
	uint8_t *out = malloc(len > 0 ? len : 1);
	assert_non_null(out);
	memset(out, 0xee, len);
	ok(content_read_at(f->m.repo, &f->content, offset, out, len, &got, &err));
	assert_int_equal(got, want);
	if (want > 0)
		assert_memory_equal(out, f->plain + offset, want);
	for (size_t i = want; i < len; i++)
		assert_int_equal(out[i], 0xee);
	free(out);
}

static void
any_range_is_read_as_it_was_written(void **state)
{
	struct fixture *f = *state;
	assert_true(f->content.level > 0);
	assert_int_equal(f->content.size, SIZE);
	check_range(f, 0, 1, 1);
	check_range(f, 0, SIZE, SIZE);
	check_range(f, SIZE - 1, 1, 1);
	uint64_t seed = 3;
	for (int i = 0; i < 300; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		uint64_t offset = (seed >> 16) % SIZE;
		size_t len = (size_t)(seed >> 40) % 200000;
		check_range(f, offset, len, min_size(len, (size_t)(SIZE - offset)));
	}
}

static void
holes_are_zeros(void **state)
{
	struct fixture *f = *state;
	check_range(f, HOLE_AT, HOLE_LEN, HOLE_LEN);
	check_range(f, HOLE_AT - 1, HOLE_LEN + 2, HOLE_LEN + 2);
	check_range(f, HOLE_AT + MIB, 10, 10);
}

static void
only_the_end_makes_a_read_short(void **state)
{
	struct fixture *f = *state;
	check_range(f, SIZE - 10, 100, 10);
	check_range(f, SIZE, 100, 0);
	check_range(f, SIZE + 5, 100, 0);
	check_range(f, UINT64_MAX, 100, 0);
	check_range(f, 17, 0, 0);
	struct content empty = CONTENT_INIT;
	struct err err;
	size_t got = 1;
	ok(content_read_at(f->m.repo, &empty, 0, &got, 1, &got, &err));
	assert_int_equal(got, 0);
}

static void
a_range_needs_only_its_own_chunks(void **state)
{
	struct fixture *f = *state;
	struct err err;
	uint8_t out[16];
	size_t got;
	/* A list that is nowhere before those that are there. */
	struct extent items[CONTENT_MAX_ITEMS + 1] = { { .len = 1000 } };
	memcpy(items + 1, f->content.items, f->content.count * sizeof items[0]);
	struct content broken = { SIZE + 1000, f->content.level, f->content.count + 1, items,
		false };
	refused(content_read_at(f->m.repo, &broken, 0, out, sizeof out, &got, &err),
	    ERR_NOT_FOUND, "chunk 0000000000000000: no index knows it");
	refused(content_read_at(f->m.repo, &broken, 999, out, sizeof out, &got, &err),
	    ERR_NOT_FOUND, "chunk 0000000000000000: no index knows it");
	ok(content_read_at(f->m.repo, &broken, 1000, out, sizeof out, &got, &err));
	assert_int_equal(got, sizeof out);
	assert_memory_equal(out, f->plain, sizeof out);
}

static void *
read_ranges(void *arg)
{
	struct fixture *f = arg;
	for (uint64_t offset = 0; offset < SIZE; offset += 700001)
		check_range(f, offset, 100000, min_size(100000, (size_t)(SIZE - offset)));
	return NULL;
}

static void
several_threads_read_at_once(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[4];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_ranges, f), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_range_is_read_as_it_was_written),
		cmocka_unit_test(holes_are_zeros),
		cmocka_unit_test(only_the_end_makes_a_read_short),
		cmocka_unit_test(a_range_needs_only_its_own_chunks),
		cmocka_unit_test(several_threads_read_at_once),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
