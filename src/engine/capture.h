/*
 * capture.h: the members of a snapshot while it is being made.
 *
 * For the engine's backup files only.  A run holds what a backup works with; a
 * capture is one member on its way: files are saved by save_files (once, or
 * twice with the first pass as the second one's parent), databases by their
 * connector into dumps.
 */
#ifndef ENGINE_CAPTURE_H
#define ENGINE_CAPTURE_H

#include "crypto/hash.h"
#include "db/connector.h"
#include "engine/backup.h"
#include "engine/layout.h"
#include "engine/live_server.h"
#include "engine/quarantine.h"
#include "engine/survey.h"
#include "tree/ignore.h"
#include "tree/save.h"

#include <pthread.h>

#define RUN_PROBLEMS_KEPT 1000
/* In the tree: what the dumps of a service hold. */
#define CENSUS_PATH "meta/census/%s.jsonl"

struct run_problem {
	char *path;
	char *what;
};

/* A dump file that was stored. */
struct dumped {
	char *name;
	char *database;
	char *format;
	char *tool;
	char *argv;
	uint64_t bytes;
	uint8_t sha256[HASH_SIZE];
};

struct backup_run;

struct capture {
	struct backup_run *run; /* while files are saved */
	const char *kind; /* member_kind_word, or "path" */
	const char *name;
	const char *path; /* in the snapshot's tree */
	const char *source; /* on this host; NULL: not files, or files that the engine reads */
	struct docker *docker; /* NULL, or the engine that reads them */
	const char *container; /* through this one's mounts */
	const char *inside; /* at this path of it */
	const struct strv *services; /* may be NULL */
	/* What is left out: of a stack's member paths below the source, of folders rules.  May
	 * be NULL. */
	const struct strv *exclude;
	struct ignore *rules; /* of folders: exclude, as it is matched; of a stack's member:
				 what is left out beside the paths.  The capture's own */
	atomic_uint_fast64_t excluded; /* how often the rules matched, and left_out of saved */

	/* files */
	struct tree_entry parent; /* of the previous snapshot */
	bool has_parent;
	int64_t parent_began_ns;
	uint64_t parent_files;
	json_t *baseline; /* the last good snapshot that has this member; NULL: none */
	struct tree_saved first; /* the live pass */
	struct tree_saved saved; /* the pass that counts */
	struct tree_saving *saving; /* it is on its way: clones are still to be read */
	bool may_clone; /* where the filesystem can */
	bool counts_problems; /* of the pass at hand */
	struct sqlite_set *sqlite; /* NULL: databases are files like any other */

	/* what both have in the end */
	struct tree_entry entry;
	bool has_entry;
	int64_t began_ns; /* for the next backup's change detection */
	int64_t fence_begin_ns;
	int64_t fence_end_ns;
	uint64_t files;
	uint64_t bytes;
	uint64_t problems;

	/* databases */
	const struct plan_member *member;
	struct live_server server;
	struct connector *connector;
	struct db_fence fence;
	struct dumped *dumps;
	size_t n_dumps;
};

struct backup_run {
	struct engine *engine;
	struct writer *writer;
	const struct backup_options *options;
	const char *source_kind; /* "stack", "path", "stdin", "database" */
	const char *source_name; /* of all but paths */
	char *host;
	int64_t began_ns;
	struct capture *captures;
	size_t n_captures;
	struct tree_progress progress;
	struct survey *survey; /* of what there is to read; may be NULL */
	json_t *baseline; /* of a stack: its last good snapshot; NULL: none */
	struct quarantine quarantine; /* what has shrunk since then */

	pthread_mutex_t lock; /* guards problems */
	struct run_problem *problems;
	size_t n_problems; /* kept */
	uint64_t problem_count;
};

/* Without a repository there is no writer: only looking is possible then. */
MUST_CHECK enum err_code run_init(struct backup_run *r, struct engine *e,
    const struct backup_options *opt, const char *source_kind, const char *source_name,
    struct err *err);
void run_release(struct backup_run *r);
/* Tell of a problem and keep it for the snapshot; the outcome becomes partial. */
void run_problem(struct backup_run *r, const char *path, const char *what);

/* Let a stack's member leave out what these rules of tree/ignore.h say. */
MUST_CHECK enum err_code capture_rules(
    struct capture *c, const struct strv *rules, struct err *err);
/* Find, in the newest snapshots, what each capture was last time. */
MUST_CHECK enum err_code run_find_parents(struct backup_run *r, struct err *err);

/* The member of that kind and name in a snapshot document, or NULL. */
const json_t *run_find_member(const json_t *doc, const char *kind, const char *name);

/* Read a member's files.  The first pass is live and its problems do not count; the last one's
 * do.  A backup without a quiet window has only the last. */
enum save_pass { PASS_FIRST, PASS_LAST, PASS_ONLY };
MUST_CHECK enum err_code save_files(
    struct backup_run *r, struct capture *c, enum save_pass pass, struct err *err);
/* The last pass in two steps: on return from the first the instant is fixed, and what is live
 * may change again. */
MUST_CHECK enum err_code save_files_begin(
    struct backup_run *r, struct capture *c, enum save_pass pass, struct err *err);
MUST_CHECK enum err_code save_files_end(
    struct backup_run *r, struct capture *c, enum save_pass pass, struct err *err);

/* Are they files, wherever they lie? */
bool capture_is_files(const struct capture *c);
/* Read a member's files through the engine (capture_engine.c); ends with a flush of the writer.
 * There is one pass: what changed cannot be asked for. */
MUST_CHECK enum err_code save_from_engine(
    struct backup_run *r, struct capture *c, struct err *err);

/* Tell progress, and the time left, while files are read: a meter_sample
 * whose arg is the run. */
void run_sample(void *arg, struct event *e);
/* What a capture of files leaves out, for those who only look. */
struct excluder_options run_excludes(const struct backup_run *r, const struct capture *c);
/* Begin to count what there is to read, if somebody watches. */
MUST_CHECK enum err_code run_survey(struct backup_run *r, struct err *err);

/* Store a connector's dumps as the capture's folder. */
MUST_CHECK enum err_code save_dumps(struct backup_run *r, struct capture *c, struct err *err);

/* Store the stack's images that are members, or take them over from the last snapshot. */
MUST_CHECK enum err_code save_images(struct backup_run *r, struct docker *d, struct err *err);

/* Store bytes as a file's entry. */
MUST_CHECK enum err_code save_bytes(struct backup_run *r, const void *data, size_t len,
    struct tree_entry *out, struct err *err);

/* What the dumps of a database hold, kept beside them: theirs is the tools' folder alone. */
MUST_CHECK enum err_code save_census(
    struct backup_run *r, struct layout *layout, const struct capture *c, struct err *err);

/* Refuse a member that is empty and was not. */
MUST_CHECK enum err_code gate_not_emptied(
    const struct backup_run *r, const struct capture *c, struct err *err);

/* For run_find_parents: a snapshot that it came upon, oldest first. */
void shrink_note(struct backup_run *r, const json_t *doc);
/* Note in the run's quarantine what has lost more than percent since the last good snapshot. */
MUST_CHECK enum err_code gate_not_shrunk(
    struct backup_run *r, unsigned percent, struct err *err);

/* Put the tree together, make everything durable, write the snapshot.  plan is NULL for paths;
 * quiet is the window, NULL when there was none; layout holds what is not a capture's. */
struct quiet_service {
	const char *service;
	const char *container;
	enum quiesce_how how;
	int64_t quiet_ns;
};
struct quiet_window {
	int64_t from_ns; /* wall clock */
	int64_t to_ns;
	int64_t longest_ns;
	struct quiet_service *services; /* none: nothing ran anyway */
	size_t n_services;
};
MUST_CHECK enum err_code run_commit(struct backup_run *r, const struct plan *plan,
    const struct quiet_window *quiet, struct layout *layout, struct backup_result *out,
    struct err *err);

#endif
