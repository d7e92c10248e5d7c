#include "fixture.h"

#include "tree/listing.h"

/* Store bytes as they are, as the listing of a folder. */
static void
hostile_dir(struct fixture *f, const void *data, size_t len, struct tree_entry *out)
{
	struct err err;
	struct extent extent = { .len = len };
	ok(writer_add_now(f->writer, CHUNK_TREE, data, len, &extent.id, &err));
	ok(writer_flush(f->writer, &err));
	struct tree_entry dir = TREE_ENTRY_INIT;
	dir.type = TREE_DIR;
	dir.mode = 0755;
	dir.content = (struct content){ len, 0, 1, &extent, false };
	ok(tree_entry_copy(out, &dir, &err));
}

/* Read a folder to its end. */
static enum err_code
read_all(struct fixture *f, const struct tree_entry *dir, size_t *count, struct err *err)
{
	AUTO(dir_reader) struct dir_reader *d = NULL;
	const struct tree_entry *e;
	*count = 0;
	if (dir_reader_open(&d, f->repo, dir, err))
		return err->code;
	for (;;) {
		if (dir_reader_next(d, &e, err))
			return err->code;
		if (e == NULL)
			return ERR_OK;
		++*count;
	}
}

static void
add_fifo(struct buf *out, const char *name)
{
	struct err err;
	ok(buf_u8(out, (uint8_t)(7 + strlen(name)), &err));
	ok(buf_u8(out, TREE_FIFO, &err));
	ok(buf_blob(out, name, strlen(name), &err));
	ok(buf_add(out, "\0\0\0\0\0", 5, &err));
}

static void
listing_of_names(struct fixture *f, const char *a, const char *b, struct tree_entry *out)
{
	struct err err;
	AUTO(bufv) struct buf raw = BUF_INIT;
	ok(listing_begin(&raw, &err));
	add_fifo(&raw, a);
	add_fifo(&raw, b);
	hostile_dir(f, raw.data, raw.len, out);
}

static void
sorted_listing_is_read(void **state)
{
	struct fixture *f = *state;
	struct err err;
	size_t count;
	AUTO(tree_entry) struct tree_entry dir = TREE_ENTRY_INIT;
	listing_of_names(f, "a", "b", &dir);
	ok(read_all(f, &dir, &count, &err));
	assert_int_equal(count, 2);
}

static void
names_out_of_order_or_twice_are_refused(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[][2] = { { "b", "a" }, { "a", "a" }, { "ab", "a" } };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err;
		size_t count;
		AUTO(tree_entry) struct tree_entry dir = TREE_ENTRY_INIT;
		listing_of_names(f, bad[i][0], bad[i][1], &dir);
		refused(read_all(f, &dir, &count, &err), ERR_CORRUPT,
		    "listing: names out of order");
		assert_int_equal(count, 1);
	}
}

static void
names_that_lead_elsewhere_are_refused(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = { "..", ".", "", "a/b", "/etc" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err;
		size_t count;
		AUTO(tree_entry) struct tree_entry dir = TREE_ENTRY_INIT;
		listing_of_names(f, bad[i], "x", &dir);
		refused(read_all(f, &dir, &count, &err), ERR_CORRUPT,
		    "listing: a name that no folder may hold");
		assert_int_equal(count, 0);
	}
}

static void
listing_without_its_header_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	size_t count;
	AUTO(tree_entry) struct tree_entry none = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry later = TREE_ENTRY_INIT;
	hostile_dir(f, "SSx\1", 4, &none);
	refused(read_all(f, &none, &count, &err), ERR_CORRUPT, "listing: no header");
	hostile_dir(f, "SSD\2", 4, &later);
	refused(read_all(f, &later, &count, &err), ERR_UNSUPPORTED,
	    "listing: version 2 is of a later format");
}

static void
cut_off_listing_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	size_t count;
	AUTO(bufv) struct buf raw = BUF_INIT;
	ok(listing_begin(&raw, &err));
	add_fifo(&raw, "a");
	AUTO(tree_entry) struct tree_entry dir = TREE_ENTRY_INIT;
	hostile_dir(f, raw.data, raw.len - 1, &dir);
	refused(read_all(f, &dir, &count, &err), ERR_CORRUPT, "listing: malformed");
}

static void
missing_listing_is_damage_and_not_a_missing_name(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct extent extent = { .len = 10 };
	struct tree_entry dir = TREE_ENTRY_INIT;
	struct tree_entry found;
	dir.type = TREE_DIR;
	dir.content = (struct content){ 10, 0, 1, &extent, false };
	assert_int_equal(tree_lookup(f->repo, &dir, "a", &found, &err), ERR_CORRUPT);
}

/* Folders of the listings in which entries lie across chunks: nobody promises that they do not.
 */
static void
entries_across_chunks_are_read(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(bufv) struct buf raw = BUF_INIT;
	ok(listing_begin(&raw, &err));
	add_fifo(&raw, "first");
	add_fifo(&raw, "second");
	struct extent pieces[64];
	size_t n = 0;
	for (size_t at = 0; at < raw.len; at++, n++) {
		pieces[n] = (struct extent){ .len = 1 };
		ok(writer_add_now(
		    f->writer, CHUNK_TREE, raw.data + at, 1, &pieces[n].id, &err));
	}
	ok(writer_flush(f->writer, &err));
	struct tree_entry dir = TREE_ENTRY_INIT;
	dir.type = TREE_DIR;
	dir.content = (struct content){ raw.len, 0, n, pieces, false };
	size_t count;
	ok(read_all(f, &dir, &count, &err));
	assert_int_equal(count, 2);
}

static void
built_folder_holds_what_was_added_in_order_of_names(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(dir_builder) struct dir_builder *b = NULL;
	AUTO(tree_entry) struct tree_entry dir = TREE_ENTRY_INIT;
	struct tree_entry fifo = TREE_ENTRY_INIT;
	fifo.type = TREE_FIFO;
	ok(dir_builder_new(&b, &err));
	ok(dir_builder_add(b, "zebra", &fifo, &err));
	ok(dir_builder_add(b, "ant", &fifo, &err));
	refused(dir_builder_add(b, "ant", &fifo, &err), ERR_EXISTS,
	    "'ant' is in the folder already");
	refused(dir_builder_add(b, "a/b", &fifo, &err), ERR_USAGE,
	    "'a/b' cannot be a name in a folder");
	ok(dir_builder_finish(b, f->writer, NULL, &dir, &err));
	ok(writer_flush(f->writer, &err));
	assert_int_equal(dir.type, TREE_DIR);
	assert_int_equal(dir.mode, 0755);

	AUTO(dir_reader) struct dir_reader *d = NULL;
	const struct tree_entry *e;
	ok(dir_reader_open(&d, f->repo, &dir, &err));
	ok(dir_reader_next(d, &e, &err));
	assert_string_equal(e->name, "ant");
	ok(dir_reader_next(d, &e, &err));
	assert_string_equal(e->name, "zebra");
	ok(dir_reader_next(d, &e, &err));
	assert_null(e);
}

static void
large_folder_is_read_chunk_by_chunk(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(dir_builder) struct dir_builder *b = NULL;
	AUTO(tree_entry) struct tree_entry dir = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry found = TREE_ENTRY_INIT;
	struct tree_entry link = TREE_ENTRY_INIT;
	char target[300];
	char name[32];
	link.type = TREE_SYMLINK;
	ok(dir_builder_new(&b, &err));
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof name, "name%05d", i);
		link.target_len =
		    (size_t)snprintf(target, sizeof target, "%0*d", 100 + i % 150, i);
		link.target = target;
		ok(dir_builder_add(b, name, &link, &err));
	}
	ok(dir_builder_finish(b, f->writer, NULL, &dir, &err));
	ok(writer_flush(f->writer, &err));
	assert_true(dir.content.count > 1);
	size_t count;
	ok(read_all(f, &dir, &count, &err));
	assert_int_equal(count, 3000);
	ok(dir_lookup(f->repo, &dir, "name02999", 9, &found, &err));
	assert_int_equal(found.target_len, 100 + 2999 % 150);
}

static void
lookup_finds_paths_and_names_what_is_missing(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	assert_int_equal(mkdir(in_source(f, "a"), 0755), 0);
	assert_int_equal(mkdir(in_source(f, "a/b"), 0755), 0);
	write_text(in_source(f, "a/b/c"), "hello");
	save_source(f, &saved);
	static const char *const same[] = { "a/b/c", "/a//b/c", "./a/./b/c/" };
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
		ok(tree_lookup(f->repo, &saved.root, same[i], &e, &err));
		assert_string_equal(e.name, "c");
		assert_int_equal(e.content.size, 5);
	}
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	ok(tree_lookup(f->repo, &saved.root, "", &root, &err));
	assert_int_equal(root.type, TREE_DIR);
	struct tree_entry none;
	refused(tree_lookup(f->repo, &saved.root, "a/x/c", &none, &err), ERR_NOT_FOUND,
	    "a/x: not in this tree");
	refused(tree_lookup(f->repo, &saved.root, "a/b/c/d", &none, &err), ERR_NOT_FOUND,
	    "a/b/c/d: what holds it is no folder");
	refused(tree_lookup(f->repo, &saved.root, "..", &none, &err), ERR_NOT_FOUND,
	    "..: not in this tree");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(sorted_listing_is_read),
		tree_test(names_out_of_order_or_twice_are_refused),
		tree_test(names_that_lead_elsewhere_are_refused),
		tree_test(listing_without_its_header_is_refused),
		tree_test(cut_off_listing_is_refused),
		tree_test(missing_listing_is_damage_and_not_a_missing_name),
		tree_test(entries_across_chunks_are_read),
		tree_test(built_folder_holds_what_was_added_in_order_of_names),
		tree_test(large_folder_is_read_chunk_by_chunk),
		tree_test(lookup_finds_paths_and_names_what_is_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
