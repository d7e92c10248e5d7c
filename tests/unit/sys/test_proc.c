#include "testing.h"

#include "base/strv.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/proc.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>

struct captured {
	struct buf out;
	struct buf errors;
	int status;
};

static void
captured_auto(struct captured *c)
{
	buf_release(&c->out);
	buf_release(&c->errors);
}

#define CAPTURED_INIT                  \
	{                              \
		BUF_INIT, BUF_INIT, -1 \
	}

static enum err_code
run_shell(const char *script, const struct buf *input, int timeout_ms, const struct cancel *c,
    struct captured *to, struct err *err)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	return proc_run(&opt, input, timeout_ms, c, &to->out, &to->errors, &to->status, err);
}

static void
output_errors_and_status_are_captured(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	ok(run_shell("echo out; echo wrong >&2; exit 7", NULL, 30000, NULL, &c, &err));
	assert_string_equal(buf_cstr(&c.out), "out\n");
	assert_string_equal(buf_cstr(&c.errors), "wrong\n");
	assert_int_equal(c.status, 7);
}

static void
a_child_has_a_group_of_its_own_unless_it_is_to_read_the_terminal(void **state)
{
	(void)state;
	struct err err;
	for (int ours = 0; ours < 2; ours++) {
		AUTO(captured) struct captured c = CAPTURED_INIT;
		struct proc_options opt = PROC_OPTIONS_INIT;
		opt.in_our_group = ours == 1;
		const char *const shell[] = { "sh", "-c",
			"read -r _ _ _ _ group _ </proc/self/stat; echo $group", NULL };
		opt.argv = shell;
		ok(proc_run(&opt, NULL, 30000, NULL, &c.out, &c.errors, &c.status, &err));
		assert_int_equal(
		    strtol(buf_cstr(&c.out), NULL, 10) == (long)getpgrp(), ours == 1);
	}
}

static void
a_signal_counts_128_more(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	ok(run_shell("kill -TERM $$", NULL, 30000, NULL, &c, &err));
	assert_int_equal(c.status, 128 + SIGTERM);
}

static void
input_is_fed_while_output_is_read(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	AUTO(bufv) struct buf input = BUF_INIT;
	/* More than the pipes hold: feeding first and reading then would never end. */
	for (int i = 0; i < 100000; i++)
		ok(buf_printf(&input, &err, "%07d\n", i));
	ok(run_shell("cat", &input, 30000, NULL, &c, &err));
	assert_int_equal(c.status, 0);
	assert_int_equal(c.out.len, input.len);
	assert_memory_equal(c.out.data, input.data, input.len);
}

static void
a_child_that_does_not_read_its_input_is_no_error(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	AUTO(bufv) struct buf input = BUF_INIT;
	ok(buf_reserve(&input, 1 << 20, &err));
	memset(input.data, 'x', 1 << 20);
	input.len = 1 << 20;
	signal(SIGPIPE, SIG_IGN);
	ok(run_shell("exit 3", &input, 30000, NULL, &c, &err));
	assert_int_equal(c.status, 3);
}

static void
without_input_there_is_an_empty_one(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	ok(run_shell("cat; echo end", NULL, 30000, NULL, &c, &err));
	assert_string_equal(buf_cstr(&c.out), "end\n");
}

static void
output_is_cut_at_one_mebibyte_and_the_child_still_ends(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	ok(run_shell("head -c 3000000 /dev/zero", NULL, 30000, NULL, &c, &err));
	assert_int_equal(c.status, 0);
	assert_int_equal(c.out.len, 1 << 20);
}

static void
a_program_that_is_not_there_is_not_found(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	const char *const argv[] = { "/no/such/program", NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	refused(proc_run(&opt, NULL, 30000, NULL, &c.out, &c.errors, &c.status, &err),
	    ERR_NOT_FOUND, "/no/such/program: run /no/such/program: No such file or directory");
}

static void
the_environment_is_ours_with_additions(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	setenv("STACKSNAP_TEST_KEPT", "kept", 1);
	setenv("STACKSNAP_TEST", "old", 1);
	setenv("STACKSNAP_TEST_LONGER", "longer", 1);
	const char *const argv[] = { "sh", "-c",
		"echo $STACKSNAP_TEST $STACKSNAP_TEST_KEPT $STACKSNAP_TEST_LONGER; "
		"env | grep -c ^STACKSNAP_TEST=",
		NULL };
	const char *const env[] = { "STACKSNAP_TEST=new", NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	opt.env = env;
	ok(proc_run(&opt, NULL, 30000, NULL, &c.out, &c.errors, &c.status, &err));
	assert_string_equal(buf_cstr(&c.out), "new kept longer\n1\n");
}

static void
arguments_are_no_shell_words(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	const char *const argv[] = { "printf", "%s|", "a b", "$(id)", ";ls", "*", "", NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	ok(proc_run(&opt, NULL, 30000, NULL, &c.out, &c.errors, &c.status, &err));
	assert_string_equal(buf_cstr(&c.out), "a b|$(id)|;ls|*||");
}

static void
a_child_gets_three_descriptors_and_its_folder(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	int leak[2];
	assert_int_equal(pipe(leak), 0); /* without close-on-exec */
	/* Each is asked for by its number: listing the folder, or a pipe, takes descriptors
	 * itself. */
	const char *const argv[] = { "sh", "-c",
		"pwd; n=0; while [ $n -lt 100 ]; do "
		"[ -L /proc/$$/fd/$n ] && printf '%s ' $n; n=$((n + 1)); done",
		NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	opt.cwd = "/";
	ok(proc_run(&opt, NULL, 30000, NULL, &c.out, &c.errors, &c.status, &err));
	assert_string_equal(buf_cstr(&c.out), "/\n0 1 2 ");
	close(leak[0]);
	close(leak[1]);
}

/* Is there a process of that number that is not just waiting to be buried? */
static bool
is_alive(int pid)
{
	char path[40];
	char line[300];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *f = fopen(path, "r");
	if (f == NULL)
		return false;
	bool alive = fgets(line, sizeof line, f) != NULL && strstr(line, ") Z ") == NULL;
	fclose(f);
	return alive;
}

/* SIGKILL takes effect in its own time. */
static bool
dies_soon(int pid)
{
	int64_t deadline = clock_mono_ns() + 10 * NS_PER_S;
	while (is_alive(pid) && clock_mono_ns() < deadline)
		sched_yield();
	return !is_alive(pid);
}

static void
a_timeout_kills_the_whole_group(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	/* The grandchild keeps the pipes open: only the death of the group ends this soon. */
	int64_t began = clock_mono_ns();
	refused(run_shell("sleep 300 & echo $!; wait", NULL, 300, NULL, &c, &err),
	    ERR_CANCELLED, "sh: timed out");
	assert_true(clock_mono_ns() - began < 60 * NS_PER_S);
	int grandchild = (int)strtol(buf_cstr(&c.out), NULL, 10);
	assert_true(grandchild > 1);
	assert_true(dies_soon(grandchild));
}

static void
a_group_that_ignores_sigterm_is_killed_by_a_timeout(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	refused(run_shell("trap '' TERM INT HUP; (sleep 300 & echo $!; wait) & wait", NULL, 300,
		    NULL, &c, &err),
	    ERR_CANCELLED, "sh: timed out");
	assert_true(dies_soon((int)strtol(buf_cstr(&c.out), NULL, 10)));
}

static void
a_daemon_that_holds_the_pipes_does_not_keep_us(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	int64_t began = clock_mono_ns();
	ok(run_shell("setsid sleep 60 & echo $!; echo said", NULL, -1, NULL, &c, &err));
	assert_true(clock_mono_ns() - began < 30 * NS_PER_S);
	assert_int_equal(c.status, 0);
	char *rest;
	int daemon = (int)strtol(buf_cstr(&c.out), &rest, 10);
	assert_string_equal(rest, "\nsaid\n");
	assert_true(is_alive(daemon)); /* what ends well may leave something behind */
	kill(daemon, SIGKILL);
}

static void
only_the_variables_that_are_kept_are_handed_on(void **state)
{
	(void)state;
	struct err err;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	setenv("STACKSNAP_TEST_A1", "1", 1);
	setenv("STACKSNAP_TEST_B", "2", 1);
	setenv("STACKSNAP_TEST_BB", "3", 1);
	const char *const argv[] = { "env", NULL };
	const char *const keep[] = { "PATH", "STACKSNAP_TEST_A*", "STACKSNAP_TEST_B", NULL };
	const char *const env[] = { "ADDED=4", NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	opt.keep_env = keep;
	opt.env = env;
	ok(proc_run(&opt, NULL, 30000, NULL, &c.out, &c.errors, &c.status, &err));
	const char *got = buf_cstr(&c.out);
	assert_non_null(strstr(got, "PATH="));
	assert_non_null(strstr(got, "STACKSNAP_TEST_A1=1\n"));
	assert_non_null(strstr(got, "STACKSNAP_TEST_B=2\n"));
	assert_non_null(strstr(got, "ADDED=4\n"));
	assert_null(strstr(got, "STACKSNAP_TEST_BB"));
	assert_null(strstr(got, "HOME="));
}

static void
waiting_times_out_and_kills(void **state)
{
	(void)state;
	struct err err;
	const char *const argv[] = { "sleep", "300", NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	int status = -1;
	AUTO(proc) struct proc *p = NULL;
	ok(proc_start(&p, &opt, &err));
	refused(proc_wait(p, 50, NULL, &status, &err), ERR_CANCELLED, "timed out after 50 ms");
	ok(proc_wait(p, 0, NULL, &status, &err));
	assert_int_equal(status, 128 + SIGKILL);
}

static void
a_raised_cancel_ends_a_run(void **state)
{
	(void)state;
	struct err err;
	struct cancel stop;
	AUTO(captured) struct captured c = CAPTURED_INIT;
	ok(cancel_init(&stop, &err));
	cancel_raise(&stop);
	refused(run_shell("sleep 300", NULL, -1, &stop, &c, &err), ERR_CANCELLED,
	    "sh: stopped on request");
	cancel_release(&stop);
}

static void
freeing_a_process_that_runs_ends_it(void **state)
{
	(void)state;
	struct err err;
	AUTO(str) char *dir = NULL;
	AUTO(str) char *file = NULL;
	AUTO(str) char *script = NULL;
	ok(fs_make_temp_dir(&dir, "stacksnap-proc", &err));
	ok(str_printf(&file, &err, "%s/pid", dir));
	ok(str_printf(&script, &err, "echo $$ > %s.tmp && mv %s.tmp %s && exec sleep 300", file,
	    file, file));
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	struct proc *p;
	ok(proc_start(&p, &opt, &err));
	while (!fs_exists(file))
		sched_yield();
	AUTO(bufv) struct buf text = BUF_INIT;
	ok(fs_read_file(file, 100, &text, &err));
	int pid = (int)strtol(buf_cstr(&text), NULL, 10);
	assert_true(is_alive(pid));
	proc_free(p);
	assert_true(dies_soon(pid));
	proc_free(NULL);
	ok(fs_remove_tree(dir, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_errors_and_status_are_captured),
		cmocka_unit_test(
		    a_child_has_a_group_of_its_own_unless_it_is_to_read_the_terminal),
		cmocka_unit_test(a_signal_counts_128_more),
		cmocka_unit_test(input_is_fed_while_output_is_read),
		cmocka_unit_test(a_child_that_does_not_read_its_input_is_no_error),
		cmocka_unit_test(without_input_there_is_an_empty_one),
		cmocka_unit_test(output_is_cut_at_one_mebibyte_and_the_child_still_ends),
		cmocka_unit_test(a_program_that_is_not_there_is_not_found),
		cmocka_unit_test(the_environment_is_ours_with_additions),
		cmocka_unit_test(arguments_are_no_shell_words),
		cmocka_unit_test(a_child_gets_three_descriptors_and_its_folder),
		cmocka_unit_test(a_timeout_kills_the_whole_group),
		cmocka_unit_test(a_group_that_ignores_sigterm_is_killed_by_a_timeout),
		cmocka_unit_test(a_daemon_that_holds_the_pipes_does_not_keep_us),
		cmocka_unit_test(only_the_variables_that_are_kept_are_handed_on),
		cmocka_unit_test(waiting_times_out_and_kills),
		cmocka_unit_test(a_raised_cancel_ends_a_run),
		cmocka_unit_test(freeing_a_process_that_runs_ends_it),
	};
	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
