/*
 * publish.h: putting a snapshot beside those who delete (docs/decisions/0010).
 *
 * Nobody else calls snapshot_save: between what a run found stored and the
 * moment its snapshot stands, somebody may have begun to remove it.
 *
 * Threads: one at a time.
 */
#ifndef ENGINE_PUBLISH_H
#define ENGINE_PUBLISH_H

#include "engine/engine.h"
#include "repo/writer.h"
#include "tree/entry.h"

/* Flush the writer, put the snapshot of this tree, and see that all it needs is there to stay.
 * What lies in a pack that is about to go is stored anew.  ERR_CHANGED: it could not be; there
 * is no snapshot, and the run had better start over. */
MUST_CHECK enum err_code publish_snapshot(struct engine *e, struct writer *w,
    const struct tree_entry *root, const struct buf *document, struct id *id, struct err *err);

/* A run has failed with *err: was it because somebody deletes what it relied on?  Then the
 * error becomes ERR_CHANGED.  w may be NULL.  Returns the code. */
enum err_code publish_blame(struct writer *w, struct err *err);

/* Do it; once more when it ends with ERR_CHANGED; after that it has failed with ERR_LOCKED. */
typedef enum err_code publish_run(void *arg, struct err *err);
MUST_CHECK enum err_code publish_with_retry(
    struct engine *e, const char *subject, publish_run *run, void *arg, struct err *err);

#endif
