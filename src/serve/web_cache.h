/*
 * web_cache.h: answers that are given again for some milliseconds.
 *
 * An answer is kept only when nothing was to be forgotten between the ask and its arrival: what
 * the keeper looked up before a change, and sent after it, is never kept.
 *
 * Threads: any.
 */
#ifndef SERVE_WEB_CACHE_H
#define SERVE_WEB_CACHE_H

#include "serve/web_reply.h"

#define CACHE_ANSWERS 1024
#define CACHE_BYTES (16 << 20)
#define CACHE_KEEP_MS 5000 /* at most, whatever the keeper says */

struct cache;

MUST_CHECK enum err_code cache_new(struct cache **out, struct err *err);
void cache_free(struct cache *c);
AUTO_FREE(cache, struct cache *, cache_free)

/* What a later cache_keep must show. */
uint64_t cache_age(struct cache *c);
/* Queue the answer on the connection; false when there is none, or it cannot be queued. */
bool cache_send(struct cache *c, const char *key, int64_t now_ns, struct MHD_Connection *con);
/* Takes the response over. */
void cache_keep(struct cache *c, const char *key, uint64_t age, struct reply reply,
    size_t bytes, int64_t until_ns);
void cache_forget(struct cache *c);

#endif
