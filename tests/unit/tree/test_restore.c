#include "fixture.h"

#include <pthread.h>
#include <sys/xattr.h>

#define NOBODY 65534

static struct tree_restore_options
options(struct fixture *f)
{
	struct tree_restore_options opt = TREE_RESTORE_OPTIONS_INIT;
	opt.no_sync = true;
	opt.threads = 3;
	opt.problem = fixture_note_problem;
	opt.problem_arg = f;
	return opt;
}

static void
some_files(struct fixture *f)
{
	assert_int_equal(mkdir(in_source(f, "dir"), 0755), 0);
	assert_int_equal(mkdir(in_source(f, "dir/sub"), 0755), 0);
	write_text(in_source(f, "dir/sub/deep"), "deep");
	write_text(in_source(f, "dir/file"), "from the tree");
	write_text(in_source(f, "top"), "top");
}

static void
expect_text(const char *path, const char *want)
{
	struct err err;
	AUTO(bufv) struct buf got = BUF_INIT;
	ok(fs_read_file(path, 1 << 20, &got, &err));
	assert_string_equal(got.len > 0 ? buf_cstr(&got) : "", want);
}

static void
target_that_is_not_empty_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	some_files(f);
	save_source(f, &saved);
	assert_int_equal(mkdir(f->target, 0755), 0);
	write_text(in_target(f, "mine"), "mine");
	struct tree_restore_options opt = options(f);
	char want[8192];
	snprintf(want, sizeof want, "restore to %s: %s: the folder is not empty", f->target,
	    f->target);
	refused(
	    tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err), ERR_EXISTS, want);
	expect_text(in_target(f, "mine"), "mine");
	assert_int_equal(unlink(in_target(f, "mine")), 0);
	ok(tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err));
	assert_int_equal(done.files, 3);
}

static void
replacing_merges_folders_and_keeps_what_the_tree_has_not(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	some_files(f);
	assert_int_equal(link(in_source(f, "top"), in_source(f, "top2")), 0);
	assert_int_equal(symlink("top", in_source(f, "link")), 0);
	save_source(f, &saved);
	assert_int_equal(mkdir(f->target, 0700), 0);
	assert_int_equal(mkdir(in_target(f, "dir"), 0700), 0);
	write_text(in_target(f, "dir/file"), "something old and longer than the tree's");
	write_text(in_target(f, "dir/sub"), "a file where a folder belongs");
	write_text(in_target(f, "top"), "old");
	write_text(in_target(f, "top2"), "old");
	write_text(in_target(f, "link"), "old");
	write_text(in_target(f, "mine"), "mine");
	setxattr(in_target(f, "dir"), "user.old", "x", 1, 0);
	struct tree_restore_options opt = options(f);
	opt.overwrite = TREE_OVERWRITE_ALWAYS;
	ok(tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err));
	expect_nothing(f);
	compare_with(f, &saved.root, f->target);
	expect_lines(f, "added mine");
	assert_int_equal(
	    stat_of(in_target(f, "top")).st_ino, stat_of(in_target(f, "top2")).st_ino);
}

static void
folder_where_a_file_belongs_is_not_removed(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	some_files(f);
	save_source(f, &saved);
	assert_int_equal(mkdir(f->target, 0755), 0);
	assert_int_equal(mkdir(in_target(f, "top"), 0755), 0);
	write_text(in_target(f, "top/mine"), "mine");
	struct tree_restore_options opt = options(f);
	opt.overwrite = TREE_OVERWRITE_ALWAYS;
	ok(tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err));
	assert_int_equal(done.problems, 1);
	assert_int_equal(done.files, 2);
	expect_lines(f, "in_the_way top: replace: Is a directory");
	expect_text(in_target(f, "top/mine"), "mine");
	struct strv names = STRV_INIT;
	ok(fs_list_dir(f->target, &names, &err));
	assert_int_equal(names.len, 2); /* nothing half made is left */
	strv_release(&names);
}

/* A symlink in the target, planted by somebody who wants files written elsewhere. */
static void
restore_over_planted_symlinks(struct fixture *f, enum tree_resolve resolve)
{
	struct err err;
	struct tree_restored done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	AUTO(str) char *outside = NULL;
	char path[4096];
	some_files(f);
	save_source(f, &saved);
	ok(str_printf(&outside, &err, "%s/outside", f->base));
	assert_int_equal(mkdir(outside, 0755), 0);
	snprintf(path, sizeof path, "%s/file", outside);
	write_text(path, "precious");
	assert_int_equal(mkdir(f->target, 0755), 0);
	assert_int_equal(symlink(outside, in_target(f, "dir")), 0);
	assert_int_equal(symlink(path, in_target(f, "top")), 0);
	struct tree_restore_options opt = options(f);
	opt.overwrite = TREE_OVERWRITE_ALWAYS;
	opt.resolve = resolve;
	ok(tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err));
	expect_nothing(f);
	compare_with(f, &saved.root, f->target);
	expect_nothing(f);
	expect_text(path, "precious");
	struct strv names = STRV_INIT;
	ok(fs_list_dir(outside, &names, &err));
	assert_int_equal(names.len, 1);
	strv_release(&names);
}

static void
planted_symlinks_are_not_followed_with_openat2(void **state)
{
	restore_over_planted_symlinks(*state, TREE_RESOLVE_OPENAT2);
}

static void
planted_symlinks_are_not_followed_without_openat2(void **state)
{
	restore_over_planted_symlinks(*state, TREE_RESOLVE_STEPS);
}

/* Swap a folder for a symlink while what is in it is being restored. */
struct swapper {
	struct fixture *f;
	char outside[4096];
};

static enum tree_select
swap_folder(void *arg, const char *path, size_t len, const struct tree_entry *e)
{
	struct swapper *s = arg;
	(void)len;
	(void)e;
	if (strcmp(path, "dir/sub") == 0) {
		assert_int_equal(rename(in_target(s->f, "dir"), in_target(s->f, "moved")), 0);
		assert_int_equal(symlink(s->outside, in_target(s->f, "dir")), 0);
	}
	return e->type == TREE_DIR ? TREE_DESCEND : TREE_TAKE;
}

static void
folder_swapped_for_a_symlink_meanwhile_leads_nowhere_else(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	struct swapper s = { .f = f };
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	some_files(f);
	write_text(in_source(f, "dir/a"), "makes the folder");
	save_source(f, &saved);
	snprintf(s.outside, sizeof s.outside, "%s/outside", f->base);
	assert_int_equal(mkdir(s.outside, 0755), 0);
	struct tree_restore_options opt = options(f);
	opt.select = swap_folder;
	opt.select_arg = &s;
	ok(tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err));
	struct strv names = STRV_INIT;
	ok(fs_list_dir(s.outside, &names, &err));
	assert_int_equal(names.len, 0);
	strv_release(&names);
	expect_text(in_target(f, "moved/sub/deep"), "deep");
}

static enum tree_select
only_deep(void *arg, const char *path, size_t len, const struct tree_entry *e)
{
	(void)arg;
	assert_int_equal(strlen(path), len);
	if (strcmp(path, "dir/sub/deep") == 0 || strcmp(path, "whole") == 0)
		return TREE_TAKE;
	return e->type == TREE_DIR ? TREE_DESCEND : TREE_SKIP;
}

static void
selected_paths_come_with_their_folders_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	some_files(f);
	assert_int_equal(mkdir(in_source(f, "whole"), 0755), 0);
	write_text(in_source(f, "whole/a"), "a");
	assert_int_equal(mkdir(in_source(f, "empty"), 0755), 0);
	assert_int_equal(chmod(in_source(f, "dir"), 0711), 0);
	save_source(f, &saved);
	struct tree_restore_options opt = options(f);
	opt.select = only_deep;
	ok(tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err));
	assert_int_equal(done.files, 2);
	assert_int_equal(done.dirs, 4);
	compare_with(f, &saved.root, f->target);
	expect_lines(f, "removed dir/file", "removed top", "removed empty");
}

static void
ordinary_user_keeps_everything_but_owners_and_devices(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	if (geteuid() != 0)
		skip();
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	some_files(f);
	assert_int_equal(chmod(in_source(f, "top"), 04755), 0);
	assert_int_equal(chown(in_source(f, "dir/file"), NOBODY, NOBODY), 0);
	assert_int_equal(chmod(in_source(f, "dir/sub"), 0555), 0);
	assert_int_equal(mknod(in_source(f, "null"), S_IFCHR | 0666, 0x103), 0);
	save_source(f, &saved);
	AUTO(str) char *room = NULL;
	ok(str_printf(&room, &err, "%s/room", f->base));
	assert_int_equal(mkdir(room, 0700), 0);
	assert_int_equal(chown(room, NOBODY, NOBODY), 0);
	free(f->target);
	ok(str_printf(&f->target, &err, "%s/target", room));
	struct tree_restore_options opt = options(f);
	assert_int_equal(setegid(NOBODY), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	enum err_code rc = tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	ok(rc);
	assert_int_equal(done.owners_unset, 5);
	assert_int_equal(done.problems, 6);
	expect_lines(f, "owner : set owner 0:0: Operation not permitted",
	    "owner dir: set owner 0:0: Operation not permitted",
	    "owner dir/sub: set owner 0:0: Operation not permitted",
	    "owner dir/sub/deep: set owner 0:0: Operation not permitted",
	    "owner top: set owner 0:0: Operation not permitted",
	    "special null: create char device: Operation not permitted");
	/* A program must not run with the rights of whoever restored it. */
	assert_int_equal(stat_of(in_target(f, "top")).st_mode & 07777, 0755);
	compare_with(f, &saved.root, f->target);
	expect_lines(f, "changed  owner", "changed dir owner", "changed dir/sub owner",
	    "changed dir/sub/deep owner", "changed top mode owner", "removed null");
}

/* A tree with files that refer to a chunk that is not stored, at their end, so that some of
 * them has been written when that is found out. */
static void
damaged_tree(struct fixture *f, const char *good, struct tree_entry *out)
{
	struct err err;
	AUTO(dir_builder) struct dir_builder *b = NULL;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	AUTO(tree_entry) struct tree_entry file = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry large = TREE_ENTRY_INIT;
	size_t len = 12 << 20;
	AUTO(mem) uint8_t *data = malloc(len);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * i >> 9);
	write_text(in_source(f, good), "good");
	write_file(in_source(f, "large"), data, len);
	save_source(f, &saved);
	ok(tree_lookup(f->repo, &saved.root, good, &file, &err));
	ok(tree_lookup(f->repo, &saved.root, "large", &large, &err));
	assert_int_equal(large.content.level, 0);
	struct extent extents[CONTENT_MAX_ITEMS];
	size_t n = large.content.count;
	assert_in_range(n, 1, CONTENT_MAX_ITEMS - 1);
	memcpy(extents, large.content.items, n * sizeof extents[0]);
	extents[n] = (struct extent){ .len = 4 };
	struct tree_entry bad = TREE_ENTRY_INIT;
	bad.mode = 0644;
	bad.content = (struct content){ len + 4, 0, n + 1, extents, false };
	struct tree_entry bad_dir = TREE_ENTRY_INIT;
	bad_dir.type = TREE_DIR;
	bad_dir.mode = 0755;
	bad_dir.content = (struct content){ 4, 0, 1, &extents[n], false };
	ok(dir_builder_new(&b, &err));
	ok(dir_builder_add(b, "bad", &bad, &err));
	ok(dir_builder_add(b, "baddir", &bad_dir, &err));
	ok(dir_builder_add(b, "good", &file, &err));
	bad.links = 2;
	bad.ino = 5;
	ok(dir_builder_add(b, "link1", &bad, &err));
	ok(dir_builder_add(b, "link2", &bad, &err));
	ok(dir_builder_finish(b, f->writer, NULL, out, &err));
	ok(writer_flush(f->writer, &err));
}

static void
damaged_files_are_told_and_what_is_sound_is_restored(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	damaged_tree(f, "good", &root);
	struct tree_restore_options opt = options(f);
	ok(tree_restore(&done, f->repo, &root, f->target, &opt, &err));
	expect_text(in_target(f, "good"), "good");
	assert_int_equal(done.files >= 1, true);
	assert_int_equal(done.problems, 4);
	static const char *const starts[] = {
		"damaged bad: ", "damaged baddir: ", "damaged link1: ", "damaged link2: "
	};
	strv_sort(&f->lines);
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		assert_memory_equal(f->lines.items[i], starts[i], strlen(starts[i]));
	assert_false(fs_exists(in_target(f, "bad")));
	assert_false(fs_exists(in_target(f, "link1")));
	assert_false(fs_exists(in_target(f, "link2")));
}

static void
extent_that_lies_about_its_chunk_is_damage(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	AUTO(dir_builder) struct dir_builder *b = NULL;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	AUTO(tree_entry) struct tree_entry file = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	write_text(in_source(f, "file"), "four");
	save_source(f, &saved);
	ok(tree_lookup(f->repo, &saved.root, "file", &file, &err));
	file.content.items[0].len = 3;
	file.content.size = 3;
	ok(dir_builder_new(&b, &err));
	ok(dir_builder_add(b, "file", &file, &err));
	ok(dir_builder_finish(b, f->writer, NULL, &root, &err));
	ok(writer_flush(f->writer, &err));
	struct tree_restore_options opt = options(f);
	ok(tree_restore(&done, f->repo, &root, f->target, &opt, &err));
	expect_lines(f, "damaged file: a chunk has another length than the file tells");
	assert_false(fs_exists(in_target(f, "file")));
}

static void
damaged_single_file_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	struct extent missing = { .len = 4 };
	struct tree_entry bad = TREE_ENTRY_INIT;
	bad.content = (struct content){ 4, 0, 1, &missing, false };
	struct tree_restore_options opt = options(f);
	assert_int_equal(
	    tree_restore(&done, f->repo, &bad, f->target, &opt, &err), ERR_CORRUPT);
	assert_false(fs_exists(f->target));
}

static void
cancelled_restore_ends_with_that_error(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct cancel cancel;
	struct tree_restored done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	some_files(f);
	save_source(f, &saved);
	ok(cancel_init(&cancel, &err));
	cancel_raise(&cancel);
	struct tree_restore_options opt = options(f);
	opt.cancel = &cancel;
	char want[8192];
	snprintf(want, sizeof want, "restore to %s: stopped on request", f->target);
	refused(tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err), ERR_CANCELLED,
	    want);
	cancel_release(&cancel);
}

static void
owners_by_name_are_looked_up_here(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	if (geteuid() != 0)
		skip();
	AUTO(dir_builder) struct dir_builder *b = NULL;
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	struct tree_entry fifo = TREE_ENTRY_INIT;
	fifo.type = TREE_FIFO;
	fifo.uid = 4711;
	fifo.gid = 4712;
	fifo.user = "root";
	fifo.group = "no such group here";
	ok(dir_builder_new(&b, &err));
	ok(dir_builder_add(b, "fifo", &fifo, &err));
	ok(dir_builder_finish(b, f->writer, NULL, &root, &err));
	ok(writer_flush(f->writer, &err));
	struct tree_restore_options opt = options(f);
	opt.owner_by_name = true;
	ok(tree_restore(&done, f->repo, &root, f->target, &opt, &err));
	assert_int_equal(stat_of(in_target(f, "fifo")).st_uid, 0);
	assert_int_equal(stat_of(in_target(f, "fifo")).st_gid, 4712);
}

static void
leaving_the_root_leaves_its_metadata(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	some_files(f);
	assert_int_equal(chmod(f->source, 0751), 0);
	save_source(f, &saved);
	assert_int_equal(mkdir(f->target, 0700), 0);
	struct tree_restore_options opt = options(f);
	opt.leave_root = true;
	ok(tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err));
	assert_int_equal(stat_of(f->target).st_mode & 07777, 0700);
	assert_int_equal(stat_of(in_target(f, "dir")).st_mode & 07777, 0755);
}

static void
missing_parent_of_the_target_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_restored done;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	save_source(f, &saved);
	struct tree_restore_options opt = options(f);
	char target[4200];
	char want[8500];
	snprintf(target, sizeof target, "%s/no/target", f->base);
	snprintf(want, sizeof want,
	    "restore to %s: create folder %s: No such file or directory", target, target);
	refused(
	    tree_restore(&done, f->repo, &saved.root, target, &opt, &err), ERR_NOT_FOUND, want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(target_that_is_not_empty_is_refused),
		tree_test(replacing_merges_folders_and_keeps_what_the_tree_has_not),
		tree_test(folder_where_a_file_belongs_is_not_removed),
		tree_test(planted_symlinks_are_not_followed_with_openat2),
		tree_test(planted_symlinks_are_not_followed_without_openat2),
		tree_test(folder_swapped_for_a_symlink_meanwhile_leads_nowhere_else),
		tree_test(selected_paths_come_with_their_folders_and_nothing_else),
		tree_test(ordinary_user_keeps_everything_but_owners_and_devices),
		tree_test(damaged_files_are_told_and_what_is_sound_is_restored),
		tree_test(extent_that_lies_about_its_chunk_is_damage),
		tree_test(damaged_single_file_is_an_error),
		tree_test(cancelled_restore_ends_with_that_error),
		tree_test(owners_by_name_are_looked_up_here),
		tree_test(leaving_the_root_leaves_its_metadata),
		tree_test(missing_parent_of_the_target_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
