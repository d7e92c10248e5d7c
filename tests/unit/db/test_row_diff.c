#include "random_case.h"
#include "repo/memory_repo.h"

#include "db/row_match.h"
#include "repo/content_delta.h"

/*
 * Two versions of a table, stored as a backup does, compared as a diff does.
 * STACKSNAP_SEED repeats a case.
 */

/* Rows (number, version, padding); a long one now and then. */
struct table {
	struct buf bytes;
	uint32_t *ends;
	size_t count;
};

static void
add_row(struct table *t, size_t number, unsigned version)
{
	struct err err;
	size_t len = number % 5000 == 777 ? 900000
		     : number % 1000 == 5 ? 70000
					  : 20 + number % 50;
	ok(buf_printf(&t->bytes, &err, "%zu\t%u\t", number, version));
	ok(buf_reserve(&t->bytes, len + 1, &err));
	for (size_t i = 0; i < len; i++)
		t->bytes.data[t->bytes.len++] = (uint8_t)('a' + (number * 31 + i * i) % 26);
	t->bytes.data[t->bytes.len++] = '\n';
	t->ends[t->count++] = (uint32_t)t->bytes.len;
}

static struct content
store_table(struct memory_repo *m, const struct table *t)
{
	struct err err;
	struct content c = CONTENT_INIT;
	AUTO(intake) struct intake *in = NULL;
	struct stream *s;
	ok(intake_new(&in, m->writer, &err));
	ok(stream_open_rows(&s, in, &err));
	ok(stream_write(s, "COPY public.t (a, b, c) FROM stdin;\n", 36, &err));
	ok(stream_border(s, &err));
	ok(stream_rows(s, t->bytes.data, t->bytes.len, t->ends, t->count, &err));
	ok(stream_border(s, &err));
	ok(stream_write(s, "\\.\n", 3, &err));
	ok(stream_close(s, &c, &err));
	ok(writer_flush(m->writer, &err));
	return c;
}

static struct table
new_table(size_t rows)
{
	struct table t = { .bytes = BUF_INIT, .ends = calloc(2 * rows + 1, sizeof(uint32_t)) };
	assert_non_null(t.ends);
	return t;
}

static void
free_table(struct table *t)
{
	buf_release(&t->bytes);
	free(t->ends);
}

static enum err_code
match_run(void *arg, const struct content_run_bytes *run, struct err *err)
{
	return row_match_add_pair(
	    arg, run->data[0], run->len[0], run->data[1], run->len[1], err);
}

static enum err_code
sum_numbers(void *arg, enum row_change change, const struct row *before,
    const struct row *after, struct err *err)
{
	(void)err;
	uint64_t *sums = arg;
	const struct row *row = before != NULL ? before : after;
	uint64_t number = 0;
	for (size_t i = 0; row->data[i] != '\t'; i++)
		number = 10 * number + (uint64_t)(row->data[i] - '0');
	sums[change] += number;
	return ERR_OK;
}

struct expected {
	struct row_match_result counts;
	uint64_t sums[3]; /* of the numbers of rows, by change */
};

static struct expected
edit(struct table *b, size_t rows, size_t one_in)
{
	struct expected x = { .sums = { 0 } };
	for (size_t i = 0; i < rows; i++) {
		size_t kind = below(one_in) == 0 ? 1 + below(3) : 0;
		if (kind == 1) {
			x.counts.removed++;
			x.sums[ROW_REMOVED] += i;
			continue;
		}
		add_row(b, i, kind == 2 ? 2 : 1);
		if (kind == 2) {
			x.counts.changed++;
			x.sums[ROW_CHANGED] += i;
		} else if (kind == 3) {
			x.counts.added++;
			x.sums[ROW_ADDED] += rows + i;
			add_row(b, rows + i, 1);
		}
	}
	return x;
}

static void
check_diff(struct memory_repo *m, const struct content *a, const struct content *b,
    const struct expected *x)
{
	static char name[] = "public.t";
	static struct shape_column columns[] = { { name, name, true }, { name, name, true },
		{ name, name, true } };
	static size_t key[] = { 0 };
	struct shape shape = { name, ROW_COPY, columns, 3, key, 1 };
	struct err err;
	AUTO(row_match) struct row_match *match = NULL;
	AUTO(content_delta) struct content_delta *d = NULL;
	struct row_match_options rows = { .memory = below(2) * 65536, .keep = SIZE_MAX };
	struct content_delta_options opt = {
		.a = a, .b = b, .repo_a = m->repo, .repo_b = m->repo
	};
	struct row_match_result counts;
	uint64_t sums[3] = { 0, 0, 0 };
	ok(row_match_new(&match, &shape, &shape, &rows, &err));
	assert_true(row_match_is_bytewise(match));
	ok(content_delta_new(&d, &opt, &err));
	ok(content_delta_read(d, match_run, match, &err));
	ok(row_match_finish(match, sum_numbers, sums, &counts, &err));
	assert_int_equal(counts.added, x->counts.added);
	assert_int_equal(counts.removed, x->counts.removed);
	assert_int_equal(counts.changed, x->counts.changed);
	assert_memory_equal(sums, x->sums, sizeof sums);
}

static void
stored_tables_differ_by_what_was_edited(void **state)
{
	(void)state;
	static const size_t one_in[] = { 100000, 3000, 100, 3 };
	struct memory_repo m;
	seed_case(first_seed());
	memory_repo_open(&m);
	size_t rows = 8000;
	struct table a = new_table(rows);
	for (size_t i = 0; i < rows; i++)
		add_row(&a, i, 1);
	struct content in_a = store_table(&m, &a);
	for (size_t i = 0; i < ARRAY_LEN(one_in); i++) {
		struct table b = new_table(rows);
		struct expected x = edit(&b, rows, one_in[i]);
		struct content in_b = store_table(&m, &b);
		assert_int_equal(content_rows(&in_b), b.count);
		check_diff(&m, &in_a, &in_b, &x);
		content_release(&in_b);
		free_table(&b);
	}
	content_release(&in_a);
	free_table(&a);
	memory_repo_close(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(stored_tables_differ_by_what_was_edited, tell_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
