/*
 * What only the store in a local folder must do; the rest is in test_store.c.
 */
#include "testing.h"

#include "base/strv.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <sys/stat.h>

struct fixture {
	char *dir;
	struct store *store;
};

static int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ok(fs_make_temp_dir(&f->dir, "stacksnap-local", &err));
	ok(store_open_local(&f->store, f->dir, STORE_EXISTING, &err));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	struct err err;
	store_close(f->store);
	ok(fs_remove_tree(f->dir, &err));
	free(f->dir);
	free(f);
	return 0;
}

/* DIR/name, freed at the end of the block. */
#define PATH(var, name)             \
	AUTO(str) char *var = NULL; \
	ok(str_printf(&var, &err, "%s/%s", f->dir, name))

static void
write_text(const char *path, const char *text)
{
	struct err err;
	ok(fs_write_file(path, 0600, text, strlen(text), &err));
}

static enum err_code
note(void *arg, const struct store_entry *e, struct err *err)
{
	char *text = arg;
	size_t n = strlen(text);
	(void)err;
	snprintf(text + n, 500 - n, "%s ", e->key);
	return ERR_OK;
}

static void
an_object_is_a_private_file_of_that_name(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct stat st;
	PATH(path, "packs/ab/abcd");
	ok(store_put(f->store, "packs/ab/abcd", "bytes", 5, &err));
	AUTO(bufv) struct buf raw = BUF_INIT;
	ok(fs_read_file(path, 100, &raw, &err));
	assert_string_equal(buf_cstr(&raw), "bytes");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 1);
	PATH(folder, "packs/ab");
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	PATH(tmp, "tmp");
	AUTO(strv) struct strv left = STRV_INIT;
	ok(fs_list_dir(tmp, &left, &err));
	assert_int_equal(left.len, 0);
}

static void
what_a_crash_left_behind_is_not_listed_and_goes_when_it_is_old(void **state)
{
	struct fixture *f = *state;
	struct err err;
	PATH(tmp, "tmp");
	PATH(young, "tmp/0123");
	PATH(old, "tmp/4567");
	ok(fs_mkdirs(tmp, 0700, &err));
	write_text(young, "half an obj");
	write_text(old, "half an obj");
	int64_t then = clock_wall_ns() / NS_PER_S - 25 * 3600;
	struct timespec times[2] = { { .tv_sec = then }, { .tv_sec = then } };
	assert_int_equal(utimensat(AT_FDCWD, old, times, 0), 0);
	ok(store_put(f->store, "config", "x", 1, &err));
	char text[500] = "";
	ok(store_list(f->store, "", NULL, note, text, &err));
	assert_string_equal(text, "config ");
	assert_true(fs_exists(young));
	assert_false(fs_exists(old));
}

static void
files_that_are_no_objects_are_not_listed(void **state)
{
	struct fixture *f = *state;
	struct err err;
	static const char *const others[] = { ".DS_Store", "README.txt", "lost+found",
		"Config" };
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		PATH(path, others[i]);
		write_text(path, "not ours");
	}
	PATH(pipe, "pipe");
	assert_int_equal(mkfifo(pipe, 0600), 0);
	AUTO(bufv) struct buf out = BUF_INIT;
	AUTO(str) char *want = NULL;
	ok(str_printf(&want, &err, "%s: get pipe: no such object", f->dir));
	refused(store_get(f->store, "pipe", 100, &out, &err), ERR_NOT_FOUND, want);
	ok(store_put(f->store, "config", "x", 1, &err));
	char text[500] = "";
	ok(store_list(f->store, "", NULL, note, text, &err));
	assert_string_equal(text, "config ");
}

static void
a_symlink_is_no_object(void **state)
{
	struct fixture *f = *state;
	struct err err;
	PATH(secret, "Secret");
	PATH(index, "index");
	PATH(link, "index/ab");
	write_text(secret, "of somebody else");
	ok(fs_mkdirs(index, 0700, &err));
	assert_int_equal(symlink("../Secret", link), 0);
	AUTO(bufv) struct buf out = BUF_INIT;
	assert_int_not_equal(store_get(f->store, "index/ab", 100, &out, &err), ERR_OK);
	assert_int_equal(out.len, 0);
	uint8_t byte;
	assert_int_not_equal(store_get_range(f->store, "index/ab", 0, &byte, 1, &err), ERR_OK);
	/* Nor is what it points at written to. */
	refused_like(store_put(f->store, "index/ab", "x", 1, &err), ERR_EXISTS, f->dir);
	AUTO(bufv) struct buf still = BUF_INIT;
	ok(fs_read_file(secret, 100, &still, &err));
	assert_string_equal(buf_cstr(&still), "of somebody else");
	char text[500] = "";
	ok(store_list(f->store, "", NULL, note, text, &err));
	assert_string_equal(text, "");
}

static void
a_folder_that_is_a_symlink_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(str) char *elsewhere = NULL;
	ok(fs_make_temp_dir(&elsewhere, "stacksnap-elsewhere", &err));
	AUTO(str) char *theirs = NULL;
	ok(str_printf(&theirs, &err, "%s/ab", elsewhere));
	write_text(theirs, "of somebody else");
	PATH(link, "index");
	assert_int_equal(symlink(elsewhere, link), 0);
	AUTO(bufv) struct buf out = BUF_INIT;
	uint8_t byte;
	uint64_t size;
	char text[500] = "";
	assert_int_not_equal(store_get(f->store, "index/ab", 100, &out, &err), ERR_OK);
	assert_int_not_equal(store_get_range(f->store, "index/ab", 0, &byte, 1, &err), ERR_OK);
	assert_int_not_equal(store_size(f->store, "index/ab", &size, &err), ERR_OK);
	assert_int_not_equal(store_put(f->store, "index/ac", "x", 1, &err), ERR_OK);
	assert_int_not_equal(store_delete(f->store, "index/ab", &err), ERR_OK);
	ok(store_list(f->store, "", NULL, note, text, &err));
	assert_string_equal(text, "");
	/* Nor when it is higher up, or where old leftovers are cleared away. */
	PATH(packs, "packs");
	assert_int_equal(symlink(elsewhere, packs), 0);
	assert_int_not_equal(store_put(f->store, "packs/ab/ab", "x", 1, &err), ERR_OK);
	PATH(tmp, "tmp");
	ok(fs_remove_tree(tmp, &err));
	assert_int_equal(symlink(elsewhere, tmp), 0);
	int64_t then = clock_wall_ns() / NS_PER_S - 25 * 3600;
	struct timespec times[2] = { { .tv_sec = then }, { .tv_sec = then } };
	assert_int_equal(utimensat(AT_FDCWD, theirs, times, 0), 0);
	AUTO(store) struct store *again = NULL;
	ok(store_open_local(&again, f->dir, STORE_EXISTING, &err));
	assert_int_not_equal(store_put(again, "config", "x", 1, &err), ERR_OK);
	AUTO(strv) struct strv names = STRV_INIT;
	ok(fs_list_dir(elsewhere, &names, &err));
	assert_int_equal(names.len, 1);
	assert_string_equal(names.items[0], "ab");
	ok(fs_remove_tree(elsewhere, &err));
}

static void
a_folder_that_is_missing_is_made_only_on_request(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct store *s = NULL;
	PATH(path, "a/b/c");
	AUTO(str) char *want = NULL;
	ok(str_printf(&want, &err, "open folder %s: No such file or directory", path));
	refused(store_open_local(&s, path, STORE_EXISTING, &err), ERR_NOT_FOUND, want);
	assert_null(s);
	assert_false(fs_exists(path));
	ok(store_open_local(&s, path, STORE_CREATE, &err));
	assert_string_equal(store_location(s), path);
	store_close(s);
	refused(store_open_local(&s, "", STORE_CREATE, &err), ERR_USAGE,
	    "the path of the repository is empty");
}

static void
a_file_is_no_folder(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct store *s = NULL;
	PATH(path, "file");
	write_text(path, "x");
	AUTO(str) char *want = NULL;
	ok(str_printf(&want, &err, "create folder %s: a file is in the way", path));
	refused(store_open_local(&s, path, STORE_CREATE, &err), ERR_EXISTS, want);
	assert_null(s);
}

static void
a_put_that_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct err err;
	/* A file stands where the folder of the key should be. */
	PATH(packs, "packs");
	write_text(packs, "in the way");
	assert_int_not_equal(store_put(f->store, "packs/ab/abcd", "x", 1, &err), ERR_OK);
	PATH(tmp, "tmp");
	AUTO(strv) struct strv left = STRV_INIT;
	ok(fs_list_dir(tmp, &left, &err));
	assert_int_equal(left.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    an_object_is_a_private_file_of_that_name, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_a_crash_left_behind_is_not_listed_and_goes_when_it_is_old, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    files_that_are_no_objects_are_not_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_symlink_is_no_object, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_folder_that_is_a_symlink_is_not_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_folder_that_is_missing_is_made_only_on_request, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_is_no_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_put_that_fails_leaves_nothing, setup, teardown),
	};
	return cmocka_run_group_tests_name("local store, its own", tests, NULL, NULL);
}
