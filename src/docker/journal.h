/*
 * journal.h: the written promise to give services back.
 *
 * Before anything is paused, stopped or taken down, a journal file names the
 * containers, the state each was in and what is about to be done to it.  It is
 * removed when all of them run again.  A journal that is found later belongs to a run
 * that died; journal_recover keeps its promise.
 *
 * The file is JSON, replaced atomically and durable before any container is
 * touched.  It names its owner by process id, start time and boot, so that a
 * process id that was used again, or a reboot, is not taken for the owner.
 *
 * What a journal cannot tell is whether a request that the dead run had sent is
 * still being carried out by the engine.  So it says up to which depth containers
 * may have been asked to stop (asked_from): those are stopped to the end before
 * they are started; and all are looked at again a moment later.
 */
#ifndef DOCKER_JOURNAL_H
#define DOCKER_JOURNAL_H

#include "docker/stack.h"

enum quiesce_how {
	QUIESCE_PAUSE,
	QUIESCE_STOP,
	QUIESCE_DOWN, /* stopped and removed; networks and volumes stay; for whole stacks */
	QUIESCE_NONE, /* left alone */
};

/* "pause", "stop", "down", "none" */
const char *quiesce_word(enum quiesce_how how);

struct journal_entry {
	char *service;
	int64_t number; /* of its service's containers */
	char *id; /* of the container */
	char *name;
	enum container_state before; /* only what ran is thawed */
	enum quiesce_how how;
	int grace_s; /* of stopping; < 0: its own */
	unsigned depth; /* of stack_depths: thawed from 0 upwards */
	struct strv needs; /* services that run before it is started */
	bool knows_needs; /* else all of a lesser depth run before */
};

/* What Compose needs to bring a stack up again. */
struct journal_project {
	char *dir; /* NULL: the stack is not taken down */
	struct strv files;
	struct strv env_files; /* empty: as Compose finds them */
};

/* A command that is owed to a service once it runs again (hook.h). */
struct journal_hook {
	char *service;
	struct strv argv;
	int64_t timeout_ms;
};

#define JOURNAL_NOTHING_ASKED UINT32_MAX

struct journal {
	char *stack;
	char *host; /* DOCKER_HOST of the engine */
	int64_t begun_ns; /* wall clock */
	/* Containers from this depth on may be about to stop: no answer came yet. */
	unsigned asked_from;
	struct journal_project project;
	struct journal_entry *entries;
	size_t n_entries;
	struct journal_hook *hooks;
	size_t n_hooks;
};

void journal_free(struct journal *j);
AUTO_FREE(journal, struct journal *, journal_free)

MUST_CHECK enum err_code journal_add_hook(struct journal *j, const char *service,
    const struct strv *argv, int64_t timeout_ms, struct err *err);

/* Write j to path, as owned by this process; it replaces what is there. */
MUST_CHECK enum err_code journal_write(
    const struct journal *j, const char *path, struct err *err);
MUST_CHECK enum err_code journal_read(struct journal **out, const char *path, struct err *err);
/* Is the process that wrote it still there?  ERR_NOT_FOUND when there is no journal. */
MUST_CHECK enum err_code journal_has_owner(const char *path, bool *has_owner, struct err *err);
/* Durable; fine if it is absent. */
MUST_CHECK enum err_code journal_remove(const char *path, struct err *err);

/* Let all that ran before run again, run the hooks that are owed, and remove the journal.
 * Containers that no longer exist, and were not taken down by us, are passed over.  A hook that
 * fails does not keep the journal; why goes to *failed_hooks.  *thawed names the services that
 * were brought back, for the user.  ERR_LOCKED while the run that wrote it is alive;
 * ERR_NOT_FOUND when there is no journal.  On any other error the journal stays. */
MUST_CHECK enum err_code journal_recover(
    const char *path, struct strv *thawed, struct strv *failed_hooks, struct err *err);

#endif
