/*
 * An edit must be right (what is left of both sides is the same), and shortest
 * where the search is not cut short: a table of longest common subsequences is
 * the oracle.
 */
#include "testing.h"

#include "base/seq_diff.h"

#include <stdlib.h>

#define MAX 4000

static size_t a[MAX], b[MAX];
static bool gone[MAX], come[MAX];

static uint32_t seed = 1;

static uint32_t
chance(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

/* How many are left of each; that they are the same ones is checked. */
static size_t
kept(size_t a_len, size_t b_len)
{
	size_t x = 0;
	size_t y = 0;
	size_t n = 0;
	for (;;) {
		while (x < a_len && gone[x])
			x++;
		while (y < b_len && come[y])
			y++;
		if (x == a_len || y == b_len)
			break;
		assert_int_equal(a[x], b[y]);
		x++;
		y++;
		n++;
	}
	assert_int_equal(x, a_len);
	assert_int_equal(y, b_len);
	return n;
}

static size_t
longest_common(size_t a_len, size_t b_len)
{
	static size_t row[2][MAX + 1];
	memset(row, 0, sizeof row);
	for (size_t x = 0; x < a_len; x++)
		for (size_t y = 0; y < b_len; y++) {
			size_t *now = row[(x + 1) % 2];
			const size_t *last = row[x % 2];
			size_t best = now[y] > last[y + 1] ? now[y] : last[y + 1];
			now[y + 1] = a[x] == b[y] ? last[y] + 1 : best;
		}
	return row[a_len % 2][b_len];
}

static void
small_edits_are_shortest(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	for (int round = 0; round < 20000; round++) {
		size_t a_len = chance(14);
		size_t b_len = chance(14);
		uint32_t kinds = 1 + chance(6);
		for (size_t i = 0; i < a_len; i++)
			a[i] = chance(kinds);
		for (size_t i = 0; i < b_len; i++)
			b[i] = chance(kinds);
		ok(seq_diff(a, a_len, b, b_len, gone, come, &err));
		assert_int_equal(kept(a_len, b_len), longest_common(a_len, b_len));
	}
}

static void
an_edit_that_is_cut_short_is_right(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < MAX; i++) {
			a[i] = chance(round == 0 ? 1000000 : 50);
			b[i] = chance(round == 0 ? 1000000 : 50);
		}
		ok(seq_diff(a, MAX, b, MAX - (size_t)round, gone, come, &err));
		size_t n = kept(MAX, MAX - (size_t)round);
		assert_true(round == 0 || n > MAX / 10);
	}
}

static void
a_run_stands_as_far_back_as_it_can(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	/* x{y}{y}z to x{y}z: the second one went. */
	const size_t before[] = { 7, 1, 2, 3, 1, 2, 3, 9 };
	const size_t after[] = { 7, 1, 2, 3, 9 };
	const bool want[] = { false, false, false, false, true, true, true, false };
	ok(seq_diff(before, 8, after, 5, gone, come, &err));
	assert_memory_equal(gone, want, sizeof want);
}

static void
numbers_are_equal_where_bytes_are(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct seq_item x[] = { { "a", 1 }, { "", 0 }, { "a\0b", 3 }, { "ab", 2 } };
	const struct seq_item y[] = { { "ab", 2 }, { "a\0c", 3 }, { "a", 1 }, { NULL, 0 } };
	ok(seq_number(x, 4, y, 4, a, b, &err));
	assert_int_equal(a[0], b[2]);
	assert_int_equal(a[1], b[3]);
	assert_int_equal(a[3], b[0]);
	assert_int_not_equal(a[2], b[1]);
	assert_int_not_equal(a[0], a[2]);
	ok(seq_number(x, 0, y, 0, a, b, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_edits_are_shortest),
		cmocka_unit_test(an_edit_that_is_cut_short_is_right),
		cmocka_unit_test(a_run_stands_as_far_back_as_it_can),
		cmocka_unit_test(numbers_are_equal_where_bytes_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
