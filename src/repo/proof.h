/*
 * proof.h: what was found when a snapshot was restored to see whether it can
 * be: sealed JSON documents under proofs/ (docs/format.md, "Proof").
 *
 * A proof speaks of one snapshot of the same repository, by its id.  There may
 * be any number for one snapshot; nothing refers to a proof, and a snapshot is
 * whole without one.  engine/drill makes them, prune removes those whose
 * snapshot is gone.
 *
 * Threads: any; a struct proofs is read-only once loaded.
 */
#ifndef REPO_PROOF_H
#define REPO_PROOF_H

#include "base/json.h"
#include "repo/repo.h"

/* The words of a verdict. */
#define PROOF_PROVED "proved"
#define PROOF_FAILED "failed"
#define PROOF_INCONCLUSIVE "inconclusive"

MUST_CHECK enum err_code proof_save(
    struct repo *r, const struct buf *document, struct id *id, struct err *err);

/* All proofs that can be read, by time. */
struct proofs;

/* Those that are damaged or of a later version are passed over, and counted. */
MUST_CHECK enum err_code proofs_load(struct proofs **out, struct repo *r, struct err *err);
/* The same, reading only those that known (may be NULL) has not. */
MUST_CHECK enum err_code proofs_renew(
    struct proofs **out, struct repo *r, const struct proofs *known, struct err *err);
void proofs_free(struct proofs *p);
AUTO_FREE(proofs, struct proofs *, proofs_free)
size_t proofs_damaged(const struct proofs *p);

/* What counts for the snapshot: the newest that proved it or found it wanting; of one for which
 * neither is there, the newest inconclusive one.  NULL when there is none at all.  The document
 * stays the list's. */
const json_t *proofs_of(const struct proofs *p, const struct id *snapshot);
/* Every one of the snapshot, oldest first; the code of fn ends it. */
typedef enum err_code proof_fn(void *arg, const json_t *document, struct err *err);
MUST_CHECK enum err_code proofs_each(const struct proofs *p, const struct id *snapshot,
    proof_fn *fn, void *arg, struct err *err);

/* Remove proofs of snapshots that are certainly not there, and proofs that are damaged. */
MUST_CHECK enum err_code proofs_prune(
    struct repo *r, bool dry_run, uint64_t *removed, struct err *err);

#endif
