#include "random_case.h"
#include "repo/memory_repo.h"

#include "base/checksum.h"
#include "base/strv.h"
#include "repo/content_delta.h"

#include <pthread.h>

/*
 * Tables of short rows in tiny chunks, so that a few thousand rows have lists of
 * lists.  Whatever was edited, what comes out must differ by the same multiset of rows as the
 * whole tables do.  STACKSNAP_SEED repeats a case, STACKSNAP_CASES sets how many.
 */
#define CASES_DEFAULT 30
#define TORN_PIECE 50

static struct memory_repo shared;

static int
open_shared(void **state)
{
	(void)state;
	memory_repo_open(&shared);
	return 0;
}

static int
close_shared(void **state)
{
	(void)state;
	memory_repo_close(&shared);
	return 0;
}

/* --- tables --- */

struct rows {
	char **items;
	size_t count;
	size_t cap;
};

static void
insert_at(struct rows *t, size_t at, char *row)
{
	assert_non_null(row);
	if (t->count == t->cap) {
		t->cap = 2 * t->cap + 64;
		t->items = reallocarray(t->items, t->cap, sizeof *t->items);
		assert_non_null(t->items);
	}
	memmove(t->items + at + 1, t->items + at, (t->count - at) * sizeof *t->items);
	t->items[at] = row;
	t->count++;
}

static void
remove_at(struct rows *t, size_t at)
{
	free(t->items[at]);
	memmove(t->items + at, t->items + at + 1, (--t->count - at) * sizeof *t->items);
}

static void
free_rows(struct rows *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->items[i]);
	free(t->items);
}

static char *
new_row(bool may_be_long)
{
	static uint64_t number;
	char *row;
	struct err err;
	int width = may_be_long && below(60) == 0 ? (int)below(8 * TORN_PIECE) : 1;
	ok(str_printf(&row, &err, "row %llu %*d", (unsigned long long)(seed_of_case + ++number),
	    width, 7));
	return row;
}

static struct rows
copy_rows(const struct rows *t)
{
	struct rows copy = { NULL, 0, 0 };
	for (size_t i = 0; i < t->count; i++)
		insert_at(&copy, i, strdup(t->items[i]));
	return copy;
}

/* --- stored --- */

static void
store_chunk(struct stream *s, struct buf *bytes, uint64_t rows, bool is_torn)
{
	struct err err;
	struct extent e = { .len = bytes->len, .rows = rows, .is_torn = is_torn };
	ok(stream_chunk(s, bytes->data, &e, &err));
	bytes->len = 0;
}

/* Chunks end where a row's own hash says so. */
static struct content
store_rows(const struct rows *t)
{
	struct err err;
	struct content c = CONTENT_INIT;
	AUTO(intake) struct intake *in = NULL;
	AUTO(bufv) struct buf chunk = BUF_INIT;
	struct stream *s;
	uint64_t rows = 0;
	ok(intake_new(&in, shared.writer, &err));
	ok(stream_open_rows(&s, in, &err));
	ok(stream_write(s, "COPY t FROM stdin;\n", 19, &err));
	ok(stream_border(s, &err));
	for (size_t i = 0; i < t->count; i++) {
		const char *row = t->items[i];
		bool is_long = strlen(row) > 3 * TORN_PIECE;
		/* All rows before a long one are counted in its first piece: they must fit. */
		if (is_long && chunk.len >= TORN_PIECE) {
			store_chunk(s, &chunk, rows, false);
			rows = 0;
		}
		ok(buf_str(&chunk, row, &err));
		ok(buf_str(&chunk, "\n", &err));
		size_t at = 0;
		for (; is_long && chunk.len - at > TORN_PIECE; at += TORN_PIECE) {
			struct buf piece = { chunk.data + at, TORN_PIECE, 0 };
			store_chunk(s, &piece, rows, true);
			rows = 0;
		}
		chunk.len -= at;
		memmove(chunk.data, chunk.data + at, chunk.len);
		rows++;
		if (checksum_of(row, strlen(row), 5) % 3 == 0 || i + 1 == t->count) {
			store_chunk(s, &chunk, rows, false);
			rows = 0;
		}
	}
	ok(stream_border(s, &err));
	ok(stream_write(s, "\\.\n", 3, &err));
	ok(stream_close(s, &c, &err));
	ok(writer_flush(shared.writer, &err));
	return c;
}

/* --- what comes out --- */

struct got {
	struct strv rows[2];
	uint64_t bytes[2];
	size_t runs;
	size_t paired_runs;
};

static enum err_code
note_run(void *arg, const struct content_run_bytes *run, struct err *err)
{
	struct got *g = arg;
	g->runs++;
	g->paired_runs += run->len[0] > 0 && run->len[1] > 0;
	for (unsigned side = 0; side < 2; side++) {
		const char *p = (const char *)run->data[side];
		const char *end = p + run->len[side];
		g->bytes[side] += run->len[side];
		while (p < end) {
			const char *nl = memchr(p, '\n', (size_t)(end - p));
			assert_non_null(nl);
			if (strv_addf(&g->rows[side], err, "%.*s", (int)(nl - p), p))
				return err->code;
			p = nl + 1;
		}
	}
	return ERR_OK;
}

/* What is left of both, sorted, when equal rows have cancelled out. */
static void
cancel(struct strv *a, struct strv *b, struct strv *out)
{
	struct err err;
	size_t i = 0;
	size_t j = 0;
	strv_sort(a);
	strv_sort(b);
	while (i < a->len || j < b->len) {
		int c = i == a->len ? 1 : j == b->len ? -1 : strcmp(a->items[i], b->items[j]);
		if (c < 0)
			ok(strv_addf(out, &err, "-%s", a->items[i]));
		if (c > 0)
			ok(strv_addf(out, &err, "+%s", b->items[j]));
		i += c <= 0;
		j += c >= 0;
	}
}

static void
list_rows(const struct rows *t, struct strv *out)
{
	struct err err;
	for (size_t i = 0; i < t->count; i++)
		ok(strv_add(out, t->items[i], &err));
}

static struct content_delta_options
between(const struct content *a, const struct content *b)
{
	return (struct content_delta_options){
		.a = a, .b = b, .repo_a = shared.repo, .repo_b = shared.repo
	};
}

static struct content_delta_rest
check(const struct rows *a, const struct rows *b, const struct content_delta_options *opt,
    struct got *g)
{
	struct err err;
	AUTO(content_delta) struct content_delta *d = NULL;
	AUTO(strv) struct strv all_a = STRV_INIT;
	AUTO(strv) struct strv all_b = STRV_INIT;
	AUTO(strv) struct strv want = STRV_INIT;
	AUTO(strv) struct strv got = STRV_INIT;
	*g = (struct got){ .runs = 0 };
	ok(content_delta_new(&d, opt, &err));
	ok(content_delta_read(d, note_run, g, &err));
	struct content_delta_rest rest = *content_delta_rest(d);
	for (unsigned side = 0; side < 2; side++) {
		assert_int_equal(rest.rows[side], g->rows[side].len);
		assert_int_equal(rest.bytes[side], g->bytes[side]);
	}
	list_rows(a, &all_a);
	list_rows(b, &all_b);
	cancel(&all_a, &all_b, &want);
	cancel(&g->rows[0], &g->rows[1], &got);
	assert_int_equal(got.len, want.len);
	for (size_t i = 0; i < want.len; i++)
		assert_string_equal(got.items[i], want.items[i]);
	strv_release(&g->rows[0]);
	strv_release(&g->rows[1]);
	return rest;
}

/* --- edits --- */

static void
move_block(struct rows *t)
{
	size_t len = below(t->count / 2 + 1);
	size_t from = below(t->count - len + 1);
	size_t to = below(t->count - len + 1);
	char **block = calloc(len + 1, sizeof *block);
	assert_non_null(block);
	memcpy(block, t->items + from, len * sizeof *block);
	memmove(
	    t->items + from, t->items + from + len, (t->count - len - from) * sizeof *block);
	memmove(t->items + to + len, t->items + to, (t->count - len - to) * sizeof *block);
	memcpy(t->items + to, block, len * sizeof *block);
	free(block);
}

static void
repeat_block(struct rows *t)
{
	size_t len = below(min_size(t->count, 200));
	size_t from = below(t->count - len + 1);
	size_t to = below(t->count + 1);
	for (size_t i = 0; i < len; i++) {
		size_t at = to <= from ? from + 2 * i : from + i;
		insert_at(t, to + i, strdup(t->items[min_size(at, t->count - 1)]));
	}
}

static void
shuffle(struct rows *t)
{
	for (size_t i = t->count; i > 1; i--) {
		size_t j = below(i);
		char *row = t->items[j];
		t->items[j] = t->items[i - 1];
		t->items[i - 1] = row;
	}
}

static void
edit(struct rows *t)
{
	size_t kind = below(12);
	if (t->count == 0 || kind < 4) {
		insert_at(t, below(t->count + 1), new_row(true));
	} else if (kind < 7) {
		remove_at(t, below(t->count));
	} else if (kind < 10) {
		size_t at = below(t->count);
		remove_at(t, at);
		insert_at(t, at, new_row(true));
	} else if (kind == 10) {
		move_block(t);
	} else {
		repeat_block(t);
	}
}

static void
check_random_case(void)
{
	static const size_t sizes[] = { 1, 20, 400, 3000 };
	static const size_t edits[] = { 1, 5, 50, 500 };
	struct got g;
	struct rows a = { NULL, 0, 0 };
	for (size_t n = below(below(20) == 0 ? 60000 : sizes[below(4)]); n > 0; n--)
		insert_at(&a, a.count, new_row(true));
	struct rows b = copy_rows(&a);
	for (size_t n = below(edits[below(4)]); n > 0; n--)
		edit(&b);
	if (below(15) == 0)
		shuffle(&b);
	struct content in_a = store_rows(&a);
	struct content in_b = store_rows(&b);
	struct content_delta_options opt = between(&in_a, &in_b);
	opt.threads = (unsigned)below(4);
	opt.is_apart = below(10) == 0;
	opt.remember = below(2) * (1 + below(1000));
	check(&a, &b, &opt, &g);
	content_release(&in_a);
	content_release(&in_b);
	free_rows(&a);
	free_rows(&b);
}

static void
what_comes_out_differs_as_the_tables_do(void **state)
{
	(void)state;
	uint64_t first = first_seed();
	size_t n = case_count(CASES_DEFAULT);
	for (size_t i = 0; i < n; i++) {
		seed_case(first + i);
		check_random_case();
	}
}

/* --- single claims --- */

struct pair {
	struct rows a;
	struct rows b;
	struct content in_a;
	struct content in_b;
};

static struct pair
make_pair(size_t rows, void (*change)(struct rows *t))
{
	struct pair p = { .a = { NULL, 0, 0 } };
	seed_case(11);
	for (size_t i = 0; i < rows; i++)
		insert_at(&p.a, i, new_row(false));
	p.b = copy_rows(&p.a);
	change(&p.b);
	p.in_a = store_rows(&p.a);
	p.in_b = store_rows(&p.b);
	return p;
}

static void
pair_auto(struct pair *p)
{
	content_release(&p->in_a);
	content_release(&p->in_b);
	free_rows(&p->a);
	free_rows(&p->b);
}

static void
change_some(struct rows *t)
{
	for (size_t i = 0; i < 40; i++) {
		remove_at(t, 100 * i + 50);
		insert_at(t, 100 * i + 50, new_row(false));
	}
}

static void
move_a_third(struct rows *t)
{
	size_t third = t->count / 3;
	for (size_t i = 0; i < third; i++) {
		char *row = t->items[0];
		memmove(t->items, t->items + 1, (t->count - 1) * sizeof row);
		t->items[t->count - 1] = row;
	}
}

static void
change_nothing(struct rows *t)
{
	(void)t;
}

static void
remove_all(struct rows *t)
{
	while (t->count > 0)
		free(t->items[--t->count]);
}

static void
only_what_changed_is_read_in_pairs(void **state)
{
	(void)state;
	AUTO(pair) struct pair p = make_pair(40000, change_some);
	struct got g;
	assert_true(p.in_a.level >= 2);
	struct content_delta_options opt = between(&p.in_a, &p.in_b);
	struct content_delta_rest rest = check(&p.a, &p.b, &opt, &g);
	assert_in_range(rest.chunks[0], 40, 100);
	assert_in_range(rest.chunks[1], 40, 100);
	assert_in_range(g.runs, 30, 40);
	assert_int_equal(g.paired_runs, g.runs);
	/* The same in many passes. */
	opt.remember = 100;
	rest = check(&p.a, &p.b, &opt, &g);
	assert_in_range(rest.chunks[0], 40, 100);
	assert_int_equal(g.paired_runs, g.runs);
}

static void
what_only_moved_is_not_read(void **state)
{
	(void)state;
	AUTO(pair) struct pair p = make_pair(20000, move_a_third);
	struct got g;
	struct content_delta_options opt = between(&p.in_a, &p.in_b);
	struct content_delta_rest rest = check(&p.a, &p.b, &opt, &g);
	assert_in_range(rest.chunks[0] + rest.chunks[1], 0, 10);
	/* The same when what moved is more than is remembered. */
	opt.remember = 100;
	rest = check(&p.a, &p.b, &opt, &g);
	assert_in_range(rest.chunks[0] + rest.chunks[1], 0, 10);
}

static enum err_code
no_run(void *arg, const struct content_run_bytes *run, struct err *err)
{
	(void)arg;
	(void)run;
	return err_set(err, ERR_EXISTS, "a run");
}

static void
equal_contents_give_nothing(void **state)
{
	(void)state;
	struct err err;
	AUTO(pair) struct pair p = make_pair(3000, change_nothing);
	AUTO(content_delta) struct content_delta *d = NULL;
	struct content_delta_options opt = between(&p.in_a, &p.in_b);
	ok(content_delta_new(&d, &opt, &err));
	assert_int_equal(content_delta_rest(d)->chunks[0], 0);
	assert_int_equal(content_delta_rest(d)->rows[1], 0);
	ok(content_delta_read(d, no_run, NULL, &err));
}

static void
one_side_alone_is_read_whole(void **state)
{
	(void)state;
	struct got g;
	AUTO(pair) struct pair p = make_pair(3000, remove_all);
	struct content_delta_options opt = between(&p.in_a, &p.in_b);
	assert_int_equal(check(&p.a, &p.b, &opt, &g).rows[0], 3000);
	opt.b = NULL;
	assert_int_equal(check(&p.a, &p.b, &opt, &g).rows[0], 3000);
	opt = between(NULL, &p.in_a);
	assert_int_equal(check(&p.b, &p.a, &opt, &g).rows[1], 3000);
}

static void
apart_all_is_read(void **state)
{
	(void)state;
	struct got g;
	AUTO(pair) struct pair p = make_pair(3000, change_nothing);
	struct content_delta_options opt = between(&p.in_a, &p.in_b);
	opt.is_apart = true;
	struct content_delta_rest rest = check(&p.a, &p.b, &opt, &g);
	assert_int_equal(rest.rows[0], 3000);
	assert_int_equal(rest.rows[1], 3000);
}

/* A row in many pieces is one run's, whole, even when most of its chunks are shared; one that
 * is the same on both sides is not read. */
static void
a_long_row_comes_whole(void **state)
{
	(void)state;
	struct got g;
	struct err err;
	struct rows a = { NULL, 0, 0 };
	for (size_t i = 0; i < 120; i++)
		insert_at(&a, i, new_row(false));
	size_t len = 300000;
	char *long_row = malloc(len + 1);
	assert_non_null(long_row);
	for (size_t i = 0; i < len; i++)
		long_row[i] = (char)('a' + i / TORN_PIECE % 26);
	long_row[len] = '\0';
	insert_at(&a, 100, strdup(long_row));
	insert_at(&a, 20, long_row);
	struct rows b = copy_rows(&a);
	b.items[20][len / 2] = 'X';
	struct content in_a = store_rows(&a);
	struct content in_b = store_rows(&b);
	struct content_delta_options opt = between(&in_a, &in_b);
	check(&a, &b, &opt, &g);
	assert_int_equal(g.paired_runs, 1);
	AUTO(content_delta) struct content_delta *d = NULL;
	ok(content_delta_new(&d, &opt, &err));
	assert_in_range(content_delta_rest(d)->bytes[0], len, len + 5000);
	content_release(&in_a);
	content_release(&in_b);
	free_rows(&a);
	free_rows(&b);
}

static void
an_error_of_the_callback_ends_it(void **state)
{
	(void)state;
	struct err err;
	AUTO(pair) struct pair p = make_pair(9000, change_some);
	AUTO(content_delta) struct content_delta *d = NULL;
	struct content_delta_options opt = between(&p.in_a, &p.in_b);
	ok(content_delta_new(&d, &opt, &err));
	refused(content_delta_read(d, no_run, NULL, &err), ERR_EXISTS, "a run");
}

static void
a_raised_cancel_ends_it(void **state)
{
	(void)state;
	struct err err;
	struct cancel cancel;
	AUTO(pair) struct pair p = make_pair(9000, change_some);
	AUTO(content_delta) struct content_delta *d = NULL;
	struct content_delta_options opt = between(&p.in_a, &p.in_b);
	struct got g = { .runs = 0 };
	ok(cancel_init(&cancel, &err));
	opt.cancel = &cancel;
	ok(content_delta_new(&d, &opt, &err));
	cancel_raise(&cancel);
	assert_int_equal(content_delta_read(d, note_run, &g, &err), ERR_CANCELLED);
	assert_int_equal(g.runs, 0);
	cancel_release(&cancel);
}

static void
a_chunk_that_is_gone_is_told(void **state)
{
	(void)state;
	struct err err;
	struct extent e = { .len = 10, .rows = 1, .id = { { 0xab } } };
	struct content c = { 10, 0, 1, &e, true };
	AUTO(content_delta) struct content_delta *d = NULL;
	struct content_delta_options opt = between(&c, NULL);
	ok(content_delta_new(&d, &opt, &err));
	refused_like(content_delta_read(d, no_run, NULL, &err), ERR_NOT_FOUND,
	    "chunk ab00000000000000: ");
}

static void
rows_that_were_not_counted_are_refused(void **state)
{
	(void)state;
	struct err err;
	struct extent e = { .len = 10 };
	struct content c = { 10, 0, 1, &e, false };
	struct content_delta *d;
	struct content_delta_options opt = between(&c, NULL);
	refused(content_delta_new(&d, &opt, &err), ERR_UNSUPPORTED,
	    "the rows are not counted: it was stored by an earlier version");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_comes_out_differs_as_the_tables_do, tell_seed),
		cmocka_unit_test(only_what_changed_is_read_in_pairs),
		cmocka_unit_test(what_only_moved_is_not_read),
		cmocka_unit_test(equal_contents_give_nothing),
		cmocka_unit_test(one_side_alone_is_read_whole),
		cmocka_unit_test(apart_all_is_read),
		cmocka_unit_test(a_long_row_comes_whole),
		cmocka_unit_test(an_error_of_the_callback_ends_it),
		cmocka_unit_test(a_raised_cancel_ends_it),
		cmocka_unit_test(a_chunk_that_is_gone_is_told),
		cmocka_unit_test(rows_that_were_not_counted_are_refused),
	};
	return cmocka_run_group_tests(tests, open_shared, close_shared);
}
