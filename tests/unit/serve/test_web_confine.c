#include "testing.h"

#include "serve/web_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a system call said in a process that has given them up: 0, or the errno. */
typedef int attempt_fn(int fd);

static int
outcome(long rc)
{
	return rc < 0 ? errno : 0;
}

/* Signals: to this test, which is of the same user, and to itself. */

static int
signal_another(int fd)
{
	(void)fd;
	return outcome(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int
signal_itself(int fd)
{
	(void)fd;
	return outcome(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0));
}

static int
kill_another(int fd)
{
	(void)fd;
	return outcome(kill(getppid(), 0));
}

static int
make_another_the_owner(int fd)
{
	return outcome(fcntl(fd, F_SETOWN, getppid()));
}

static int
choose_the_signal(int fd)
{
	return outcome(fcntl(fd, F_SETSIG, SIGKILL));
}

static int
set_flags(int fd)
{
	return outcome(fcntl(fd, F_SETFL, O_NONBLOCK));
}

static int
open_a_file(int fd)
{
	(void)fd;
	return outcome(open("/", O_RDONLY | O_DIRECTORY));
}

static int
ask_for_a_file(int fd)
{
	struct stat st;
	(void)fd;
	return outcome(stat("/", &st));
}

static int
connect_somewhere(int fd)
{
	(void)fd;
	return outcome(syscall(SYS_socket, 1, 1, 0));
}

static int
start_a_program(int fd)
{
	char *const none[] = { NULL };
	(void)fd;
	return outcome(execve("/proc/self/exe", none, none));
}

static int
start_a_thread(int fd)
{
	(void)fd;
	return outcome(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0));
}

static int
look_into_another(int fd)
{
	(void)fd;
	return outcome(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
}

static int
make_memory(int fd)
{
	(void)fd;
	return outcome(syscall(
	    SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static int
make_code(int fd)
{
	(void)fd;
	return outcome(syscall(
	    SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static const struct {
	const char *what;
	attempt_fn *attempt;
	bool works;
} attempts[] = {
	{ "signal another", signal_another, false },
	{ "signal itself", signal_itself, true },
	{ "kill another", kill_another, false },
	{ "make another the owner of signals", make_another_the_owner, false },
	{ "choose the signal", choose_the_signal, false },
	{ "set flags", set_flags, true },
	{ "open a file", open_a_file, false },
	{ "ask for a file", ask_for_a_file, false },
	{ "connect somewhere", connect_somewhere, false },
	{ "start a program", start_a_program, false },
	{ "start a thread", start_a_thread, false },
	{ "look into another", look_into_another, false },
	{ "make memory", make_memory, true },
	{ "make code", make_code, false },
};

/* Not by _exit, before which AddressSanitizer makes a system call of its own. */
static void
leave(int status)
{
	syscall(SYS_exit_group, status);
}

static int
in_a_child(attempt_fn *attempt, bool is_confined)
{
	struct err err = ERR_INIT;
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = eventfd(0, EFD_CLOEXEC);
		bool is_ready = fd >= 0 && (!is_confined || web_confine(&err) == ERR_OK);
		leave(is_ready ? attempt(fd) : 255);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("it ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static void
only_what_serving_needs_is_let_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		int got = in_a_child(attempts[i].attempt, true);
		if (got != (attempts[i].works ? 0 : EPERM))
			fail_msg("%s: %s", attempts[i].what, strerror(got));
	}
}

/* The tries are good ones: they fail for no other reason. */
static void
the_same_works_for_who_is_not_confined(void **state)
{
	static attempt_fn *const good[] = { signal_another, kill_another,
		make_another_the_owner, choose_the_signal, open_a_file, ask_for_a_file,
		connect_somewhere, make_code };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(in_a_child(good[i], false), 0);
}

static void
it_can_still_abort(void **state)
{
	struct err err = ERR_INIT;
	int status;
	(void)state;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (web_confine(&err) == ERR_OK)
			raise(SIGABRT); /* as abort does */
		leave(255);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_serving_needs_is_let_through),
		cmocka_unit_test(the_same_works_for_who_is_not_confined),
		cmocka_unit_test(it_can_still_abort),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
