/* Rows that stream by are counted off against stored ones: what is left differs, and all that
 * differs is left. */
#include "repo/memory_repo.h"

#include "base/strv.h"
#include "repo/row_tally.h"
#include "repo/stream.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD "COPY public.t (id, a) FROM stdin;\n"
#define TAIL "\\.\n"

struct fixture {
	struct memory_repo m;
	struct spill *spill;
	size_t window; /* 0: as it is */
};

static int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	memory_repo_open(&f->m);
	ok(spill_open(&f->spill, NULL, &err));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	spill_close(f->spill);
	memory_repo_close(&f->m);
	free(f);
	return 0;
}

/* --- tables: lines --- */

struct table {
	struct buf rows;
	size_t count;
};

static void
table_auto(struct table *t)
{
	buf_release(&t->rows);
}

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	return x ^ x >> 29;
}

static void
add_row(struct table *t, uint64_t number, size_t filler)
{
	struct err err;
	ok(buf_printf(&t->rows, &err, "%llu\t%016llx", (unsigned long long)number,
	    (unsigned long long)mix(number + 1)));
	for (size_t i = 0; i < filler; i++)
		ok(buf_u8(&t->rows, (uint8_t)('a' + mix(number * 977 + i) % 26), &err));
	ok(buf_u8(&t->rows, '\n', &err));
	t->count++;
}

static void
add_rows(struct table *t, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		add_row(t, i, 0);
}

/* The ends of the rows in these bytes; freed by the caller. */
static uint32_t *
ends_in(const uint8_t *data, size_t len, size_t *count)
{
	uint32_t *ends = calloc(len + 1, sizeof *ends);
	assert_non_null(ends);
	*count = 0;
	for (size_t i = 0; i < len; i++)
		if (data[i] == '\n')
			ends[(*count)++] = (uint32_t)i + 1;
	return ends;
}

static struct content
store(const struct fixture *f, const struct table *t)
{
	struct err err;
	struct intake *in;
	struct stream *s;
	struct content c;
	size_t count;
	uint32_t *ends = ends_in(t->rows.data, t->rows.len, &count);
	ok(intake_new(&in, f->m.writer, &err));
	ok(stream_open_rows(&s, in, &err));
	ok(stream_write(s, HEAD, strlen(HEAD), &err));
	ok(stream_border(s, &err));
	ok(stream_rows(s, t->rows.data, t->rows.len, ends, count, &err));
	ok(stream_border(s, &err));
	ok(stream_write(s, TAIL, strlen(TAIL), &err));
	ok(stream_close(s, &c, &err));
	intake_free(in);
	free(ends);
	ok(writer_flush(f->m.writer, &err));
	return c;
}

static struct row_rest
tally(const struct fixture *f, const struct content *stored, const struct table *t,
    size_t portion)
{
	struct err err;
	struct row_tally *x;
	struct row_rest rest;
	struct row_tally_options opt = { stored, f->spill, f->window };
	ok(row_tally_open(&x, f->m.repo, &opt, &err));
	ok(row_tally_write(x, HEAD, strlen(HEAD), &err));
	ok(row_tally_border(x, &err));
	for (size_t at = 0; at < t->rows.len; at += portion) {
		size_t n = min_size(portion, t->rows.len - at);
		size_t count;
		uint32_t *ends = ends_in(t->rows.data + at, n, &count);
		ok(row_tally_rows(x, t->rows.data + at, n, ends, count, &err));
		free(ends);
	}
	ok(row_tally_border(x, &err));
	ok(row_tally_write(x, TAIL, strlen(TAIL), &err));
	ok(row_tally_finish(x, &rest, &err));
	row_tally_free(x);
	return rest;
}

/* --- multisets: a sum that no order changes --- */

struct sum {
	uint64_t rows;
	uint64_t hash;
	uint64_t calls;
	size_t longest; /* call */
};

static enum err_code
add_to_sum(void *arg, const void *data, size_t len, struct err *err)
{
	struct sum *s = arg;
	const uint8_t *p = data;
	uint64_t h = 0;
	(void)err;
	assert_true(len > 0 && p[len - 1] == '\n'); /* whole rows */
	for (size_t i = 0; i < len; i++) {
		h = mix(h * 31 + p[i]);
		if (p[i] == '\n') {
			s->rows++;
			s->hash += mix(h);
			h = 0;
		}
	}
	s->calls++;
	s->longest = max_size(s->longest, len);
	return ERR_OK;
}

static struct sum
sum_of(const struct table *t)
{
	struct err err;
	struct sum s = { 0, 0, 0, 0 };
	if (t->rows.len > 0)
		ok(add_to_sum(&s, t->rows.data, t->rows.len, &err));
	return s;
}

struct left {
	struct sum fresh;
	struct sum stale;
};

/* What is left of both, which must be what makes one of the other. */
static struct left
left_of(const struct fixture *f, const struct table *a, const struct table *b, size_t portion)
{
	struct err err;
	AUTO(content) struct content stored = store(f, a);
	struct row_rest rest = tally(f, &stored, b, portion);
	struct left left = { { 0, 0, 0, 0 }, { 0, 0, 0, 0 } };
	struct row_rest_stored s = { f->m.repo, &stored, false, add_to_sum, NULL, &left.stale };
	assert_int_equal(rest.rows, b->count);
	ok(row_rest_fresh(&rest, add_to_sum, &left.fresh, &err));
	ok(row_rest_stale(&rest, &s, &err));
	row_rest_release(&rest);
	struct sum x = sum_of(a);
	struct sum y = sum_of(b);
	assert_int_equal(x.rows - left.stale.rows, y.rows - left.fresh.rows);
	assert_true(x.hash - left.stale.hash == y.hash - left.fresh.hash);
	return left;
}

/* --- claims --- */

static void
nothing_is_left_of_equal_tables(void **state)
{
	const struct fixture *f = *state;
	AUTO(table) struct table t = { BUF_INIT, 0 };
	add_rows(&t, 0, 20000);
	for (size_t portion = 1000; portion < 400000; portion *= 7) {
		AUTO(content) struct content stored = store(f, &t);
		struct row_rest rest = tally(f, &stored, &t, portion);
		assert_null(rest.fresh);
		assert_null(rest.stale);
		assert_int_equal(rest.rows, 20000);
	}
}

/* Where chunks end depends on the repository's secret: some row in a hundred is itself an end,
 * and its change joins two chunks or splits one. */
static void
a_row_that_changed_leaves_one_chunk_of_each(void **state)
{
	const size_t places = 12;
	size_t one_each = 0;
	for (size_t i = 1; i <= places; i++) {
		AUTO(table) struct table a = { BUF_INIT, 0 };
		AUTO(table) struct table b = { BUF_INIT, 0 };
		uint64_t changed = i * 1000 + 500;
		add_rows(&a, 0, 14000);
		add_rows(&b, 0, changed);
		add_row(&b, 1000000, 3);
		add_rows(&b, changed + 1, 14000);
		struct left left = left_of(*state, &a, &b, 65536);
		assert_int_equal(left.fresh.rows, left.stale.rows);
		assert_true(left.fresh.rows < 5000);
		one_each += left.fresh.calls == 1 && left.stale.calls == 1;
	}
	assert_true(one_each >= places - 2);
}

/* A row ends where the stored chunk ends, and yet it is not that chunk. */
static void
rows_that_keep_their_length_are_left_when_they_change(void **state)
{
	const uint64_t places[] = { 100, 9000, 9001, 24000, 39999 };
	for (size_t portion = 20000; portion < 2000000; portion *= 9) {
		AUTO(table) struct table a = { BUF_INIT, 0 };
		AUTO(table) struct table b = { BUF_INIT, 0 };
		add_rows(&a, 0, 40000);
		uint64_t from = 0;
		for (size_t i = 0; i < ARRAY_LEN(places); i++) {
			add_rows(&b, from, places[i]);
			add_row(&b, places[i], 0);
			b.rows.data[b.rows.len - 2] ^= 1;
			from = places[i] + 1;
		}
		add_rows(&b, from, 40000);
		struct left left = left_of(*state, &a, &b, portion);
		assert_in_range(left.fresh.rows, ARRAY_LEN(places), 15000);
		assert_true(left.fresh.hash != left.stale.hash);
	}
}

static void
rows_that_were_added_or_removed_are_left(void **state)
{
	AUTO(table) struct table a = { BUF_INIT, 0 };
	AUTO(table) struct table b = { BUF_INIT, 0 };
	add_rows(&a, 0, 20000);
	add_rows(&b, 500, 20300);
	left_of(*state, &a, &b, 30000);
}

static void
the_order_of_chunks_does_not_matter(void **state)
{
	AUTO(table) struct table a = { BUF_INIT, 0 };
	AUTO(table) struct table b = { BUF_INIT, 0 };
	add_rows(&a, 0, 40000);
	add_rows(&b, 20000, 40000);
	add_rows(&b, 0, 20000);
	struct left left = left_of(*state, &a, &b, 50000);
	assert_true(left.fresh.rows < 10000);
}

/* The same rows a hundred times make the same chunks again and again. */
static void
equal_chunks_are_counted(void **state)
{
	AUTO(table) struct table a = { BUF_INIT, 0 };
	AUTO(table) struct table b = { BUF_INIT, 0 };
	for (size_t i = 0; i < 100000; i++)
		add_row(&a, 1, 0);
	for (size_t i = 0; i < 60000; i++)
		add_row(&b, 1, 0);
	struct left left = left_of(*state, &a, &b, 100000);
	assert_true(left.stale.rows >= 40000 && left.stale.rows < 90000);
	struct left back = left_of(*state, &b, &a, 100000);
	assert_true(back.fresh.rows >= 40000 && back.fresh.rows < 90000);
}

static void
an_empty_side_leaves_all_of_the_other(void **state)
{
	const struct fixture *f = *state;
	struct err err;
	AUTO(table) struct table a = { BUF_INIT, 0 };
	AUTO(table) struct table none = { BUF_INIT, 0 };
	add_rows(&a, 0, 5000);
	assert_int_equal(left_of(f, &a, &none, 1000).stale.rows, 5000);
	assert_int_equal(left_of(f, &none, &a, 1000).fresh.rows, 5000);
	struct content nothing = CONTENT_INIT; /* no such table is stored */
	struct row_rest rest = tally(f, &nothing, &a, 1000);
	struct sum fresh = { 0, 0, 0, 0 };
	assert_null(rest.stale);
	ok(row_rest_fresh(&rest, add_to_sum, &fresh, &err));
	assert_int_equal(fresh.rows, 5000);
	row_rest_release(&rest);
}

/* Chunks that stand far apart in both are left: it costs time, but nothing is wrong. */
static void
a_window_that_slides_forgets_nothing(void **state)
{
	struct fixture *f = *state;
	AUTO(table) struct table a = { BUF_INIT, 0 };
	AUTO(table) struct table b = { BUF_INIT, 0 };
	AUTO(table) struct table swapped = { BUF_INIT, 0 };
	f->window = 8;
	add_rows(&a, 0, 100000);
	add_rows(&b, 100, 50000);
	add_rows(&b, 50500, 100000);
	struct left left = left_of(f, &a, &b, 50000);
	assert_true(left.stale.rows < 10000);
	add_rows(&swapped, 50000, 100000);
	add_rows(&swapped, 0, 50000);
	left_of(f, &a, &swapped, 50000);
	left_of(f, &swapped, &a, 50000);
}

/* Rows longer than the longest chunk lie in several: they are put together again. */
static void
torn_rows_are_left_whole(void **state)
{
	AUTO(table) struct table a = { BUF_INIT, 0 };
	AUTO(table) struct table b = { BUF_INIT, 0 };
	add_rows(&a, 0, 3000);
	add_row(&a, 3000, 2500000);
	add_rows(&a, 3001, 9000);
	add_rows(&b, 0, 3000);
	add_row(&b, 3000, 2500000);
	add_rows(&b, 3001, 8999);
	struct left left = left_of(*state, &a, &b, 70000);
	assert_true(left.fresh.longest > 2500000);
	assert_true(left.fresh.rows < 8999);
}

struct two_sums {
	struct sum all;
	struct sum counted;
};

static enum err_code
add_to_all(void *arg, const void *data, size_t len, struct err *err)
{
	return add_to_sum(&((struct two_sums *)arg)->all, data, len, err);
}

static enum err_code
add_to_counted(void *arg, const void *data, size_t len, struct err *err)
{
	return add_to_sum(&((struct two_sums *)arg)->counted, data, len, err);
}

/* Where columns stand in another order, equal bytes are not equal rows. */
static void
all_that_is_stored_can_be_had_and_what_was_counted_off(void **state)
{
	const struct fixture *f = *state;
	struct err err;
	AUTO(table) struct table a = { BUF_INIT, 0 };
	AUTO(table) struct table b = { BUF_INIT, 0 };
	add_rows(&a, 0, 20000);
	add_row(&a, 20000, 2500000);
	add_rows(&b, 3000, 22000);
	AUTO(content) struct content stored = store(f, &a);
	struct row_rest rest = tally(f, &stored, &b, 40000);
	struct two_sums sums = { { 0, 0, 0, 0 }, { 0, 0, 0, 0 } };
	struct sum fresh = { 0, 0, 0, 0 };
	struct row_rest_stored s = { f->m.repo, &stored, true, add_to_all, add_to_counted,
		&sums };
	ok(row_rest_fresh(&rest, add_to_sum, &fresh, &err));
	ok(row_rest_stale(&rest, &s, &err));
	row_rest_release(&rest);
	assert_int_equal(sums.all.rows, a.count);
	assert_true(sums.all.hash == sum_of(&a).hash);
	assert_int_equal(sums.counted.rows + fresh.rows, b.count);
	assert_true(sums.counted.hash + fresh.hash == sum_of(&b).hash);
	assert_true(sums.counted.rows > 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    nothing_is_left_of_equal_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_row_that_changed_leaves_one_chunk_of_each, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    rows_that_keep_their_length_are_left_when_they_change, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    rows_that_were_added_or_removed_are_left, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_order_of_chunks_does_not_matter, setup, teardown),
		cmocka_unit_test_setup_teardown(equal_chunks_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_empty_side_leaves_all_of_the_other, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_window_that_slides_forgets_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(torn_rows_are_left_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    all_that_is_stored_can_be_had_and_what_was_counted_off, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
