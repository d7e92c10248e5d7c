#include "serve/web_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

/* What threads that are running, sockets that are open and memory need: nothing that opens,
 * connects, executes, or touches another process. */
static const int needed[] = {
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendfile),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(close),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(fstat),
	SCMP_SYS(lseek),
	SCMP_SYS(futex),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrandom),
	SCMP_SYS(sched_yield),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(membarrier),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static void
filter_auto(scmp_filter_ctx *f)
{
	if (*f != NULL)
		seccomp_release(*f);
}

/* Memory, but none that can be executed. */
static int
allow_memory(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp plain = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &plain);
	if (rc == 0)
		rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &plain);
	return rc;
}

/* Flags of open files; not whom a signal goes to when one is ready (F_SETOWN), which could be
 * any process of the same user: without root, the keeper. */
static int
allow_flags(scmp_filter_ctx f)
{
	static const unsigned commands[] = { F_GETFD, F_SETFD, F_GETFL, F_SETFL };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(commands); i++) {
		const struct scmp_arg_cmp which = SCMP_A1(SCMP_CMP_EQ, commands[i], 0);
		rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, &which);
	}
	return rc;
}

/* For abort: a signal to ourselves, and to nobody else. */
static int
allow_abort(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp ours = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &ours);
}

enum err_code
web_confine(struct err *err)
{
	AUTO(filter) scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (f == NULL)
		return err_nomem(err);
	/* The threads that run already, too. */
	int rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(needed); i++)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, needed[i], 0);
	if (rc == 0)
		rc = allow_memory(f);
	if (rc == 0)
		rc = allow_flags(f);
	if (rc == 0)
		rc = allow_abort(f);
	if (rc == 0)
		rc = seccomp_load(f);
	if (rc != 0)
		return err_errno(err, -rc, "give up system calls");
	return ERR_OK;
}
