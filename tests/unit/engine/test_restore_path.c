#include "testing.h"

#include "engine/restore_path.h"
#include "engine/restore_place.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <stdio.h>
#include <sys/stat.h>

#define expect_path(call, want)                 \
	do {                                    \
		struct err err;                 \
		AUTO(str) char *got = NULL;     \
		ok(call);                       \
		assert_string_equal(got, want); \
	} while (0)

static void
holder_is_the_folder_that_holds_it(void **state)
{
	(void)state;
	expect_path(path_holder(&got, "/srv/shop", &err), "/srv");
	expect_path(path_holder(&got, "/srv/shop/", &err), "/srv");
	expect_path(path_holder(&got, "/srv", &err), "/");
	expect_path(path_holder(&got, "shop", &err), ".");
}

static void
a_name_that_only_begins_alike_is_not_within(void **state)
{
	(void)state;
	assert_true(path_is_within("/srv/shop", "/srv/shop"));
	assert_true(path_is_within("/srv/shop/a", "/srv/shop"));
	assert_true(path_is_within("/srv/shop/a", "/srv/shop/"));
	assert_true(path_is_within("/srv", "/"));
	assert_false(path_is_within("/srv/shop2", "/srv/shop"));
	assert_false(path_is_within("/srv", "/srv/shop"));
}

static void
a_name_beside_is_in_the_same_folder(void **state)
{
	(void)state;
	expect_path(path_beside(&got, "/srv/shop/", "new", "1a2b3c4d", &err),
	    "/srv/.stacksnap-new-1a2b3c4d.shop");
	expect_path(path_beside(&got, "/shop", "old", "1a2b3c4d", &err),
	    "/.stacksnap-old-1a2b3c4d.shop");
}

static void
a_very_long_name_has_a_name_beside_it_that_fits(void **state)
{
	(void)state;
	char path[261];
	struct err err;
	AUTO(str) char *got = NULL;
	memset(path, 'x', sizeof path);
	memcpy(path, "/srv/", 5);
	path[sizeof path - 1] = '\0';
	ok(path_beside(&got, path, "new", "1a2b3c4d", &err));
	assert_true(strlen(got) - 5 <= 255);
}

static void
only_paths_inside_move(void **state)
{
	(void)state;
	expect_path(path_moved(&got, "/srv/shop/a/b", "/srv/shop", "/new/", &err), "/new/a/b");
	expect_path(path_moved(&got, "/srv/shop", "/srv/shop", "/new", &err), "/new");
	expect_path(
	    path_moved(&got, "/srv/shop2/a", "/srv/shop", "/new", &err), "/srv/shop2/a");
	expect_path(path_moved(&got, "/etc/x", "", "/new", &err), "/etc/x");
}

static int
setup(void **state)
{
	struct err err;
	char *dir = NULL;
	ok(fs_make_temp_dir(&dir, "stacksnap-place", &err));
	*state = dir;
	return 0;
}

static int
teardown(void **state)
{
	struct err err;
	ok(fs_remove_tree(*state, &err));
	free(*state);
	return 0;
}

static void
files_and_folders_get_their_owner_and_mode(void **state)
{
	struct err err;
	const char *root = *state;
	struct place_owner owner = { 02750, getuid(), getgid() };
	struct place_owner of_file = { 0640, getuid(), getgid() };
	AUTO(fd) int fd = -1;
	AUTO(str) char *folder = NULL;
	AUTO(str) char *file = NULL;
	struct stat st;
	ok(place_make_folder(root, "a/b", &owner, &err));
	ok(place_make_file(&fd, root, "/a/b/c", &of_file, &err));
	ok(fd_write_all(fd, "x", 1, &err));
	ok(str_printf(&folder, &err, "%s/a/b", root));
	ok(str_printf(&file, &err, "%s/a/b/c", root));
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 02750);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_size, 1);
}

static void
symlinks_and_dots_are_not_followed(void **state)
{
	struct err err;
	const char *root = *state;
	struct place_owner owner = { 0700, getuid(), getgid() };
	int fd = -1;
	AUTO(str) char *inner = NULL;
	AUTO(str) char *outside = NULL;
	AUTO(str) char *link = NULL;
	ok(str_printf(&inner, &err, "%s/inner", root));
	ok(str_printf(&outside, &err, "%s/outside", root));
	ok(str_printf(&link, &err, "%s/inner/link", root));
	ok(fs_mkdirs(inner, 0700, &err));
	ok(fs_mkdirs(outside, 0700, &err));
	assert_int_equal(symlink("../outside", link), 0);
	refused_like(
	    place_make_folder(inner, "link/x", &owner, &err), err.code, "open folder link/x");
	refused_like(place_make_file(&fd, inner, "link/x", &owner, &err), err.code,
	    "open folder link/x");
	refused(place_make_file(&fd, inner, "../outside/x", &owner, &err), ERR_USAGE,
	    "../outside/x leads out of its folder");
	refused(place_make_folder(inner, "../outside/x", &owner, &err), ERR_USAGE,
	    "../outside/x leads out of its folder");
	/* A symlink that has the file's own name is replaced, not written through. */
	ok(place_make_file(&fd, inner, "link", &owner, &err));
	close(fd);
	AUTO(strv) struct strv names = STRV_INIT;
	ok(fs_list_dir(outside, &names, &err));
	assert_int_equal(names.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holder_is_the_folder_that_holds_it),
		cmocka_unit_test(a_name_that_only_begins_alike_is_not_within),
		cmocka_unit_test(a_name_beside_is_in_the_same_folder),
		cmocka_unit_test(a_very_long_name_has_a_name_beside_it_that_fits),
		cmocka_unit_test(only_paths_inside_move),
		cmocka_unit_test_setup_teardown(
		    files_and_folders_get_their_owner_and_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    symlinks_and_dots_are_not_followed, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
