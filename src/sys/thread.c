#include "sys/thread.h"

#include <sched.h>
#include <signal.h>

enum err_code
thread_start(pthread_t *out, void *(*run)(void *), void *arg, const char *name, struct err *err)
{
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int e = pthread_create(out, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (e != 0)
		return err_errno(err, e, "start thread %s", name);
	pthread_setname_np(*out, name); /* for debuggers only: a failure does not matter */
	return ERR_OK;
}

unsigned
thread_cpus(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	int n = CPU_COUNT(&set);
	return n > 0 ? (unsigned)n : 1;
}
