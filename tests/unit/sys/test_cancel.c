#include "testing.h"

#include "sys/cancel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static bool
is_readable(const struct cancel *c)
{
	struct pollfd p = { cancel_fd(c), POLLIN, 0 };
	return poll(&p, 1, 0) == 1;
}

static void
once_raised_it_stays_raised_and_readable(void **state)
{
	(void)state;
	struct err err;
	struct cancel c;
	ok(cancel_init(&c, &err));
	assert_false(cancel_is_raised(&c));
	assert_false(is_readable(&c));
	ok(cancel_check(&c, &err));
	for (int i = 0; i < 3; i++) {
		cancel_raise(&c);
		assert_true(cancel_is_raised(&c));
		assert_true(is_readable(&c));
		refused(cancel_check(&c, &err), ERR_CANCELLED, "stopped on request");
	}
	cancel_release(&c);
}

static void
no_cancel_is_never_raised(void **state)
{
	(void)state;
	struct err err;
	assert_false(cancel_is_raised(NULL));
	assert_int_equal(cancel_fd(NULL), -1);
	ok(cancel_check(NULL, &err));
}

static void
raising_keeps_errno_since_a_signal_may_come_anywhere(void **state)
{
	(void)state;
	struct err err;
	struct cancel c;
	ok(cancel_init(&c, &err));
	close(c.event_fd); /* so that the write in it fails */
	c.event_fd = -1;
	errno = EXDEV;
	cancel_raise(&c);
	assert_int_equal(errno, EXDEV);
	assert_true(cancel_is_raised(&c));
	cancel_release(&c);
}

static void
signals_that_ask_to_stop_raise_it(void **state)
{
	(void)state;
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP };
	struct err err;
	for (size_t i = 0; i < ARRAY_LEN(stops); i++) {
		struct cancel c;
		ok(cancel_init(&c, &err));
		ok(cancel_on_signals(&c, NULL, &err));
		raise(stops[i]);
		assert_true(cancel_is_raised(&c));
		raise(SIGPIPE); /* ignored: it would end the test */
		signal(stops[i], SIG_DFL);
		cancel_release(&c);
	}
}

/* With standard error in a pipe. */
static void
the_second_signal_says_that_the_first_was_heard(void **state)
{
	(void)state;
	struct err err;
	struct cancel c;
	int pipe_fds[2];
	char said[64];
	assert_int_equal(pipe(pipe_fds), 0);
	int kept = dup(STDERR_FILENO);
	ok(cancel_init(&c, &err));
	ok(cancel_on_signals(&c, "yes, yes\n", &err));
	dup2(pipe_fds[1], STDERR_FILENO);
	raise(SIGINT);
	raise(SIGTERM);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(pipe_fds[1]);
	ssize_t n = read(pipe_fds[0], said, sizeof said);
	assert_int_equal(n, strlen("yes, yes\n"));
	assert_memory_equal(said, "yes, yes\n", (size_t)n);
	close(pipe_fds[0]);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	cancel_release(&c);
}

static void
lowered_it_can_be_raised_again(void **state)
{
	(void)state;
	struct err err;
	struct cancel c;
	ok(cancel_init(&c, &err));
	for (int i = 0; i < 2; i++) {
		struct pollfd p = { cancel_fd(&c), POLLIN, 0 };
		cancel_raise(&c);
		assert_int_equal(poll(&p, 1, 0), 1);
		cancel_lower(&c);
		assert_int_equal(poll(&p, 1, 0), 0);
		ok(cancel_check(&c, &err));
	}
	cancel_release(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once_raised_it_stays_raised_and_readable),
		cmocka_unit_test(no_cancel_is_never_raised),
		cmocka_unit_test(raising_keeps_errno_since_a_signal_may_come_anywhere),
		cmocka_unit_test(signals_that_ask_to_stop_raise_it),
		cmocka_unit_test(the_second_signal_says_that_the_first_was_heard),
		cmocka_unit_test(lowered_it_can_be_raised_again),
	};
	return cmocka_run_group_tests_name("cancel", tests, NULL, NULL);
}
