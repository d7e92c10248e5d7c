#include "docker/watchdog.h"

#include "base/strv.h"
#include "docker/thaw.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* What is said over the socket pair. */
#define READY 'R'
#define DONE 'D'

#define START_TIMEOUT_MS 10000
#define LEAVE_TIMEOUT_MS 2000
#define TRY_FOR_NS (300 * NS_PER_S)

struct watchdog {
	struct proc *proc;
	int fd;
};

static void
watchdog_free(struct watchdog *w)
{
	proc_free(w->proc);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

/* Wait for the byte; false when the other side is gone, or silent for timeout_ms. */
static bool
await_byte(int fd, char want, int timeout_ms)
{
	for (;;) {
		struct pollfd pfd = { fd, POLLIN, 0 };
		int n = poll(&pfd, 1, timeout_ms);
		if (n < 0 && errno == EINTR)
			continue;
		char got;
		return n > 0 && read(fd, &got, 1) == 1 && got == want;
	}
}

enum err_code
watchdog_start(struct watchdog **out, const char *journal_path, struct err *err)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(err, "start watchdog");
	AUTO(fd) int theirs = pair[1];
	struct watchdog *w = calloc(1, sizeof *w);
	if (w == NULL) {
		close(pair[0]);
		return err_nomem(err);
	}
	w->fd = pair[0];
	const char *argv[] = { "/proc/self/exe", "watchdog", journal_path, NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	opt.stdin_fd = theirs;
	opt.own_session = true;
	if (proc_start(&w->proc, &opt, err)) {
		err_wrap(err, "start watchdog");
		watchdog_free(w);
		return err->code;
	}
	close(fd_take(&theirs));
	if (!await_byte(w->fd, READY, START_TIMEOUT_MS)) {
		watchdog_free(w);
		return err_set(err, ERR_IO,
		    "the watchdog process does not start, so nothing was paused or stopped");
	}
	*out = w;
	return ERR_OK;
}

void
watchdog_dismiss(struct watchdog *w)
{
	if (w == NULL)
		return;
	struct err scratch; /* a watchdog that is gone, or stuck, is ended by proc_free */
	char done = DONE;
	int status;
	if (send(w->fd, &done, 1, MSG_NOSIGNAL) == 1 &&
	    proc_wait(w->proc, LEAVE_TIMEOUT_MS, NULL, &status, &scratch) == ERR_OK) {
		watchdog_free(w);
		return;
	}
	watchdog_free(w);
}

void
watchdog_hand_over(struct watchdog *w)
{
	if (w == NULL)
		return;
	proc_detach(TAKE(w->proc));
	watchdog_free(w);
}

/* The last process to be killed for want of memory, if that may be asked for. */
static void
ask_to_be_spared(void)
{
	AUTO(fd) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	struct err scratch; /* not permitted: then it is as likely to be killed as any other */
	if (fd >= 0 && fd_write_all(fd, "-1000", 5, &scratch) != ERR_OK)
		return;
}

static void
turn_deaf(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP };
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		signal(signals[i], SIG_IGN);
}

static int
keep_promise(const char *journal_path)
{
	int64_t deadline = clock_mono_ns() + TRY_FOR_NS;
	for (;;) {
		AUTO(strv) struct strv thawed = STRV_INIT;
		struct err err = ERR_INIT;
		AUTO(strv) struct strv failed_hooks =
		    STRV_INIT; /* nobody is there to be told */
		enum err_code rc = journal_keep(journal_path, &thawed, &failed_hooks, &err);
		/* No journal: all was well before we were left alone. */
		if (rc == ERR_OK || !fs_exists(journal_path))
			return 0;
		if (clock_mono_ns() > deadline)
			return 1; /* the journal stays for the next run */
		poll(NULL, 0, 1000);
	}
}

int
watchdog_main(const char *journal_path, int fd)
{
	turn_deaf();
	ask_to_be_spared();
	prctl(PR_SET_NAME, "stacksnap-watch");
	char ready = READY;
	if (send(fd, &ready, 1, MSG_NOSIGNAL) != 1)
		return 1;
	if (await_byte(fd, DONE, -1))
		return 0;
	return keep_promise(journal_path);
}
