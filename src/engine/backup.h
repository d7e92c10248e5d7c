/*
 * backup.h: making a snapshot, of a stack or of folders.
 *
 * A snapshot of a stack (the order is in docs/design.md, "The life of a
 * backup"): preflight, live pre-copy, quiesce, fences and a second look at
 * files, thaw, drain, gates, commit.  On every way out the services that ran
 * run again, and events say so.
 *
 * Errors: no snapshot was written.  ERR_INCOMPLETE when a gate refused.  When
 *         services could not be brought back, the message says which, and how.
 */
#ifndef ENGINE_BACKUP_H
#define ENGINE_BACKUP_H

#include "base/strv.h"
#include "docker/journal.h"
#include "engine/engine.h"

struct backup_options {
	enum quiesce_how quiesce;
	bool quiesce_none; /* quiesce is not looked at: nothing is paused or stopped */
	bool allow_empty; /* a volume or folder may be empty that was not last time */
	const struct strv *tags; /* may be NULL */
};

#define BACKUP_OPTIONS_INIT                       \
	{                                         \
		QUIESCE_PAUSE, false, false, NULL \
	}

struct backup_result {
	struct id id;
	enum outcome outcome;
	int64_t quiet_ns; /* the longest that a service was quiet; 0: none was */
	int64_t skew_ns; /* between the first and the last fence */
	int64_t took_ns;
	uint64_t members;
	uint64_t files;
	uint64_t bytes; /* of all members */
	uint64_t new_bytes; /* of them, not in the repository before */
	uint64_t stored_bytes; /* what they take there */
	uint64_t problems;
};

MUST_CHECK enum err_code backup_stack(struct engine *e, const char *stack,
    const struct backup_options *opt, struct backup_result *out, struct err *err);

/* Snapshot of files and folders by their paths; each is kept at its absolute path in the tree.
 */
MUST_CHECK enum err_code backup_paths(struct engine *e, const struct strv *paths,
    const struct backup_options *opt, struct backup_result *out, struct err *err);

#endif
