#include "testing.h"

#include "engine/excluder.h"
#include "engine/kept_folder.h"
#include "engine/restore_mounted.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* --- a process that dies before one of its steps --- */

#define DIED 9
static int steps_left = -1; /* < 0: it lives */

static void
step(void)
{
	if (steps_left == 0)
		_exit(DIED);
	steps_left -= steps_left > 0;
}

/* In place of the C library's: everything that moves, makes or removes something. */
int
renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	step();
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
	step();
	return (int)syscall(SYS_mkdirat, dir, path, mode);
}

int
unlinkat(int dir, const char *path, int flags)
{
	step();
	return (int)syscall(SYS_unlinkat, dir, path, flags);
}

/* The disk is somebody else's to wait for. */
int
syncfs(int fd)
{
	(void)fd;
	step();
	return 0;
}

int
fsync(int fd)
{
	(void)fd;
	step();
	return 0;
}

typedef enum err_code mounted_call(const struct mounted *m, struct err *err);

/* Another process makes the call, and dies before its step of that number; false when it has no
 * so many. */
static bool
dies_at(int number, mounted_call *call, const struct mounted *m)
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err;
		steps_left = number;
		_exit(call(m, &err) == ERR_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 1);
	return WEXITSTATUS(status) == DIED;
}

/* --- a folder with old data, and new data staged in it --- */

struct fixture {
	char *target;
	char *hidden;
	char *stage;
	char *old;
	struct mounted m;
};

static void
put(const char *dir, const char *name, const char *text)
{
	struct err err;
	AUTO(str) char *path = NULL;
	ok(str_printf(&path, &err, "%s/%s", dir, name));
	if (text == NULL)
		ok(fs_mkdirs(path, 0700, &err));
	else
		ok(fs_write_file(path, 0644, text, strlen(text), &err));
}

static void
fill(const char *dir, const char *word)
{
	put(dir, "same", word);
	put(dir, "folder", NULL);
	put(dir, "folder/inside", word);
	put(dir, word, word);
	put(dir, ".hidden", word);
	put(dir, "lost+found", NULL);
}

static void
fixture_init(struct fixture *f)
{
	struct err err;
	ok(fs_make_temp_dir(&f->target, "stacksnap-mounted-", &err));
	ok(kept_folder_path(&f->hidden, f->target, "1a2b3c4d", &err));
	ok(str_printf(&f->stage, &err, "%s/new", f->hidden));
	ok(str_printf(&f->old, &err, "%s/old", f->hidden));
	f->m = (struct mounted){ f->target, f->stage, f->old };
	fill(f->target, "old");
	assert_int_equal(chmod(f->target, 0750), 0);
	const struct timespec times[] = { { 1000, 0 }, { 2000, 0 } };
	assert_int_equal(utimensat(AT_FDCWD, f->target, times, 0), 0);
	int hidden;
	ok(mounted_begin(&f->m, &hidden, &err));
	close(hidden);
	ok(fs_mkdirs(f->stage, 0711, &err));
	fill(f->stage, "new");
	assert_int_equal(chmod(f->stage, 0711), 0);
}

static void
fixture_auto(struct fixture *f)
{
	struct err err;
	ok(fs_remove_tree(f->target, &err));
	free(f->target);
	free(f->hidden);
	free(f->stage);
	free(f->old);
}

static bool
says(const char *dir, const char *name, const char *text)
{
	struct err err;
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf got = BUF_INIT;
	ok(str_printf(&path, &err, "%s/%s", dir, name));
	return fs_read_file(path, 100, &got, &err) == ERR_OK &&
	       strcmp(buf_cstr(&got), text) == 0;
}

/* It holds all that says so, and nothing else but the hidden folder. */
static void
assert_holds(const char *dir, const char *word, bool has_lost_found)
{
	struct err err;
	AUTO(strv) struct strv names = STRV_INIT;
	ok(fs_list_dir(dir, &names, &err));
	size_t known = 0;
	for (size_t i = 0; i < names.len; i++)
		known += kept_folder_is(names.items[i], strlen(names.items[i])) ||
			 strcmp(names.items[i], "lost+found") == 0;
	assert_int_equal(names.len - known, 4);
	if (has_lost_found)
		assert_true(strv_has(&names, "lost+found"));
	assert_true(says(dir, "same", word));
	assert_true(says(dir, "folder/inside", word));
	assert_true(says(dir, word, word));
	assert_true(says(dir, ".hidden", word));
}

static void
assert_mode(const char *path, mode_t mode)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void
assert_wholly_old(const struct fixture *f)
{
	struct err err;
	struct stat st;
	assert_holds(f->target, "old", true);
	assert_holds(f->stage, "new", false);
	assert_mode(f->target, 0750);
	assert_int_equal(stat(f->target, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 2000);
	ok(mounted_unstage(&f->m, &err));
	assert_false(fs_exists(f->hidden));
	assert_holds(f->target, "old", true);
	assert_int_equal(stat(f->target, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 2000);
}

static void
a_swap_puts_the_new_in_place_and_keeps_the_old(void **state)
{
	(void)state;
	struct err err;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	assert_false(mounted_is_swapped(&f.m));
	ok(mounted_swap(&f.m, &err));
	assert_true(mounted_is_swapped(&f.m));
	assert_holds(f.target, "new", true);
	assert_holds(f.old, "old", false);
	assert_mode(f.target, 0711);
	assert_int_equal(mounted_unstage(&f.m, &err), ERR_IO);
	assert_holds(f.old, "old", false);
	ok(mounted_finish(&f.m, &err));
	assert_false(fs_exists(f.hidden));
	assert_holds(f.target, "new", true);
	ok(mounted_finish(&f.m, &err)); /* as a run that was interrupted after it would */
}

static void
a_swap_that_dies_anywhere_is_taken_back_wholly(void **state)
{
	(void)state;
	struct err err;
	int number = 0;
	for (bool died = true; died; number++) {
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		died = dies_at(number, mounted_swap, &f.m);
		if (!died)
			assert_true(mounted_is_swapped(&f.m));
		ok(mounted_swap_back(&f.m, &err));
		ok(mounted_swap_back(&f.m, &err));
		assert_wholly_old(&f);
	}
	/* Four out, the mark, five in. */
	assert_true(number > 10);
}

static void
a_way_back_that_dies_anywhere_is_gone_again(void **state)
{
	(void)state;
	struct err err;
	int number = 0;
	for (bool died = true; died; number++) {
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		ok(mounted_swap(&f.m, &err));
		died = dies_at(number, mounted_swap_back, &f.m);
		if (number > 0)
			assert_false(mounted_is_swapped(&f.m));
		ok(mounted_swap_back(&f.m, &err));
		assert_wholly_old(&f);
	}
	assert_true(number > 9);
}

static void
both_ways_may_die_one_after_the_other(void **state)
{
	(void)state;
	struct err err;
	bool died = true;
	/* Each step of the one with some of the other, or with all. */
	const char *asked = getenv("STACKSNAP_TEST_STRIDE");
	const int stride = asked != NULL ? (int)strtoul(asked, NULL, 10) : 5;
	for (int there = 0; died; there++) {
		bool died_back = true;
		for (int back = there % stride; died_back; back += stride) {
			AUTO(fixture) struct fixture f;
			fixture_init(&f);
			died = dies_at(there, mounted_swap, &f.m);
			died_back = dies_at(back, mounted_swap_back, &f.m);
			ok(mounted_swap_back(&f.m, &err));
			assert_wholly_old(&f);
		}
	}
}

static void
removing_that_dies_anywhere_is_gone_on_with(void **state)
{
	(void)state;
	struct err err;
	bool died = true;
	for (int number = 0; died; number++) {
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		died = dies_at(number, mounted_unstage, &f.m);
		ok(mounted_swap_back(&f.m, &err));
		ok(mounted_unstage(&f.m, &err));
		assert_false(fs_exists(f.hidden));
		assert_holds(f.target, "old", true);
	}
	died = true;
	for (int number = 0; died; number++) {
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		ok(mounted_swap(&f.m, &err));
		died = dies_at(number, mounted_finish, &f.m);
		ok(mounted_finish(&f.m, &err));
		assert_false(fs_exists(f.hidden));
		assert_holds(f.target, "new", true);
	}
}

static void
what_was_made_meanwhile_is_not_overwritten(void **state)
{
	(void)state;
	struct err err;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	/* Four have gone out, and "same" comes to be again. */
	assert_true(dies_at(5, mounted_swap, &f.m));
	put(f.target, "same", "meanwhile");
	assert_int_equal(mounted_swap_back(&f.m, &err), ERR_EXISTS);
	assert_non_null(strstr(err.msg, "/same came to be meanwhile, and is in the way of "));
	assert_true(says(f.target, "same", "meanwhile"));
}

static void
written_since_goes_with_the_restored_data(void **state)
{
	(void)state;
	struct err err;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(mounted_swap(&f.m, &err));
	put(f.target, "since", "since");
	ok(mounted_swap_back(&f.m, &err));
	assert_true(says(f.stage, "since", "since"));
	assert_holds(f.target, "old", true);
}

/* The filesystem's own stays; one that somebody keeps something in is data. */
static void
lost_found_with_something_in_it_is_data(void **state)
{
	(void)state;
	struct err err;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	put(f.target, "lost+found/found", "old");
	ok(mounted_swap(&f.m, &err));
	assert_false(says(f.target, "lost+found/found", "old"));
	assert_true(says(f.old, "lost+found/found", "old"));
	ok(mounted_swap_back(&f.m, &err));
	assert_true(says(f.target, "lost+found/found", "old"));
	assert_wholly_old(&f);
	AUTO(fixture) struct fixture g;
	fixture_init(&g);
	put(g.stage, "lost+found/found", "new");
	ok(mounted_swap(&g.m, &err));
	assert_true(says(g.target, "lost+found/found", "new"));
	ok(mounted_swap_back(&g.m, &err));
	/* The filesystem's check makes it anew. */
	assert_holds(g.target, "old", false);
	assert_true(says(g.stage, "lost+found/found", "new"));
}

static void
more_entries_than_are_read_at_once_are_all_moved(void **state)
{
	(void)state;
	enum { MANY = 2300 };
	struct err err;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	for (int i = 0; i < MANY; i++) {
		AUTO(str) char *path = NULL;
		ok(str_printf(&path, &err, "%s/%d", f.target, i));
		assert_int_equal(close(creat(path, 0600)), 0);
	}
	ok(mounted_swap(&f.m, &err));
	assert_holds(f.target, "new", true);
	AUTO(strv) struct strv names = STRV_INIT;
	ok(fs_list_dir(f.old, &names, &err));
	assert_int_equal(names.len, MANY + 4);
	ok(mounted_swap_back(&f.m, &err));
	strv_release(&names);
	names = (struct strv)STRV_INIT;
	ok(fs_list_dir(f.target, &names, &err));
	assert_int_equal(names.len, MANY + 6);
}

static void
the_folder_itself_has_its_attributes_again(void **state)
{
	(void)state;
	struct err err;
	char value[8];
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	AUTO(str) char *was = NULL;
	ok(str_printf(&was, &err, "%s/was", f.hidden));
	if (setxattr(was, "user.what", "old", 3, 0) != 0)
		skip();
	assert_int_equal(setxattr(f.stage, "user.new", "new", 3, 0), 0);
	assert_int_equal(setxattr(f.target, "user.what", "?", 1, 0), 0);
	ok(mounted_swap(&f.m, &err));
	assert_int_equal(getxattr(f.target, "user.new", value, sizeof value), 3);
	assert_int_equal(getxattr(f.target, "user.what", value, sizeof value), -1);
	ok(mounted_swap_back(&f.m, &err));
	assert_int_equal(getxattr(f.target, "user.new", value, sizeof value), -1);
	assert_int_equal(getxattr(f.target, "user.what", value, sizeof value), 3);
	assert_memory_equal(value, "old", 3);
}

/* As a container might put there that sees the folder. */
static void
symlink_in_place_of_the_hidden_folder_is_not_gone_through(void **state)
{
	(void)state;
	struct err err;
	AUTO(fixture) struct fixture f;
	AUTO(str) char *elsewhere = NULL;
	AUTO(str) char *aside = NULL;
	fixture_init(&f);
	ok(fs_make_temp_dir(&elsewhere, "stacksnap-elsewhere-", &err));
	put(elsewhere, "old", NULL);
	put(elsewhere, "new", NULL);
	put(elsewhere, "new/file", "mine");
	put(elsewhere, "old/file", "mine");
	ok(mounted_swap(&f.m, &err));
	ok(str_printf(&aside, &err, "%s/aside", f.target));
	assert_int_equal(rename(f.hidden, aside), 0);
	assert_int_equal(symlink(elsewhere, f.hidden), 0);
	assert_int_not_equal(mounted_swap(&f.m, &err), ERR_OK);
	assert_int_not_equal(mounted_swap_back(&f.m, &err), ERR_OK);
	assert_int_not_equal(mounted_unstage(&f.m, &err), ERR_OK);
	assert_false(mounted_is_swapped(&f.m));
	ok(mounted_finish(&f.m, &err));
	assert_false(fs_exists(f.hidden));
	assert_true(says(elsewhere, "new/file", "mine"));
	assert_true(says(elsewhere, "old/file", "mine"));
	ok(fs_remove_tree(elsewhere, &err));
}

static void
what_is_not_mounted_is_told(void **state)
{
	(void)state;
	struct err err;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	assert_int_equal(mounted_check(f.target, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.msg, " is not mounted, but was when its data was restored"));
	ok(mounted_check("/proc", &err));
}

static void
hidden_folder_is_left_out_by_whoever_looks(void **state)
{
	(void)state;
	struct err err;
	static const struct {
		const char *path;
		bool is_dir;
		bool is_out;
	} cases[] = {
		{ ".stacksnap-kept-1a2b3c4d", true, true },
		{ ".stacksnap-kept-1a2b3c4d", false, false },
		{ ".stacksnap-kept-1a2b3c4", true, false },
		{ ".stacksnap-kept-1a2b3c4d5", true, false },
		{ ".stacksnap-kept-1a2b3c4x", true, false },
		{ "below/.stacksnap-kept-1a2b3c4d", true, false },
	};
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	struct excluder_options opt = { .root = f.target };
	AUTO(excluder) struct excluder *x = NULL;
	ok(excluder_new(&x, &opt, &err));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    excluder_has(x, cases[i].path, strlen(cases[i].path), cases[i].is_dir),
		    cases[i].is_out);
	assert_true(kept_folder_in(f.target));
	ok(fs_remove_tree(f.hidden, &err));
	assert_false(kept_folder_in(f.target));
	assert_false(kept_folder_in("/nowhere/at/all"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_swap_puts_the_new_in_place_and_keeps_the_old),
		cmocka_unit_test(a_swap_that_dies_anywhere_is_taken_back_wholly),
		cmocka_unit_test(a_way_back_that_dies_anywhere_is_gone_again),
		cmocka_unit_test(both_ways_may_die_one_after_the_other),
		cmocka_unit_test(removing_that_dies_anywhere_is_gone_on_with),
		cmocka_unit_test(what_was_made_meanwhile_is_not_overwritten),
		cmocka_unit_test(written_since_goes_with_the_restored_data),
		cmocka_unit_test(lost_found_with_something_in_it_is_data),
		cmocka_unit_test(more_entries_than_are_read_at_once_are_all_moved),
		cmocka_unit_test(the_folder_itself_has_its_attributes_again),
		cmocka_unit_test(symlink_in_place_of_the_hidden_folder_is_not_gone_through),
		cmocka_unit_test(what_is_not_mounted_is_told),
		cmocka_unit_test(hidden_folder_is_left_out_by_whoever_looks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
