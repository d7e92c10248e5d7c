/*
 * restore_settle.h: what becomes of a restore after it: it is finished, or
 * undone; and one whose process died is brought to an end.
 *
 * After a restore over something that was there, the old data stays beside
 * the restored, renamed.  restore_finish removes it.  restore_undo takes the
 * restored stack down, puts every piece of old data back and starts the old
 * stack from its own files, until it runs as before.
 *
 * restore_recover settles what was interrupted, from the record alone (no
 * repository is needed): when all data was in place already and the stack
 * starts, the restore stands; otherwise all is put back.  Either way the stack
 * is wholly new or wholly old.
 *
 * Ownership: names in a list are the list's.
 * Errors:    ERR_NOT_FOUND when there is no such restore; ERR_LOCKED while one runs.
 */
#ifndef ENGINE_RESTORE_SETTLE_H
#define ENGINE_RESTORE_SETTLE_H

#include "engine/restore.h"

enum restored_state {
	RESTORED_RUNNING, /* a process works on it now */
	RESTORED_INTERRUPTED, /* its process died, or could not end: recover */
	RESTORED_KEPT, /* can be undone, or finished */
};

/* "running", "interrupted", "kept" */
const char *restored_state_word(enum restored_state state);

struct restored {
	char *stack;
	char *snapshot; /* its id in hex */
	int64_t snapshot_ns;
	int64_t kept_ns; /* when it ended; else when it began */
	enum restored_state state;
	const char *step; /* "kept", "swapping", ... */
	bool is_partial;
	bool must_ask; /* what is kept holds what no snapshot has */
	uint64_t files; /* of what is kept */
	uint64_t bytes;
	struct strv places; /* of it, on this host */
};

struct restored_list {
	struct restored *items;
	size_t count;
	struct strv broken; /* records that cannot be read, and why */
};

#define RESTORED_LIST_INIT         \
	{                          \
		NULL, 0, STRV_INIT \
	}

void restored_list_release(struct restored_list *l);
static inline void UNUSED
restored_list_auto(struct restored_list *l)
{
	restored_list_release(l);
}

/* All that are not settled, by stack; only e.state_dir is used. */
MUST_CHECK enum err_code restore_list(
    struct engine *e, struct restored_list *out, struct err *err);
/* Is there one that keeps others from working on the stack (running or interrupted)? ERR_LOCKED
 * says so, with what to do. */
MUST_CHECK enum err_code restore_check_settled(
    struct engine *e, const char *stack, struct err *err);

/* What undoing would bring back, what it would take away, and what is in its way.  out is
 * RESTORE_PREVIEW_INIT. */
MUST_CHECK enum err_code restore_undo_preview(
    struct engine *e, const char *stack, struct restore_preview *out, struct err *err);
/* ERR_TRANSIENT: all is back, but the old stack is not well; the restored data is then still
 * there, and undo, finish or recover go on from that. */
MUST_CHECK enum err_code restore_undo(struct engine *e, const char *stack, struct err *err);
MUST_CHECK enum err_code restore_finish(struct engine *e, const char *stack, struct err *err);

enum recovered {
	RECOVERED_NOTHING, /* there was nothing to do */
	RECOVERED_OLD, /* as before the restore */
	RECOVERED_NEW, /* restored */
	RECOVERED_FINISHED, /* old data that was being removed is gone */
};

MUST_CHECK enum err_code restore_recover(
    struct engine *e, const char *stack, enum recovered *how, struct err *err);

#endif
