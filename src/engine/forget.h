/*
 * forget.h: which snapshots stay, by rules, and why (docs/decisions/0013).
 *
 * Snapshots of one source (snapshot_source_text) are counted among
 * themselves, by the local calendar with ISO weeks.  Only complete ones take a
 * rule's places: a run that was cut short never pushes a good one out.  A
 * partial one stays while it is newer than the last complete one, or when it
 * bears a kept tag or is young enough.  No rule and no name can take away the
 * last complete snapshot of a source.  A quarantined one (quarantine.h) takes no
 * place, stays until it is named or accepted, and keeps all that is older.
 *
 * With needs_proof, a snapshot goes only when a newer one of its source stays that is complete
 * and was proved: by a drill, or by a verification of the whole repository.
 *
 * forget_plan decides and changes nothing; forget_apply deletes.  The data
 * stays until prune.
 *
 * Threads: one at a time.
 */
#ifndef ENGINE_FORGET_H
#define ENGINE_FORGET_H

#include "engine/engine.h"
#include "engine/filter.h"

struct forget_policy {
	unsigned last; /* 0: no such rule */
	unsigned hourly;
	unsigned daily;
	unsigned weekly;
	unsigned monthly;
	unsigned yearly;
	const char
	    *within; /* "30d": of the newest snapshot of the source; NULL: no such rule */
	const struct strv *tags; /* each "a" or "a,b"; may be NULL */
	bool needs_proof;
	int64_t verified_ns; /* what was stored by then was verified since; 0: nothing was */
};

struct forget_decision {
	struct id id;
	json_t *document;
	char *source;
	bool is_subject; /* of this call: it passed the filter */
	bool keep;
	char *reason; /* "daily 2026-11-20, weekly 2026-W47" */
};

struct forget_plan {
	struct forget_decision *items; /* all snapshots, oldest first */
	size_t count;
	size_t cap;
};

void forget_plan_free(struct forget_plan *p);
AUTO_FREE(forget_plan, struct forget_plan *, forget_plan_free)

/* With names in the filter, those are to go, and policy is NULL.  ERR_USAGE for a policy that
 * keeps nothing; ERR_DENIED when a snapshot that was named must not go. */
MUST_CHECK enum err_code forget_plan_make(struct forget_plan **out, struct repo *r,
    const struct snapshot_filter *filter, const struct forget_policy *policy, struct err *err);

MUST_CHECK enum err_code forget_apply(
    struct engine *e, const struct forget_plan *p, uint64_t *forgotten, struct err *err);

#endif
