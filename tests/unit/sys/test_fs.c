#include "testing.h"

#include "sys/fs.h"

#include <fcntl.h>
#include <sys/stat.h>

static char *dir;

static int
setup(void **state)
{
	(void)state;
	struct err err;
	ok(fs_make_temp_dir(&dir, "stacksnap-fs", &err));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	struct err err;
	ok(fs_remove_tree(dir, &err));
	assert_false(fs_exists(dir));
	free(TAKE(dir));
	return 0;
}

#define PATH(var, name)             \
	AUTO(str) char *var = NULL; \
	ok(str_printf(&var, &err, "%s/%s", dir, name))

static void
assert_holds(const char *path, const char *want)
{
	struct err err;
	AUTO(bufv) struct buf b = BUF_INIT;
	ok(fs_read_file(path, 1000, &b, &err));
	assert_string_equal(buf_cstr(&b), want);
}

static size_t
count_names(void)
{
	struct err err;
	AUTO(strv) struct strv names = STRV_INIT;
	ok(fs_list_dir(dir, &names, &err));
	return names.len;
}

static void
writing_replaces_the_file_and_leaves_no_other(void **state)
{
	(void)state;
	struct err err;
	struct stat st;
	PATH(path, "file");
	PATH(link, "link");
	ok(fs_write_file(path, 0640, "old", 3, &err));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	/* Who holds the old file keeps it: it is replaced, not written over. */
	assert_int_equal(linkat(AT_FDCWD, path, AT_FDCWD, link, 0), 0);
	ok(fs_write_file(path, 0600, "newer", 5, &err));
	assert_holds(path, "newer");
	assert_holds(link, "old");
	assert_int_equal(count_names(), 2);
	ok(fs_write_file(path, 0600, "", 0, &err));
	assert_holds(path, "");
}

static void
writing_that_fails_leaves_the_old_and_nothing_else(void **state)
{
	(void)state;
	struct err err;
	PATH(path, "taken");
	PATH(inside, "taken/inside");
	ok(fs_mkdirs(path, 0700, &err));
	ok(fs_write_file(inside, 0600, "kept", 4, &err));
	AUTO(str) char *want = NULL;
	ok(str_printf(&want, &err, "rename to %s: Is a directory", path));
	refused(fs_write_file(path, 0600, "x", 1, &err), ERR_IO, want);
	assert_holds(inside, "kept");
	assert_int_equal(count_names(), 1);
	PATH(nowhere, "no/such/file");
	assert_int_equal(fs_write_file(nowhere, 0600, "x", 1, &err), ERR_NOT_FOUND);
}

static void
a_file_larger_than_allowed_is_refused(void **state)
{
	(void)state;
	struct err err;
	PATH(path, "file");
	AUTO(bufv) struct buf b = BUF_INIT;
	ok(fs_write_file(path, 0600, "0123456789", 10, &err));
	AUTO(str) char *want = NULL;
	ok(str_printf(&want, &err, "read %s: larger than 9 bytes", path));
	refused(fs_read_file(path, 9, &b, &err), ERR_CORRUPT, want);
	b.len = 0;
	ok(fs_read_file(path, 10, &b, &err));
	assert_int_equal(b.len, 10);
	PATH(none, "none");
	AUTO(str) char *absent = NULL;
	ok(str_printf(&absent, &err, "open %s: No such file or directory", none));
	refused(fs_read_file(none, 10, &b, &err), ERR_NOT_FOUND, absent);
}

static void
folders_are_made_with_their_parents_and_may_be_there(void **state)
{
	(void)state;
	struct err err;
	PATH(path, "a/b//c");
	PATH(same, "a/b/c");
	ok(fs_mkdirs(path, 0700, &err));
	assert_true(fs_is_dir(same));
	ok(fs_mkdirs(same, 0700, &err));
	PATH(file, "a/file");
	PATH(below, "a/file/x");
	ok(fs_write_file(file, 0600, "x", 1, &err));
	AUTO(str) char *want = NULL;
	ok(str_printf(&want, &err, "create folder %s: a file is in the way", file));
	refused(fs_mkdirs(file, 0700, &err), ERR_EXISTS, want);
	assert_int_not_equal(fs_mkdirs(below, 0700, &err), ERR_OK);
	assert_true(fs_is_dir("/"));
	ok(fs_mkdirs("/", 0700, &err));
}

static void
removing_a_tree_does_not_follow_symlinks(void **state)
{
	(void)state;
	struct err err;
	PATH(kept, "kept");
	PATH(inside, "kept/inside");
	PATH(gone, "gone");
	PATH(deep, "gone/a/b/c");
	PATH(link, "gone/a/link");
	ok(fs_mkdirs(kept, 0700, &err));
	ok(fs_write_file(inside, 0600, "x", 1, &err));
	ok(fs_mkdirs(deep, 0700, &err));
	assert_int_equal(symlink(kept, link), 0);
	ok(fs_remove_tree(gone, &err));
	assert_false(fs_exists(gone));
	assert_holds(inside, "x");
	ok(fs_remove_tree(gone, &err)); /* fine when it is absent */
	/* A symlink at the top is removed itself. */
	PATH(top, "top");
	assert_int_equal(symlink(kept, top), 0);
	ok(fs_remove_tree(top, &err));
	assert_false(fs_exists(top));
	assert_holds(inside, "x");
	ok(fs_remove_tree(inside, &err));
	assert_false(fs_exists(inside));
}

static void
names_are_listed_in_order_of_bytes(void **state)
{
	(void)state;
	struct err err;
	static const char *const names[] = { "b", "a", "B", ".hidden", "a b", "\xff" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		PATH(path, names[i]);
		ok(fs_write_file(path, 0600, "", 0, &err));
	}
	static const char *const want[] = { ".hidden", "B", "a", "a b", "b", "\xff" };
	AUTO(strv) struct strv got = STRV_INIT;
	ok(fs_list_dir(dir, &got, &err));
	assert_int_equal(got.len, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(got.items[i], want[i]);
}

static void
a_dangling_symlink_exists(void **state)
{
	(void)state;
	struct err err;
	PATH(link, "link");
	assert_false(fs_exists(link));
	assert_int_equal(symlink("nowhere", link), 0);
	assert_true(fs_exists(link));
	assert_false(fs_is_dir(link));
}

static void
real_paths_have_no_symlinks_and_dots(void **state)
{
	(void)state;
	struct err err;
	PATH(folder, "folder");
	PATH(link, "link");
	PATH(crooked, "./link/../link/.");
	AUTO(str) char *real = NULL;
	AUTO(str) char *want = NULL;
	ok(fs_mkdirs(folder, 0700, &err));
	assert_int_equal(symlink("folder", link), 0);
	ok(fs_real_path(&real, crooked, &err));
	ok(fs_real_path(&want, folder, &err));
	assert_string_equal(real, want);
	AUTO(str) char *none = NULL;
	assert_int_equal(fs_real_path(&none, "/no/such/thing", &err), ERR_NOT_FOUND);
}

static void
temporary_folders_are_private_and_differ(void **state)
{
	(void)state;
	struct err err;
	struct stat st;
	AUTO(str) char *a = NULL;
	AUTO(str) char *b = NULL;
	setenv("TMPDIR", dir, 1);
	ok(fs_make_temp_dir(&a, "x", &err));
	ok(fs_make_temp_dir(&b, "x", &err));
	unsetenv("TMPDIR");
	assert_string_not_equal(a, b);
	assert_true(str_starts(a, dir));
	assert_int_equal(stat(a, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	uint64_t free_bytes = 0;
	ok(fs_free_bytes(a, &free_bytes, &err));
	assert_true(free_bytes > 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(writing_replaces_the_file_and_leaves_no_other),
		CASE(writing_that_fails_leaves_the_old_and_nothing_else),
		CASE(a_file_larger_than_allowed_is_refused),
		CASE(folders_are_made_with_their_parents_and_may_be_there),
		CASE(removing_a_tree_does_not_follow_symlinks),
		CASE(names_are_listed_in_order_of_bytes),
		CASE(a_dangling_symlink_exists),
		CASE(real_paths_have_no_symlinks_and_dots),
		CASE(temporary_folders_are_private_and_differ),
	};
	return cmocka_run_group_tests_name("fs", tests, NULL, NULL);
}
