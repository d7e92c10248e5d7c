/*
 * restore_job.h: the restore of one stack, from what the snapshot says to
 * where each piece of it goes; for restore*.c only.
 *
 * A job is filled in steps, each of which needs those before it:
 *
 *	job_open    what the snapshot says, under the names that it will have here
 *	job_look    the engine and this host: what is there, what is in the way
 *	            (restore_stack.c then stages, swaps, loads and starts)
 *	job_close
 *
 * An item is one piece of data on this host's disk that is put in place as a
 * whole: the project folder, a compose file outside it, a volume, a bind
 * mount.  It is written beside its place and exchanged with what is there:
 *
 *	target   /srv/shop                               what is there now, if anything
 *	stage    /srv/.stacksnap-new-1a2b3c4d.shop       the restored data, until the swap
 *	old      /srv/.stacksnap-old-1a2b3c4d.shop       what was there, after the swap
 *
 * A folder that is a mount point has both in a hidden folder inside it (restore_mounted.h).
 *
 * Databases are no items: their data folders are put in place empty, and the
 * server is then made to load the dumps.
 *
 * Ownership: all that is in a job is the job's; names and nodes that are
 *            const json_t * or come from one lie in the snapshot's document.
 * Threads:   one at a time.
 */
#ifndef ENGINE_RESTORE_JOB_H
#define ENGINE_RESTORE_JOB_H

#include "db/connector.h"
#include "docker/compose.h"
#include "docker/stack.h"
#include "engine/browse.h"
#include "engine/restore.h"

enum item_kind {
	ITEM_PROJECT,
	ITEM_FILE,
	ITEM_VOLUME,
	ITEM_BIND,
};

/* "folder", "file", "volume", "bind mount" */
const char *item_kind_word(enum item_kind kind);

enum item_state {
	ITEM_PLANNED,
	ITEM_STAGED, /* restored data at stage */
	ITEM_SWAPPED, /* restored data at target; at old what was there, if anything */
};

/* A folder inside an item that the snapshot leaves out, for a database to fill. */
struct item_hollow {
	char *path; /* relative to the item */
	const char *service;
	bool
	    is_mount; /* it must be there when the container is made; others the server makes */
};

struct restore_item {
	enum item_kind kind;
	char *name; /* of the volume, or the path */
	char *tree; /* where it lies in the snapshot; NULL: an empty folder */
	const char *source; /* where it was on the host that was backed up; NULL: not told */
	char *target; /* NULL: of a volume that is not there yet */
	char *stage; /* set with target */
	char *old;
	const char *service; /* the database whose data folder this is, or NULL */
	size_t volume; /* index in job.volumes */
	struct item_hollow *hollows;
	size_t n_hollows;
	uint64_t files; /* as recorded */
	uint64_t bytes;
	bool has_old; /* target holds something */
	uint64_t old_files; /* what it holds */
	uint64_t old_bytes;
	bool was_there; /* something is at target, perhaps an empty folder; from the swap on */
	bool must_keep; /* what is at target holds what no snapshot has: never removed */
	bool is_mounted; /* target is a mount point: stage and old lie in it (restore_mounted.h)
			  */
	enum item_state state;
	uint64_t stage_ino; /* of what was staged; 0 until then */
	uint64_t
	    old_ino; /* of what is at target before the swap; 0: nothing, or not known yet */
};

struct restore_volume {
	char *name; /* here */
	const char *recorded_name;
	const char *key; /* as the compose file knows it, or NULL */
	const char *driver;
	struct strv labels;
	struct strv options;
	bool is_external;
	bool is_anonymous;
	bool exists;
	bool is_made; /* by this restore */
};

/* A volume without a name, which Compose makes anew with its container: filled after that. */
struct restore_late {
	char *tree;
	const char *service;
	int64_t number;
	const char *target; /* in the container */
};

struct restore_container {
	const char *service;
	int64_t number;
	const char *name;
	const char *image;
	const char *image_id;
	const json_t *digests;
	const char *digest; /* by which the image was pulled for this restore, or NULL */
	bool ran; /* when the backup was made */
	bool was_paused;
	json_t *doc; /* its inspect document; NULL when it was not kept */
};

struct restore_database {
	const char *service;
	const char *path; /* of its folder in the snapshot */
	enum db_kind kind;
	const json_t *streams;
	uint64_t bytes;
};

struct restore_job {
	struct engine *engine;
	const struct restore_options *opt;
	struct snapshot snapshot;
	char tag[9]; /* of the snapshot */

	char *name; /* of the project, here */
	const char *recorded_name;
	char *dir; /* the project folder, here; "" when none was recorded */
	const char *recorded_dir;
	bool has_project; /* the snapshot holds the project folder */
	struct strv config_files;
	struct strv env_files;
	struct restore_container *containers;
	size_t n_containers;
	struct strv services; /* all */
	struct strv ran; /* those that ran */
	struct restore_database *databases;
	size_t n_databases;
	struct restore_volume *volumes;
	size_t n_volumes;
	struct restore_item *items;
	size_t n_items;
	struct restore_late *lates;
	size_t n_lates;
	bool snapshot_lost_some; /* problems were met when it was made */

	/* restore_part.h */
	bool is_partial; /* only some members: the containers that are there stay */
	struct strv touched; /* services that are stopped for it */
	struct strv stopped_ids; /* of their containers, those that ran */

	/* job_look */
	struct docker *docker;
	struct compose *compose;
	struct stack *now; /* the stack of that name that is there; NULL: none */
	struct strv running_now; /* its services that run */
	struct restore_preview preview;

	/* from the staging on */
	bool is_staged; /* all volumes are made */
	struct strv made_files; /* the compose files that the new stack is made of */
	struct stack *made; /* what Compose made of the stored files */
	uint64_t files_restored;
	uint64_t bytes_restored;
	uint64_t problems;
};

/* Snapshot and options are enough: nothing is contacted. */
MUST_CHECK enum err_code job_open(struct restore_job **out, struct engine *e,
    const struct id *snapshot, const struct restore_options *opt, struct err *err);
void job_close(struct restore_job *j);
AUTO_FREE(job, struct restore_job *, job_close)

/* Reach the engine, and find Compose. */
MUST_CHECK enum err_code job_connect(struct restore_job *j, struct err *err);
/* Find what there is, and fill in the preview.  What must be mended first is in
 * preview.obstacles; errors are only those that keep the job from looking. */
MUST_CHECK enum err_code job_look(struct restore_job *j, struct err *err);

/* Where items go.  From job_open; job_set_target gives a volume's item its place. */
MUST_CHECK enum err_code job_find_items(struct restore_job *j, struct err *err);
/* A place inside another's comes back with it: it is no item of its own. */
MUST_CHECK enum err_code job_drop_inner(struct restore_job *j, struct err *err);
void item_release(struct restore_item *it);
/* target may be NULL; the item is the job's, and moves when another is added. */
MUST_CHECK enum err_code job_add_item(struct restore_job *j, enum item_kind kind,
    const char *name, const char *target, struct restore_item **out, struct err *err);
MUST_CHECK enum err_code item_set_target(
    struct restore_item *it, const char *target, const char *tag, struct err *err);
/* Its target is a mount point. */
MUST_CHECK enum err_code item_set_mounted(
    struct restore_item *it, const char *tag, struct err *err);

/* What a recorded or present inspect document says of a database's target.  Everything but the
 * lists is borrowed from doc. */
struct doc_target {
	struct db_target target;
	struct strv env;
	struct strv argv;
	struct strv ports;
	struct strv mounts;
};
void doc_target_release(struct doc_target *t);
MUST_CHECK enum err_code doc_target_read(
    struct doc_target *t, const char *service, const json_t *doc, struct err *err);

/* The folder on this host that holds a volume's files, from its inspect document;
 * ERR_UNSUPPORTED when there is none. */
MUST_CHECK enum err_code volume_folder(char **out, const json_t *doc, struct err *err);

/* The containers of the recorded service that have the document, or NULL. */
const struct restore_container *job_container(const struct restore_job *j, const char *service);
const struct restore_database *job_database(const struct restore_job *j, const char *service);

#endif
