#include "docker/exec.h"

#include "fake_engine.h"

/* A fake with one container, its client, and the runner for it. */
struct place {
	struct fake *f;
	struct docker *d;
	struct runner *r;
	struct cancel cancel;
};

static struct place *
open_place(void (*tool)(struct fake *f, int fd))
{
	struct place *p = calloc(1, sizeof *p);
	struct err err = ERR_INIT;
	p->f = fake_start();
	pthread_mutex_lock(&p->f->lock);
	p->f->tool = tool;
	pthread_mutex_unlock(&p->f->lock);
	fake_add(p->f, "c0ffee", "running");
	assert_int_equal(cancel_init(&p->cancel, &err), ERR_OK);
	p->d = fake_client(p->f, &p->cancel);
	assert_int_equal(docker_runner_open(&p->r, p->d, "c0ffee", &err), ERR_OK);
	return p;
}

static void
close_place(struct place *p)
{
	runner_close(p->r);
	docker_close(p->d);
	fake_stop(p->f);
	cancel_release(&p->cancel);
	free(p);
}

static struct run *
start(struct place *p, bool has_stdin)
{
	static const char *const argv[] = { "tool", "arg", NULL };
	struct run_spec spec = RUN_SPEC_INIT;
	struct run *run = NULL;
	struct err err = ERR_INIT;
	spec.argv = argv;
	spec.has_stdin = has_stdin;
	assert_int_equal(runner_start(p->r, &spec, &run, &err), ERR_OK);
	return run;
}

/* All output, in reads of at most step bytes. */
static enum err_code
read_all(struct run *run, size_t step, struct buf *out, struct err *err)
{
	uint8_t piece[4096];
	for (;;) {
		size_t got;
		if (run_read(run, piece, min_size(step, sizeof piece), &got, err))
			return err->code;
		if (got == 0)
			return ERR_OK;
		assert_int_equal(buf_add(out, piece, got, err), ERR_OK);
	}
}

static void
set_exit(struct fake *f, int code)
{
	pthread_mutex_lock(&f->lock);
	f->exec_exit = code;
	pthread_mutex_unlock(&f->lock);
}

static void
talking_tool(struct fake *f, int fd)
{
	fake_frame(fd, 1, "first ", 6);
	fake_frame(fd, 2, "warning\n", 8);
	fake_frame(fd, 1, "second", 6);
	set_exit(f, 3);
}

static void
output_errors_and_exit_code_are_told_apart(void **state)
{
	(void)state;
	for (size_t step = 1; step < 20; step++) {
		struct place *p = open_place(talking_tool);
		AUTO(run) struct run *run = start(p, false);
		AUTO(bufv) struct buf out = BUF_INIT;
		struct err err = ERR_INIT;
		int status = 0;
		assert_int_equal(read_all(run, step, &out, &err), ERR_OK);
		assert_string_equal(buf_cstr(&out), "first second");
		assert_int_equal(run_wait(run, 1000, &status, &err), ERR_OK);
		assert_int_equal(status, 3);
		assert_string_equal(run_errors(run), "warning\n");
		run_free(TAKE(run));
		close_place(p);
	}
}

static void
wait_throws_unread_output_away(void **state)
{
	(void)state;
	struct place *p = open_place(talking_tool);
	AUTO(run) struct run *run = start(p, false);
	struct err err = ERR_INIT;
	int status = 0;
	assert_int_equal(run_wait(run, 1000, &status, &err), ERR_OK);
	assert_int_equal(status, 3);
	assert_string_equal(run_errors(run), "warning\n");
	run_free(TAKE(run));
	close_place(p);
}

static void
command_environment_and_user_reach_the_engine(void **state)
{
	(void)state;
	struct place *p = open_place(talking_tool);
	static const char *const argv[] = { "psql", "-c", "select \"a\"", NULL };
	static const char *const env[] = { "PGPASSWORD=x", NULL };
	struct run_spec spec = {
		.argv = argv, .env = env, .user = "postgres", .has_stdin = true
	};
	AUTO(run) struct run *run = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(runner_start(p->r, &spec, &run, &err), ERR_OK);
	pthread_mutex_lock(&p->f->lock);
	AUTO(str) char *body = strdup(p->f->exec_body);
	pthread_mutex_unlock(&p->f->lock);
	assert_string_equal(body,
	    "{\"AttachStdin\":true,\"AttachStdout\":true,\"AttachStderr\":true,\"Tty\":false,"
	    "\"Cmd\":[\"psql\",\"-c\",\"select \\\"a\\\"\"],\"Env\":[\"PGPASSWORD=x\"],"
	    "\"User\":\"postgres\"}");
	run_free(TAKE(run));
	close_place(p);
}

static void
chatty_tool(struct fake *f, int fd)
{
	char line[64];
	for (int i = 0; i < 2000; i++) {
		int n = snprintf(line, sizeof line, "line %d\n", i);
		fake_frame(fd, 2, line, (size_t)n);
	}
	set_exit(f, 1);
}

static void
last_8_kib_of_errors_are_kept(void **state)
{
	(void)state;
	struct place *p = open_place(chatty_tool);
	AUTO(run) struct run *run = start(p, false);
	struct err err = ERR_INIT;
	int status;
	assert_int_equal(run_wait(run, 5000, &status, &err), ERR_OK);
	const char *text = run_errors(run);
	assert_int_equal(strlen(text), 8192);
	assert_true(str_ends(text, "line 1998\nline 1999\n"));
	run_free(TAKE(run));
	close_place(p);
}

static void
echoing_tool(struct fake *f, int fd)
{
	char piece[4096];
	ssize_t n;
	while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
		fake_frame(fd, 1, piece, (size_t)n);
	fake_frame(fd, 1, "END", 3);
	set_exit(f, 0);
}

static void
end_of_input_reaches_the_tool(void **state)
{
	(void)state;
	struct place *p = open_place(echoing_tool);
	AUTO(run) struct run *run = start(p, true);
	AUTO(bufv) struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	int status = -1;
	assert_int_equal(run_write(run, "abc", 3, &err), ERR_OK);
	assert_int_equal(run_write(run, "def", 3, &err), ERR_OK);
	assert_int_equal(run_close_stdin(run, &err), ERR_OK);
	assert_int_equal(read_all(run, 4096, &out, &err), ERR_OK);
	assert_string_equal(buf_cstr(&out), "abcdefEND");
	assert_int_equal(run_wait(run, 1000, &status, &err), ERR_OK);
	assert_int_equal(status, 0);
	run_free(TAKE(run));
	close_place(p);
}

static void
one_thread_may_write_all_before_it_reads(void **state)
{
	(void)state;
	struct place *p = open_place(echoing_tool);
	AUTO(run) struct run *run = start(p, true);
	AUTO(bufv) struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	static uint8_t much[3 << 20];
	for (size_t i = 0; i < sizeof much; i++)
		much[i] = (uint8_t)(i * 2654435761U >> 13);
	assert_int_equal(run_write(run, much, sizeof much, &err), ERR_OK);
	assert_int_equal(run_close_stdin(run, &err), ERR_OK);
	assert_int_equal(read_all(run, 4096, &out, &err), ERR_OK);
	assert_int_equal(out.len, sizeof much + 3);
	assert_memory_equal(out.data, much, sizeof much);
	run_free(TAKE(run));
	close_place(p);
}

struct writer {
	struct run *run;
	size_t len;
	enum err_code rc;
	struct err err;
};

static void *
write_zeros(void *arg)
{
	struct writer *w = arg;
	static const uint8_t zeros[65536];
	for (size_t done = 0; done < w->len && w->rc == ERR_OK; done += sizeof zeros)
		w->rc = run_write(w->run, zeros, sizeof zeros, &w->err);
	if (w->rc == ERR_OK)
		w->rc = run_close_stdin(w->run, &w->err);
	return NULL;
}

static void
writer_and_reader_may_be_two_threads(void **state)
{
	(void)state;
	struct place *p = open_place(echoing_tool);
	AUTO(run) struct run *run = start(p, true);
	struct err err = ERR_INIT;
	struct writer w = { run, (size_t)20 << 20, ERR_OK, ERR_INIT };
	pthread_t t;
	assert_int_equal(thread_start(&t, write_zeros, &w, "writer", &err), ERR_OK);
	static uint8_t piece[100000];
	size_t total = 0;
	for (;;) {
		size_t got;
		assert_int_equal(run_read(run, piece, sizeof piece, &got, &err), ERR_OK);
		if (got == 0)
			break;
		total += got;
	}
	pthread_join(t, NULL);
	assert_int_equal(w.rc, ERR_OK);
	assert_int_equal(total, ((size_t)20 << 20) + 3);
	run_free(TAKE(run));
	close_place(p);
}

static void
leaving_tool(struct fake *f, int fd)
{
	char c;
	(void)recv(fd, &c, 1, 0);
	fake_frame(fd, 2, "bad input\n", 10);
	set_exit(f, 2);
}

static void
write_to_a_tool_that_ended_is_told(void **state)
{
	(void)state;
	struct place *p = open_place(leaving_tool);
	AUTO(run) struct run *run = start(p, true);
	struct err err = ERR_INIT;
	static const uint8_t much[4 << 20];
	assert_int_equal(run_write(run, much, sizeof much, &err), ERR_TRANSIENT);
	int status = 0;
	assert_int_equal(run_wait(run, 1000, &status, &err), ERR_OK);
	assert_int_equal(status, 2);
	assert_string_equal(run_errors(run), "bad input\n");
	run_free(TAKE(run));
	close_place(p);
}

#define REFUSAL                                                                             \
	"OCI runtime exec failed: exec failed: container_linux.go:380: starting container " \
	"process caused: exec: \"tool\": executable file not found in $PATH: unknown\r\n"

static void
missing_tool(struct fake *f, int fd)
{
	fake_frame(fd, 1, REFUSAL, strlen(REFUSAL));
	set_exit(f, 126);
}

static void
tool_that_is_not_there_is_not_found(void **state)
{
	(void)state;
	const char *said =
	    "the container could not start it: \"tool\": executable file not found "
	    "in $PATH";
	struct place *p = open_place(missing_tool);
	struct run *run = start(p, false);
	struct err err = ERR_INIT;
	uint8_t piece[100];
	size_t got;
	int status;
	assert_int_equal(run_read(run, piece, sizeof piece, &got, &err), ERR_NOT_FOUND);
	assert_string_equal(err.msg, said);
	run_free(run);
	run = start(p, false);
	assert_int_equal(run_wait(run, 1000, &status, &err), ERR_NOT_FOUND);
	assert_string_equal(err.msg, said);
	run_free(run);
	close_place(p);
}

static void
quoting_tool(struct fake *f, int fd)
{
	fake_frame(fd, 1, REFUSAL, strlen(REFUSAL));
	set_exit(f, 0);
}

static void
quoting_tool_that_goes_on(struct fake *f, int fd)
{
	fake_frame(fd, 1, REFUSAL, strlen(REFUSAL));
	fake_frame(fd, 1, "more", 4);
	set_exit(f, 126);
}

static void
tool_that_only_quotes_a_refusal_is_believed(void **state)
{
	(void)state;
	void (*const tools[])(struct fake *, int) = { quoting_tool, quoting_tool_that_goes_on };
	static const char *const texts[] = { REFUSAL, REFUSAL "more" };
	for (size_t i = 0; i < 2; i++) {
		struct place *p = open_place(tools[i]);
		AUTO(run) struct run *run = start(p, false);
		AUTO(bufv) struct buf out = BUF_INIT;
		struct err err = ERR_INIT;
		assert_int_equal(read_all(run, 50, &out, &err), ERR_OK);
		assert_string_equal(buf_cstr(&out), texts[i]);
		run_free(TAKE(run));
		close_place(p);
	}
}

static void
broken_stream(struct fake *f, int fd)
{
	fake_write(fd, "\x01\0\0\0\0\0\0\x64", 8);
	fake_write(fd, "only this", 9);
	set_exit(f, 0);
}

static void
output_cut_off_in_a_frame_is_an_error(void **state)
{
	(void)state;
	struct place *p = open_place(broken_stream);
	AUTO(run) struct run *run = start(p, false);
	AUTO(bufv) struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(read_all(run, 4096, &out, &err), ERR_TRANSIENT);
	assert_string_equal(err.msg, "the connection broke in the middle of the tool's output");
	/* And stays one. */
	uint8_t piece[10];
	size_t got;
	int status;
	assert_int_equal(run_read(run, piece, sizeof piece, &got, &err), ERR_TRANSIENT);
	assert_int_equal(run_wait(run, 1000, &status, &err), ERR_TRANSIENT);
	run_free(TAKE(run));
	close_place(p);
}

static void
failing_engine(struct fake *f, int fd)
{
	fake_frame(fd, 3, "out of descriptors", 18);
	set_exit(f, 0);
}

static void
error_of_the_engine_itself_is_told(void **state)
{
	(void)state;
	struct place *p = open_place(failing_engine);
	AUTO(run) struct run *run = start(p, false);
	struct err err = ERR_INIT;
	uint8_t piece[10];
	size_t got;
	assert_int_equal(run_read(run, piece, sizeof piece, &got, &err), ERR_IO);
	assert_string_equal(err.msg, "the engine broke off: out of descriptors");
	run_free(TAKE(run));
	close_place(p);
}

static void
hanging_tool(struct fake *f, int fd)
{
	char c;
	pthread_mutex_lock(&f->lock);
	f->exec_runs = true;
	pthread_mutex_unlock(&f->lock);
	(void)recv(fd, &c, 1, 0); /* until the client hangs up */
}

static void
wait_gives_up_after_its_time(void **state)
{
	(void)state;
	struct place *p = open_place(hanging_tool);
	AUTO(run) struct run *run = start(p, false);
	struct err err = ERR_INIT;
	int status;
	assert_int_equal(run_wait(run, 30, &status, &err), ERR_CANCELLED);
	assert_string_equal(err.msg, "the tool has not ended within 30 ms");
	set_exit(p->f, 0);
	run_free(TAKE(run));
	close_place(p);
}

static void
read_from_a_hanging_tool_ends_with_patience(void **state)
{
	(void)state;
	struct place *p = open_place(hanging_tool);
	AUTO(run) struct run *run = start(p, false);
	struct err err = ERR_INIT;
	uint8_t piece[10];
	size_t got;
	run_set_patience(run, 30);
	assert_int_equal(run_read(run, piece, sizeof piece, &got, &err), ERR_TRANSIENT);
	assert_string_equal(err.msg, "nothing came for 0 s: it hangs, or waits for a lock");
	set_exit(p->f, 0);
	run_free(TAKE(run));
	close_place(p);
}

static void
cancel_stops_a_read(void **state)
{
	(void)state;
	struct place *p = open_place(hanging_tool);
	AUTO(run) struct run *run = start(p, false);
	struct err err = ERR_INIT;
	uint8_t piece[10];
	size_t got;
	cancel_raise(&p->cancel);
	assert_int_equal(run_read(run, piece, sizeof piece, &got, &err), ERR_CANCELLED);
	assert_string_equal(err.msg, "stopped on request");
	set_exit(p->f, 0);
	run_free(TAKE(run));
	close_place(p);
}

static void
exec_in_a_paused_container_is_locked(void **state)
{
	(void)state;
	struct place *p = open_place(NULL);
	fake_route(p->f, "POST /containers/c0ffee/exec", 409,
	    "{\"message\":\"Container c0ffee is paused, unpause the container before exec\"}");
	static const char *const argv[] = { "true", NULL };
	struct run_spec spec = RUN_SPEC_INIT;
	spec.argv = argv;
	struct run *run = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(runner_start(p->r, &spec, &run, &err), ERR_LOCKED);
	assert_string_equal(err.msg, "run true: exec in container c0ffee: Container c0ffee is "
				     "paused, unpause the container "
				     "before exec");
	assert_null(run);
	close_place(p);
}

static void
runner_of_a_missing_container_is_not_found(void **state)
{
	(void)state;
	struct place *p = open_place(NULL);
	struct runner *r = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(docker_runner_open(&r, p->d, "nope", &err), ERR_NOT_FOUND);
	assert_string_equal(err.msg, "inspect container nope: no such thing");
	close_place(p);
}

static void
address_that_is_none_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		const char *said;
	} cases[] = {
		{ "tcp:", "connect to tcp: in container c0ffee: '' is no port" },
		{ "tcp:0", "connect to tcp:0 in container c0ffee: '0' is no port" },
		{ "tcp:70000", "connect to tcp:70000 in container c0ffee: '70000' is no port" },
		{ "tcp:80x", "connect to tcp:80x in container c0ffee: '80x' is no port" },
		{ "unix:run/s", "connect to unix:run/s in container c0ffee: neither tcp:PORT "
				"nor unix:/PATH" },
	};
	struct place *p = open_place(NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		int fd;
		assert_int_equal(runner_dial(p->r, cases[i].address, &fd, &err), ERR_USAGE);
		assert_string_equal(err.msg, cases[i].said);
	}
	close_place(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_errors_and_exit_code_are_told_apart),
		cmocka_unit_test(wait_throws_unread_output_away),
		cmocka_unit_test(command_environment_and_user_reach_the_engine),
		cmocka_unit_test(last_8_kib_of_errors_are_kept),
		cmocka_unit_test(end_of_input_reaches_the_tool),
		cmocka_unit_test(one_thread_may_write_all_before_it_reads),
		cmocka_unit_test(writer_and_reader_may_be_two_threads),
		cmocka_unit_test(write_to_a_tool_that_ended_is_told),
		cmocka_unit_test(tool_that_is_not_there_is_not_found),
		cmocka_unit_test(tool_that_only_quotes_a_refusal_is_believed),
		cmocka_unit_test(output_cut_off_in_a_frame_is_an_error),
		cmocka_unit_test(error_of_the_engine_itself_is_told),
		cmocka_unit_test(wait_gives_up_after_its_time),
		cmocka_unit_test(read_from_a_hanging_tool_ends_with_patience),
		cmocka_unit_test(cancel_stops_a_read),
		cmocka_unit_test(exec_in_a_paused_container_is_locked),
		cmocka_unit_test(runner_of_a_missing_container_is_not_found),
		cmocka_unit_test(address_that_is_none_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
