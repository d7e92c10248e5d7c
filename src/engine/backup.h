/*
 * backup.h: making a snapshot, of a stack, of folders, of databases elsewhere.
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
#include "engine/engine.h"
#include "engine/settings.h"
#include "tree/entry.h"

struct backup_options {
	bool allow_empty; /* a volume or folder may be empty that was not last time */
	bool allow_shrink; /* a member may be much smaller than last time */
	const struct strv *tags; /* may be NULL */
	const char *host; /* who it is said to be of, and whose last snapshot is the parent;
			     NULL: this host */
	int64_t time_ns; /* the instant that the snapshot is said to stand for; 0: as it was */
	struct settings_options settings; /* of stacks */
	/* Folders only: what is left out. */
	const struct strv
	    *exclude; /* rules of tree/ignore.h, relative to each path; may be NULL */
	const struct strv
	    *exclude_from; /* files of such rules, which come first; may be NULL */
	bool exclude_caches; /* what lies in tagged folders (tree/cachedir.h) */
	bool one_file_system; /* what lies in folders on other filesystems than the path's */
};

#define BACKUP_OPTIONS_INIT           \
	{                             \
		.allow_empty = false, \
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
	uint64_t shrunk; /* reasons for its quarantine (quarantine.h); 0: there is none */
	uint64_t excluded; /* files and folders that rules left out, or emptied */
};

MUST_CHECK enum err_code backup_stack(struct engine *e, const char *stack,
    const struct backup_options *opt, struct backup_result *out, struct err *err);

struct connection;

/* Snapshot of databases outside of stacks, of one instant (as far as they can be fixed
 * together); each is a member, as a stack's would be.  Nothing is made quiet.  A database that
 * cannot be read makes the snapshot partial; one that fails, none. */
MUST_CHECK enum err_code backup_connections(struct engine *e,
    const struct connection *const *list, size_t n, const struct backup_options *opt,
    struct backup_result *out, struct err *err);

/* Can the rules be read? */
MUST_CHECK enum err_code backup_check_rules(const struct backup_options *opt, struct err *err);

/* Snapshot of files and folders by their paths; each is kept at its absolute path in the tree.
 */
MUST_CHECK enum err_code backup_paths(struct engine *e, const struct strv *paths,
    const struct backup_options *opt, struct backup_result *out, struct err *err);

/* What a program writes. */
struct backup_input {
	const char *name; /* in the snapshot's tree: "db.sql" */
	bool is_tar; /* a tar archive (tree/tar_save.h), which becomes the folder name */
	int fd; /* read when argv is NULL */
	const char *const
	    *argv; /* a program to start, ended by NULL; it must end with status 0 */
};

/* Snapshot of a stream, as one file or as a tree.  Nothing at all is refused, unless
 * allow_empty.  That the program at the other end of fd has failed cannot be seen; that of argv
 * is seen.  ERR_LOCKED when a prune has removed what the run relied on: a program is started
 * once more before, but what came through fd is gone. */
MUST_CHECK enum err_code backup_stream(struct engine *e, const struct backup_input *in,
    const struct backup_options *opt, struct backup_result *out, struct err *err);

/* A dry run: what a backup of folders would do. */
enum backup_change_kind {
	BACKUP_NEW,
	BACKUP_CHANGED, /* of another size or mtime, or type: read again */
	BACKUP_METADATA, /* another mode, owner, xattr or so */
	BACKUP_REMOVED,
	BACKUP_EXCLUDED,
};

struct backup_change {
	enum backup_change_kind kind;
	const char *path; /* absolute */
	const struct tree_entry *before; /* NULL: new, or excluded */
	const struct tree_entry *now; /* NULL: removed, or excluded */
	unsigned fields; /* changed, metadata: of enum tree_field */
};

typedef enum err_code backup_change_fn(
    void *arg, const struct backup_change *c, struct err *err);

struct backup_preview {
	bool has_parent; /* of one path at least */
	uint64_t new_entries;
	uint64_t new_files; /* of them */
	uint64_t new_bytes;
	uint64_t changed;
	uint64_t changed_bytes;
	uint64_t metadata;
	uint64_t removed;
	uint64_t kept_files; /* there before and now, changed or not */
	uint64_t kept_bytes;
	uint64_t excluded;
	uint64_t problems; /* told as events */
};

/* Compare folders with their last snapshot by metadata; no file is read, nothing written.
 * Without a repository everything is new.  fn may be NULL; it is called on any thread, one call
 * at a time, in no certain order. */
MUST_CHECK enum err_code backup_look(struct engine *e, const struct strv *paths,
    const struct backup_options *opt, backup_change_fn *fn, void *arg,
    struct backup_preview *out, struct err *err);

#endif
