/*
 * drill.h: is a stack's snapshot enough to bring the stack back?  It is
 * restored into a scratch stack and compared.
 *
 * The scratch stack has a name of its own (stacksnap-drill-1a2b3c4d), volumes,
 * networks and folders of its own, no way out, and nothing of the host's
 * (drill_compose.h); what was made is looked at again before anything starts
 * (drill_guard.c).  Then
 *
 *	files      every restored file is read back and compared with what is stored
 *	databases  each server is dumped again, and what the dumps hold is compared,
 *	           table by table
 *	services   are started and waited for until all are healthy
 *
 * and all of it is removed.  What came of it is kept in the repository as a
 * proof (repo/proof.h).  A drill that could not be carried out proves nothing
 * either way: it is inconclusive.
 *
 * The scratch stack is written down in state_dir/drill-*.json before anything
 * is made, so that the next drill, or recover, removes what one that died has left.
 */
#ifndef ENGINE_DRILL_H
#define ENGINE_DRILL_H

#include "base/json.h"
#include "base/strv.h"
#include "engine/engine.h"

/* How the names of scratch stacks begin. */
#define DRILL_PROJECT "stacksnap-drill-"

enum drill_verdict {
	DRILL_PROVED,
	DRILL_FAILED, /* restored, but not what was backed up; or it does not come up */
	DRILL_INCONCLUSIVE, /* it could not be tried, or not under fair conditions */
};
/* "proved", "failed", "inconclusive" */
const char *drill_verdict_word(enum drill_verdict v);

struct drill_options {
	const char *to; /* where the scratch folder is made; NULL: in the state folder */
	bool keep; /* leave the scratch stack running, to look at */
	bool may_pull; /* fetch images that are not here, by their recorded digests */
	bool no_record; /* write nothing to the repository */
	bool plan_only; /* restore the compose files alone, and tell what would be cut off */
	int wait_s; /* how long services may take to become healthy */
};
#define DRILL_OPTIONS_INIT     \
	{                      \
		.wait_s = 300, \
	}

struct drill_result {
	enum drill_verdict verdict;
	char reason[508]; /* why it is not proved; "" when it is */
	json_t *document; /* what was recorded, or would have been */
	bool is_recorded;
	char project[40]; /* of the scratch stack */
	bool is_kept;
	int64_t rto_ns; /* from the first byte to the last healthy service; 0: not reached */
	int64_t took_ns;
};
void drill_result_release(struct drill_result *r);
static inline void UNUSED
drill_result_auto(struct drill_result *r)
{
	drill_result_release(r);
}

/*
 * Errors are those that keep a drill from being begun (no engine, no such snapshot, not of a
 * stack: ERR_USAGE; the repository cannot be written to: ERR_READ_ONLY), and ERR_CANCELLED,
 * after which all was removed and nothing recorded.  What cannot be removed is told as
 * warnings.
 */
MUST_CHECK enum err_code drill_run(struct engine *e, const struct id *snapshot,
    const struct drill_options *opt, struct drill_result *out, struct err *err);

/* The snapshot that a drill of that stack takes: its newest complete one, else its newest. */
MUST_CHECK enum err_code drill_find(
    struct repo *r, const char *stack, struct id *out, struct err *err);
/* The names of all stacks that there are snapshots of. */
MUST_CHECK enum err_code drill_stacks(struct repo *r, struct strv *out, struct err *err);

struct drill_leftovers {
	struct strv removed; /* projects */
	size_t busy; /* drills that are at work */
	size_t kept; /* that somebody wanted kept */
	size_t failed; /* told as warnings */
};
#define DRILL_LEFTOVERS_INIT       \
	{                          \
		STRV_INIT, 0, 0, 0 \
	}
void drill_leftovers_release(struct drill_leftovers *l);
static inline void UNUSED
drill_leftovers_auto(struct drill_leftovers *l)
{
	drill_leftovers_release(l);
}
/* Remove what drills that died have left; with kept, also what was left on purpose. */
MUST_CHECK enum err_code drill_clean(struct event_sink *events, const char *state_dir,
    bool kept, struct drill_leftovers *out, struct err *err);

#endif
