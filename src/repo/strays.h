/*
 * strays.h: packs that this host has put and that no index names yet, noted in the cache.
 *
 * An index is written every few minutes.  When a run ends before that and cannot write one
 * (it is killed, its credentials have ended), what it has put since would be found by nobody
 * and sent again.  So a writer notes each pack in a file of its own, which is locked for as
 * long as it lives, and the next writer of this host that adopts looks into the files that
 * nobody has locked (docs/decisions/0037-strays.md).
 *
 * A file holds ids of 32 bytes; half an id at its end is none.  Nothing here is needed for a
 * repository to be whole: what cannot be noted or read is logged, and no more.
 *
 * Threads: one at a time for each.
 */
#ifndef REPO_STRAYS_H
#define REPO_STRAYS_H

#include "repo/prune.h"

struct strays;

/* Below a cache folder; NULL: nothing is noted, which is no failure. */
struct strays *strays_open(const char *cache_dir);
/* Its file stays when it has notes. */
void strays_close(struct strays *s);

void strays_note(struct strays *s, const struct id *pack);
/* All that were noted are named by an index now. */
void strays_settle(struct strays *s);

/* What writers that live no more have left, sorted; it is locked against others who look. */
struct strays_left {
	struct pack_list packs;
	struct strays *files; /* a list */
};
void strays_look(struct strays_left *out, const char *cache_dir);
/* They are dealt with: remove the files. */
void strays_forget(struct strays_left *l);
void strays_left_release(struct strays_left *l);

#endif
