#include "base/log.h"
#include "serve/keeper_impl.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/proc.h"

#include <sys/socket.h>

#define BACK_OFF_NS (200 * NS_PER_MS)
#define BACK_OFF_MAX_NS (30 * NS_PER_S)
/* One that has lived for so long did not die of its start. */
#define LIVED_NS (60 * NS_PER_S)

/* This program again, with the listener and a socket to us in the places of its standard
 * input and output, and nothing of our environment. */
static enum err_code
start(struct keeper *k, struct proc **out, int *ours, struct err *err)
{
	static const char *const no_env[] = { NULL };
	AUTO(str) char *empty = NULL;
	int ends[2];
	if (str_printf(&empty, err, "%s/empty", k->state_dir))
		return err->code;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return err_sys(err, "make a socket pair");
	AUTO(fd) int mine = ends[0];
	AUTO(fd) int theirs = ends[1];
	const char *argv[] = { "/proc/self/exe", "web", empty, NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	opt.keep_env = no_env;
	opt.stdin_fd = k->listener;
	opt.stdout_fd = theirs;
	opt.stderr_fd = STDERR_FILENO;
	opt.own_session = true;
	if (proc_start(out, &opt, err))
		return err->code;
	*ours = fd_take(&mine);
	return ERR_OK;
}

/* From its start to its end. */
static enum err_code
live_once(struct keeper *k, int *status, struct err *err)
{
	AUTO(proc) struct proc *p = NULL;
	struct keeper_link *l = NULL;
	int ours;
	if (start(k, &p, &ours, err) || keeper_link_open(&l, k, ours, err))
		return err->code;
	enum err_code rc = proc_wait(p, -1, k->opt.cancel, status, err);
	keeper_end_asks(k, true);
	keeper_link_close(l);
	return rc;
}

enum err_code
keeper_run_web(struct keeper *k, struct err *err)
{
	int64_t wait_ns = 0;
	while (!cancel_is_raised(k->opt.cancel)) {
		struct err why = ERR_INIT;
		int status = 0;
		int64_t began = clock_mono_ns();
		enum err_code rc = live_once(k, &status, &why);
		if (cancel_is_raised(k->opt.cancel))
			break;
		if (rc == ERR_OK)
			event_warning(k->opt.events, NULL,
			    "the web process ended with status %d: it is started again",
			    status);
		else
			event_warning(k->opt.events, NULL, "the web process: %s", why.msg);
		bool has_lived = clock_mono_ns() - began > LIVED_NS;
		wait_ns = has_lived || wait_ns == 0 ? BACK_OFF_NS : 2 * wait_ns;
		if (wait_ns > BACK_OFF_MAX_NS)
			wait_ns = BACK_OFF_MAX_NS;
		if (cancel_wait(k->opt.cancel, wait_ns, &why))
			break;
	}
	(void)err;
	return ERR_OK;
}
