/*
 * places.h: where StackSnap keeps what is its own on this host.
 */
#ifndef CLI_PLACES_H
#define CLI_PLACES_H

#include "base/err.h"

#include <stdbool.h>

/* Local copies of indexes, which may be deleted at any time: given (--cache-dir), else
 * $XDG_CACHE_HOME/stacksnap, ~/.cache/stacksnap, for root without HOME /var/cache/stacksnap.
 * *out is the caller's, and NULL when there is no such place. */
MUST_CHECK enum err_code place_of_cache(
    char **out, const char *given, bool is_root, struct err *err);

/* Journals of services that were made quiet: STACKSNAP_STATE_DIR; for root /var/lib/stacksnap;
 * else $XDG_STATE_HOME/stacksnap or ~/.local/state/stacksnap.  ERR_USAGE when there is none. */
MUST_CHECK enum err_code place_of_state(char **out, bool is_root, struct err *err);

#endif
