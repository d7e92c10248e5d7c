#include "fixture.h"

#include "repo/stream.h"
#include "tree/reach.h"

/* What a reach has told, as text. */
struct told {
	struct strv lines;
	struct strv chunks; /* that were asked for, in hexadecimal */
	struct id refused; /* this chunk may not be relied on */
	enum err_code refuse_code; /* ERR_OK: none is refused */
};

static enum err_code
ask_chunk(void *arg, const struct id *id, uint64_t len, struct err *err)
{
	struct told *t = arg;
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	assert_true(len > 0);
	if (strv_has(&t->chunks, hex))
		fail_msg("asked for %s twice", hex);
	if (strv_add(&t->chunks, hex, err))
		return err->code;
	if (t->refuse_code != ERR_OK && id_equal(id, &t->refused))
		return err_set(err, t->refuse_code, "refused");
	return ERR_OK;
}

static enum err_code
note_lost(void *arg, const char *path, bool is_dir, const char *why, struct err *err)
{
	struct told *t = arg;
	return strv_addf(&t->lines, err, "%s %s: %s", is_dir ? "folder" : "file", path, why);
}

static struct reach *
reach_of(struct fixture *f, struct told *t)
{
	struct reach_options opt = { .chunk = ask_chunk, .lost = note_lost, .arg = t };
	struct reach *x;
	struct err err;
	ok(reach_new(&x, f->repo, &opt, &err));
	return x;
}

static void
told_release(struct told *t)
{
	strv_release(&t->lines);
	strv_release(&t->chunks);
}

/* source/a, source/dir/{b, c, deep/d}: all different bytes. */
static void
make_source(struct fixture *f)
{
	assert_int_equal(mkdir(in_source(f, "dir"), 0755), 0);
	assert_int_equal(mkdir(in_source(f, "dir/deep"), 0755), 0);
	write_text(in_source(f, "a"), "bytes of a");
	write_text(in_source(f, "dir/b"), "bytes of b");
	write_text(in_source(f, "dir/c"), "bytes of c");
	write_text(in_source(f, "dir/deep/d"), "bytes of d");
}

static struct id
chunk_of(struct fixture *f, const struct tree_entry *root, const char *path)
{
	struct tree_entry e;
	struct err err;
	ok(tree_lookup(f->repo, root, path, &e, &err));
	assert_int_equal(e.content.level, 0);
	assert_int_equal(e.content.count, 1);
	struct id id = e.content.items[0].id;
	tree_entry_release(&e);
	return id;
}

static void
every_chunk_of_a_tree_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_saved saved;
	struct told t = { .refuse_code = ERR_OK };
	bool whole = false;
	make_source(f);
	write_text(in_source(f, "same as a"), "bytes of a");
	save_source(f, &saved);
	struct reach *x = reach_of(f, &t);
	ok(reach_tree(x, &saved.root, &whole, &err));
	assert_true(whole);
	/* Four files and three listings. */
	assert_int_equal(t.chunks.len, 7);
	assert_int_equal(chunk_set_count(reach_used(x)), 7);
	struct id a = chunk_of(f, &saved.root, "a");
	struct id listing = chunk_of(f, &saved.root, "dir/deep");
	assert_true(chunk_set_has(reach_used(x), &a));
	assert_true(chunk_set_has(reach_used(x), &listing));
	assert_int_equal(t.lines.len, 0);
	reach_free(x);
	told_release(&t);
	tree_saved_release(&saved);
}

static void
what_snapshots_share_is_walked_once(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_saved first;
	struct tree_saved second;
	struct told t = { .refuse_code = ERR_OK };
	bool whole;
	make_source(f);
	save_source(f, &first);
	write_text(in_source(f, "new"), "bytes of new");
	save_source(f, &second);
	struct reach *x = reach_of(f, &t);
	ok(reach_tree(x, &first.root, &whole, &err));
	size_t before = t.chunks.len;
	ok(reach_tree(x, &second.root, &whole, &err));
	assert_true(whole);
	/* The root's listing and the new file. */
	assert_int_equal(t.chunks.len, before + 2);
	ok(reach_tree(x, &second.root, &whole, &err));
	assert_true(whole);
	assert_int_equal(t.chunks.len, before + 2);
	reach_free(x);
	told_release(&t);
	tree_saved_release(&first);
	tree_saved_release(&second);
}

static void
a_chunk_that_is_refused_is_told_with_each_file_that_needs_it(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_saved saved;
	bool whole;
	make_source(f);
	write_text(in_source(f, "dir/deep/copy of a"), "bytes of a");
	save_source(f, &saved);
	struct told t = { .refused = chunk_of(f, &saved.root, "a"),
		.refuse_code = ERR_CORRUPT };
	struct reach *x = reach_of(f, &t);
	for (int i = 0; i < 2; i++) {
		whole = true;
		ok(reach_tree(x, &saved.root, &whole, &err));
		assert_false(whole);
		/* Folders that are not whole are told again. */
		assert_int_equal(t.lines.len, 2);
		assert_string_equal(t.lines.items[0], "file /a: refused");
		assert_string_equal(t.lines.items[1], "file /dir/deep/copy of a: refused");
		strv_release(&t.lines);
	}
	/* What is below is all looked at. */
	assert_int_equal(t.chunks.len, 7);
	reach_free(x);
	told_release(&t);
	tree_saved_release(&saved);
}

static void
a_lost_listing_loses_all_below_it(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_saved saved;
	bool whole;
	make_source(f);
	save_source(f, &saved);
	struct told t = { .refused = chunk_of(f, &saved.root, "dir"), .refuse_code = ERR_IO };
	struct reach *x = reach_of(f, &t);
	ok(reach_tree(x, &saved.root, &whole, &err));
	assert_false(whole);
	assert_int_equal(t.lines.len, 1);
	assert_string_equal(t.lines.items[0], "folder /dir: refused");
	/* The tree of that folder alone is whole, below its root. */
	strv_release(&t.lines);
	struct tree_entry deep;
	ok(tree_lookup(f->repo, &saved.root, "dir/deep", &deep, &err));
	ok(reach_tree(x, &deep, &whole, &err));
	assert_true(whole);
	assert_int_equal(t.lines.len, 0);
	tree_entry_release(&deep);
	reach_free(x);
	told_release(&t);
	tree_saved_release(&saved);
}

static void
a_lost_root_is_told_as_a_slash(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct told t = { .refuse_code = ERR_OK };
	struct extent nowhere = { .len = 100 };
	struct tree_entry root = TREE_ENTRY_INIT;
	bool whole;
	memset(nowhere.id.b, 7, ID_SIZE);
	root.type = TREE_DIR;
	root.content = (struct content){ 100, 0, 1, &nowhere, false };
	struct reach *x = reach_of(f, &t);
	ok(reach_tree(x, &root, &whole, &err));
	assert_false(whole);
	assert_int_equal(t.lines.len, 1);
	assert_string_equal(t.lines.items[0], "folder /: a chunk is in no index");
	assert_int_equal(t.chunks.len, 0);
	reach_free(x);
	told_release(&t);
}

static void
bytes_that_are_no_listing_are_told_as_damage(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_saved saved;
	struct told t = { .refuse_code = ERR_OK };
	struct tree_entry a;
	bool whole;
	make_source(f);
	save_source(f, &saved);
	ok(tree_lookup(f->repo, &saved.root, "a", &a, &err));
	a.type = TREE_DIR; /* a file's bytes where a listing is wanted */
	struct reach *x = reach_of(f, &t);
	ok(reach_tree(x, &a, &whole, &err));
	assert_false(whole);
	assert_int_equal(t.lines.len, 1);
	assert_string_equal(t.lines.items[0], "folder /: listing: no header");
	tree_entry_release(&a);
	reach_free(x);
	told_release(&t);
	tree_saved_release(&saved);
}

static void
other_errors_end_the_walk(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_saved saved;
	bool whole = true;
	make_source(f);
	save_source(f, &saved);
	struct told t = { .refused = chunk_of(f, &saved.root, "dir/deep/d"),
		.refuse_code = ERR_TRANSIENT };
	struct reach *x = reach_of(f, &t);
	refused(reach_tree(x, &saved.root, &whole, &err), ERR_TRANSIENT, "refused");
	assert_true(whole); /* untouched */
	reach_free(x);

	struct cancel stop;
	ok(cancel_init(&stop, &err));
	cancel_raise(&stop);
	struct reach_options opt = { .cancel = &stop };
	ok(reach_new(&x, f->repo, &opt, &err));
	assert_int_equal(reach_tree(x, &saved.root, &whole, &err), ERR_CANCELLED);
	reach_free(x);
	cancel_release(&stop);
	told_release(&t);
	tree_saved_release(&saved);
}

/* A file of so many chunks that its list of chunks is stored as chunks itself. */
static void
store_long_file(struct fixture *f, struct content *out)
{
	struct err err;
	struct intake *in;
	struct stream *s;
	ok(intake_new(&in, f->writer, &err));
	ok(stream_open(&s, in, CHUNK_ROWS, &err));
	uint64_t seed = 5;
	for (int i = 0; i < 100000; i++) {
		char row[80];
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		int n = snprintf(row, sizeof row, "%d\t%016llx%016llx\n", i,
		    (unsigned long long)seed, (unsigned long long)(seed * 3));
		ok(stream_write(s, row, (size_t)n, &err));
	}
	ok(stream_close(s, out, &err));
	intake_free(in);
	ok(writer_flush(f->writer, &err));
}

static enum err_code
count_extent(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	(void)offset;
	(void)e;
	(void)err;
	++*(size_t *)arg;
	return ERR_OK;
}

static void
lists_of_chunks_are_needed_too(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct told t = { .refuse_code = ERR_OK };
	struct tree_entry file = TREE_ENTRY_INIT;
	size_t chunks = 0;
	size_t lists = 0;
	bool whole;
	store_long_file(f, &file.content);
	assert_true(file.content.level > 0);
	ok(content_walk(f->repo, &file.content, count_extent, NULL, &chunks, &err));
	ok(content_walk(f->repo, &file.content, NULL, count_extent, &lists, &err));
	struct reach *x = reach_of(f, &t);
	ok(reach_tree(x, &file, &whole, &err));
	assert_true(whole);
	assert_int_equal(t.chunks.len, chunks + lists);
	ok(reach_tree(x, &file, &whole, &err));
	assert_true(whole);
	assert_int_equal(t.chunks.len, chunks + lists);
	reach_free(x);
	told_release(&t);

	/* A list that may not be relied on: the file is lost, the rest of it is looked at. */
	t = (struct told){ .refused = file.content.items[0].id, .refuse_code = ERR_CORRUPT };
	x = reach_of(f, &t);
	ok(reach_tree(x, &file, &whole, &err));
	assert_false(whole);
	assert_int_equal(t.lines.len, 1);
	assert_string_equal(t.lines.items[0], "file /: refused");
	assert_true(t.chunks.len >= lists && t.chunks.len < chunks + lists);
	reach_free(x);
	told_release(&t);
	content_release(&file.content);
}

static void
a_large_folder_is_remembered(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_saved saved;
	struct told t = { .refuse_code = ERR_OK };
	bool whole;
	for (int i = 0; i < 3000; i++) {
		char name[64];
		snprintf(name, sizeof name, "a name that is quite long, number %d", i);
		assert_int_equal(symlink(name, in_source(f, name)), 0);
	}
	write_text(in_source(f, "file"), "bytes of file");
	save_source(f, &saved);
	assert_true(saved.root.content.count > 1);
	struct reach *x = reach_of(f, &t);
	ok(reach_tree(x, &saved.root, &whole, &err));
	assert_true(whole);
	assert_int_equal(t.chunks.len, saved.root.content.count + 1);
	/* The second time nothing is read: not even a listing that would be damaged now. */
	ok(reach_tree(x, &saved.root, &whole, &err));
	assert_true(whole);
	assert_int_equal(t.chunks.len, saved.root.content.count + 1);
	reach_free(x);
	told_release(&t);
	tree_saved_release(&saved);
}

static void
a_tree_deeper_than_any_stack_is_walked(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct told t = { .refuse_code = ERR_OK };
	struct tree_entry at = TREE_ENTRY_INIT;
	bool whole;
	int depth = 5000;
	for (int i = 0; i < depth; i++) {
		struct dir_builder *b;
		struct tree_entry up;
		ok(dir_builder_new(&b, &err));
		if (i > 0)
			ok(dir_builder_add(b, "d", &at, &err));
		ok(dir_builder_finish(b, f->writer, NULL, &up, &err));
		dir_builder_free(b);
		tree_entry_release(&at);
		at = up;
	}
	ok(writer_flush(f->writer, &err));
	struct reach *x = reach_of(f, &t);
	ok(reach_tree(x, &at, &whole, &err));
	assert_true(whole);
	assert_int_equal(t.chunks.len, depth);
	reach_free(x);
	told_release(&t);
	tree_entry_release(&at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(every_chunk_of_a_tree_is_told_once),
		tree_test(what_snapshots_share_is_walked_once),
		tree_test(a_chunk_that_is_refused_is_told_with_each_file_that_needs_it),
		tree_test(a_lost_listing_loses_all_below_it),
		tree_test(a_lost_root_is_told_as_a_slash),
		tree_test(bytes_that_are_no_listing_are_told_as_damage),
		tree_test(other_errors_end_the_walk),
		tree_test(lists_of_chunks_are_needed_too),
		tree_test(a_large_folder_is_remembered),
		tree_test(a_tree_deeper_than_any_stack_is_walked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
