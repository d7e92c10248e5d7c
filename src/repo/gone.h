/*
 * gone.h: packs that an index names, or named, and that are not in the store.
 *
 * A repo remembers those that it met, so that nothing more is built on them
 * while it is open (docs/decisions/0010).
 *
 * Threads: any.
 * For repo/ only.
 */
#ifndef REPO_GONE_H
#define REPO_GONE_H

#include "repo/prune.h"

/* Add the pack to the list if it is not in the store. */
MUST_CHECK enum err_code gone_ask(
    struct repo *r, const struct id *pack, struct pack_list *gone, struct err *err);

/* Remember these: whoever looks for losses finds one when any was not known. */
MUST_CHECK enum err_code gone_note(
    struct repo *r, const struct pack_list *gone, struct err *err);
size_t gone_count(struct repo *r);
/* Append the ids of all that are remembered. */
MUST_CHECK enum err_code gone_list(struct repo *r, struct buf *out, struct err *err);

/* An index object that this process has put, and its payload: does it name packs that are not
 * there?  They are added to gone; an object that names the others is put (*other; zeros when
 * there are none), and then this one is deleted. */
MUST_CHECK enum err_code gone_take_back(struct repo *r, const struct id *object,
    const struct buf *payload, struct pack_list *gone, struct id *other, struct err *err);

#endif
