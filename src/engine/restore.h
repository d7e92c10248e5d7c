/*
 * restore.h: bringing a snapshot back.
 *
 * restore_stack recreates project folder, volumes, networks and databases and
 * starts the stack by its stored compose files.  Everything is staged beside
 * the old data on the same filesystem and swapped in when it is whole; old
 * data is kept until restore_finish removes it, or restore_undo puts it back
 * (restore_settle.h).
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
#include "tree/restore.h"

enum restore_overwrite {
	RESTORE_ASKED, /* as may_replace says: never, or always */
	RESTORE_NEVER, /* a target that holds something is refused */
	RESTORE_IF_CHANGED, /* files of the same size and mtime are left alone; with verify,
			       those of the same contents */
	RESTORE_ALWAYS, /* files are compared by their contents */
};

/* What happens to one path of the target; called by any thread, one at a time. */
typedef void restore_change_fn(void *arg, enum tree_change change, enum tree_type type,
    uint64_t size, const char *path, size_t path_len);

struct restore_options {
	const char *as; /* project name; NULL: the one it had */
	/* stack: the project folder, absolute; NULL: where it was, or, with as, a folder of
	 * that name beside it.  files: what the folder at path becomes, or the folder into
	 * which a file goes. */
	const char *to;
	const char *path; /* files: the part of the tree; NULL: all of it */
	bool may_replace; /* the user has agreed to what restore_preview said */
	bool may_trust; /* the user has seen what the compose files ask for (preview.asks) */
	int wait_s; /* how long services may take to become healthy */
	/* Stack: only what these name; the containers that are there stay.  May be NULL. */
	const struct strv *services;
	const struct strv *members; /* as "stacksnap show" lists them */
	bool any_space; /* go on although there seems to be too little */
	bool no_start; /* make everything, but leave it stopped */
	bool preview_rows; /* restore_preview: compare the databases, which reads them whole */
	/* Files only. */
	const struct strv *paths; /* only these of the tree, at their paths below to */
	const struct strv *include; /* and what these rules of tree/ignore.h name */
	enum restore_overwrite overwrite;
	bool delete_extra; /* remove what the snapshot has not, in folders that were saved whole
			    */
	bool verify; /* read back what was written */
	bool dry_run; /* only count and tell */
	restore_change_fn *change; /* may be NULL */
	void *change_arg;
};

#define RESTORE_OPTIONS_INIT   \
	{                      \
		.wait_s = 300, \
	}

struct restore_preview {
	struct strv makes; /* "volume shop_uploads", "folder /srv/shop" */
	struct strv
	    replaces; /* "volume shop_uploads (12 files, 1.2 MB)"; empty: nothing is lost */
	struct strv warnings;
	struct strv obstacles; /* what must be mended first: restore_stack refuses while there
				  are any */
	struct strv asks; /* what gives a container power over the host: "service app: runs
			     privileged" */
	bool needs_trust; /* the files come from another host: restore_stack wants may_trust */
	struct strv space; /* "/var/lib/docker: 1.2 GB are written, 20 GB are free" */
	struct strv rows; /* "databases/db: public.orders: this removes 412 rows added since" */
};
#define RESTORE_PREVIEW_INIT                                                             \
	{                                                                                \
		STRV_INIT, STRV_INIT, STRV_INIT, STRV_INIT, STRV_INIT, false, STRV_INIT, \
		    STRV_INIT                                                            \
	}
void restore_preview_release(struct restore_preview *p);
static inline void UNUSED
restore_preview_auto(struct restore_preview *p)
{
	restore_preview_release(p);
}

struct restore_result {
	enum outcome outcome;
	uint64_t files;
	uint64_t bytes;
	uint64_t databases;
	uint64_t services; /* that run again */
	bool can_undo; /* old data is kept */
	uint64_t kept_bytes;
	uint64_t problems;
	/* Files only. */
	uint64_t files_made; /* of files, those of which nothing was there */
	uint64_t files_left; /* and those whose contents were right already */
	uint64_t bytes_left; /* of bytes, what was right already */
	uint64_t deleted; /* files, folders and other things */
	uint64_t files_read_back; /* whose contents are what was stored */
	int64_t took_ns;
};

/* Is the snapshot of a stack (or of folders)? */
MUST_CHECK enum err_code restore_is_stack(
    struct engine *e, const struct id *snapshot, bool *is_stack, struct err *err);

/* Of a stack's snapshot, the restore of the stack; with opt->path, paths or include, or of
 * folders, that of files. out is RESTORE_PREVIEW_INIT. */
MUST_CHECK enum err_code restore_preview(struct engine *e, const struct id *snapshot,
    const struct restore_options *opt, struct restore_preview *out, struct err *err);

/*
 * ERR_EXISTS, and nothing changed, when something would be replaced without may_replace;
 * ERR_DENIED when what the files ask for needs may_trust.
 * ERR_USAGE, and nothing changed, when there are obstacles; it names them.  ERR_LOCKED while
 * another restore of that project runs, or one that died has not been settled.  Any other error
 * tells at its end what stands: nothing was changed, all is as before, or what lies where.
 * The engine's cancel is heeded at all times; after the swap it means that all is put back.
 */
MUST_CHECK enum err_code restore_stack(struct engine *e, const struct id *snapshot,
    const struct restore_options *opt, struct restore_result *out, struct err *err);
MUST_CHECK enum err_code restore_files(struct engine *e, const struct id *snapshot,
    const struct restore_options *opt, struct restore_result *out, struct err *err);

#endif
