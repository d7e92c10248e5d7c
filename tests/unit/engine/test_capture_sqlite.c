#include "tree/fixture.h"

#include "engine/capture_sqlite.h"
#include "sys/clock.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

/* --- the application --- */

static pid_t
start_app(const struct fixture *f, const char *mode, const char *name)
{
	char script[4096];
	char word[7] = "";
	int out[2];
	const char *top = getenv("STACKSNAP_SOURCE");
	snprintf(script, sizeof script, "%s/tests/unit/engine/sqlite_app.py",
	    top != NULL ? top : ".");
	assert_int_equal(pipe(out), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execlp("python3", "python3", script, mode, in_source(f, name), (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	struct err err;
	size_t got = 0;
	ok(fd_read_full(out[0], word, 6, &got, &err));
	close(out[0]);
	assert_string_equal(word, "ready\n");
	return pid;
}

static void
pause_app(pid_t pid)
{
	int status;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
}

static void
end_app(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* --- a backup of the source, as backup_stack does it --- */

struct taking {
	struct fixture *f;
	char *state_dir;
	struct engine engine;
	struct backup_options options;
	struct backup_run run;
	struct capture capture;
	json_t *said; /* "sqlite" of the document */
};

static void
begin(struct taking *t, struct fixture *f, const json_t *member, const struct taking *before)
{
	struct err err;
	*t = (struct taking){ .f = f };
	ok(str_printf(&t->state_dir, &err, "%s/state", f->base));
	t->engine = (struct engine){ .repo = f->repo, .state_dir = t->state_dir };
	ok(run_init(&t->run, &t->engine, &t->options, "stack", "t", &err));
	struct capture *c = &t->capture;
	c->kind = "volume";
	c->name = "data";
	c->source = f->source;
	c->entry = (struct tree_entry)TREE_ENTRY_INIT;
	ok(sqlite_set_new(&c->sqlite, &err));
	if (before != NULL) {
		ok(tree_entry_copy(&c->parent, &before->capture.entry, &err));
		c->has_parent = true;
		c->parent_began_ns = before->capture.began_ns;
		ok(sqlite_note_parent(c, member, &err));
	}
	ok(save_files(&t->run, c, PASS_FIRST, &err));
	ok(writer_flush(t->run.writer, &err));
}

static void
fence(struct taking *t)
{
	struct err err;
	ok(save_files(&t->run, &t->capture, PASS_LAST, &err));
}

static void
drain(struct taking *t)
{
	struct err err;
	AUTO(bufv) struct buf text = BUF_INIT;
	struct json_writer w;
	ok(sqlite_drain_all(&t->run, &t->capture, &err));
	ok(writer_flush(t->run.writer, &err));
	json_init(&w, &text);
	json_obj(&w, NULL);
	sqlite_write(&w, &t->capture);
	json_obj_end(&w);
	ok(json_finish(&w, &err));
	ok(json_parse(&t->said, text.data, text.len, "document", &err));
	sqlite_set_free(TAKE(t->capture.sqlite));
}

static void
end(struct taking *t)
{
	struct err err;
	AUTO(strv) struct strv names = STRV_INIT;
	sqlite_set_free(t->capture.sqlite);
	tree_entry_release(&t->capture.parent);
	tree_saved_release(&t->capture.first);
	tree_saved_release(&t->capture.saved);
	tree_entry_release(&t->capture.entry);
	run_release(&t->run);
	json_decref(t->said);
	/* No copy of a database stays behind. */
	if (fs_exists(t->state_dir)) {
		ok(fs_list_dir(t->state_dir, &names, &err));
		assert_int_equal(names.len, 0);
	}
	free(t->state_dir);
}

static const char *
said(const struct taking *t, size_t i, const char *key)
{
	const json_t *list = json_object_get(t->said, "sqlite");
	assert_true(i < json_array_size(list));
	const char *text = json_get_str(json_array_get(list, i), key);
	return text != NULL ? text : "";
}

static void
restore(struct taking *t)
{
	struct err err;
	struct tree_restore_options opt = TREE_RESTORE_OPTIONS_INIT;
	struct tree_restored r;
	ok(fs_remove_tree(t->f->target, &err));
	ok(tree_restore(&r, t->f->repo, &t->capture.entry, t->f->target, &opt, &err));
}

static int64_t
ask(const char *path, const char *sql, char *text, size_t len)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	int64_t n = sqlite3_column_int64(st, 0);
	if (text != NULL)
		snprintf(text, len, "%s", (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static void
expect_whole(struct taking *t, const char *name)
{
	char text[200];
	restore(t);
	assert_int_not_equal(access(in_target(t->f, name), F_OK), -1);
	ask(in_target(t->f, name), "PRAGMA integrity_check", text, sizeof text);
	assert_string_equal(text, "ok");
	assert_int_equal(
	    ask(in_target(t->f, name), "SELECT sum(n) FROM account", NULL, 0), 10000);
}

/* A line for each thing beside the databases: name, owner, mode. */
static void
neighbours(const struct fixture *f, char *out, size_t len)
{
	struct err err;
	AUTO(strv) struct strv names = STRV_INIT;
	ok(fs_list_dir(f->source, &names, &err));
	out[0] = '\0';
	for (size_t i = 0; i < names.len; i++) {
		struct stat st;
		size_t used = strlen(out);
		assert_int_equal(stat(in_source(f, names.items[i]), &st), 0);
		snprintf(out + used, len - used, "%s %u %u %o\n", names.items[i], st.st_uid,
		    st.st_gid, st.st_mode);
	}
}

/* --- claims --- */

static void
a_wal_database_that_is_written_to_is_taken_live_and_whole(void **state)
{
	struct fixture *f = *state;
	pid_t app = start_app(f, "wal", "app.db");
	char before[1000];
	char after[1000];
	neighbours(f, before, sizeof before);
	for (int i = 0; i < 5; i++) {
		struct taking t;
		begin(&t, f, NULL, NULL);
		fence(&t);
		usleep(50000); /* the application goes on */
		drain(&t);
		assert_string_equal(said(&t, 0, "path"), "app.db");
		assert_string_equal(said(&t, 0, "how"), "live");
		assert_string_equal(said(&t, 0, "check"), "ok");
		assert_int_equal(t.run.problem_count, 0);
		assert_int_equal(t.capture.files, 1);
		restore(&t);
		assert_int_equal(access(in_target(f, "app.db-wal"), F_OK), -1);
		assert_int_equal(access(in_target(f, "app.db-shm"), F_OK), -1);
		expect_whole(&t, "app.db");
		end(&t);
	}
	neighbours(f, after, sizeof after);
	assert_string_equal(before, after);
	end_app(app);
}

static void
a_paused_writer_with_a_rollback_journal_is_taken_as_of_that_instant(void **state)
{
	struct fixture *f = *state;
	pid_t app = start_app(f, "delete", "app.db");
	for (int i = 0; i < 8; i++) {
		struct taking t;
		begin(&t, f, NULL, NULL);
		usleep(3000 * (useconds_t)i);
		pause_app(app);
		fence(&t);
		kill(app, SIGCONT);
		usleep(20000);
		drain(&t);
		assert_string_equal(said(&t, 0, "how"), "copy");
		assert_int_equal(t.run.problem_count, 0);
		expect_whole(&t, "app.db");
		end(&t);
	}
	end_app(app);
}

static void
a_writer_with_a_rollback_journal_that_is_not_paused_is_whole_all_the_same(void **state)
{
	struct fixture *f = *state;
	pid_t app = start_app(f, "delete", "app.db");
	for (int i = 0; i < 4; i++) {
		struct taking t;
		begin(&t, f, NULL, NULL);
		fence(&t);
		drain(&t);
		if (t.run.problem_count == 0)
			expect_whole(&t, "app.db");
		else
			assert_string_equal(said(&t, 0, "how"), "files");
		end(&t);
	}
	end_app(app);
}

static void
a_paused_transaction_that_holds_the_lock_is_not_in_the_copy(void **state)
{
	struct fixture *f = *state;
	struct taking t;
	pid_t app = start_app(f, "exclusive", "app.db");
	begin(&t, f, NULL, NULL);
	pause_app(app);
	fence(&t);
	drain(&t);
	assert_string_equal(said(&t, 0, "how"), "copy");
	expect_whole(&t, "app.db");
	assert_int_equal(access(in_target(f, "app.db-journal"), F_OK), -1);
	end(&t);
	end_app(app);
}

static void
what_a_dead_application_left_is_folded_in_and_left_alone(void **state)
{
	struct fixture *f = *state;
	struct taking t;
	char before[1000];
	char after[1000];
	end_app(start_app(f, "hot", "hot.db"));
	end_app(start_app(f, "wal-left", "left.db"));
	assert_int_equal(unlink(in_source(f, "left.db-shm")), 0);
	neighbours(f, before, sizeof before);
	assert_non_null(strstr(before, "hot.db-journal"));
	assert_non_null(strstr(before, "left.db-wal"));
	begin(&t, f, NULL, NULL);
	fence(&t);
	drain(&t);
	neighbours(f, after, sizeof after);
	assert_string_equal(before, after);
	assert_string_equal(said(&t, 0, "path"), "hot.db");
	assert_string_equal(said(&t, 0, "how"), "copy");
	assert_string_equal(said(&t, 1, "how"), "copy");
	assert_int_equal(t.run.problem_count, 0);
	expect_whole(&t, "hot.db");
	expect_whole(&t, "left.db");
	restore(&t);
	assert_int_equal(access(in_target(f, "hot.db-journal"), F_OK), -1);
	assert_int_equal(access(in_target(f, "left.db-wal"), F_OK), -1);
	end(&t);
}

static void
what_a_transaction_over_several_databases_left_is_kept_as_it_is(void **state)
{
	static const uint8_t magic[] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7 };
	struct fixture *f = *state;
	struct err err;
	struct taking t;
	end_app(start_app(f, "hot", "hot.db"));
	AUTO(fd) int fd = open(in_source(f, "hot.db-journal"), O_WRONLY | O_APPEND | O_CLOEXEC);
	ok(fd_write_all(fd, magic, sizeof magic, &err));
	begin(&t, f, NULL, NULL);
	fence(&t);
	drain(&t);
	assert_string_equal(said(&t, 0, "how"), "files");
	assert_int_equal(t.run.problem_count, 0);
	restore(&t);
	assert_int_equal(stat_of(in_target(f, "hot.db-journal")).st_size,
	    stat_of(in_source(f, "hot.db-journal")).st_size);
	end(&t);
}

static void
a_damaged_database_is_told_and_kept(void **state)
{
	struct fixture *f = *state;
	struct taking t;
	uint8_t junk[4096];
	end_app(start_app(f, "idle", "bad.db"));
	memset(junk, 0x5a, sizeof junk);
	AUTO(fd) int fd = open(in_source(f, "bad.db"), O_WRONLY | O_CLOEXEC);
	for (int page = 3; page < 8; page++)
		assert_int_equal(pwrite(fd, junk, sizeof junk, page * 4096), 4096);
	begin(&t, f, NULL, NULL);
	fence(&t);
	drain(&t);
	assert_string_equal(said(&t, 0, "check"), "damaged");
	assert_int_equal(t.run.problem_count, 1);
	assert_non_null(strstr(t.run.problems[0].path, "bad.db"));
	assert_non_null(strstr(t.run.problems[0].what, "SQLite database: damaged: "));
	restore(&t);
	assert_int_equal(
	    stat_of(in_target(f, "bad.db")).st_size, stat_of(in_source(f, "bad.db")).st_size);
	end(&t);
}

static void
what_only_looks_like_a_database_is_a_file(void **state)
{
	struct fixture *f = *state;
	struct taking t;
	char page[512] = "SQLite format 3";
	write_text(in_source(f, "empty.db"), "");
	write_file(in_source(f, "short.db"), page, 16);
	write_file(in_source(f, "odd.db"), page, sizeof page); /* a page size of 0 */
	write_text(in_source(f, "notes-wal"), "not a log");
	begin(&t, f, NULL, NULL);
	fence(&t);
	drain(&t);
	assert_int_equal(json_array_size(json_object_get(t.said, "sqlite")), 0);
	assert_true(json_is_array(json_object_get(t.said, "sqlite")));
	assert_int_equal(t.capture.files, 4);
	restore(&t);
	assert_int_equal(stat_of(in_target(f, "odd.db")).st_size, 512);
	assert_int_equal(stat_of(in_target(f, "notes-wal")).st_size, 9);
	end(&t);
}

static void
one_that_is_renamed_or_removed_between_the_passes_is_as_it_is_then(void **state)
{
	struct fixture *f = *state;
	struct taking t;
	assert_int_equal(mkdir(in_source(f, "d"), 0755), 0);
	end_app(start_app(f, "idle", "d/old.db"));
	end_app(start_app(f, "idle", "gone.db"));
	begin(&t, f, NULL, NULL);
	assert_int_equal(rename(in_source(f, "d/old.db"), in_source(f, "d/new.db")), 0);
	assert_int_equal(unlink(in_source(f, "gone.db")), 0);
	fence(&t);
	drain(&t);
	assert_int_equal(t.run.problem_count, 0);
	assert_int_equal(json_array_size(json_object_get(t.said, "sqlite")), 1);
	assert_string_equal(said(&t, 0, "path"), "d/new.db");
	expect_whole(&t, "d/new.db");
	assert_int_equal(access(in_target(f, "d/old.db"), F_OK), -1);
	assert_int_equal(access(in_target(f, "gone.db"), F_OK), -1);
	end(&t);
}

static void
metadata_is_that_of_the_original(void **state)
{
	struct fixture *f = *state;
	struct taking t;
	end_app(start_app(f, "wal-left", "app.db"));
	assert_int_equal(chmod(in_source(f, "app.db"), 0640), 0);
	struct stat want = stat_of(in_source(f, "app.db"));
	begin(&t, f, NULL, NULL);
	fence(&t);
	drain(&t);
	restore(&t);
	struct stat got = stat_of(in_target(f, "app.db"));
	assert_int_equal(got.st_mode, want.st_mode);
	assert_int_equal(got.st_uid, want.st_uid);
	assert_int_equal(got.st_mtim.tv_sec, want.st_mtim.tv_sec);
	assert_int_equal(got.st_mtim.tv_nsec, want.st_mtim.tv_nsec);
	end(&t);
}

static void
what_is_only_in_the_log_is_seen_by_the_next_backup(void **state)
{
	struct fixture *f = *state;
	struct taking first;
	struct taking second;
	pid_t app = start_app(f, "wal-idle", "app.db");
	write_text(in_source(f, "other"), "a file");
	usleep(50000); /* so that the times prove that nothing changed */
	begin(&first, f, NULL, NULL);
	fence(&first);
	drain(&first);
	struct stat before = stat_of(in_source(f, "app.db"));
	ask(in_source(f, "app.db"),
	    "UPDATE account SET n = n + (CASE id WHEN 1 THEN 7 ELSE -7 END) WHERE id < 3 AND "
	    "id > 0 "
	    "RETURNING 1",
	    NULL, 0);
	struct stat after = stat_of(in_source(f, "app.db"));
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	begin(&second, f, first.said, &first);
	fence(&second);
	drain(&second);
	assert_int_equal(second.capture.first.files_unchanged, 1);
	assert_string_equal(said(&second, 0, "how"), "live");
	expect_whole(&second, "app.db");
	assert_int_equal(
	    ask(in_target(f, "app.db"), "SELECT n FROM account WHERE id = 1", NULL, 0), 107);
	end(&second);
	end(&first);
	end_app(app);
}

static void
a_snapshot_that_knew_of_no_databases_is_no_parent(void **state)
{
	struct fixture *f = *state;
	struct taking first;
	struct taking second;
	AUTO(json) json_t *silent = json_object();
	end_app(start_app(f, "idle", "app.db"));
	usleep(50000);
	begin(&first, f, NULL, NULL);
	fence(&first);
	drain(&first);
	begin(&second, f, silent, &first);
	fence(&second);
	drain(&second);
	assert_string_equal(said(&second, 0, "path"), "app.db");
	expect_whole(&second, "app.db");
	end(&second);
	end(&first);
}

static void
what_a_dead_run_left_in_the_state_folder_goes(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct taking t;
	AUTO(str) char *left = NULL;
	ok(str_printf(&left, &err, "%s/state/sqlite-dead00", f->base));
	ok(fs_mkdirs(left, 0700, &err));
	end_app(start_app(f, "idle", "app.db"));
	begin(&t, f, NULL, NULL);
	fence(&t);
	assert_false(fs_exists(left));
	end(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(a_wal_database_that_is_written_to_is_taken_live_and_whole),
		tree_test(a_paused_writer_with_a_rollback_journal_is_taken_as_of_that_instant),
		tree_test(
		    a_writer_with_a_rollback_journal_that_is_not_paused_is_whole_all_the_same),
		tree_test(a_paused_transaction_that_holds_the_lock_is_not_in_the_copy),
		tree_test(what_a_dead_application_left_is_folded_in_and_left_alone),
		tree_test(what_a_transaction_over_several_databases_left_is_kept_as_it_is),
		tree_test(a_damaged_database_is_told_and_kept),
		tree_test(what_only_looks_like_a_database_is_a_file),
		tree_test(one_that_is_renamed_or_removed_between_the_passes_is_as_it_is_then),
		tree_test(metadata_is_that_of_the_original),
		tree_test(what_is_only_in_the_log_is_seen_by_the_next_backup),
		tree_test(a_snapshot_that_knew_of_no_databases_is_no_parent),
		tree_test(what_a_dead_run_left_in_the_state_folder_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
