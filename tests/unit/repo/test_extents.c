#include "repo/memory_repo.h"

#include "repo/extents.h"
#include "sys/fs.h"

#include <malloc.h>

/*
 * Lists are looked at level by level, from the top down: what stands on a level, and where its
 * lists end, must be what docs/format.md says.
 */
struct level {
	struct extent *items;
	bool *ends; /* a list ends behind this one */
	size_t count;
};

static void
level_free(struct level *v)
{
	free(v->items);
	free(v->ends);
}

/* All items of the level below. */
static struct level
look_below(struct repo *r, const struct level *above, unsigned level, bool is_counted)
{
	struct err err;
	struct level v = { NULL, NULL, 0 };
	struct content whole = { 0, level, above->count, above->items, is_counted };
	for (size_t i = 0; i < above->count; i++) {
		struct content list;
		ok(content_read_list(r, &whole, i, &list, &err));
		v.items = reallocarray(v.items, v.count + list.count, sizeof *v.items);
		v.ends = realloc(v.ends, v.count + list.count);
		assert_true(v.items != NULL && v.ends != NULL);
		memcpy(v.items + v.count, list.items, list.count * sizeof *v.items);
		memset(v.ends + v.count, 0, list.count);
		v.count += list.count;
		v.ends[v.count - 1] = true;
		content_release(&list);
	}
	return v;
}

static void
check_ends(const struct level *v)
{
	size_t len = 0;
	assert_true(v->count > CONTENT_MAX_ITEMS);
	for (size_t i = 0; i < v->count; i++) {
		const struct extent *e = &v->items[i];
		len++;
		bool by_id = len >= 32 && !e->is_hole && (e->id.b[0] & 0x7f) == 0;
		bool want = by_id || len == 512 || i + 1 == v->count;
		assert_int_equal(v->ends[i], want);
		len = want ? 0 : len;
	}
}

static bool
is_same(const struct extent *x, const struct extent *y)
{
	return x->len == y->len && x->is_hole == y->is_hole && x->rows == y->rows &&
	       x->is_torn == y->is_torn && (x->is_hole || id_equal(&x->id, &y->id));
}

static void
check_content(struct repo *r, const struct content *c, const struct extent *given, size_t count)
{
	struct level v = { NULL, NULL, c->count };
	uint64_t size = 0;
	assert_true(c->count <= CONTENT_MAX_ITEMS);
	v.items = calloc(c->count + 1, sizeof *v.items);
	assert_non_null(v.items);
	for (size_t i = 0; i < c->count; i++)
		v.items[i] = c->items[i];
	for (unsigned level = c->level; level > 0; level--) {
		struct level below = look_below(r, &v, level, c->is_counted);
		check_ends(&below);
		level_free(&v);
		v = below;
	}
	assert_int_equal(v.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_true(is_same(&v.items[i], &given[i]));
		size += given[i].len;
	}
	assert_int_equal(c->size, size);
	level_free(&v);
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 24;
}

static struct extent
made_up(uint64_t *seed, bool is_counted, bool rare)
{
	struct extent e = { .len = 1 + next_random(seed) % 50000 };
	for (size_t i = 0; i < ID_SIZE; i++)
		e.id.b[i] = (uint8_t)next_random(seed);
	if (rare) /* so that lists become as long as they may */
		e.id.b[0] |= 1;
	if (is_counted)
		e.rows = next_random(seed) % (e.len + 1);
	else
		e.is_hole = next_random(seed) % 50 == 0;
	return e;
}

static int
setup(void **state)
{
	struct memory_repo *m = calloc(1, sizeof *m);
	assert_non_null(m);
	memory_repo_open(m);
	*state = m;
	return 0;
}

static int
teardown(void **state)
{
	memory_repo_close(*state);
	free(*state);
	return 0;
}

static void
make_and_check(struct memory_repo *m, size_t count, bool is_counted, bool rare)
{
	struct err err;
	uint64_t seed = count + 1;
	struct extent_lists l = { .is_counted = is_counted };
	struct content c;
	struct extent *given = calloc(count + 1, sizeof *given);
	assert_non_null(given);
	for (size_t i = 0; i < count; i++) {
		given[i] = made_up(&seed, is_counted, rare);
		ok(extent_lists_add(&l, m->writer, &given[i], &err));
	}
	ok(extent_lists_finish(&l, m->writer, &c, &err));
	ok(writer_flush(m->writer, &err));
	assert_int_equal(c.is_counted, is_counted);
	check_content(m->repo, &c, given, count);
	content_release(&c);
	free(given);
}

static void
lists_end_where_the_format_says_on_every_level(void **state)
{
	static const size_t counts[] = { 0, 1, 63, 64, 65, 66, 96, 128, 129, 577, 5000, 12000 };
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		for (int kind = 0; kind < 4; kind++)
			make_and_check(*state, counts[i], kind & 1, kind & 2);
}

/* --- memory --- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
size_t __sanitizer_get_current_allocated_bytes(void);
#define ALLOCATED() __sanitizer_get_current_allocated_bytes()
#else
#define ALLOCATED() (mallinfo2().uordblks + mallinfo2().hblkhd)
#endif

/* So many bytes more, while extents are given to a stream that is open. */
static size_t
growth_of(struct stream *s, uint64_t *seed, size_t count)
{
	struct err err;
	size_t before = ALLOCATED();
	for (size_t i = 0; i < count; i++) {
		struct extent e = made_up(seed, true, false);
		ok(stream_stored(s, &e, &err));
	}
	size_t after = ALLOCATED();
	return after > before ? after - before : 0;
}

/* A repository on disk, so that what is stored takes no memory. */
static void
disk_repo_open(struct memory_repo *m, char **folder)
{
	struct err err;
	struct repo_create_options quick = { 8, 1, NULL };
	struct writer_options opt = WRITER_OPTIONS_INIT;
	ok(fs_make_temp_dir(folder, "stacksnap-extents-", &err));
	ok(store_open_local(&m->store, *folder, STORE_EXISTING, &err));
	ok(secret_copy(&m->pass, "correct horse", 13, &err));
	struct repo_key key = { .passphrase = m->pass };
	ok(repo_create(m->store, &key, &quick, &err));
	ok(repo_open(&m->repo, m->store, &key, NULL, &err));
	ok(writer_open(&m->writer, m->repo, &opt, &err));
}

static void
a_long_stream_holds_no_more_than_a_short_one(void **state)
{
	(void)state;
	struct memory_repo m = { .store = NULL };
	struct err err;
	struct intake *in;
	struct stream *s;
	struct content c;
	char *folder;
	uint64_t seed = 1;
	const char *asked = getenv("STACKSNAP_TEST_EXTENTS");
	const size_t count = asked != NULL ? strtoul(asked, NULL, 10) : 400000;
	disk_repo_open(&m, &folder);
	ok(intake_new(&in, m.writer, &err));
	ok(stream_open_rows(&s, in, &err));
	/* Packs that are open, and chunks that wait for an index. */
	growth_of(s, &seed, 400000);
	size_t grown = growth_of(s, &seed, count);
	print_message("%zu extents: %zu bytes more\n", count, grown);
	/* All of them would be 26 MB and more. */
	assert_true(grown < (size_t)8 << 20);
	ok(stream_close(s, &c, &err));
	assert_true(c.level >= 2);
	content_release(&c);
	intake_free(in);
	memory_repo_close(&m);
	ok(fs_remove_tree(folder, &err));
	free(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    lists_end_where_the_format_says_on_every_level, setup, teardown),
		cmocka_unit_test(a_long_stream_holds_no_more_than_a_short_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
