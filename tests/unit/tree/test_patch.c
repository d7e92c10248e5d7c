#include "fixture.h"

#include "tree/patch.h"

static void
names_of(
    struct fixture *f, const struct tree_entry *root, const char *path, char *out, size_t len)
{
	struct err err;
	AUTO(tree_entry) struct tree_entry dir = TREE_ENTRY_INIT;
	AUTO(dir_reader) struct dir_reader *d = NULL;
	const struct tree_entry *e;
	out[0] = '\0';
	ok(tree_lookup(f->repo, root, path, &dir, &err));
	ok(dir_reader_open(&d, f->repo, &dir, &err));
	for (;;) {
		ok(dir_reader_next(d, &e, &err));
		if (e == NULL)
			return;
		size_t used = strlen(out);
		snprintf(out + used, len - used, "%s:%llu ", e->name,
		    (unsigned long long)e->content.size);
	}
}

static void
entries_are_replaced_added_and_left_out_at_any_depth(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	AUTO(tree_entry) struct tree_entry small = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	char names[200];
	write_text(in_source(f, "m"), "four");
	assert_int_equal(mkdir(in_source(f, "d"), 0750), 0);
	assert_int_equal(mkdir(in_source(f, "d/e"), 0700), 0);
	write_text(in_source(f, "d-x"), "1");
	write_text(in_source(f, "d/a"), "12");
	write_text(in_source(f, "d/e/z"), "123");
	save_source(f, &saved);
	ok(tree_lookup(f->repo, &saved.root, "d-x", &small, &err));

	const struct tree_edit changes[] = {
		{ "a", &small },
		{ "d/a", NULL },
		{ "d/b", &small },
		{ "d/e/y", NULL },
		{ "d/e/z", &small },
		{ "d/e/zz", &small },
		{ "d-x", NULL },
		{ "z", &small },
		{ "zz", NULL },
	};
	for (size_t i = 1; i < ARRAY_LEN(changes); i++)
		assert_true(tree_path_compare(changes[i - 1].path, changes[i].path) < 0);
	ok(tree_patch(
	    &root, f->writer, f->repo, &saved.root, changes, ARRAY_LEN(changes), &err));
	ok(writer_flush(f->writer, &err));
	names_of(f, &root, "", names, sizeof names);
	assert_non_null(strstr(names, "a:1 d:"));
	assert_non_null(strstr(names, "m:4 z:1 "));
	assert_null(strstr(names, "d-x"));
	names_of(f, &root, "d", names, sizeof names);
	assert_non_null(strstr(names, "b:1 e:"));
	names_of(f, &root, "d/e", names, sizeof names);
	assert_string_equal(names, "z:1 zz:1 ");
	AUTO(tree_entry) struct tree_entry d = TREE_ENTRY_INIT;
	ok(tree_lookup(f->repo, &root, "d", &d, &err));
	assert_int_equal(d.mode, 0750);
}

static void
a_patched_tree_is_that_of_the_patched_folder(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(tree_saved) struct tree_saved before = TREE_SAVED_INIT;
	AUTO(tree_saved) struct tree_saved after = TREE_SAVED_INIT;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	assert_int_equal(mkdir(in_source(f, "d"), 0750), 0);
	write_text(in_source(f, "d/k"), "old");
	write_text(in_source(f, "d/l"), "stays");
	save_source(f, &before);
	write_text(in_source(f, "d/k"), "newer");
	save_source(f, &after);
	ok(tree_lookup(f->repo, &after.root, "d/k", &e, &err));
	const struct tree_edit change = { "d/k", &e };
	ok(tree_patch(&root, f->writer, f->repo, &before.root, &change, 1, &err));
	assert_true(content_equal(&root.content, &after.root.content));
}

static void
a_folder_that_is_not_there_is_told(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	write_text(in_source(f, "m"), "four");
	save_source(f, &saved);
	const struct tree_edit below_file = { "m/x", NULL };
	const struct tree_edit below_none = { "n/x", NULL };
	refused(tree_patch(&root, f->writer, f->repo, &saved.root, &below_file, 1, &err),
	    ERR_NOT_FOUND, "patch tree: no folder for m/x");
	refused(tree_patch(&root, f->writer, f->repo, &saved.root, &below_none, 1, &err),
	    ERR_NOT_FOUND, "patch tree: no folder for n/x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(entries_are_replaced_added_and_left_out_at_any_depth),
		tree_test(a_patched_tree_is_that_of_the_patched_folder),
		tree_test(a_folder_that_is_not_there_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
