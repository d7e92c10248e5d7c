#include "fixture.h"

#include <sys/xattr.h>

static void
some_files(struct fixture *f)
{
	assert_int_equal(mkdir(in_source(f, "dir"), 0755), 0);
	assert_int_equal(mkdir(in_source(f, "dir/sub"), 0755), 0);
	write_text(in_source(f, "dir/sub/deep"), "deep");
	write_text(in_source(f, "dir/file"), "content");
	write_text(in_source(f, "top"), "top");
	write_text(in_source(f, "hard1"), "hard");
	assert_int_equal(link(in_source(f, "hard1"), in_source(f, "hard2")), 0);
	write_text(in_source(f, "kind"), "a file");
	assert_int_equal(mkdir(in_source(f, "kinddir"), 0755), 0);
	write_text(in_source(f, "kinddir/inside"), "x");
	assert_int_equal(symlink("top", in_source(f, "link")), 0);
}

/* Change one thing of each kind, but no time. */
static void
change_things(struct fixture *f)
{
	struct timespec dir_time[2];
	struct stat st = stat_of(in_source(f, "dir/file"));
	dir_time[0] = st.st_atim;
	dir_time[1] = st.st_mtim;
	write_text(in_source(f, "dir/file"), "CONTENT");
	assert_int_equal(utimensat(AT_FDCWD, in_source(f, "dir/file"), dir_time, 0), 0);
	assert_int_equal(chmod(in_source(f, "dir/sub/deep"), 0600), 0);
	assert_int_equal(chmod(in_source(f, "dir/sub"), 0700), 0);
	write_text(in_source(f, "dir/added"), "new");
	assert_int_equal(unlink(in_source(f, "top")), 0);
	assert_int_equal(unlink(in_source(f, "hard2")), 0);
	write_text(in_source(f, "hard2"), "hard");
	assert_int_equal(unlink(in_source(f, "kind")), 0);
	assert_int_equal(mkdir(in_source(f, "kind"), 0755), 0);
	write_text(in_source(f, "kind/inside"), "x");
	assert_int_equal(unlink(in_source(f, "kinddir/inside")), 0);
	assert_int_equal(rmdir(in_source(f, "kinddir")), 0);
	write_text(in_source(f, "kinddir"), "a file");
	assert_int_equal(unlink(in_source(f, "link")), 0);
	assert_int_equal(symlink("dir", in_source(f, "link")), 0);
}

#define WHAT_CHANGED                                                                      \
	"changed dir/file content", "changed dir/sub/deep mode", "changed dir/sub mode",  \
	    "added dir/added", "removed top", "changed hard2 links", "changed kind type", \
	    "added kind/inside", "changed kinddir type", "removed kinddir/inside",        \
	    "changed link target"

static void
every_difference_from_a_live_folder_is_told(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_compared done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	some_files(f);
	save_source(f, &saved);
	change_things(f);
	struct tree_compare_options opt = TREE_COMPARE_OPTIONS_INIT;
	opt.ignore = FIELD_MTIME;
	ok(tree_compare_live(
	    &done, f->repo, &saved.root, f->source, &opt, fixture_note_difference, f, &err));
	assert_int_equal(done.differences, 11);
	expect_lines(f, WHAT_CHANGED);
}

static void
every_difference_between_two_trees_is_told(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_compared done;
	AUTO(tree_saved) struct tree_saved before = TREE_SAVED_INIT;
	AUTO(tree_saved) struct tree_saved after = TREE_SAVED_INIT;
	some_files(f);
	save_source(f, &before);
	change_things(f);
	save_source(f, &after);
	struct tree_compare_options opt = TREE_COMPARE_OPTIONS_INIT;
	opt.ignore = FIELD_MTIME;
	ok(tree_compare(
	    &done, f->repo, &before.root, &after.root, &opt, fixture_note_difference, f, &err));
	assert_int_equal(done.differences, 11);
	/* In order of paths, folders before what is in them. */
	assert_string_equal(f->lines.items[0], "added dir/added");
	assert_string_equal(f->lines.items[2], "changed dir/sub mode");
	assert_string_equal(f->lines.items[3], "changed dir/sub/deep mode");
	expect_lines(f, WHAT_CHANGED);
}

static void
owners_times_xattrs_and_sizes_are_compared(void **state)
{
	struct fixture *f = *state;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	write_text(in_source(f, "time"), "x");
	write_text(in_source(f, "xattr"), "x");
	write_text(in_source(f, "owner"), "x");
	write_text(in_source(f, "size"), "x");
	save_source(f, &saved);
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 5 } };
	struct stat size = stat_of(in_source(f, "size"));
	struct timespec kept[2] = { size.st_atim, size.st_mtim };
	assert_int_equal(utimensat(AT_FDCWD, in_source(f, "time"), ts, 0), 0);
	if (setxattr(in_source(f, "xattr"), "user.x", "x", 1, 0) != 0)
		skip();
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(in_source(f, "owner"), 0, 7), 0);
	write_text(in_source(f, "size"), "xx");
	assert_int_equal(utimensat(AT_FDCWD, in_source(f, "size"), kept, 0), 0);
	compare_with(f, &saved.root, f->source);
	expect_lines(f, "changed time mtime", "changed xattr xattrs", "changed owner owner",
	    "changed size content size");
}

static void
one_flipped_bit_in_a_large_file_is_told(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct tree_restored restored;
	size_t len = 20 << 20;
	AUTO(mem) uint8_t *data = malloc(len);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * i >> 7);
	write_file(in_source(f, "big"), data, len);
	save_source(f, &saved);
	restore_target(f, &saved.root, &restored);
	struct stat st = stat_of(in_target(f, "big"));
	AUTO(fd) int fd = open(in_target(f, "big"), O_WRONLY | O_CLOEXEC);
	uint8_t flipped = data[len - 5] ^ 1;
	ok(fd_pwrite_all(fd, &flipped, 1, len - 5, &err));
	struct timespec ts[2] = { st.st_atim, st.st_mtim };
	assert_int_equal(futimens(fd, ts), 0);
	compare_with(f, &saved.root, f->target);
	expect_lines(f, "changed big content");
}

static void
data_where_a_hole_was_is_told_and_zeros_are_not(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	for (int i = 0; i < 2; i++) {
		AUTO(fd) int fd = open(in_source(f, i == 0 ? "data" : "zeros"),
		    O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_int_equal(ftruncate(fd, 4 << 20), 0);
	}
	save_source(f, &saved);
	for (int i = 0; i < 2; i++) {
		const char *path = in_source(f, i == 0 ? "data" : "zeros");
		struct stat st = stat_of(path);
		AUTO(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
		ok(fd_pwrite_all(fd, i == 0 ? "\1" : "\0", 1, 3 << 20, &err));
		struct timespec ts[2] = { st.st_atim, st.st_mtim };
		assert_int_equal(futimens(fd, ts), 0);
	}
	compare_with(f, &saved.root, f->source);
	expect_lines(f, "changed data content");
}

static void
equal_folders_are_passed_over_unread(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_compared done;
	AUTO(tree_saved) struct tree_saved before = TREE_SAVED_INIT;
	AUTO(tree_saved) struct tree_saved after = TREE_SAVED_INIT;
	some_files(f);
	save_source(f, &before);
	assert_int_equal(chmod(in_source(f, "top"), 0600), 0);
	save_source(f, &after);
	struct tree_compare_options opt = TREE_COMPARE_OPTIONS_INIT;
	ok(tree_compare(
	    &done, f->repo, &before.root, &after.root, &opt, fixture_note_difference, f, &err));
	expect_lines(f, "changed top mode");
	assert_int_equal(done.entries, 8); /* the root and the seven in it */
	ok(tree_compare(
	    &done, f->repo, &after.root, &after.root, &opt, fixture_note_difference, f, &err));
	expect_nothing(f);
	assert_int_equal(done.entries, 1);
}

static bool
exclude_dir(void *arg, const char *path, size_t len, bool is_dir)
{
	(void)arg;
	(void)len;
	return is_dir && strcmp(path, "dir") == 0;
}

static void
excluded_paths_are_compared_on_neither_side(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_compared done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	some_files(f);
	save_source(f, &saved);
	ok(fs_remove_tree(in_source(f, "dir"), &err));
	struct tree_compare_options opt = TREE_COMPARE_OPTIONS_INIT;
	opt.ignore = FIELD_MTIME;
	opt.exclude = exclude_dir;
	ok(tree_compare_live(
	    &done, f->repo, &saved.root, f->source, &opt, fixture_note_difference, f, &err));
	expect_nothing(f);
	opt.exclude = NULL;
	ok(tree_compare_live(
	    &done, f->repo, &saved.root, f->source, &opt, fixture_note_difference, f, &err));
	expect_lines(
	    f, "removed dir", "removed dir/file", "removed dir/sub", "removed dir/sub/deep");
}

static enum err_code
stop_at_once(void *arg, const struct tree_diff *d, struct err *err)
{
	int *calls = arg;
	(void)d;
	++*calls;
	return err_set(err, ERR_CANCELLED, "seen enough");
}

static void
error_of_the_callback_ends_the_comparison(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_compared done;
	int calls = 0;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	save_source(f, &saved);
	some_files(f);
	struct tree_compare_options opt = TREE_COMPARE_OPTIONS_INIT;
	char want[4200];
	snprintf(want, sizeof want, "compare with %s: seen enough", f->source);
	refused(tree_compare_live(
		    &done, f->repo, &saved.root, f->source, &opt, stop_at_once, &calls, &err),
	    ERR_CANCELLED, want);
	assert_int_equal(calls, 1);
}

static void
missing_live_root_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_compared done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	save_source(f, &saved);
	struct tree_compare_options opt = TREE_COMPARE_OPTIONS_INIT;
	char want[8500];
	snprintf(want, sizeof want, "compare with %s: open %s: No such file or directory",
	    f->target, f->target);
	refused(tree_compare_live(&done, f->repo, &saved.root, f->target, &opt,
		    fixture_note_difference, f, &err),
	    ERR_NOT_FOUND, want);
}

static void
every_field_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (unsigned a = 1; a < FIELD_ALL; a <<= 1) {
		assert_string_not_equal(tree_field_word((enum tree_field)a), "unknown");
		for (unsigned b = a << 1; b < FIELD_ALL; b <<= 1)
			assert_string_not_equal(tree_field_word((enum tree_field)a),
			    tree_field_word((enum tree_field)b));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(every_difference_from_a_live_folder_is_told),
		tree_test(every_difference_between_two_trees_is_told),
		tree_test(owners_times_xattrs_and_sizes_are_compared),
		tree_test(one_flipped_bit_in_a_large_file_is_told),
		tree_test(data_where_a_hole_was_is_told_and_zeros_are_not),
		tree_test(equal_folders_are_passed_over_unread),
		tree_test(excluded_paths_are_compared_on_neither_side),
		tree_test(error_of_the_callback_ends_the_comparison),
		tree_test(missing_live_root_is_an_error),
		tree_test(every_field_has_a_word_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
