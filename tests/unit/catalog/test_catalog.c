#include "catalog_fixture.h"

#include "catalog/account.h"
#include "catalog/run.h"
#include "catalog/schedule.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void
settings_stay(void **state)
{
	struct fixture *f = *state;
	struct err err;
	char *value;
	ok(catalog_get(f->c, "listen", &value, &err));
	assert_null(value);
	ok(catalog_put(f->c, "listen", "127.0.0.1:8080", &err));
	ok(catalog_put(f->c, "listen", "[::1]:9000", &err));
	reopen(f);
	ok(catalog_get(f->c, "listen", &value, &err));
	assert_string_equal(value, "[::1]:9000");
	free(value);
	ok(catalog_put(f->c, "listen", NULL, &err));
	ok(catalog_get(f->c, "listen", &value, &err));
	assert_null(value);
}

static void
nobody_else_reads_it_and_one_process_has_it(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct catalog *second;
	struct stat st;
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(catalog_open(&second, f->path, &err), ERR_LOCKED);
}

static void
a_later_version_and_a_damaged_file_are_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	sqlite3 *db;
	catalog_close(f->c);
	f->c = NULL;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(catalog_open(&f->c, f->path, &err), ERR_UNSUPPORTED);
	int fd = open(f->path, O_WRONLY);
	assert_true(fd >= 0);
	char junk[9000];
	memset(junk, 'x', sizeof junk);
	assert_int_equal(pwrite(fd, junk, sizeof junk, 100), sizeof junk);
	close(fd);
	assert_int_equal(catalog_open(&f->c, f->path, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.msg, "put it aside"));
	f->c = NULL;
}

/* --- runs --- */

static int64_t
add_run(struct fixture *f, const char *stack)
{
	struct err err;
	int64_t id;
	struct catalog_run r = { .kind = TEXT("backup"),
		.stack = TEXT(stack),
		.asked_by = TEXT("ana"),
		.argv = TEXT("[\"backup\",\"shop\"]"),
		.asked_ns = 1000 };
	ok(catalog_run_add(f->c, &r, &id, &err));
	return id;
}

static void
a_run_of_a_catalogue_that_was_lost_comes_back(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(catalog_run) struct catalog_run got = { 0 };
	const struct catalog_run r = { .id = 12,
		.kind = TEXT("verify"),
		.stack = TEXT(""),
		.asked_by = TEXT("schedule"),
		.schedule = 3,
		.argv = TEXT("[\"verify\"]"),
		.asked_ns = 1000 };
	const struct catalog_run_end end = {
		.state = RUN_COMPLETE, .now_ns = 2000, .exit_code = 0
	};
	ok(catalog_run_restore(f->c, &r, &err));
	ok(catalog_run_end(f->c, 12, &end, &err));
	assert_int_equal(catalog_run_restore(f->c, &r, &err), ERR_EXISTS);
	ok(catalog_run_get(f->c, 12, &got, &err));
	assert_int_equal(got.state, RUN_COMPLETE);
	assert_int_equal(got.schedule, 3);
	assert_int_equal(got.asked_ns, 1000);
	/* Numbers go on behind it. */
	assert_int_equal(add_run(f, "shop"), 13);
}

static enum err_code
add_within(struct fixture *f, const char *who, int64_t *id, struct err *err)
{
	const struct catalog_run_room room = { 2, 3 };
	const struct catalog_run r = { .kind = TEXT("diff"),
		.stack = TEXT(""),
		.asked_by = TEXT(who),
		.argv = TEXT("[\"diff\"]"),
		.asked_ns = 1000 };
	return catalog_run_add_within(f->c, &r, &room, id, err);
}

static void
runs_are_queued_while_there_is_room(void **state)
{
	struct fixture *f = *state;
	struct err err;
	int64_t first;
	int64_t id;
	const struct catalog_run_end end = {
		.state = RUN_FAILED, .now_ns = 2000, .exit_code = 1
	};
	add_run(f, "shop"); /* another kind */
	ok(add_within(f, "ana", &first, &err));
	ok(add_within(f, "ana", &id, &err));
	refused(
	    add_within(f, "ana", &id, &err), ERR_LOCKED, "2 that ana asked for have not ended");
	ok(add_within(f, "bob", &id, &err));
	refused(add_within(f, "bob", &id, &err), ERR_LOCKED, "3 have not ended");
	ok(catalog_run_end(f->c, first, &end, &err));
	ok(add_within(f, "ana", &id, &err));
}

static void
only_a_run_that_has_ended_is_removed(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(catalog_run) struct catalog_run got = { 0 };
	int64_t id = add_run(f, "shop");
	const struct catalog_run_end end = {
		.state = RUN_COMPLETE, .now_ns = 2000, .exit_code = 0
	};
	assert_int_equal(catalog_run_remove(f->c, id, &err), ERR_NOT_FOUND);
	ok(catalog_run_end(f->c, id, &end, &err));
	ok(catalog_run_remove(f->c, id, &err));
	assert_int_equal(catalog_run_get(f->c, id, &got, &err), ERR_NOT_FOUND);
	assert_int_equal(catalog_run_remove(f->c, id, &err), ERR_NOT_FOUND);
	assert_int_equal(add_run(f, "shop"), id + 1);
}

struct seen {
	int64_t ids[16];
	size_t count;
};

static enum err_code
note_run(void *arg, const struct catalog_run *r, struct err *err)
{
	(void)err;
	struct seen *s = arg;
	assert_true(s->count < 16);
	s->ids[s->count++] = r->id;
	return ERR_OK;
}

static void
a_run_goes_its_way_once(void **state)
{
	struct fixture *f = *state;
	struct err err;
	int64_t id = add_run(f, "shop");
	struct catalog_run_end end = { RUN_PARTIAL, 3000, 3, "12ab",
		"{\"outcome\":\"partial\"}" };
	ok(catalog_run_begin(f->c, id, 4711, 99, 2000, &err));
	assert_int_equal(catalog_run_begin(f->c, id, 4712, 99, 2000, &err), ERR_NOT_FOUND);
	reopen(f);
	AUTO(catalog_run) struct catalog_run r = { 0 };
	ok(catalog_run_get(f->c, id, &r, &err));
	assert_int_equal(r.state, RUN_RUNNING);
	assert_int_equal(r.pid, 4711);
	assert_int_equal(r.exit_code, -1);
	assert_null(r.snapshot);
	catalog_run_release(&r);
	ok(catalog_run_end(f->c, id, &end, &err));
	end.state = RUN_LOST;
	assert_int_equal(catalog_run_end(f->c, id, &end, &err), ERR_NOT_FOUND);
	ok(catalog_run_get(f->c, id, &r, &err));
	assert_int_equal(r.state, RUN_PARTIAL);
	assert_int_equal(r.exit_code, 3);
	assert_string_equal(r.snapshot, "12ab");
	assert_string_equal(r.asked_by, "ana");
	assert_int_equal(catalog_run_get(f->c, id + 1, &r, &err), ERR_NOT_FOUND);
}

static void
runs_are_listed_latest_first(void **state)
{
	struct fixture *f = *state;
	struct err err;
	int64_t a = add_run(f, "shop");
	int64_t b = add_run(f, "blog");
	int64_t c = add_run(f, "shop");
	struct catalog_run_end end = { RUN_FAILED, 3000, 1, NULL, NULL };
	ok(catalog_run_end(f->c, a, &end, &err));
	struct seen all = { .count = 0 };
	struct catalog_run_filter any = { .limit = 2 };
	ok(catalog_run_list(f->c, &any, note_run, &all, &err));
	assert_int_equal(all.count, 2);
	assert_int_equal(all.ids[0], c);
	assert_int_equal(all.ids[1], b);
	struct seen shop = { .count = 0 };
	struct catalog_run_filter of_shop = { .stack = TEXT("shop"), .before = c };
	ok(catalog_run_list(f->c, &of_shop, note_run, &shop, &err));
	assert_int_equal(shop.count, 1);
	assert_int_equal(shop.ids[0], a);
	struct seen open = { .count = 0 };
	struct catalog_run_filter unfinished = { .unfinished = true };
	ok(catalog_run_list(f->c, &unfinished, note_run, &open, &err));
	assert_int_equal(open.count, 2);
}

/* --- schedules --- */

#define NOON INT64_C(1795262400) /* 2026-11-21 12:00 UTC */
#define HOUR INT64_C(3600)

static int64_t
put_schedule(
    struct fixture *f, int64_t id, const char *cron, int64_t catch_up_s, bool is_enabled)
{
	struct err err;
	struct schedule s = { .id = id,
		.kind = TEXT("backup"),
		.stack = TEXT("shop"),
		.cron = TEXT(cron),
		.zone = TEXT("Europe/Berlin"),
		.options = TEXT("{}"),
		.is_enabled = is_enabled,
		.catch_up_s = catch_up_s };
	ok(schedule_put(f->c, &s, NOON, &id, &err));
	return id;
}

static enum err_code
argv_of(void *arg, const struct schedule *s, char **argv, struct err *err)
{
	(void)arg;
	*argv = strdup(s->stack);
	return *argv != NULL ? ERR_OK : err_nomem(err);
}

static unsigned
take_due(struct fixture *f, int64_t now_s)
{
	struct err err;
	unsigned n;
	ok(schedule_take_due(f->c, now_s, argv_of, NULL, &n, &err));
	return n;
}

static int64_t
next_at(struct fixture *f)
{
	struct err err;
	int64_t at;
	ok(schedule_next(f->c, &at, &err));
	return at;
}

static int64_t
last_run(struct fixture *f)
{
	struct err err;
	struct seen s = { .count = 0 };
	struct catalog_run_filter one = { .limit = 1 };
	ok(catalog_run_list(f->c, &one, note_run, &s, &err));
	return s.count > 0 ? s.ids[0] : 0;
}

static void
end_last(struct fixture *f)
{
	struct err err;
	struct catalog_run_end end = { RUN_COMPLETE, 1, 0, NULL, NULL };
	ok(catalog_run_end(f->c, last_run(f), &end, &err));
}

static void
what_is_due_is_queued_once(void **state)
{
	struct fixture *f = *state;
	/* 03:00 in Berlin is 02:00 UTC. */
	put_schedule(f, 0, "0 3 * * *", 0, true);
	assert_int_equal(next_at(f), NOON + 14 * HOUR);
	assert_int_equal(take_due(f, NOON + 14 * HOUR - 1), 0);
	assert_int_equal(take_due(f, NOON + 14 * HOUR), 1);
	assert_int_equal(take_due(f, NOON + 14 * HOUR), 0);
	assert_int_equal(next_at(f), NOON + 38 * HOUR);
	reopen(f);
	assert_int_equal(next_at(f), NOON + 38 * HOUR);
	/* The last one still runs: passed over. */
	assert_int_equal(take_due(f, NOON + 38 * HOUR), 0);
	end_last(f);
	assert_int_equal(take_due(f, NOON + 62 * HOUR), 1);
}

static void
after_downtime_one_run_makes_up_for_all(void **state)
{
	struct fixture *f = *state;
	int64_t id = put_schedule(f, 0, "0 * * * *", 24 * HOUR, true);
	/* Five hours were missed. */
	assert_int_equal(take_due(f, NOON + 6 * HOUR + 1800), 1);
	assert_int_equal(next_at(f), NOON + 7 * HOUR);
	end_last(f);
	/* Too late, and not at all wanted late. */
	put_schedule(f, id, "0 13 * * *", HOUR, true);
	assert_int_equal(take_due(f, NOON + 3 * HOUR), 0);
	assert_int_equal(next_at(f), NOON + 24 * HOUR);
	assert_int_equal(take_due(f, NOON + 24 * HOUR + 60), 1);
}

static void
a_schedule_that_is_off_does_nothing(void **state)
{
	struct fixture *f = *state;
	struct err err;
	int64_t id = put_schedule(f, 0, "* * * * *", 0, false);
	assert_true(next_at(f) == INT64_MAX);
	assert_int_equal(take_due(f, NOON + HOUR), 0);
	put_schedule(f, id, "* * * * *", 0, true);
	assert_int_equal(next_at(f), NOON + 60);
	ok(schedule_delete(f->c, id, &err));
	assert_int_equal(schedule_delete(f->c, id, &err), ERR_NOT_FOUND);
	assert_true(next_at(f) == INT64_MAX);
}

static void
nonsense_makes_no_schedule(void **state)
{
	struct fixture *f = *state;
	struct err err;
	int64_t id = 0;
	static const char *const bad[][3] = { { "backup", "0 25 * * *", "UTC" },
		{ "backup", "0 3 * * *", "Mars/Olympus" },
		{ "backup", "0 3 * * *", "../../etc/passwd" },
		{ "backup", "0 3 * * *", "/etc/passwd" }, { "backup", "0 3 * * *", "Europe" },
		{ "backup", "0 3 * * *", "tzdata.zi" }, { "backup", "0 3 * * *", "" } };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct schedule s = { .kind = TEXT(bad[i][0]),
			.stack = TEXT("shop"),
			.cron = TEXT(bad[i][1]),
			.zone = TEXT(bad[i][2]),
			.options = TEXT("{}"),
			.is_enabled = true };
		assert_int_equal(schedule_put(f->c, &s, NOON, &id, &err), ERR_USAGE);
	}
	struct schedule unknown = { .kind = TEXT("dance"),
		.stack = TEXT("shop"),
		.cron = TEXT("@daily"),
		.zone = TEXT("UTC"),
		.options = TEXT("{}") };
	assert_int_not_equal(schedule_put(f->c, &unknown, NOON, &id, &err), ERR_OK);
	assert_true(next_at(f) == INT64_MAX);
}

static enum err_code
refuse_blog(void *arg, const struct schedule *s, char **argv, struct err *err)
{
	if (strcmp(s->stack, "blog") == 0)
		return err_set(err, ERR_USAGE, "not this one");
	return argv_of(arg, s, argv, err);
}

/* A zone that has gone from the system, options of a later version. */
static void
one_that_cannot_be_done_does_not_keep_others_from_it(void **state)
{
	struct fixture *f = *state;
	struct err err;
	int64_t id;
	unsigned n;
	sqlite3 *db;
	struct schedule blog = { .kind = TEXT("backup"),
		.stack = TEXT("blog"),
		.cron = TEXT("* * * * *"),
		.zone = TEXT("UTC"),
		.options = TEXT("{}"),
		.is_enabled = true };
	ok(schedule_put(f->c, &blog, NOON, &id, &err));
	put_schedule(f, 0, "* * * * *", 0, true);
	catalog_close(f->c);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "UPDATE schedule SET zone = 'Mars/Olympus' WHERE stack = 'shop'",
		NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	ok(catalog_open(&f->c, f->path, &err));
	ok(schedule_take_due(f->c, NOON + 60, refuse_blog, NULL, &n, &err));
	assert_int_equal(n, 1); /* shop's, in spite of its zone */
	assert_int_equal(next_at(f), NOON + 120); /* blog's */
	ok(schedule_delete(f->c, id, &err));
	assert_int_equal(next_at(f), NOON + 60 + 86400);
}

/* A process that dies at any moment leaves either both, the run and the next moment, or
 * neither. */
static void
a_killed_process_loses_no_schedule(void **state)
{
	struct fixture *f = *state;
	put_schedule(f, 0, "* * * * *", 0, true);
	for (int round = 1; round <= 20; round++) {
		catalog_close(f->c);
		f->c = NULL;
		pid_t pid = fork();
		if (pid == 0) {
			struct err err;
			unsigned n;
			struct catalog *c;
			if (catalog_open(&c, f->path, &err))
				_exit(1);
			for (int i = 1; i < 1000; i++)
				(void)!schedule_take_due(
				    c, NOON + 60 * i, argv_of, NULL, &n, &err);
			_exit(0);
		}
		usleep((useconds_t)(round * 1500));
		kill(pid, 9);
		waitpid(pid, NULL, 0);
		reopen(f);
		int64_t id = last_run(f);
		int64_t at = next_at(f);
		assert_true(at >= NOON + 60);
		/* The first run never ends, so that there is one, as soon as its moment is
		 * past. */
		assert_int_equal(id, at > NOON + 60 ? 1 : 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(settings_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    nobody_else_reads_it_and_one_process_has_it, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_later_version_and_a_damaged_file_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_run_goes_its_way_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    runs_are_queued_while_there_is_room, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    only_a_run_that_has_ended_is_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_run_of_a_catalogue_that_was_lost_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    one_that_cannot_be_done_does_not_keep_others_from_it, setup, teardown),
		cmocka_unit_test_setup_teardown(runs_are_listed_latest_first, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_due_is_queued_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    after_downtime_one_run_makes_up_for_all, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_schedule_that_is_off_does_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense_makes_no_schedule, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_killed_process_loses_no_schedule, setup, teardown),
	};
	return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
