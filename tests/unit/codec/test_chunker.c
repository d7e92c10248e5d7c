#include "testing.h"

#include "base/bytes.h"
#include "codec/chunker.h"

#define LEN ((size_t)8 << 20)

static const struct chunk_sizes sizes = { 1024, 4096, 16384 };

static uint64_t seed;

static uint32_t
next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 32);
}

static struct chunker_table
make_table(uint64_t first)
{
	struct chunker_table t;
	uint8_t raw[CHUNKER_TABLE_BYTES];
	seed = first;
	for (size_t i = 0; i < sizeof raw; i++)
		raw[i] = (uint8_t)(next_random() >> 24);
	chunker_table_init(&t, raw);
	return t;
}

static uint8_t *
make_noise(size_t len, uint64_t first)
{
	uint8_t *p = malloc(len);
	assert_non_null(p);
	seed = first;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(next_random() >> 24);
	return p;
}

struct borders {
	size_t *at;
	size_t len;
};

static void
borders_release(struct borders *b)
{
	free(b->at);
	*b = (struct borders){ NULL, 0 };
}

/* Where chunks end, when the bytes come in portions of at most `portion` (0: all at once, >= 1
 * << 31: of random lengths).  Each cut but the last is the chunker's. */
static struct borders
find_borders(const struct chunker_table *t, struct chunk_sizes s, enum chunk_border how,
    const uint8_t *data, size_t len, size_t portion)
{
	struct borders b = { malloc((len / s.min + 2) * sizeof(size_t)), 0 };
	struct chunker c;
	assert_non_null(b.at);
	chunker_init(&c, t, s, how);
	size_t at = 0;
	while (at < len) {
		size_t n = portion == 0                 ? len - at
			   : portion >= (size_t)1 << 31 ? next_random() % 5000 + 1
							: portion;
		n = min_size(n, len - at);
		size_t end = at + n;
		while (at < end) {
			bool cut;
			size_t took = chunker_next(&c, data + at, end - at, &cut);
			assert_true(took > 0 && took <= end - at);
			at += took;
			if (cut)
				b.at[b.len++] = at;
			else
				assert_true(at == end);
		}
	}
	if (len > 0 && (b.len == 0 || b.at[b.len - 1] != len))
		b.at[b.len++] = len;
	return b;
}

static void
assert_same_borders(const struct borders *a, const struct borders *b)
{
	assert_int_equal(a->len, b->len);
	for (size_t i = 0; i < a->len; i++)
		assert_int_equal(a->at[i], b->at[i]);
}

static void
borders_do_not_depend_on_portions(void **state)
{
	(void)state;
	struct chunker_table t = make_table(1);
	size_t len = 300000;
	uint8_t *data = make_noise(len, 2);
	for (size_t i = 0; i < len; i++)
		if (data[i] < 4)
			data[i] = '\n';
	for (int how = BORDER_ANY; how <= BORDER_LINES; how++) {
		struct borders whole =
		    find_borders(&t, sizes, (enum chunk_border)how, data, len, 0);
		static const size_t portions[] = { 1, 2, 63, 64, 65, 1023, 1024, 4096, 16384,
			16385, 100000, (size_t)1 << 31 };
		for (size_t i = 0; i < ARRAY_LEN(portions); i++) {
			struct borders b = find_borders(
			    &t, sizes, (enum chunk_border)how, data, len, portions[i]);
			assert_same_borders(&whole, &b);
			borders_release(&b);
		}
		borders_release(&whole);
	}
	free(data);
}

static void
lengths_lie_between_least_and_most_and_near_the_average(void **state)
{
	(void)state;
	struct chunker_table t = make_table(3);
	uint8_t *data = make_noise(LEN, 4);
	struct borders b = find_borders(&t, sizes, BORDER_ANY, data, LEN, 0);
	size_t start = 0;
	size_t at_most = 0;
	for (size_t i = 0; i < b.len; i++) {
		size_t n = b.at[i] - start;
		assert_true(n <= sizes.max);
		assert_true(n > sizes.min || b.at[i] == LEN);
		at_most += n == sizes.max;
		start = b.at[i];
	}
	double mean = (double)LEN / (double)b.len;
	assert_true(mean > 0.9 * sizes.avg && mean < 1.5 * sizes.avg);
	/* Few are cut by force: those would move when bytes are inserted. */
	assert_true(at_most < b.len / 50);
	borders_release(&b);
	free(data);
}

static void
bytes_that_never_give_a_border_are_cut_at_the_most(void **state)
{
	(void)state;
	struct chunker_table t = make_table(5);
	uint8_t *data = calloc(100000, 1);
	assert_non_null(data);
	struct borders b = find_borders(&t, sizes, BORDER_ANY, data, 100000, 0);
	/* Equal bytes give an equal hash all along: either every chunk is cut early or none is.
	 */
	for (size_t i = 0; i + 1 < b.len; i++)
		assert_int_equal(b.at[i], (i + 1) * b.at[0]);
	assert_int_equal(b.at[0], sizes.max);
	borders_release(&b);
	free(data);
}

static void
borders_come_back_behind_an_insertion(void **state)
{
	(void)state;
	struct chunker_table t = make_table(6);
	size_t len = 1 << 20;
	uint8_t *data = make_noise(len + 100, 7);
	struct borders before = find_borders(&t, sizes, BORDER_ANY, data, len, 0);
	size_t where = len / 2;
	memmove(data + where + 100, data + where, len - where);
	struct borders after = find_borders(&t, sizes, BORDER_ANY, data, len + 100, 0);
	size_t shared = 0;
	for (size_t i = 0, k = 0; i < before.len; i++) {
		size_t want = before.at[i] + (before.at[i] > where ? 100 : 0);
		while (k < after.len && after.at[k] < want)
			k++;
		shared += k < after.len && after.at[k] == want;
	}
	assert_true(shared + 5 > before.len);
	borders_release(&before);
	borders_release(&after);
	free(data);
}

static void
another_table_gives_other_borders(void **state)
{
	(void)state;
	struct chunker_table t = make_table(8);
	struct chunker_table u = make_table(9);
	size_t len = 1 << 20;
	uint8_t *data = make_noise(len, 10);
	struct borders a = find_borders(&t, sizes, BORDER_ANY, data, len, 0);
	struct borders b = find_borders(&u, sizes, BORDER_ANY, data, len, 0);
	size_t shared = 0;
	for (size_t i = 0, k = 0; i < a.len; i++) {
		while (k < b.len && b.at[k] < a.at[i])
			k++;
		shared += k < b.len && b.at[k] == a.at[i];
	}
	assert_true(shared < 5);
	borders_release(&a);
	borders_release(&b);
	free(data);
}

/* Rows of 1 to 400 bytes; each long_every-th (0: none) is longer than the longest chunk. */
static size_t
fill_rows(uint8_t *p, size_t len, size_t long_every)
{
	size_t at = 0;
	seed = 11;
	for (size_t row = 1; at + 2 * sizes.max < len; row++) {
		size_t n = next_random() % 400;
		if (long_every > 0 && row % long_every == 0)
			n = sizes.max + 1000;
		for (size_t i = 0; i < n; i++)
			p[at++] = (uint8_t)('a' + next_random() % 26);
		p[at++] = '\n';
	}
	return at;
}

static void
rows_are_not_cut_unless_they_are_very_long(void **state)
{
	(void)state;
	struct chunker_table t = make_table(12);
	uint8_t *data = malloc(LEN);
	assert_non_null(data);
	size_t len = fill_rows(data, LEN, 0);
	struct borders b = find_borders(&t, sizes, BORDER_LINES, data, len, 0);
	assert_true(b.len > 100);
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(data[b.at[i] - 1], '\n');
	borders_release(&b);

	len = fill_rows(data, LEN, 50);
	b = find_borders(&t, sizes, BORDER_LINES, data, len, 0);
	size_t start = 0;
	size_t inside = 0;
	for (size_t i = 0; i < b.len; i++) {
		assert_true(b.at[i] - start <= sizes.max);
		if (data[b.at[i] - 1] != '\n') {
			/* Cut by force only. */
			assert_int_equal(b.at[i] - start, sizes.max);
			inside++;
		}
		start = b.at[i];
	}
	assert_true(inside > 0);
	borders_release(&b);
	free(data);
}

/* Rows that are all alike may give the hash nothing: a newline is found all the same. */
static void
rows_that_are_all_alike_are_not_cut(void **state)
{
	(void)state;
	struct chunker_table t = make_table(16);
	size_t len = 400000;
	char *data = malloc(len + 1);
	assert_non_null(data);
	static const char *const rows[] = { "\\N\t\\N\n", "0\n", "same\tagain\tand again\n",
		"\n" };
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		size_t row = strlen(rows[r]);
		size_t used = len / row * row;
		for (size_t at = 0; at < used; at += row)
			memcpy(data + at, rows[r], row);
		struct borders b =
		    find_borders(&t, sizes, BORDER_LINES, (const uint8_t *)data, used, 0);
		for (size_t i = 0; i < b.len; i++)
			assert_int_equal(data[b.at[i] - 1], '\n');
		borders_release(&b);
	}
	free(data);
}

static void
a_changed_row_changes_the_chunks_around_it_only(void **state)
{
	(void)state;
	struct chunker_table t = make_table(13);
	uint8_t *data = malloc(LEN);
	assert_non_null(data);
	size_t len = fill_rows(data, 1 << 20, 0);
	struct borders a = find_borders(&t, sizes, BORDER_LINES, data, len, 0);
	size_t where = len / 2;
	while (data[where] == '\n')
		where++;
	data[where] ^= 0x20;
	struct borders b = find_borders(&t, sizes, BORDER_LINES, data, len, 0);
	size_t differ = 0;
	for (size_t i = 0, k = 0; i < a.len; i++) {
		while (k < b.len && b.at[k] < a.at[i])
			k++;
		differ += k == b.len || b.at[k] != a.at[i];
	}
	assert_true(differ <= 4);
	borders_release(&a);
	borders_release(&b);
	free(data);
}

/* The hash is full when the first border may lie: what stands 64 bytes before it cannot matter.
 */
static void
a_border_depends_on_the_64_bytes_before_it(void **state)
{
	(void)state;
	struct chunker_table t = make_table(14);
	size_t len = 100000;
	uint8_t *data = make_noise(len, 15);
	struct borders a = find_borders(&t, sizes, BORDER_ANY, data, len, 0);
	assert_true(a.len > 2 && a.at[0] < sizes.max);
	for (size_t i = 0; i < a.at[0] - 64; i++)
		data[i] = (uint8_t)~data[i];
	struct borders b = find_borders(&t, sizes, BORDER_ANY, data, len, 0);
	/* An earlier border may have come up, but this one stands unless one of those is in its
	 * way. */
	if (b.at[0] >= a.at[0])
		assert_same_borders(&a, &b);
	else
		assert_true(b.at[0] < a.at[0] - 63);
	data[a.at[0] - 64] ^= 1;
	struct borders c = find_borders(&t, sizes, BORDER_ANY, data, len, 0);
	assert_int_not_equal(c.at[0], a.at[0]);
	borders_release(&a);
	borders_release(&b);
	borders_release(&c);
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(borders_do_not_depend_on_portions),
		cmocka_unit_test(lengths_lie_between_least_and_most_and_near_the_average),
		cmocka_unit_test(bytes_that_never_give_a_border_are_cut_at_the_most),
		cmocka_unit_test(borders_come_back_behind_an_insertion),
		cmocka_unit_test(another_table_gives_other_borders),
		cmocka_unit_test(rows_are_not_cut_unless_they_are_very_long),
		cmocka_unit_test(rows_that_are_all_alike_are_not_cut),
		cmocka_unit_test(a_changed_row_changes_the_chunks_around_it_only),
		cmocka_unit_test(a_border_depends_on_the_64_bytes_before_it),
	};
	return cmocka_run_group_tests_name("chunker", tests, NULL, NULL);
}
