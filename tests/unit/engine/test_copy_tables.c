/* Tables keep their rows when snapshots are copied into another repository. */
#include "fake_database.h"

#include "engine/browse.h"
#include "engine/copy.h"
#include "tree/fixture.h"

#define ROWS 60000
#define TABLE_PATH "databases/db/shop.sql/000000.public.t.rows"

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
table_of(struct repo *r, const struct id *id)
{
	struct err err;
	struct extents x = { NULL, 0 };
	AUTO(snapshot) struct snapshot s = { .document = NULL };
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	ok(snapshot_open(&s, r, id, &err));
	ok(tree_lookup(r, &s.root, TABLE_PATH, &e, &err));
	assert_true(e.content.is_counted);
	assert_int_equal(content_rows(&e.content), ROWS);
	ok(content_walk(r, &e.content, note, NULL, &x, &err));
	return x;
}

static struct id
backup(struct fixture *f, size_t changed, int64_t time_ns)
{
	struct err err;
	struct id id;
	struct capture c;
	struct engine e = { .repo = f->repo };
	AUTO(bufv) struct buf dump = BUF_INIT;
	ok(buf_str(&dump, "COPY public.t (id, x) FROM stdin;\n", &err));
	for (size_t i = 0; i < ROWS; i++)
		ok(buf_printf(&dump, &err, "%zu\t%016llx\n", i,
		    (unsigned long long)((i + (i == changed)) *
					 UINT64_C(6364136223846793005))));
	ok(buf_str(&dump, "\\.\n", &err));
	const struct fake_stream s = {
		.name = "shop.sql", .format = DUMP_POSTGRES, .data = dump.data, .len = dump.len
	};
	fake_capture(&e, f->writer, &c, &s, 1);
	fake_snapshot(f->repo, f->writer, &c, time_ns, &id);
	fake_release(&c);
	return id;
}

static void
same_rows(const struct extents *a, const struct extents *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_int_equal(a->items[i].len, b->items[i].len);
		assert_int_equal(a->items[i].rows, b->items[i].rows);
		assert_int_equal(a->items[i].is_torn, b->items[i].is_torn);
	}
}

static void
a_copied_table_has_the_chunks_and_rows_of_its_original(void **state)
{
	static const struct repo_create_options quick = { 8, 1, NULL };
	struct fixture *f = *state;
	struct err err;
	struct store *store;
	struct repo *target;
	struct repo_key key = { .passphrase = f->pass };
	struct snapshot_filter all = SNAPSHOT_FILTER_INIT;
	ok(store_open_mem(&store, &err));
	ok(repo_create(store, &key, &quick, &err));
	ok(repo_open(&target, store, &key, NULL, &err));
	struct engine e = { .repo = target };
	struct copy_options opt = { .from = f->repo, .filter = &all };
	uint64_t read = 0;
	for (int round = 0; round < 2; round++) {
		struct id id =
		    backup(f, round == 0 ? SIZE_MAX : 44444, 1000000000 * (round + 1));
		AUTO(copy_result) struct copy_result r = { 0 };
		ok(copy_snapshots(&e, &opt, &r, &err));
		assert_int_equal(r.made, 1);
		const struct copied *last = &r.items[r.count - 1];
		struct extents original = table_of(f->repo, &id);
		struct extents copy = table_of(target, &last->id);
		same_rows(&original, &copy);
		/* Only the chunk that changed is read again. */
		if (round == 0)
			read = last->read_bytes;
		else
			assert_in_range(last->read_bytes, 4096, read / 10);
		free(original.items);
		free(copy.items);
	}
	repo_close(target);
	store_close(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(a_copied_table_has_the_chunks_and_rows_of_its_original),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
