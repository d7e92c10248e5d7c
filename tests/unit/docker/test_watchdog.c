#include "docker/watchdog.h"

#include "docker/journal.h"
#include "fake_engine.h"
#include "sys/clock.h"
#include "sys/proc.h"

#include <poll.h>

static void
write_journal(struct fake *f, const char *path)
{
	static char stack[] = "shop";
	static char id[] = "a";
	struct journal_entry entry = {
		.service = id, .number = 1, .id = id, .name = id, .before = CONTAINER_RUNNING
	};
	struct journal j = {
		.stack = stack, .host = f->host, .entries = &entry, .n_entries = 1
	};
	struct err err = ERR_INIT;
	assert_int_equal(journal_write(&j, path, &err), ERR_OK);
}

/* Until the journal is gone; false after ten seconds. */
static bool
await_recovery(const char *path)
{
	int64_t deadline = clock_mono_ns() + 10 * NS_PER_S;
	while (fs_exists(path) && clock_mono_ns() < deadline)
		poll(NULL, 0, 5);
	return !fs_exists(path);
}

static void
dismissed_watchdog_touches_nothing(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	struct fake_container *a = fake_add(f, "a", "paused");
	char path[300];
	snprintf(path, sizeof path, "%s/journal", f->dir);
	write_journal(f, path);
	struct watchdog *w = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(watchdog_start(&w, path, &err), ERR_OK);
	watchdog_dismiss(w);
	assert_true(fake_is(f, a, "paused"));
	assert_true(fs_exists(path));
	fake_stop(f);
}

static void
watchdog_that_is_left_gives_back(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	struct fake_container *a = fake_add(f, "a", "paused");
	char path[300];
	snprintf(path, sizeof path, "%s/journal", f->dir);
	write_journal(f, path);
	struct watchdog *w = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(watchdog_start(&w, path, &err), ERR_OK);
	watchdog_hand_over(w);
	assert_true(await_recovery(path));
	assert_true(fake_is(f, a, "running"));
	fake_stop(f);
}

static void
watchdog_tries_again_when_the_engine_refuses(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	struct fake_container *a = fake_add(f, "a", "paused");
	fake_refuse(f, 0, 6); /* more than one recovery tries */
	char path[300];
	snprintf(path, sizeof path, "%s/journal", f->dir);
	write_journal(f, path);
	struct watchdog *w = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(watchdog_start(&w, path, &err), ERR_OK);
	watchdog_hand_over(w);
	assert_true(await_recovery(path));
	assert_true(fake_is(f, a, "running"));
	fake_stop(f);
}

/* The part of a run in the next test: says when its watchdog is there, and waits to be killed.
 */
static int
owner_main(const char *journal)
{
	struct watchdog *w = NULL;
	struct err err = ERR_INIT;
	if (watchdog_start(&w, journal, &err) != ERR_OK || write(1, "1", 1) != 1)
		return 1;
	pause();
	return 1;
}

static void
killed_run_is_followed_by_its_watchdog(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	struct fake_container *a = fake_add(f, "a", "paused");
	char path[300];
	snprintf(path, sizeof path, "%s/journal", f->dir);
	write_journal(f, path);
	int out[2];
	assert_int_equal(pipe(out), 0);
	const char *argv[] = { "/proc/self/exe", "owner", path, NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	opt.stdout_fd = out[1];
	struct proc *p = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(proc_start(&p, &opt, &err), ERR_OK);
	char ready = 0;
	assert_int_equal(read(out[0], &ready, 1), 1);
	assert_true(fake_is(f, a, "paused"));
	proc_free(p); /* SIGKILL to its whole process group */
	assert_true(await_recovery(path));
	assert_true(fake_is(f, a, "running"));
	close(out[0]);
	close(out[1]);
	fake_stop(f);
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "watchdog") == 0)
		return watchdog_main(argv[2], 0);
	if (argc == 3 && strcmp(argv[1], "owner") == 0)
		return owner_main(argv[2]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dismissed_watchdog_touches_nothing),
		cmocka_unit_test(watchdog_that_is_left_gives_back),
		cmocka_unit_test(watchdog_tries_again_when_the_engine_refuses),
		cmocka_unit_test(killed_run_is_followed_by_its_watchdog),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
