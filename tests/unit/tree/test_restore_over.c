/* Restoring over what is there: what is left, written, deleted, told, and read back. */
#include "fixture.h"

#define MIB ((size_t)1 << 20)
#define BIG (20 * MIB)

static void
note_change(void *arg, enum tree_change change, enum tree_type type, uint64_t size,
    const char *path, size_t path_len)
{
	static const char *const words[] = { "made", "replaced", "left", "deleted" };
	struct fixture *f = arg;
	struct err err;
	(void)size;
	assert_int_equal(strlen(path), path_len);
	if (type != TREE_DIR || change == TREE_DELETED)
		ok(strv_addf(&f->lines, &err, "%s %s", words[change], path));
}

static bool
keep_logs(void *arg, const char *path, size_t len, bool is_dir)
{
	(void)arg;
	assert_int_equal(strlen(path), len);
	return !is_dir && str_ends(path, ".log");
}

static struct tree_restore_options
options(struct fixture *f)
{
	struct tree_restore_options opt = TREE_RESTORE_OPTIONS_INIT;
	opt.threads = 3;
	opt.no_sync = true;
	opt.overwrite = TREE_OVERWRITE_ALWAYS;
	opt.problem = fixture_note_problem;
	opt.problem_arg = f;
	return opt;
}

static void
fill_noise(uint8_t *data, size_t len)
{
	uint64_t seed = 7;
	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
		data[i] = (uint8_t)(seed >> 56);
	}
}

static void
overwrite_at(const char *path, uint64_t at, const char *text)
{
	struct err err;
	AUTO(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	ok(fd_pwrite_all(fd, text, strlen(text), at, &err));
}

/* Some files, a large one, a symlink: saved and restored. */
static void
restored(struct fixture *f, struct tree_saved *saved)
{
	struct tree_restored done;
	AUTO(mem) uint8_t *data = malloc(BIG);
	fill_noise(data, BIG);
	assert_int_equal(mkdir(in_source(f, "dir"), 0755), 0);
	write_file(in_source(f, "dir/big"), data, BIG);
	write_file(in_source(f, "dir/middle"), data, MIB);
	write_text(in_source(f, "small"), "small");
	assert_int_equal(symlink("small", in_source(f, "link")), 0);
	save_source(f, saved);
	restore_target(f, &saved->root, &done);
	assert_int_equal(done.files_made, 3);
}

static void
large_files_are_mended_where_they_differ_and_small_ones_replaced(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	restored(f, &saved);
	ino_t big = stat_of(in_target(f, "dir/big")).st_ino;
	ino_t middle = stat_of(in_target(f, "dir/middle")).st_ino;
	overwrite_at(in_target(f, "dir/big"), 10 * MIB, "changed");
	overwrite_at(in_target(f, "dir/middle"), 10, "changed");
	struct tree_restore_options opt = options(f);
	ok(tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err));
	assert_int_equal(done.files, 3);
	assert_int_equal(done.files_left, 1);
	/* At most one chunk of the large file, of 4 MiB at most, was written. */
	assert_true(done.bytes_left >= BIG - 4 * MIB + strlen("small"));
	assert_true(done.bytes_left < BIG);
	assert_int_equal(stat_of(in_target(f, "dir/big")).st_ino, big);
	assert_int_not_equal(stat_of(in_target(f, "dir/middle")).st_ino, middle);
	compare_with(f, &saved.root, f->target);
	expect_nothing(f);
}

static void
large_file_of_another_length_is_cut_or_filled_up(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	restored(f, &saved);
	struct tree_restore_options opt = options(f);
	static const off_t sizes[] = { BIG + 5, BIG - 5, 1 };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_int_equal(truncate(in_target(f, "dir/big"), sizes[i]), 0);
		ok(tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err));
		compare_with(f, &saved.root, f->target);
		expect_nothing(f);
	}
}

static void
extras_are_deleted_with_all_below_but_for_what_is_kept(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	restored(f, &saved);
	assert_int_equal(mkdir(in_target(f, "a"), 0755), 0);
	assert_int_equal(mkdir(in_target(f, "a/b"), 0755), 0);
	write_text(in_target(f, "a/b/x"), "x");
	assert_int_equal(mkdir(in_target(f, "dir/new"), 0755), 0);
	write_text(in_target(f, "dir/new/kept.log"), "x");
	write_text(in_target(f, "dir/new/x"), "x");
	assert_int_equal(symlink("/", in_target(f, "zz")), 0);
	struct tree_restore_options opt = options(f);
	opt.delete_extra = true;
	opt.keep = keep_logs;
	opt.change = note_change;
	opt.change_arg = f;
	for (int dry = 1; dry >= 0; dry--) {
		opt.dry_run = dry;
		ok(tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err));
		assert_int_equal(done.deleted, 5);
		assert_int_equal(done.files_left, 3);
		expect_lines(f, "deleted a/b/x", "deleted a/b", "deleted a",
		    "deleted dir/new/x", "deleted zz", "left dir/big", "left dir/middle",
		    "left small", "left link");
		assert_int_equal(fs_exists(in_target(f, "a")), dry);
	}
	compare_with(f, &saved.root, f->target);
	expect_lines(f, "added dir/new", "added dir/new/kept.log");
	assert_true(fs_exists(in_target(f, "dir/new/kept.log")));
}

static void
dry_run_into_nothing_makes_nothing(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	restored(f, &saved);
	ok(fs_remove_tree(f->target, &err));
	struct tree_restore_options opt = options(f);
	opt.dry_run = true;
	opt.change = note_change;
	opt.change_arg = f;
	ok(tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err));
	assert_int_equal(done.files_made, 3);
	assert_int_equal(done.dirs, 2);
	expect_lines(f, "made dir/big", "made dir/middle", "made small", "made link");
	assert_false(fs_exists(f->target));
}

static void
reading_back_finds_what_is_not_what_was_stored(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_read_back back;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	restored(f, &saved);
	struct tree_restore_options opt = options(f);
	ok(tree_read_back(&back, f->repo, &saved.root, f->target, &opt, &err));
	assert_int_equal(back.files, 3);
	assert_int_equal(back.bytes, BIG + MIB + 5);
	assert_int_equal(back.problems + back.missing, 0);
	overwrite_at(in_target(f, "dir/middle"), 0, "x");
	overwrite_at(in_target(f, "small"), 5, "and more");
	assert_int_equal(unlink(in_target(f, "link")), 0);
	assert_int_equal(unlink(in_target(f, "dir/big")), 0);
	assert_int_equal(mkfifo(in_target(f, "dir/big"), 0600), 0);
	ok(tree_read_back(&back, f->repo, &saved.root, f->target, &opt, &err));
	assert_int_equal(back.files, 0);
	assert_int_equal(back.differ, 3);
	assert_int_equal(back.missing, 1);
	expect_lines(f,
	    "differs dir/middle: read back: other bytes than were stored, from byte 0 on",
	    "differs small: read back: 13 bytes long, not 5",
	    "differs dir/big: read back: no file any more");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(large_files_are_mended_where_they_differ_and_small_ones_replaced),
		tree_test(large_file_of_another_length_is_cut_or_filled_up),
		tree_test(extras_are_deleted_with_all_below_but_for_what_is_kept),
		tree_test(dry_run_into_nothing_makes_nothing),
		tree_test(reading_back_finds_what_is_not_what_was_stored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
