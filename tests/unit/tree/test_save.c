#include "fixture.h"

#include "sys/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/fsuid.h>
#include <sys/mount.h>

#define NOBODY 65534

static struct tree_save_options
options(struct fixture *f)
{
	struct tree_save_options opt = TREE_SAVE_OPTIONS_INIT;
	opt.no_sync = true;
	opt.threads = 3;
	opt.problem = fixture_note_problem;
	opt.problem_arg = f;
	return opt;
}

static void
save_with(struct fixture *f, const struct tree_save_options *opt, struct tree_saved *out)
{
	struct err err;
	ok(tree_save(out, f->writer, f->source, opt, &err));
	ok(writer_flush(f->writer, &err));
}

/* Save again on top of a parent that began after all that is in the source. */
static void
save_again(struct fixture *f, const struct tree_saved *parent, struct tree_saved *out)
{
	struct tree_save_options opt = options(f);
	opt.parent = &parent->root;
	opt.parent_began_ns = clock_wall_ns() + NS_PER_S;
	save_with(f, &opt, out);
}

static int64_t
ctime_ns(const char *path)
{
	struct stat st = stat_of(path);
	return st.st_ctim.tv_sec * NS_PER_S + st.st_ctim.tv_nsec;
}

static void
some_files(struct fixture *f)
{
	char name[32];
	assert_int_equal(mkdir(in_source(f, "dir"), 0755), 0);
	assert_int_equal(mkdir(in_source(f, "dir/empty"), 0755), 0);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "dir/file%02d", i);
		write_text(in_source(f, name), name);
	}
	write_text(in_source(f, "zero"), "");
	assert_int_equal(symlink("zero", in_source(f, "link")), 0);
}

static void
second_save_of_the_same_opens_nothing_and_gives_the_same_tree(void **state)
{
	struct fixture *f = *state;
	some_files(f);
	AUTO(tree_saved) struct tree_saved first = TREE_SAVED_INIT;
	AUTO(tree_saved) struct tree_saved second = TREE_SAVED_INIT;
	save_source(f, &first);
	struct writer_stats before;
	struct writer_stats after;
	writer_get_stats(f->writer, &before);
	save_again(f, &first, &second);
	writer_get_stats(f->writer, &after);
	assert_int_equal(second.files, 51);
	assert_int_equal(second.files_unchanged, 51);
	assert_int_equal(second.dirs, 3);
	assert_int_equal(second.others, 1);
	assert_int_equal(second.bytes, first.bytes);
	assert_true(content_equal(&first.root.content, &second.root.content));
	assert_int_equal(after.chunks, before.chunks);
	expect_nothing(f);
}

static void
parent_that_began_too_early_proves_nothing(void **state)
{
	struct fixture *f = *state;
	write_text(in_source(f, "file"), "x");
	AUTO(tree_saved) struct tree_saved first = TREE_SAVED_INIT;
	save_source(f, &first);
	int64_t touched = ctime_ns(in_source(f, "file"));
	static const struct {
		int64_t after_ms;
		uint64_t unchanged;
	} cases[] = { { -1, 0 }, { 0, 0 }, { 20, 0 }, { 21, 1 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(tree_saved) struct tree_saved again = TREE_SAVED_INIT;
		struct tree_save_options opt = options(f);
		opt.parent = &first.root;
		opt.parent_began_ns = touched + cases[i].after_ms * NS_PER_MS;
		save_with(f, &opt, &again);
		assert_int_equal(again.files_unchanged, cases[i].unchanged);
		assert_int_equal(again.files, 1);
	}
}

static void
file_with_its_old_size_and_mtime_is_read_again_when_it_was_written(void **state)
{
	struct fixture *f = *state;
	write_text(in_source(f, "file"), "before");
	struct stat st = stat_of(in_source(f, "file"));
	AUTO(tree_saved) struct tree_saved first = TREE_SAVED_INIT;
	AUTO(tree_saved) struct tree_saved second = TREE_SAVED_INIT;
	save_source(f, &first);
	do
		write_text(in_source(f, "file"), "after!");
	while (ctime_ns(in_source(f, "file")) ==
	       st.st_ctim.tv_sec * NS_PER_S + st.st_ctim.tv_nsec);
	struct timespec ts[2] = { st.st_atim, st.st_mtim };
	assert_int_equal(utimensat(AT_FDCWD, in_source(f, "file"), ts, 0), 0);
	save_again(f, &first, &second);
	assert_int_equal(second.files_unchanged, 0);
	compare_with(f, &second.root, f->source);
	expect_nothing(f);
}

static void
added_removed_renamed_and_replaced_files_are_noticed(void **state)
{
	struct fixture *f = *state;
	some_files(f);
	AUTO(tree_saved) struct tree_saved first = TREE_SAVED_INIT;
	AUTO(tree_saved) struct tree_saved second = TREE_SAVED_INIT;
	save_source(f, &first);
	write_text(in_source(f, "dir/added"), "new");
	assert_int_equal(unlink(in_source(f, "dir/file00")), 0);
	assert_int_equal(unlink(in_source(f, "dir/file49")), 0);
	assert_int_equal(rename(in_source(f, "dir/file10"), in_source(f, "dir/moved")), 0);
	assert_int_equal(rename(in_source(f, "dir/file11"), in_source(f, "dir/file12")), 0);
	assert_int_equal(rmdir(in_source(f, "dir/empty")), 0);
	write_text(in_source(f, "dir/empty"), "a file now");
	save_again(f, &first, &second);
	assert_int_equal(second.files, 50);
	assert_int_equal(second.files_unchanged, 46);
	compare_with(f, &second.root, f->source);
	expect_nothing(f);
}

static void
removing_the_last_name_of_a_folder_is_noticed(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(mkdir(in_source(f, "dir"), 0755), 0);
	write_text(in_source(f, "dir/only"), "x");
	write_text(in_source(f, "zlast"), "x");
	AUTO(tree_saved) struct tree_saved first = TREE_SAVED_INIT;
	AUTO(tree_saved) struct tree_saved second = TREE_SAVED_INIT;
	save_source(f, &first);
	assert_int_equal(unlink(in_source(f, "dir/only")), 0);
	assert_int_equal(unlink(in_source(f, "zlast")), 0);
	save_again(f, &first, &second);
	assert_int_equal(second.files, 0);
	compare_with(f, &second.root, f->source);
	expect_nothing(f);
}

/* With nothing else changed, so that nothing else gives it away. */
static void
removing_any_one_file_is_noticed(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = { "a", "b", "c" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		write_text(in_source(f, names[i]), "x");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(tree_saved) struct tree_saved first = TREE_SAVED_INIT;
		AUTO(tree_saved) struct tree_saved second = TREE_SAVED_INIT;
		save_source(f, &first);
		char away[4200];
		snprintf(away, sizeof away, "%s/away", f->base);
		assert_int_equal(rename(in_source(f, names[i]), away), 0);
		save_again(f, &first, &second);
		assert_int_equal(second.files_unchanged, 2);
		compare_with(f, &second.root, f->source);
		expect_nothing(f);
		assert_int_equal(rename(away, in_source(f, names[i])), 0);
	}
}

static bool
remove_b(void *arg, const char *path, size_t len, bool is_dir)
{
	(void)len;
	(void)is_dir;
	if (strcmp(path, "b") == 0)
		unlink(in_source(arg, path));
	return false;
}

static void
file_of_the_parent_that_vanishes_while_looked_at_is_left_out(void **state)
{
	struct fixture *f = *state;
	write_text(in_source(f, "a"), "x");
	write_text(in_source(f, "b"), "x");
	AUTO(tree_saved) struct tree_saved first = TREE_SAVED_INIT;
	AUTO(tree_saved) struct tree_saved second = TREE_SAVED_INIT;
	save_source(f, &first);
	struct tree_save_options opt = options(f);
	opt.parent = &first.root;
	opt.parent_began_ns = clock_wall_ns() + NS_PER_S;
	opt.exclude = remove_b;
	opt.exclude_arg = f;
	save_with(f, &opt, &second);
	assert_int_equal(second.files_unchanged, 1);
	expect_lines(f, "vanished b: stat: No such file or directory");
	compare_with(f, &second.root, f->source);
	expect_lines(f, "changed  mtime"); /* the folder's, by the removal */
}

static void
change_of_metadata_alone_is_saved(void **state)
{
	struct fixture *f = *state;
	some_files(f);
	AUTO(tree_saved) struct tree_saved first = TREE_SAVED_INIT;
	AUTO(tree_saved) struct tree_saved second = TREE_SAVED_INIT;
	save_source(f, &first);
	assert_int_equal(chmod(in_source(f, "dir/file05"), 0600), 0);
	assert_int_equal(chmod(in_source(f, "dir/empty"), 0700), 0);
	save_again(f, &first, &second);
	assert_int_equal(second.files_unchanged, 50);
	compare_with(f, &second.root, f->source);
	expect_nothing(f);
}

static bool
exclude_some(void *arg, const char *path, size_t len, bool is_dir)
{
	(void)arg;
	assert_int_equal(strlen(path), len);
	return strcmp(path, "zero") == 0 || (is_dir && strcmp(path, "dir/empty") == 0) ||
	       str_ends(path, "7");
}

static void
excluded_paths_are_left_out(void **state)
{
	struct fixture *f = *state;
	some_files(f);
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct tree_save_options opt = options(f);
	opt.exclude = exclude_some;
	save_with(f, &opt, &saved);
	assert_int_equal(saved.files, 45);
	assert_int_equal(saved.dirs, 2);
	compare_with(f, &saved.root, f->source);
	expect_lines(f, "added zero", "added dir/empty", "added dir/file07", "added dir/file17",
	    "added dir/file27", "added dir/file37", "added dir/file47");
}

/* Things that change between being listed and being opened: exclude is asked in between. */
static bool
disturb(void *arg, const char *path, size_t len, bool is_dir)
{
	const struct fixture *f = arg;
	(void)len;
	(void)is_dir;
	if (strcmp(path, "gone") == 0 || strcmp(path, "turned") == 0 ||
	    strcmp(path, "link-gone") == 0)
		unlink(in_source(f, path));
	if (strcmp(path, "turned") == 0)
		mkfifo(in_source(f, path), 0600);
	if (strcmp(path, "dir-gone") == 0)
		rmdir(in_source(f, path));
	if (strcmp(path, "replaced") == 0)
		rename(in_source(f, "other"), in_source(f, "replaced"));
	return strcmp(path, "other") == 0;
}

static void
what_vanishes_is_told_and_left_out_and_the_rest_is_saved(void **state)
{
	struct fixture *f = *state;
	write_text(in_source(f, "gone"), "x");
	write_text(in_source(f, "turned"), "x");
	write_text(in_source(f, "kept"), "x");
	write_text(in_source(f, "replaced"), "old");
	write_text(in_source(f, "other"), "new");
	assert_int_equal(symlink("kept", in_source(f, "link-gone")), 0);
	assert_int_equal(mkdir(in_source(f, "dir-gone"), 0755), 0);
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct tree_progress progress = TREE_PROGRESS_INIT;
	struct tree_save_options opt = options(f);
	opt.exclude = disturb;
	opt.exclude_arg = f;
	opt.progress = &progress;
	save_with(f, &opt, &saved);
	assert_int_equal(saved.problems, 3);
	assert_int_equal(progress.problems, 3);
	expect_lines(f, "vanished gone: open: No such file or directory",
	    "vanished link-gone: stat: No such file or directory",
	    "vanished dir-gone: open: No such file or directory");
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(bufv) struct buf bytes = BUF_INIT;
	struct err err;
	ok(tree_lookup(f->repo, &saved.root, "replaced", &e, &err));
	ok(content_read_all(f->repo, &e.content, 100, &bytes, &err));
	assert_string_equal(buf_cstr(&bytes), "new");
	AUTO(tree_entry) struct tree_entry fifo = TREE_ENTRY_INIT;
	ok(tree_lookup(f->repo, &saved.root, "turned", &fifo, &err));
	assert_int_equal(fifo.type, TREE_FIFO);
	refused(tree_lookup(f->repo, &saved.root, "gone", &fifo, &err), ERR_NOT_FOUND,
	    "gone: not in this tree");
}

struct appender {
	const char *path;
	atomic_bool stop;
};

static void *
append(void *arg)
{
	struct appender *a = arg;
	AUTO(fd) int fd = open(a->path, O_WRONLY | O_APPEND | O_CLOEXEC);
	while (!atomic_load(&a->stop))
		if (write(fd, "more", 4) != 4)
			break;
	return NULL;
}

static void
file_that_grows_while_read_is_told_and_kept_as_read(void **state)
{
	struct fixture *f = *state;
	AUTO(mem) char *data = malloc(16 << 20);
	memset(data, 'a', 16 << 20);
	write_file(in_source(f, "log"), data, 16 << 20);
	struct appender a = { .path = in_source(f, "log") };
	AUTO(tree_saved) struct tree_saved first = TREE_SAVED_INIT;
	struct tree_save_options opt = options(f);
	pthread_t t;
	assert_int_equal(pthread_create(&t, NULL, append, &a), 0);
	save_with(f, &opt, &first);
	atomic_store(&a.stop, true);
	pthread_join(t, NULL);
	assert_int_equal(first.files, 1);
	assert_int_equal(first.problems, 1);
	expect_lines(f, "changed log: changed while it was read");

	/* It is read again, however late the parent says that it began. */
	AUTO(tree_saved) struct tree_saved second = TREE_SAVED_INIT;
	save_again(f, &first, &second);
	assert_int_equal(second.files_unchanged, 0);
	compare_with(f, &second.root, f->source);
	expect_nothing(f);
}

static void
unreadable_things_are_told_and_left_out(void **state)
{
	struct fixture *f = *state;
	if (geteuid() != 0)
		skip();
	write_text(in_source(f, "secret"), "x");
	write_text(in_source(f, "open"), "x");
	assert_int_equal(chmod(in_source(f, "secret"), 0600), 0);
	assert_int_equal(link(in_source(f, "secret"), in_source(f, "secret2")), 0);
	assert_int_equal(mkdir(in_source(f, "locked"), 0755), 0);
	write_text(in_source(f, "locked/inside"), "x");
	assert_int_equal(chmod(in_source(f, "locked"), 0700), 0);
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	/* Threads begin with the rights of the one that starts them. */
	setfsuid(NOBODY);
	save_source(f, &saved);
	setfsuid(0);
	assert_int_equal(saved.files, 1);
	assert_int_equal(saved.problems, 3);
	expect_lines(f, "unreadable secret: open: Permission denied",
	    "unreadable secret2: open: Permission denied",
	    "unreadable locked: open: Permission denied");
	compare_with(f, &saved.root, f->source);
	expect_lines(f, "added secret", "added secret2", "added locked", "added locked/inside");
}

static void
root_that_cannot_be_saved_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_saved saved;
	struct tree_save_options opt = options(f);
	AUTO(str) char *want = NULL;
	ok(str_printf(&want, &err, "find %s/missing: No such file or directory", f->base));
	AUTO(str) char *missing = NULL;
	ok(str_printf(&missing, &err, "%s/missing", f->base));
	enum err_code rc = tree_save(&saved, f->writer, missing, &opt, &err);
	assert_int_equal(rc, ERR_NOT_FOUND);
	assert_string_equal(err.msg, want);

	if (geteuid() != 0)
		return;
	write_text(in_source(f, "secret"), "x");
	assert_int_equal(chmod(in_source(f, "secret"), 0600), 0);
	setfsuid(NOBODY);
	rc = tree_save(&saved, f->writer, in_source(f, "secret"), &opt, &err);
	setfsuid(0);
	assert_int_equal(rc, ERR_DENIED);
	expect_nothing(f);
}

static void
cancelled_save_ends_with_that_error(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct cancel cancel;
	struct tree_saved saved;
	some_files(f);
	ok(cancel_init(&cancel, &err));
	cancel_raise(&cancel);
	struct tree_save_options opt = options(f);
	opt.cancel = &cancel;
	AUTO(str) char *want = NULL;
	struct err scratch;
	assert_int_equal(
	    str_printf(&want, &scratch, "save %s: stopped on request", f->source), ERR_OK);
	refused(tree_save(&saved, f->writer, f->source, &opt, &err), ERR_CANCELLED, want);
	cancel_release(&cancel);
}

static void
parent_whose_listing_is_lost_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct extent extent = { .len = 10 };
	struct tree_entry parent = TREE_ENTRY_INIT;
	struct tree_saved saved;
	some_files(f);
	parent.type = TREE_DIR;
	parent.content = (struct content){ 10, 0, 1, &extent, false };
	struct tree_save_options opt = options(f);
	opt.parent = &parent;
	AUTO(str) char *want = NULL;
	struct err scratch;
	assert_int_equal(
	    str_printf(&want, &scratch, "save %s: read the earlier tree: listing: ", f->source),
	    ERR_OK);
	refused_like(tree_save(&saved, f->writer, f->source, &opt, &err), ERR_CORRUPT, want);
}

static void
progress_counts_what_was_done(void **state)
{
	struct fixture *f = *state;
	some_files(f);
	struct tree_progress progress = TREE_PROGRESS_INIT;
	AUTO(tree_saved) struct tree_saved first = TREE_SAVED_INIT;
	AUTO(tree_saved) struct tree_saved second = TREE_SAVED_INIT;
	struct tree_save_options opt = options(f);
	opt.progress = &progress;
	save_with(f, &opt, &first);
	assert_int_equal(progress.files, 51);
	assert_int_equal(progress.dirs, 3);
	assert_int_equal(progress.others, 1);
	assert_int_equal(progress.bytes, 50 * strlen("dir/file00"));
	assert_int_equal(progress.files_unchanged, 0);
	opt.parent = &first.root;
	opt.parent_began_ns = clock_wall_ns() + NS_PER_S;
	save_with(f, &opt, &second);
	assert_int_equal(progress.files, 102);
	assert_int_equal(progress.files_unchanged, 51);
	assert_int_equal(progress.bytes_unchanged, 50 * strlen("dir/file00"));
	assert_int_equal(progress.bytes, 50 * strlen("dir/file00"));
	char path[TREE_PROGRESS_PATH];
	tree_progress_path(&progress, path);
	assert_string_equal(path, "dir/empty");
}

static void
syncing_save_gives_the_same_tree(void **state)
{
	struct fixture *f = *state;
	some_files(f);
	AUTO(tree_saved) struct tree_saved first = TREE_SAVED_INIT;
	AUTO(tree_saved) struct tree_saved second = TREE_SAVED_INIT;
	struct tree_save_options opt = options(f);
	save_with(f, &opt, &first);
	opt.no_sync = false;
	opt.threads = 1;
	save_with(f, &opt, &second);
	assert_true(content_equal(&first.root.content, &second.root.content));
}

static void
filesystem_mounted_inside_is_saved_or_stays_an_empty_folder(void **state)
{
	struct fixture *f = *state;
	some_files(f);
	/* A mount namespace of our own, so that nobody else sees it and it goes with us. */
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", in_source(f, "dir/empty"), "tmpfs", 0, "size=1m,mode=0711") != 0)
		skip();
	write_text(in_source(f, "dir/empty/inside"), "x");
	assert_int_equal(
	    link(in_source(f, "dir/empty/inside"), in_source(f, "dir/empty/linked")), 0);
	struct stat st = stat_of(in_source(f, "dir/empty"));
	for (int one = 0; one < 2; one++) {
		struct err err;
		AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
		AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
		struct tree_save_options opt = options(f);
		opt.no_sync = false;
		opt.one_file_system = one;
		save_with(f, &opt, &saved);
		assert_int_equal(saved.files, one ? 51 : 53);
		assert_int_equal(saved.dirs, 3);
		ok(tree_lookup(f->repo, &saved.root, "dir/empty", &e, &err));
		assert_int_equal(e.mode, 0711);
		assert_int_equal(e.dev, st.st_dev);
		compare_with(f, &saved.root, f->source);
		assert_int_equal(saved.left_out, one);
		if (one)
			expect_lines(f, "added dir/empty/inside", "added dir/empty/linked");
		expect_nothing(f);
	}
	assert_int_equal(umount(in_source(f, "dir/empty")), 0);
}

static void
caches_are_saved_with_their_tag_alone_unless_they_are_the_root(void **state)
{
	static const char signature[] = "Signature: 8a477f597d28d172789f06886806bc55\n# why\n";
	struct fixture *f = *state;
	struct tree_save_options opt = options(f);
	some_files(f);
	opt.exclude_caches = true;
	write_text(in_source(f, "CACHEDIR.TAG"), signature);
	write_text(in_source(f, "dir/CACHEDIR.TAG"), signature);
	/* Neither a wrong signature nor a symlink is a tag. */
	write_text(in_source(f, "dir/empty/CACHEDIR.TAG"), "Signature: 8a477f59");
	assert_int_equal(mkdir(in_source(f, "linked"), 0755), 0);
	assert_int_equal(symlink("../CACHEDIR.TAG", in_source(f, "linked/CACHEDIR.TAG")), 0);
	AUTO(tree_saved) struct tree_saved first = TREE_SAVED_INIT;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	save_source(f, &first);
	opt.parent = &first.root;
	opt.parent_began_ns = first.began_ns;
	save_with(f, &opt, &saved);
	assert_int_equal(first.left_out, 0);
	assert_int_equal(saved.left_out, 1);
	assert_int_equal(saved.files, 3); /* both tags, and zero */
	assert_int_equal(saved.others, 2);
	struct tree_entry e;
	struct err err;
	refused(tree_lookup(f->repo, &saved.root, "dir/empty", &e, &err), ERR_NOT_FOUND,
	    "dir/empty: not in this tree");
	AUTO(tree_entry) struct tree_entry tag = TREE_ENTRY_INIT;
	ok(tree_lookup(f->repo, &saved.root, "dir/CACHEDIR.TAG", &tag, &err));
	expect_nothing(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(second_save_of_the_same_opens_nothing_and_gives_the_same_tree),
		tree_test(parent_that_began_too_early_proves_nothing),
		tree_test(file_with_its_old_size_and_mtime_is_read_again_when_it_was_written),
		tree_test(added_removed_renamed_and_replaced_files_are_noticed),
		tree_test(removing_the_last_name_of_a_folder_is_noticed),
		tree_test(removing_any_one_file_is_noticed),
		tree_test(file_of_the_parent_that_vanishes_while_looked_at_is_left_out),
		tree_test(change_of_metadata_alone_is_saved),
		tree_test(excluded_paths_are_left_out),
		tree_test(what_vanishes_is_told_and_left_out_and_the_rest_is_saved),
		tree_test(file_that_grows_while_read_is_told_and_kept_as_read),
		tree_test(unreadable_things_are_told_and_left_out),
		tree_test(root_that_cannot_be_saved_is_an_error),
		tree_test(cancelled_save_ends_with_that_error),
		tree_test(parent_whose_listing_is_lost_is_an_error),
		tree_test(progress_counts_what_was_done),
		tree_test(syncing_save_gives_the_same_tree),
		tree_test(filesystem_mounted_inside_is_saved_or_stays_an_empty_folder),
		tree_test(caches_are_saved_with_their_tag_alone_unless_they_are_the_root),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
