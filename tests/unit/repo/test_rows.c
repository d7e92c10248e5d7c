/* Counted contents: a table's rows in chunks that end where rows do. */
#include "repo/memory_repo.h"

#include "repo/content.h"
#include "repo/extents.h"
#include "repo/stream.h"

#include <stdio.h>
#include <stdlib.h>

#define ROWS 100000

struct fixture {
	struct memory_repo m;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	memory_repo_open(&f->m);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	memory_repo_close(&f->m);
	free(f);
	return 0;
}

/* --- tables --- */

#define HEAD "COPY public.t (id, a, b) FROM stdin;\n"
#define TAIL "\\.\n"

struct table {
	struct buf rows;
	uint32_t *ends;
	size_t count;
};

static void
add_row(struct table *t, const char *text, size_t len)
{
	struct err err;
	ok(buf_add(&t->rows, text, len, &err));
	t->ends[t->count++] = (uint32_t)t->rows.len;
}

/* The row of that number; version 0 is how all begin. */
static void
add_numbered(struct table *t, size_t number, unsigned version)
{
	char text[100];
	uint64_t x = (number + 1) * UINT64_C(6364136223846793005) + version;
	int n = snprintf(text, sizeof text, "%zu\t%016llx\tversion %u\n", number,
	    (unsigned long long)(x * UINT64_C(1442695040888963407)), version);
	add_row(t, text, (size_t)n);
}

enum edit { AS_IT_WAS, CHANGED, INSERTED, DELETED };

static struct table
make_table(enum edit edit, size_t where)
{
	struct table t = { BUF_INIT, calloc(ROWS + 2, sizeof(uint32_t)), 0 };
	assert_non_null(t.ends);
	for (size_t i = 0; i < ROWS; i++) {
		if (edit == DELETED && i == where)
			continue;
		add_numbered(&t, i, edit == CHANGED && i == where);
		if (edit == INSERTED && i == where)
			add_numbered(&t, ROWS + i, 7);
	}
	return t;
}

static void
table_release(struct table *t)
{
	buf_release(&t->rows);
	free(t->ends);
}

/* Store it, given to the stream in portions of so many bytes. */
static struct content
store(struct fixture *f, const struct table *t, size_t portion)
{
	struct err err;
	struct intake *in;
	struct stream *s;
	struct content c;
	ok(intake_new(&in, f->m.writer, &err));
	ok(stream_open_rows(&s, in, &err));
	ok(stream_write(s, HEAD, sizeof HEAD - 1, &err));
	ok(stream_border(s, &err));
	uint32_t *ends = calloc(t->count + 1, sizeof *ends);
	assert_non_null(ends);
	size_t row = 0;
	for (size_t at = 0; at < t->rows.len; at += portion) {
		size_t n = min_size(portion, t->rows.len - at);
		size_t count = 0;
		while (row < t->count && t->ends[row] <= at + n)
			ends[count++] = t->ends[row++] - (uint32_t)at;
		ok(stream_rows(s, t->rows.data + at, n, ends, count, &err));
	}
	ok(stream_border(s, &err));
	ok(stream_write(s, TAIL, sizeof TAIL - 1, &err));
	ok(stream_close(s, &c, &err));
	free(ends);
	intake_free(in);
	ok(writer_flush(f->m.writer, &err));
	return c;
}

/* --- what a content is made of --- */

struct extents {
	struct extent *items;
	size_t count;
};

static enum err_code
note(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	(void)offset;
	(void)err;
	struct extents *x = arg;
	x->items = reallocarray(x->items, x->count + 1, sizeof *x->items);
	assert_non_null(x->items);
	x->items[x->count++] = *e;
	return ERR_OK;
}

static struct extents
extents_of(struct fixture *f, const struct content *c, bool lists)
{
	struct err err;
	struct extents x = { NULL, 0 };
	ok(content_walk(f->m.repo, c, lists ? NULL : note, lists ? note : NULL, &x, &err));
	return x;
}

/* How many of a are not in b. */
static size_t
alone(const struct extents *a, const struct extents *b)
{
	size_t n = 0;
	for (size_t i = 0; i < a->count; i++) {
		size_t k = 0;
		while (k < b->count && !id_equal(&a->items[i].id, &b->items[k].id))
			k++;
		n += k == b->count;
	}
	return n;
}

static void
a_table_is_counted_and_comes_back(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct table t = make_table(AS_IT_WAS, 0);
	struct content c = store(f, &t, 1 << 20);
	assert_true(c.is_counted);
	assert_true(c.level > 0);
	assert_int_equal(content_rows(&c), ROWS);
	struct extents x = extents_of(f, &c, false);
	const uint8_t *rows = t.rows.data;
	size_t at = 0;
	assert_int_equal(x.items[0].len, sizeof HEAD - 1);
	assert_int_equal(x.items[0].rows, 0);
	assert_int_equal(x.items[x.count - 1].len, sizeof TAIL - 1);
	assert_int_equal(x.items[x.count - 1].rows, 0);
	for (size_t i = 1; i + 1 < x.count; i++) {
		size_t lines = 0;
		for (size_t k = 0; k < x.items[i].len; k++)
			lines += rows[at + k] == '\n';
		at += x.items[i].len;
		assert_int_equal(rows[at - 1], '\n');
		assert_int_equal(x.items[i].rows, lines);
		assert_false(x.items[i].is_torn);
	}
	assert_int_equal(at, t.rows.len);
	/* Some 16 KiB each. */
	assert_in_range(t.rows.len / (x.count - 2), 12 << 10, 22 << 10);
	AUTO(bufv) struct buf back = BUF_INIT;
	ok(content_read_all(f->m.repo, &c, SIZE_MAX, &back, &err));
	assert_int_equal(back.len, t.rows.len + sizeof HEAD - 1 + sizeof TAIL - 1);
	assert_memory_equal(back.data, HEAD, sizeof HEAD - 1);
	assert_memory_equal(back.data + sizeof HEAD - 1, rows, t.rows.len);
	free(x.items);
	content_release(&c);
	table_release(&t);
}

static void
borders_do_not_depend_on_portions(void **state)
{
	struct fixture *f = *state;
	static const size_t portions[] = { 97, 4096, 70001 };
	struct table t = make_table(AS_IT_WAS, 0);
	struct content whole = store(f, &t, SIZE_MAX / 2);
	for (size_t i = 0; i < ARRAY_LEN(portions); i++) {
		struct content c = store(f, &t, portions[i]);
		assert_true(content_equal(&whole, &c));
		content_release(&c);
	}
	content_release(&whole);
	table_release(&t);
}

/* Does that edit change one chunk of rows and one list on each level, and no more? */
static bool
changes_one(struct fixture *f, enum edit edit, size_t where, const struct content *before,
    const struct extents *chunks, const struct extents *lists)
{
	struct table t = make_table(edit, where);
	struct content after = store(f, &t, 1 << 20);
	struct extents now = extents_of(f, &after, false);
	struct extents now_lists = extents_of(f, &after, true);
	size_t rows = edit == INSERTED ? ROWS + 1 : edit == DELETED ? ROWS - 1 : ROWS;
	assert_int_equal(content_rows(&after), rows);
	/* A border may come or go, and the chunk behind it change, too. */
	assert_in_range(alone(&now, chunks), 1, 4);
	bool is_one = now.count == chunks->count && alone(&now, chunks) == 1 &&
		      after.level == before->level && alone(&now_lists, lists) == after.level;
	free(now.items);
	free(now_lists.items);
	content_release(&after);
	table_release(&t);
	return is_one;
}

static void
one_row_changes_one_chunk_and_one_list_on_each_level(void **state)
{
	struct fixture *f = *state;
	static const size_t places[] = { 123, 22222, 54321, 77777, 99990 };
	struct table t = make_table(AS_IT_WAS, 0);
	struct content before = store(f, &t, 1 << 20);
	struct extents chunks = extents_of(f, &before, false);
	struct extents lists = extents_of(f, &before, true);
	table_release(&t);
	for (enum edit edit = CHANGED; edit <= DELETED; edit++) {
		size_t ones = 0;
		for (size_t i = 0; i < ARRAY_LEN(places); i++)
			ones += changes_one(f, edit, places[i], &before, &chunks, &lists);
		/* But for the few rows at which the (random) key puts a border. */
		assert_in_range(ones, 3, ARRAY_LEN(places));
	}
	free(chunks.items);
	free(lists.items);
	content_release(&before);
}

static void
a_row_of_3_MB_is_torn_and_comes_back(void **state)
{
	struct fixture *f = *state;
	struct err err;
	size_t len = 3000000;
	char *big = malloc(len);
	assert_non_null(big);
	uint64_t seed = 3;
	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		big[i] = (char)('a' + (seed >> 56) % 26);
	}
	big[len - 1] = '\n';
	struct table t = { BUF_INIT, calloc(1001, sizeof(uint32_t)), 0 };
	assert_non_null(t.ends);
	for (size_t i = 0; i < 1000; i++)
		add_numbered(&t, i, 0);
	add_row(&t, big, len);
	struct content c = store(f, &t, 65536);
	struct extents x = extents_of(f, &c, false);
	assert_int_equal(content_rows(&c), 1001);
	size_t torn = 0;
	for (size_t i = 0; i < x.count; i++)
		torn += x.items[i].is_torn;
	assert_int_equal(torn, 2);
	assert_true(x.items[x.count - 3].is_torn);
	assert_int_equal(x.items[x.count - 2].rows, 1);
	AUTO(bufv) struct buf back = BUF_INIT;
	ok(content_read_all(f->m.repo, &c, SIZE_MAX, &back, &err));
	assert_memory_equal(back.data + sizeof HEAD - 1, t.rows.data, t.rows.len);
	free(x.items);
	content_release(&c);
	table_release(&t);
	free(big);
}

static void
a_chunk_can_be_stored_as_it_is(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct intake *in;
	struct stream *s;
	struct content c;
	struct extent one = { .len = 7, .rows = 1, .is_torn = true };
	struct extent two = { .len = 5, .rows = 2 };
	ok(intake_new(&in, f->m.writer, &err));
	ok(stream_open_rows(&s, in, &err));
	ok(stream_chunk(s, "abc\ndef", &one, &err));
	ok(stream_chunk(s, "gh\ni\n", &two, &err));
	struct extent large = { .len = SLAB_SIZE };
	refused(stream_chunk(s, "", &large, &err), ERR_UNSUPPORTED,
	    "a chunk of 5242880 bytes is larger than this StackSnap writes");
	ok(stream_close(s, &c, &err));
	intake_free(in);
	assert_int_equal(c.count, 2);
	assert_int_equal(c.items[0].len, 7);
	assert_int_equal(c.items[0].rows, 1);
	assert_true(c.items[0].is_torn);
	assert_int_equal(c.items[1].rows, 2);
	assert_false(c.items[1].is_torn);
	content_release(&c);
}

/* --- hostile bytes --- */

static void
decode(const uint8_t *raw, size_t len, const char *why)
{
	struct err err;
	struct rd r;
	AUTO(content) struct content c = CONTENT_INIT;
	rd_init(&r, raw, len);
	refused(content_decode(&c, &r, &err), ERR_CORRUPT, why);
	assert_false(rd_ok(&r));
}

static void
malformed_counts_are_refused(void **state)
{
	(void)state;
	struct err err;
	struct extent items[2] = { { .len = 10, .rows = 3, .is_torn = true, .id = { { 1 } } },
		{ .len = 20, .rows = 20, .id = { { 2 } } } };
	struct content c = { 30, 0, 2, items, true };
	AUTO(bufv) struct buf raw = BUF_INIT;
	ok(content_encode(&c, &raw, &err));
	AUTO(content) struct content back = CONTENT_INIT;
	struct rd r;
	rd_init(&r, raw.data, raw.len);
	ok(content_decode(&back, &r, &err));
	assert_true(rd_done(&r));
	assert_true(content_equal(&c, &back));
	assert_int_equal(content_rows(&back), 23);
	/* Each cut; an allocation of its exact size, for the sanitizer. */
	for (size_t n = 4; n < raw.len; n++) {
		uint8_t *part = malloc(n);
		assert_non_null(part);
		memcpy(part, raw.data, n);
		decode(part, n, "content: bad extent");
		free(part);
	}
	items[1].is_torn = true;
	raw.len = 0;
	ok(content_encode(&c, &raw, &err));
	decode(raw.data, raw.len, "content: its last row does not end");
	items[1] = (struct extent){ .len = 20, .rows = 21 };
	raw.len = 0;
	ok(content_encode(&c, &raw, &err));
	decode(raw.data, raw.len, "content: bad extent");
	items[1] = (struct extent){ .len = 20, .is_hole = true };
	raw.len = 0;
	ok(content_encode(&c, &raw, &err));
	decode(raw.data, raw.len, "content: bad extent");
	decode((const uint8_t *)"\x19", 1, "content: bad level");
	decode((const uint8_t *)"\x20", 1, "content: bad level");
}

static void
contents_differ_by_their_counts(void **state)
{
	(void)state;
	struct err err;
	struct extent a = { .len = 10, .rows = 3, .id = { { 1 } } };
	struct extent b = { .len = 10, .rows = 4, .id = { { 1 } } };
	struct content x = { 10, 0, 1, &a, true };
	struct content y = { 10, 0, 1, &b, true };
	struct content plain = { 10, 0, 1, &a, false };
	uint8_t one[CONTENT_DIGEST_SIZE];
	uint8_t two[CONTENT_DIGEST_SIZE];
	assert_false(content_equal(&x, &y));
	assert_false(content_equal(&x, &plain));
	assert_int_equal(content_rows(&plain), 0);
	ok(content_digest(&x, one, &err));
	ok(content_digest(&y, two, &err));
	assert_memory_not_equal(one, two, sizeof one);
	AUTO(content) struct content copy = CONTENT_INIT;
	ok(content_copy(&copy, &y, &err));
	assert_true(content_equal(&copy, &y));
}

/* What a list says of the rows below it must be so. */
static void
a_list_that_counts_wrong_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct table t = make_table(AS_IT_WAS, 0);
	struct content c = store(f, &t, 1 << 20);
	AUTO(content) struct content below = CONTENT_INIT;
	assert_true(c.level > 0);
	ok(content_read_list(f->m.repo, &c, 0, &below, &err));
	assert_true(below.is_counted);
	assert_int_equal(content_rows(&below), c.items[0].rows);
	content_release(&below);
	c.items[0].rows++;
	refused(content_read_list(f->m.repo, &c, 0, &below, &err), ERR_CORRUPT,
	    "content: list of extents does not fit");
	c.items[0].rows--;
	c.items[0].is_torn = true;
	refused(content_read_list(f->m.repo, &c, 0, &below, &err), ERR_CORRUPT,
	    "content: list of extents does not fit");
	c.is_counted = false;
	refused_like(
	    content_read_list(f->m.repo, &c, 0, &below, &err), ERR_CORRUPT, "content: ");
	content_release(&c);
	table_release(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_is_counted_and_comes_back),
		cmocka_unit_test(borders_do_not_depend_on_portions),
		cmocka_unit_test(one_row_changes_one_chunk_and_one_list_on_each_level),
		cmocka_unit_test(a_row_of_3_MB_is_torn_and_comes_back),
		cmocka_unit_test(a_chunk_can_be_stored_as_it_is),
		cmocka_unit_test(malformed_counts_are_refused),
		cmocka_unit_test(contents_differ_by_their_counts),
		cmocka_unit_test(a_list_that_counts_wrong_is_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
