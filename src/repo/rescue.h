/*
 * rescue.h: storing again what lies in a pack that is about to go.
 *
 * Threads: any.
 */
#ifndef REPO_RESCUE_H
#define REPO_RESCUE_H

#include "repo/writer.h"

/* Store a chunk anew that is in doomed packs only.  Errors are those of reading it. */
MUST_CHECK enum err_code rescue_chunk(struct writer *w, const struct id *id, struct err *err);

#endif
