#include "testing.h"

#include "base/buf.h"
#include "sys/clock.h"
#include "sys/host_runner.h"
#include "sys/thread.h"

#include <signal.h>
#include <stdlib.h>

struct place {
	struct runner *runner;
	struct cancel cancel;
};

static int
set_up(void **state)
{
	static struct place p;
	struct err err;
	ok(cancel_init(&p.cancel, &err));
	ok(host_runner_open(&p.runner, NULL, &p.cancel, &err));
	*state = &p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;
	runner_close(p->runner);
	cancel_release(&p->cancel);
	return 0;
}

static enum err_code
start_shell(
    struct place *p, const char *script, bool has_stdin, struct run **out, struct err *err)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	const char *env[] = { "SECRET=s3", NULL };
	struct run_spec spec = { .argv = argv, .env = env, .has_stdin = has_stdin };
	return runner_start(p->runner, &spec, out, err);
}

/* All that a run writes. */
static void
read_all(struct run *run, struct buf *out)
{
	struct err err;
	uint8_t chunk[65536];
	size_t got;
	do {
		ok(run_read(run, chunk, sizeof chunk, &got, &err));
		ok(buf_add(out, chunk, got, &err));
	} while (got > 0);
}

static void
output_errors_and_status_come_back(void **state)
{
	struct err err;
	AUTO(run) struct run *run = NULL;
	AUTO(bufv) struct buf out = BUF_INIT;
	int status = 0;
	ok(start_shell(*state, "echo $SECRET; echo oops >&2; exit 3", false, &run, &err));
	read_all(run, &out);
	assert_string_equal(buf_cstr(&out), "s3\n");
	ok(run_wait(run, 5000, &status, &err));
	assert_int_equal(status, 3);
	assert_string_equal(run_errors(run), "oops\n");
}

static void
tool_has_none_of_the_environment_that_could_mislead_it(void **state)
{
	struct err err;
	AUTO(run) struct run *run = NULL;
	AUTO(bufv) struct buf out = BUF_INIT;
	setenv("PGHOST", "elsewhere", 1);
	ok(start_shell(*state, "echo $PGHOST-$LC_ALL", false, &run, &err));
	read_all(run, &out);
	assert_string_equal(buf_cstr(&out), "-C.UTF-8\n");
}

static void
missing_tool_is_not_found(void **state)
{
	struct place *p = *state;
	struct err err;
	struct run *run = NULL;
	const char *argv[] = { "no-such-tool", NULL };
	struct run_spec spec = { .argv = argv };
	refused_like(
	    runner_start(p->runner, &spec, &run, &err), ERR_NOT_FOUND, "run no-such-tool: ");
	spec.user = "postgres";
	refused_like(runner_start(p->runner, &spec, &run, &err), ERR_UNSUPPORTED, "run ");
}

/* More than both pipes hold, by one thread. */
static void
input_may_be_written_whole_before_output_is_read(void **state)
{
	struct err err;
	AUTO(run) struct run *run = NULL;
	AUTO(bufv) struct buf in = BUF_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	int status = -1;
	for (unsigned i = 0; i < 400000; i++)
		ok(buf_printf(&in, &err, "%06u\n", i));
	ok(start_shell(*state, "cat", true, &run, &err));
	ok(run_write(run, in.data, in.len, &err));
	ok(run_close_stdin(run, &err));
	read_all(run, &out);
	ok(run_wait(run, 5000, &status, &err));
	assert_int_equal(status, 0);
	assert_int_equal(out.len, in.len);
	assert_memory_equal(out.data, in.data, in.len);
}

struct feeder {
	struct run *run;
	struct buf in;
	struct err err;
};

static void *
feed(void *arg)
{
	struct feeder *f = arg;
	if (run_write(f->run, f->in.data, f->in.len, &f->err) == ERR_OK &&
	    run_close_stdin(f->run, &f->err) == ERR_OK)
		f->err.code = ERR_OK;
	return NULL;
}

static void
one_thread_may_write_while_another_reads(void **state)
{
	struct err err;
	struct feeder f = { NULL, BUF_INIT, ERR_INIT };
	AUTO(bufv) struct buf out = BUF_INIT;
	pthread_t thread;
	for (unsigned i = 0; i < 2000000; i++)
		ok(buf_printf(&f.in, &err, "%06u\n", i % 1000000));
	ok(start_shell(*state, "cat", true, &f.run, &err));
	ok(thread_start(&thread, feed, &f, "feed", &err));
	read_all(f.run, &out);
	pthread_join(thread, NULL);
	assert_int_equal(f.err.code, ERR_OK);
	assert_int_equal(out.len, f.in.len);
	assert_memory_equal(out.data, f.in.data, out.len);
	run_free(f.run);
	buf_release(&f.in);
}

static void
patience_and_cancel_end_a_read(void **state)
{
	struct place *p = *state;
	struct err err;
	AUTO(run) struct run *run = NULL;
	char byte;
	size_t got;
	ok(start_shell(p, "exec sleep 60", false, &run, &err));
	run_set_patience(run, 50);
	refused(run_read(run, &byte, 1, &got, &err), ERR_TRANSIENT,
	    "the tool has written nothing for 50 ms");
	run_set_patience(run, -1);
	cancel_raise(&p->cancel);
	assert_int_equal(run_read(run, &byte, 1, &got, &err), ERR_CANCELLED);
	cancel_lower(&p->cancel);
}

static void
wait_ends_a_tool_that_does_not_end(void **state)
{
	struct err err;
	AUTO(run) struct run *run = NULL;
	int status;
	int64_t begun = clock_mono_ns();
	ok(start_shell(*state, "while :; do echo y; sleep 0.01; done", false, &run, &err));
	assert_int_equal(run_wait(run, 200, &status, &err), ERR_CANCELLED);
	run_free(TAKE(run));
	assert_true(clock_mono_ns() - begun < 5 * NS_PER_S);
}

/* A process that left the tool's group keeps both pipes open. */
static void
what_a_tool_leaves_behind_is_not_waited_for(void **state)
{
	struct err err;
	AUTO(run) struct run *run = NULL;
	AUTO(bufv) struct buf out = BUF_INIT;
	int status = -1;
	int64_t begun = clock_mono_ns();
	ok(start_shell(
	    *state, "setsid sleep 6 >/dev/null & echo done; echo why >&2", false, &run, &err));
	read_all(run, &out);
	ok(run_wait(run, 3000, &status, &err));
	assert_int_equal(status, 0);
	assert_string_equal(run_errors(run), "why\n");
	assert_true(clock_mono_ns() - begun < 3 * NS_PER_S);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_errors_and_status_come_back),
		cmocka_unit_test(tool_has_none_of_the_environment_that_could_mislead_it),
		cmocka_unit_test(missing_tool_is_not_found),
		cmocka_unit_test(input_may_be_written_whole_before_output_is_read),
		cmocka_unit_test(one_thread_may_write_while_another_reads),
		cmocka_unit_test(patience_and_cancel_end_a_read),
		cmocka_unit_test(wait_ends_a_tool_that_does_not_end),
		cmocka_unit_test(what_a_tool_leaves_behind_is_not_waited_for),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
