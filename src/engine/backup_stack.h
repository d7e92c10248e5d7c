/*
 * backup_stack.h: a stack's backup on its way; for the engine's backup files
 * only.
 *
 * backup_stack.c has the order of things, backup_databases.c what is done to
 * all databases at once, backup_window.c the moment in which services are
 * quiet, hooks.c the user's commands around it, backup_meta.c what is kept of the
 * engine's own documents.
 */
#ifndef ENGINE_BACKUP_STACK_H
#define ENGINE_BACKUP_STACK_H

#include "docker/lifecycle.h"
#include "engine/capture.h"
#include "sys/deadline.h"

struct stack_backup {
	struct backup_run run;
	struct engine engine; /* the caller's, with the cancel of until */
	const struct cancel *user; /* the caller's own cancel; may be NULL */
	struct deadline *until; /* expires when services have been quiet for too long */
	struct docker *docker;
	struct plan *plan;
	struct layout *layout;
	char *journal_path;
	struct lifecycle *lifecycle; /* NULL: nothing is made quiet, and there are no hooks */
	atomic_bool may_thaw; /* whoever finds that time is over may do so */
	bool is_touched; /* services were, or may have been, quiet */
	struct quiet_window quiet;
	bool was_quiet;
};

/* --- backup_databases.c: one thread for each; also of databases outside of stacks --- */

MUST_CHECK enum err_code databases_check(struct backup_run *r, struct err *err);
MUST_CHECK enum err_code databases_prepare(struct backup_run *r, struct err *err);
/* Fix all instants, and do other in the meantime.  The first failure is told. */
MUST_CHECK enum err_code databases_fence(struct backup_run *r,
    enum err_code (*other)(void *arg, struct err *err), void *arg, struct err *err);
MUST_CHECK enum err_code databases_drain(struct backup_run *r, struct err *err);

/* --- backup_window.c --- */

/* What an earlier run that died has left quiet runs again. */
MUST_CHECK enum err_code window_recover(struct stack_backup *b, struct err *err);
/* Hooks, quiet, fences and the last pass, thaw, hooks.  On every way out what ran runs again;
 * when it does not, the error says so. */
MUST_CHECK enum err_code window_work(struct stack_backup *b, struct err *err);
/* For the deadline, on its thread: arg is the backup. */
void window_is_too_long(void *arg);

/* --- hooks.c --- */

bool hooks_are_wanted(const struct plan *p);
/* Each is run in its service before anything is made quiet; what then is owed to the service is
 * in the journal first. */
MUST_CHECK enum err_code hooks_before(struct stack_backup *b, struct err *err);
/* Those that are owed.  One that fails makes the snapshot partial; when there will be none, it
 * is told as a warning. */
void hooks_after(struct stack_backup *b, bool has_failed);

/* --- backup_meta.c --- */

/* Keep the inspect documents of containers, images, volumes and networks under meta/. */
MUST_CHECK enum err_code save_meta(struct stack_backup *b, struct err *err);

/* --- backup_stack.c --- */

/* Read the files of all captures. */
MUST_CHECK enum err_code save_all_files(
    struct stack_backup *b, enum save_pass pass, struct err *err);

#endif
