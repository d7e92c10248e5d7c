/*
 * journal.h: the written promise to give services back.
 *
 * Before anything is paused or stopped, a journal file names the containers,
 * the state each was in and what is about to be done to it.  It is removed
 * when all of them run again.  A journal that is found later belongs to a run
 * that died; journal_recover keeps its promise.
 *
 * The file is JSON, replaced atomically and durable before any container is
 * touched.  It names its owner by process id, start time and boot, so that a
 * process id that was used again, or a reboot, is not taken for the owner.
 */
#ifndef DOCKER_JOURNAL_H
#define DOCKER_JOURNAL_H

#include "docker/stack.h"

enum quiesce_how {
	QUIESCE_PAUSE,
	QUIESCE_STOP,
};

struct journal_entry {
	char *service;
	char *id; /* of the container */
	char *name;
	enum container_state before; /* only what ran is thawed */
	unsigned depth; /* of stack_depths: thawed from 0 upwards */
};

struct journal {
	char *stack;
	char *host; /* DOCKER_HOST of the engine */
	enum quiesce_how how;
	int64_t begun_ns; /* wall clock */
	struct journal_entry *entries;
	size_t n_entries;
};

void journal_free(struct journal *j);
AUTO_FREE(journal, struct journal *, journal_free)

/* Write j to path, as owned by this process. */
MUST_CHECK enum err_code journal_write(
    const struct journal *j, const char *path, struct err *err);
MUST_CHECK enum err_code journal_read(struct journal **out, const char *path, struct err *err);
/* Is the process that wrote it still there?  ERR_NOT_FOUND when there is no journal. */
MUST_CHECK enum err_code journal_has_owner(const char *path, bool *has_owner, struct err *err);
/* Durable; fine if it is absent. */
MUST_CHECK enum err_code journal_remove(const char *path, struct err *err);

/* Let all that ran before run again, and remove the journal.  Containers that no longer exist
 * are passed over.  *thawed names the services that were brought back, for the user. ERR_LOCKED
 * while the run that wrote it is alive; ERR_NOT_FOUND when there is no journal.  On any other
 * error the journal stays. */
MUST_CHECK enum err_code journal_recover(
    const char *path, struct strv *thawed, struct err *err);

#endif
