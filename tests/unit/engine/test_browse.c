#include "stack_snapshot.h"

static enum err_code
note_path(void *arg, const char *path, const struct tree_entry *e, struct err *err)
{
	(void)e;
	return strv_add(arg, path, err);
}

static void
open_snapshot(struct fixture *f, struct snapshot *s, const char *shop_sha256)
{
	struct err err;
	struct id id;
	stack_snapshot(f, shop_sha256, &id);
	ok(snapshot_open(s, f->repo, &id, &err));
}

static void
a_folder_lists_what_it_holds(void **state)
{
	struct err err;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	AUTO(snapshot) struct snapshot s = { .document = NULL };
	AUTO(strv) struct strv paths = STRV_INIT;
	open_snapshot(f, &s, NULL);
	ok(browse_list(&e, &s, "/databases//db/", false, note_path, &paths, &err));
	assert_int_equal(paths.len, 2);
	assert_string_equal(paths.items[0], "databases/db/globals.sql");
	assert_string_equal(paths.items[1], "databases/db/shop.sql");
}

static void
recursive_goes_down_in_order(void **state)
{
	struct err err;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	AUTO(snapshot) struct snapshot s = { .document = NULL };
	AUTO(strv) struct strv paths = STRV_INIT;
	open_snapshot(f, &s, NULL);
	ok(browse_list(&e, &s, "binds", true, note_path, &paths, &err));
	assert_int_equal(paths.len, 3);
	assert_string_equal(paths.items[0], "binds/srv");
	assert_string_equal(paths.items[1], "binds/srv/media");
	assert_string_equal(paths.items[2], "binds/srv/media/m");
	ok(browse_list(&e, &s, "", false, note_path, &paths, &err));
	assert_string_equal(paths.items[3], "binds");
}

static void
a_file_lists_itself(void **state)
{
	struct err err;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	AUTO(snapshot) struct snapshot s = { .document = NULL };
	AUTO(strv) struct strv paths = STRV_INIT;
	open_snapshot(f, &s, NULL);
	ok(browse_list(&e, &s, "project/compose.yaml", true, note_path, &paths, &err));
	assert_int_equal(paths.len, 1);
	assert_string_equal(paths.items[0], "project/compose.yaml");
}

/* What a call wrote to the file at f->target. */
static void
expect_written(struct fixture *f, int fd, const char *want)
{
	struct err err;
	AUTO(bufv) struct buf got = BUF_INIT;
	close(fd);
	ok(fs_read_file(f->target, 1000, &got, &err));
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.data, want, got.len);
}

static int
target_file(const struct fixture *f)
{
	int fd = open(f->target, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void
a_file_is_written_out_and_a_folder_refused(void **state)
{
	struct err err;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	AUTO(snapshot) struct snapshot s = { .document = NULL };
	open_snapshot(f, &s, NULL);
	int fd = target_file(f);
	refused(browse_cat(&e, &s, "project", fd, &err), ERR_USAGE,
	    "project is a folder, not a file");
	ok(browse_cat(&e, &s, "volumes/shop_uploads/u", fd, &err));
	expect_written(f, fd, "upload");
}

static void
a_dump_is_found_by_its_service_when_there_is_one(void **state)
{
	struct err err;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	AUTO(snapshot) struct snapshot s = { .document = NULL };
	open_snapshot(f, &s, NULL);
	int fd = target_file(f);
	ok(browse_dump(&e, &s, "cache", fd, &err));
	expect_written(f, fd, "REDIS");
	fd = target_file(f);
	ok(browse_dump(&e, &s, "db/shop.sql", fd, &err));
	refused(browse_dump(&e, &s, "db", fd, &err), ERR_NOT_FOUND,
	    "db has several dumps; there are db/globals.sql, db/shop.sql, cache/server.json, "
	    "cache/dump.rdb");
	refused(browse_dump(&e, &s, "web", fd, &err), ERR_NOT_FOUND,
	    "web is no dump of this snapshot; there are db/globals.sql, db/shop.sql, "
	    "cache/server.json, cache/dump.rdb");
	expect_written(f, fd, DUMP_TEXT);
}

static void
a_dump_that_is_not_the_recorded_one_is_an_error(void **state)
{
	struct err err;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	AUTO(snapshot) struct snapshot s = { .document = NULL };
	open_snapshot(f, &s, "00");
	int fd = target_file(f);
	refused_like(browse_dump(&e, &s, "db/shop.sql", fd, &err), ERR_CORRUPT,
	    "databases/db/shop.sql: SHA-256 of what was written is ");
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(a_folder_lists_what_it_holds),
		tree_test(recursive_goes_down_in_order),
		tree_test(a_file_lists_itself),
		tree_test(a_file_is_written_out_and_a_folder_refused),
		tree_test(a_dump_is_found_by_its_service_when_there_is_one),
		tree_test(a_dump_that_is_not_the_recorded_one_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
