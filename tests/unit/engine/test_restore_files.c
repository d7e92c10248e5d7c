#include "stack_snapshot.h"

#include "engine/restore.h"
#include "engine/restore_dump.h"

static void
expect_text(const char *folder, const char *name, const char *want)
{
	struct err err;
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf got = BUF_INIT;
	ok(str_printf(&path, &err, "%s/%s", folder, name));
	ok(fs_read_file(path, 1000, &got, &err));
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.data, want, got.len);
}

static void
a_folder_of_the_snapshot_becomes_the_target(void **state)
{
	struct err err;
	struct id id;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	struct restore_result r;
	stack_snapshot(f, NULL, &id);
	opt.path = "volumes/shop_uploads";
	opt.to = f->target;
	ok(restore_files(&e, &id, &opt, &r, &err));
	expect_text(f->target, "u", "upload");
	assert_int_equal(r.files, 1);
	assert_int_equal(r.bytes, 6);
	assert_int_equal(r.outcome, OUTCOME_COMPLETE);
}

static void
a_file_goes_into_the_target(void **state)
{
	struct err err;
	struct id id;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	struct restore_result r;
	stack_snapshot(f, NULL, &id);
	opt.path = "project/compose.yaml";
	opt.to = f->target;
	ok(restore_files(&e, &id, &opt, &r, &err));
	expect_text(f->target, "compose.yaml", "services:");
}

static void
what_is_there_is_replaced_only_when_agreed(void **state)
{
	struct err err;
	struct id id;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	struct restore_result r;
	AUTO(str) char *file = NULL;
	AUTO(str) char *want = NULL;
	stack_snapshot(f, NULL, &id);
	opt.path = "volumes/shop_uploads";
	opt.to = f->target;
	ok(fs_mkdirs(f->target, 0755, &err));
	ok(str_printf(&file, &err, "%s/u", f->target));
	ok(fs_write_file(file, 0644, "mine", 4, &err));

	AUTO(restore_preview) struct restore_preview p = RESTORE_PREVIEW_INIT;
	ok(restore_preview(&e, &id, &opt, &p, &err));
	assert_int_equal(p.replaces.len, 1);
	ok(str_printf(&want, &err, "what has the same name in folder %s", f->target));
	assert_string_equal(p.replaces.items[0], want);
	assert_int_equal(restore_files(&e, &id, &opt, &r, &err), ERR_EXISTS);
	expect_text(f->target, "u", "mine");
	opt.may_replace = true;
	ok(restore_files(&e, &id, &opt, &r, &err));
	expect_text(f->target, "u", "upload");
}

static void
without_a_target_nothing_is_restored(void **state)
{
	struct err err;
	struct id id;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	struct restore_result r;
	stack_snapshot(f, NULL, &id);
	refused(restore_files(&e, &id, &opt, &r, &err), ERR_USAGE,
	    "say which folder to restore into");
}

static enum err_code
read_dump(struct restore_dump *d, const char *name, struct buf *out, struct err *err)
{
	struct dump_source *src = restore_dump_source(d);
	if (src->ops->open(src, name, err))
		return err->code;
	size_t got = 1;
	enum err_code rc = ERR_OK;
	while (rc == ERR_OK && got > 0) {
		char chunk[7];
		rc = src->ops->read(src, chunk, sizeof chunk, &got, err);
		if (rc == ERR_OK)
			rc = buf_add(out, chunk, got, err);
	}
	src->ops->close(src);
	return rc;
}

static struct restore_dump *
open_dump(struct fixture *f, struct engine *e, struct snapshot *s, const char *shop_sha256)
{
	struct err err;
	struct id id;
	struct restore_dump *d = NULL;
	stack_snapshot(f, shop_sha256, &id);
	ok(snapshot_open(s, f->repo, &id, &err));
	const json_t *member = json_array_get(json_object_get(s->document, "members"), 6);
	ok(restore_dump_open(
	    &d, e, s, "databases/db", json_object_get(member, "streams"), &err));
	return d;
}

static void
a_dump_is_read_as_it_was_written(void **state)
{
	struct err err;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	AUTO(snapshot) struct snapshot s = { .document = NULL };
	AUTO(restore_dump) struct restore_dump *d = open_dump(f, &e, &s, NULL);
	AUTO(bufv) struct buf text = BUF_INIT;
	ok(read_dump(d, "shop.sql", &text, &err));
	assert_int_equal(text.len, strlen(DUMP_TEXT));
	assert_memory_equal(text.data, DUMP_TEXT, text.len);
	refused(restore_dump_check(d, &err), ERR_INCOMPLETE,
	    "databases/db/globals.sql was not read to its end");
	ok(read_dump(d, "globals.sql", &text, &err));
	ok(restore_dump_check(d, &err));
	assert_int_equal(restore_dump_bytes(d), strlen(DUMP_TEXT GLOBALS_TEXT));
}

static void
a_dump_that_is_not_the_recorded_one_has_no_end(void **state)
{
	struct err err;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	AUTO(snapshot) struct snapshot s = { .document = NULL };
	AUTO(restore_dump) struct restore_dump *d = open_dump(
	    f, &e, &s, "0000000000000000000000000000000000000000000000000000000000000000");
	AUTO(bufv) struct buf text = BUF_INIT;
	refused_like(read_dump(d, "shop.sql", &text, &err), ERR_CORRUPT,
	    "databases/db/shop.sql: SHA-256 is ");
	assert_int_equal(restore_dump_check(d, &err), ERR_INCOMPLETE);
}

static void
a_dump_that_is_left_half_read_can_be_read_again(void **state)
{
	struct err err;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	AUTO(snapshot) struct snapshot s = { .document = NULL };
	AUTO(restore_dump) struct restore_dump *d = open_dump(f, &e, &s, NULL);
	struct dump_source *src = restore_dump_source(d);
	AUTO(bufv) struct buf text = BUF_INIT;
	char c;
	size_t got;
	refused(src->ops->open(src, "other.sql", &err), ERR_NOT_FOUND,
	    "other.sql: no such dump in the snapshot");
	ok(src->ops->open(src, "shop.sql", &err));
	ok(src->ops->read(src, &c, 1, &got, &err));
	src->ops->close(src);
	ok(read_dump(d, "shop.sql", &text, &err));
	assert_int_equal(text.len, strlen(DUMP_TEXT));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(a_folder_of_the_snapshot_becomes_the_target),
		tree_test(a_file_goes_into_the_target),
		tree_test(what_is_there_is_replaced_only_when_agreed),
		tree_test(without_a_target_nothing_is_restored),
		tree_test(a_dump_is_read_as_it_was_written),
		tree_test(a_dump_that_is_not_the_recorded_one_has_no_end),
		tree_test(a_dump_that_is_left_half_read_can_be_read_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
