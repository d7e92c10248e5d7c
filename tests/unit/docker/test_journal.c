#include "docker/journal.h"

#include "fake_engine.h"

/* "a" ran and "b" was stopped before; both are the fake's. */
static struct journal_entry entries[2];
static char texts[2][8] = { "a", "b" };

static struct journal
sample(struct fake *f)
{
	static char stack[] = "shop";
	for (size_t i = 0; i < 2; i++)
		entries[i] = (struct journal_entry){
			.service = texts[i],
			.number = (int64_t)i + 1,
			.id = texts[i],
			.name = texts[i],
			.before = i == 0 ? CONTAINER_RUNNING : CONTAINER_STOPPED,
			.how = QUIESCE_STOP,
			.grace_s = (int)i,
			.depth = (unsigned)i,
		};
	return (struct journal){ .stack = stack,
		.host = f->host,
		.begun_ns = 12345,
		.asked_from = JOURNAL_NOTHING_ASKED,
		.entries = entries,
		.n_entries = 2 };
}

/* Write it as a run that is dead by now would have. */
static void
write_dead(struct fake *f, const char *path)
{
	struct journal j = sample(f);
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	AUTO(json) json_t *doc = NULL;
	assert_int_equal(journal_write(&j, path, &err), ERR_OK);
	assert_int_equal(fs_read_file(path, 65536, &b, &err), ERR_OK);
	assert_int_equal(json_parse(&doc, b.data, b.len, "journal", &err), ERR_OK);
	json_object_set_new(json_object_get(doc, "owner"), "start", json_integer(1));
	char *text = json_dumps(doc, 0);
	assert_int_equal(fs_write_file(path, 0600, text, strlen(text), &err), ERR_OK);
	free(text);
}

static void
journal_is_read_as_it_was_written(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	char path[300];
	snprintf(path, sizeof path, "%s/journal", f->dir);
	struct journal j = sample(f);
	AUTO(journal) struct journal *got = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(journal_write(&j, path, &err), ERR_OK);
	assert_int_equal(journal_read(&got, path, &err), ERR_OK);
	assert_string_equal(got->stack, "shop");
	assert_string_equal(got->host, f->host);
	assert_true(got->asked_from == JOURNAL_NOTHING_ASKED);
	assert_null(got->project.dir);
	assert_int_equal(got->begun_ns, 12345);
	assert_int_equal(got->n_entries, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(got->entries[i].service, texts[i]);
		assert_string_equal(got->entries[i].id, texts[i]);
		assert_string_equal(got->entries[i].name, texts[i]);
		assert_int_equal(got->entries[i].before, entries[i].before);
		assert_int_equal(got->entries[i].depth, i);
		assert_int_equal(got->entries[i].how, QUIESCE_STOP);
		assert_int_equal(got->entries[i].number, i + 1);
		assert_int_equal(got->entries[i].grace_s, i);
	}
	assert_int_equal(journal_remove(path, &err), ERR_OK);
	assert_false(fs_exists(path));
	assert_int_equal(journal_remove(path, &err), ERR_OK);
	fake_stop(f);
}

static void
journal_of_a_live_run_is_locked(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	struct fake_container *a = fake_add(f, "a", "paused");
	char path[300];
	snprintf(path, sizeof path, "%s/journal", f->dir);
	struct journal j = sample(f);
	struct err err = ERR_INIT;
	bool has_owner = false;
	AUTO(strv) struct strv thawed = STRV_INIT;
	AUTO(strv) struct strv failed = STRV_INIT;
	assert_int_equal(journal_write(&j, path, &err), ERR_OK);
	assert_int_equal(journal_has_owner(path, &has_owner, &err), ERR_OK);
	assert_true(has_owner);
	assert_int_equal(journal_recover(path, &thawed, &failed, &err), ERR_LOCKED);
	char said[400];
	snprintf(said, sizeof said,
	    "journal %s belongs to a run that is alive: let it end, or stop it", path);
	assert_string_equal(err.msg, said);
	assert_true(fake_is(f, a, "paused"));
	assert_true(fs_exists(path));
	fake_stop(f);
}

static void
recover_brings_back_what_ran(void **state)
{
	(void)state;
	static const char *const now[] = { "paused", "exited", "created" };
	for (size_t i = 0; i < ARRAY_LEN(now); i++) {
		struct fake *f = fake_start();
		struct fake_container *a = fake_add(f, "a", now[i]);
		struct fake_container *b = fake_add(f, "b", "exited");
		char path[300];
		snprintf(path, sizeof path, "%s/journal", f->dir);
		write_dead(f, path);
		struct err err = ERR_INIT;
		bool has_owner = true;
		AUTO(strv) struct strv thawed = STRV_INIT;
		AUTO(strv) struct strv failed = STRV_INIT;
		assert_int_equal(journal_has_owner(path, &has_owner, &err), ERR_OK);
		assert_false(has_owner);
		assert_int_equal(journal_recover(path, &thawed, &failed, &err), ERR_OK);
		assert_true(fake_is(f, a, "running"));
		assert_true(fake_is(f, b, "exited"));
		assert_int_equal(thawed.len, 1);
		assert_string_equal(thawed.items[0], "a");
		assert_false(fs_exists(path));
		fake_stop(f);
	}
}

static void
recover_of_what_runs_already_only_removes_the_journal(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_add(f, "a", "running");
	char path[300];
	snprintf(path, sizeof path, "%s/journal", f->dir);
	write_dead(f, path);
	struct err err = ERR_INIT;
	AUTO(strv) struct strv thawed = STRV_INIT;
	AUTO(strv) struct strv failed = STRV_INIT;
	assert_int_equal(journal_recover(path, &thawed, &failed, &err), ERR_OK);
	assert_int_equal(thawed.len, 0);
	assert_int_equal(fake_count(f, "POST /v1.41/containers/a/start"), 0);
	assert_false(fs_exists(path));
	fake_stop(f);
}

static void
recover_passes_over_removed_containers(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	char path[300];
	snprintf(path, sizeof path, "%s/journal", f->dir);
	write_dead(f, path);
	struct err err = ERR_INIT;
	AUTO(strv) struct strv thawed = STRV_INIT;
	AUTO(strv) struct strv failed = STRV_INIT;
	assert_int_equal(journal_recover(path, &thawed, &failed, &err), ERR_OK);
	assert_int_equal(thawed.len, 0);
	assert_false(fs_exists(path));
	fake_stop(f);
}

static void
recover_that_fails_keeps_the_journal(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_add(f, "a", "exited");
	fake_refuse(f, 0, -1);
	char path[300];
	snprintf(path, sizeof path, "%s/journal", f->dir);
	write_dead(f, path);
	struct err err = ERR_INIT;
	AUTO(strv) struct strv thawed = STRV_INIT;
	AUTO(strv) struct strv failed = STRV_INIT;
	assert_int_equal(journal_recover(path, &thawed, &failed, &err), ERR_IO);
	char said[400];
	snprintf(said, sizeof said,
	    "stack shop: these services do not run again: a; to mend it: docker -H %s start a "
	    "(start container a: cannot start it)",
	    f->host);
	assert_string_equal(err.msg, said);
	assert_true(fs_exists(path));
	fake_stop(f);
}

static void
missing_journal_is_not_found(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(strv) struct strv thawed = STRV_INIT;
	AUTO(strv) struct strv failed = STRV_INIT;
	assert_int_equal(
	    journal_recover("/nonexistent/journal", &thawed, &failed, &err), ERR_NOT_FOUND);
	assert_string_equal(
	    err.msg, "read journal: open /nonexistent/journal: No such file or directory");
}

static void
bad_journals_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum err_code code;
		const char *said; /* behind "journal PATH"; NULL: not compared */
	} cases[] = {
		{ "", ERR_CORRUPT, NULL },
		{ "[]", ERR_UNSUPPORTED, " is of another version of StackSnap" },
		{ "{\"version\":3}", ERR_UNSUPPORTED, " is of another version of StackSnap" },
		{ "{\"version\":2}", ERR_CORRUPT, " has no 'stack'" },
		{ "{\"version\":2,\"stack\":\"s\",\"host\":\"h\",\"containers\":[{}]}",
		    ERR_CORRUPT, " has no 'service'" },
	};
	struct fake *f = fake_start();
	char path[300];
	snprintf(path, sizeof path, "%s/journal", f->dir);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct journal *j = NULL;
		assert_int_equal(
		    fs_write_file(path, 0600, cases[i].text, strlen(cases[i].text), &err),
		    ERR_OK);
		assert_int_equal(journal_read(&j, path, &err), cases[i].code);
		assert_null(j);
		char said[400];
		snprintf(said, sizeof said, "journal %s%s", path,
		    cases[i].said != NULL ? cases[i].said : "");
		if (cases[i].said != NULL)
			assert_string_equal(err.msg, said);
	}
	fake_stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(journal_is_read_as_it_was_written),
		cmocka_unit_test(journal_of_a_live_run_is_locked),
		cmocka_unit_test(recover_brings_back_what_ran),
		cmocka_unit_test(recover_of_what_runs_already_only_removes_the_journal),
		cmocka_unit_test(recover_passes_over_removed_containers),
		cmocka_unit_test(recover_that_fails_keeps_the_journal),
		cmocka_unit_test(missing_journal_is_not_found),
		cmocka_unit_test(bad_journals_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
