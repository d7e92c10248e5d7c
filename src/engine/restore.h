/*
 * restore.h: bringing a snapshot back.
 *
 * restore_stack recreates project folder, volumes, networks and databases and
 * starts the stack by its stored compose files.  Everything is staged beside
 * the old data on the same filesystem and swapped in when it is whole; old
 * data is kept until the stack is known to run, and told of when it is not.
 *
 * restore_files puts the snapshot's tree, or a part of it, into a folder.
 *
 * restore_preview tells, without changing anything, what would be made, what
 * replaced; the caller shows it and asks.
 */
#ifndef ENGINE_RESTORE_H
#define ENGINE_RESTORE_H

#include "base/strv.h"
#include "engine/engine.h"

struct restore_options {
	const char *as; /* project name; NULL: the one it had */
	const char *to; /* stack: the project folder; NULL: where it was.  files: the target */
	const char *path; /* files: the part of the tree; NULL: all of it */
	bool may_replace; /* the user has agreed to what restore_preview said */
	int wait_s;       /* how long services may take to become healthy */
};

#define RESTORE_OPTIONS_INIT { NULL, NULL, NULL, false, 300 }

struct restore_preview {
	struct strv makes;    /* "volume shop_uploads", "folder /srv/shop" */
	struct strv replaces; /* "volume shop_uploads (12 files, 1.2 MB)"; empty: nothing is lost */
	struct strv warnings;
};
#define RESTORE_PREVIEW_INIT { STRV_INIT, STRV_INIT, STRV_INIT }
void restore_preview_release(struct restore_preview *p);

struct restore_result {
	enum outcome outcome;
	uint64_t files;
	uint64_t bytes;
	uint64_t databases;
	uint64_t services; /* that run again */
	uint64_t problems;
	int64_t took_ns;
};

/* Is the snapshot of a stack (or of folders)? */
MUST_CHECK enum err_code restore_is_stack(
    struct engine *e, const struct id *snapshot, bool *is_stack, struct err *err);

MUST_CHECK enum err_code restore_preview(struct engine *e, const struct id *snapshot,
    const struct restore_options *opt, struct restore_preview *out, struct err *err);

/* ERR_EXISTS, and nothing changed, when something would be replaced without may_replace. */
MUST_CHECK enum err_code restore_stack(struct engine *e, const struct id *snapshot,
    const struct restore_options *opt, struct restore_result *out, struct err *err);
MUST_CHECK enum err_code restore_files(struct engine *e, const struct id *snapshot,
    const struct restore_options *opt, struct restore_result *out, struct err *err);

#endif
