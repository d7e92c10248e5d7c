/*
 * restore_past.h: a restore as its record tells of it (restore_record.h):
 * one that can still be undone, one that is being settled, or one whose
 * process died.  For restore*.c only.
 *
 * The way back (past_go_back) is one for all of them: a restore that failed,
 * one that was interrupted, one that the user takes back.  Each of its steps
 * looks at what there is and does what is missing, so it may be interrupted
 * anywhere and begun again.
 *
 * Ownership: past_open gives a past that past_close frees; strings in it lie in
 *            its document.
 * Threads:   one at a time.
 */
#ifndef ENGINE_RESTORE_PAST_H
#define ENGINE_RESTORE_PAST_H

#include "engine/engine.h"
#include "engine/restore_record.h"
#include "engine/restore_site.h"

struct past_item {
	const char *word; /* "volume" */
	const char *name;
	const char *target;
	const char *stage;
	const char *old;
	bool was_there;
	bool has_old;
	bool must_keep;
	bool is_mounted; /* see restore_mounted.h */
	uint64_t old_files; /* as counted before the restore */
	uint64_t old_bytes;
	uint64_t stage_ino;
	uint64_t old_ino;
};

/* How a stack is started. */
struct past_project {
	const char *dir;
	struct strv files;
	struct strv env_files;
	struct strv run; /* services */
};

struct restore_past {
	struct engine *engine;
	char *path;
	int lock; /* -1: somebody else holds it for us */
	json_t *doc;
	enum restore_step step;
	enum restore_step from; /* where the way back was begun; else step */
	const char *stack;
	const char *snapshot;
	int64_t snapshot_ns;
	int64_t begun_ns;
	int64_t kept_ns;
	bool is_partial;
	bool lost_some;
	int wait_s;
	struct past_item *items;
	size_t n_items;
	struct strv services; /* partial: those that are stopped for the exchange */
	struct strv
	    ids; /* partial: of their containers those that ran, and run again afterwards */
	bool has_old; /* there was a stack before */
	struct past_project old;
	struct strv well; /* of its services, those that were */
	struct past_project fresh; /* the restored one */

	/* past_connect */
	struct docker *docker;
	struct compose *compose;
	struct restore_site site;
};

/* ERR_NOT_FOUND when there is no record. Nothing is locked. */
MUST_CHECK enum err_code past_open(
    struct restore_past **out, struct engine *e, const char *stack, struct err *err);
/* Of a restore that this process works on: text is what its record would say. */
MUST_CHECK enum err_code past_read(struct restore_past **out, struct engine *e,
    const char *path, const struct buf *text, struct err *err);
void past_close(struct restore_past *p);
AUTO_FREE(past, struct restore_past *, past_close)

/* ERR_LOCKED while another process works on it. */
MUST_CHECK enum err_code past_lock(struct restore_past *p, struct err *err);
/* Reach the engine and find Compose.  What puts a stack back does not heed the cancel. */
MUST_CHECK enum err_code past_connect(
    struct restore_past *p, const struct cancel *cancel, struct err *err);
/* A step begins: durable on return. */
MUST_CHECK enum err_code past_begin(
    struct restore_past *p, enum restore_step step, struct err *err);

/*
 * Everything as it was before the restore.  The restored data is removed: at once
 * when the restore was not finished, else when the old stack runs.  The record goes
 * when all is done.  ERR_TRANSIENT: all data is back and the old stack was started, but
 * it is not well; the record has gone unless the restore had been finished.
 */
MUST_CHECK enum err_code past_go_back(struct restore_past *p, struct err *err);
/* Undone, but the old stack is not well: leave it so. The restored data is removed. */
MUST_CHECK enum err_code past_accept_back(struct restore_past *p, struct err *err);
/* partial: which containers of its services run now. */
MUST_CHECK enum err_code past_find_running(struct restore_past *p, struct err *err);
/* An interrupted restore whose data is all in place: start the stack and wait until it
 * is well.  *is_kept: it can be undone; else there is nothing old, and the record is gone.
 * ERR_USAGE: variables are missing, nothing was started. */
MUST_CHECK enum err_code past_go_on(struct restore_past *p, bool *is_kept, struct err *err);
/* Is all restored data where it belongs? */
bool past_is_swapped(const struct restore_past *p);
/* Remove what was there before, and then the record. */
MUST_CHECK enum err_code past_finish(struct restore_past *p, struct err *err);
/* Every item as it was, however far an exchange came, either way; restored data is then at its
 * stage. */
MUST_CHECK enum err_code past_swap_back(const struct restore_past *p, struct err *err);
/* Can each thing be put back?  The first that cannot is told. */
MUST_CHECK enum err_code past_check_old(const struct restore_past *p, struct err *err);
/* Something of the user's was there: containers or data. */
bool past_had_something(const struct restore_past *p);
/* Where everything lies, as warnings: for when even the way back failed. */
void past_tell_places(const struct restore_past *p);

/* The exchange of restore_swap.c, for both ways: what is at target goes to away, what is at
 * fresh to target, durably. */
MUST_CHECK enum err_code swap_places(
    const char *fresh, const char *target, const char *away, struct err *err);
MUST_CHECK enum err_code swap_move(const char *from, const char *to, struct err *err);
/* The inode of what is there; 0 for nothing. */
uint64_t swap_inode(const char *path);

#endif
