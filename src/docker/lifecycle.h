/*
 * lifecycle.h: quiet for a moment, and exactly as before afterwards.
 *
 * lifecycle_quiesce pauses, stops or takes down the containers it is given,
 * those of them that run now, and lifecycle_thaw lets just these run again.
 * What was already paused or stopped is left alone; a state that cannot be told
 * counts as running.  Each step is checked by asking the engine for the state,
 * and tried again a few times.
 *
 * With a journal path, the promise to thaw is on disk and a watchdog process
 * waits for our death before the first container is touched (journal.h,
 * watchdog.h).  Commands that are owed to services afterwards belong to the
 * promise: who runs them says so by lifecycle_end.
 *
 * Order: pausing goes for all at once; stopping from the deepest dependants
 * upwards; thawing each when those that it needs run.
 *
 * Threads: one at a time per object, but that lifecycle_thaw may be called by
 *          another as soon as lifecycle_quiesce is done; containers of one depth
 *          are handled by threads of its own.
 */
#ifndef DOCKER_LIFECYCLE_H
#define DOCKER_LIFECYCLE_H

#include "docker/journal.h"

struct lifecycle;

struct lifecycle_target {
	size_t container; /* index in stack.containers */
	enum quiesce_how how; /* QUIESCE_DOWN: then it is so for all of the stack */
	int grace_s; /* until it is killed; < 0: the container's own */
};

struct lifecycle_options {
	const struct lifecycle_target *targets;
	size_t n_targets;
	const char *journal_path; /* NULL: no journal and no watchdog */
};

/* What happened to one container.  Times are of clock_mono_ns. */
struct lifecycle_step {
	const char *service;
	const char *id;
	const char *name;
	enum quiesce_how how;
	enum container_state before;
	bool is_quiesced; /* it ran, and was paused or stopped by us */
	bool is_thawed; /* it runs again */
	int64_t quiesce_ns; /* how long pausing or stopping took */
	int64_t thaw_ns; /* how long resuming or starting took */
	int64_t quiet_from_ns; /* just before it was asked to be quiet */
	int64_t quiet_at_ns; /* it certainly is quiet from here on */
	int64_t quiet_to_ns; /* just after it ran again; 0 before that */
	struct err err; /* what thawing it met, ERR_OK if nothing */
};

/* Look at the containers, and promise: nothing is touched yet.  ERR_EXISTS when there already
 * is a journal at that path; ERR_UNSUPPORTED for a stack that cannot be taken down. */
MUST_CHECK enum err_code lifecycle_open(struct lifecycle **out, struct docker *d,
    const struct stack *s, const struct lifecycle_options *opt, struct err *err);

/* Before a hook is run in a service: argv is owed to it afterwards, whatever becomes of us. */
MUST_CHECK enum err_code lifecycle_owe_hook(struct lifecycle *l, const char *service,
    const struct strv *argv, int64_t timeout_ms, struct err *err);

/* When one step fails, or the client's cancel is raised, those already quiet are thawed before
 * the error is returned. */
MUST_CHECK enum err_code lifecycle_quiesce(struct lifecycle *l, struct err *err);

/* Is all still quiet?  ERR_INCOMPLETE when something has let a container run again. */
MUST_CHECK enum err_code lifecycle_check_quiet(struct lifecycle *l, struct err *err);

/* Let all run again that ran.  Every one is tried, whatever happens to the others, and the
 * client's cancel is not heeded.  The error names the services that do not run and the command
 * that mends it; the journal then stays.  May be called again; nothing is done twice. */
MUST_CHECK enum err_code lifecycle_thaw(struct lifecycle *l, struct err *err);

/* The hooks that were owed, in order; they stay l's. */
const struct journal_hook *lifecycle_hooks(const struct lifecycle *l, size_t *n);
/* All was kept that was promised: the journal goes.  After lifecycle_thaw. */
MUST_CHECK enum err_code lifecycle_end(struct lifecycle *l, struct err *err);

/* One step for each container given, in that order; they stay l's. */
const struct lifecycle_step *lifecycle_steps(const struct lifecycle *l, size_t *n);

/* Thaws if that was not done; what goes wrong then is only in the journal and the debug log.
 * What is still owed is left to the watchdog. */
void lifecycle_free(struct lifecycle *l);
AUTO_FREE(lifecycle, struct lifecycle *, lifecycle_free)

#endif
