#include "cli/pager.h"

#include "cli/words.h"
#include "sys/fd.h"
#include "sys/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

struct pager {
	struct proc *proc;
	int before; /* standard output as it was */
};

const char *
pager_command(const char *given)
{
	if (given == NULL)
		given = getenv("STACKSNAP_PAGER");
	if (given == NULL)
		given = getenv("PAGER");
	if (given == NULL)
		given = "less -FRX";
	return *given == '\0' || strcmp(given, "cat") == 0 ? NULL : given;
}

/* As git does: a bare "less" ends by itself after a single screen, and shows colours.  What we
 * write is UTF-8 in every locale. */
static void
settings_of_less(const char *out[3])
{
	size_t n = 0;
	if (getenv("LESS") == NULL)
		out[n++] = "LESS=FRX";
	if (getenv("LESSCHARSET") == NULL)
		out[n++] = "LESSCHARSET=utf-8";
	out[n] = NULL;
}

static enum err_code
start(struct pager *p, const char *command, int from, struct err *err)
{
	AUTO(strv) struct strv words = STRV_INIT;
	struct proc_options opt = PROC_OPTIONS_INIT;
	const char *env[3];
	settings_of_less(env);
	if (words_split(&words, command, err))
		return err_wrap(err, "pager");
	opt.argv = (const char *const *)words.items;
	opt.env = env;
	opt.stdin_fd = from;
	opt.stdout_fd = STDOUT_FILENO;
	opt.stderr_fd = STDERR_FILENO;
	opt.in_our_group = true;
	if (proc_start(&p->proc, &opt, err))
		return err_wrap(err, "pager");
	return ERR_OK;
}

enum err_code
pager_start(struct pager **out, const char *command, struct err *err)
{
	int ends[2];
	AUTO(mem) struct pager *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, "make a pipe to the pager");
	AUTO(fd) int from = ends[0];
	AUTO(fd) int to = ends[1];
	fflush(stdout);
	AUTO(fd) int before = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (before < 0)
		return err_sys(err, "keep standard output");
	if (start(p, command, from, err))
		return err->code;
	if (dup2(to, STDOUT_FILENO) < 0) {
		proc_free(p->proc);
		return err_sys(err, "write to the pager");
	}
	/* It asks the user; we only wait for it. */
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigaction(SIGINT, &ignore, NULL);
	p->before = fd_take(&before);
	*out = TAKE(p);
	return ERR_OK;
}

void
pager_end(struct pager *p)
{
	if (p == NULL)
		return;
	struct err scratch; /* it is gone one way or another */
	int status;
	fflush(stdout);
	/* Closes the pipe: the pager sees the end. */
	dup2(p->before, STDOUT_FILENO);
	clearerr(stdout);
	close(p->before);
	if (proc_wait(p->proc, -1, NULL, &status, &scratch))
		status = -1;
	proc_free(p->proc);
	free(p);
}
