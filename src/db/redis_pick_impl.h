/*
 * redis_pick_impl.h: what the parts of Redis's and Valkey's pick share.
 *
 * redis_pick.c        the verbs
 * redis_pick_batch.c  many commands at once, and lists of keys
 * redis_pick_swap.c   keys exchanged, and back
 *
 * Keys of ours, in the same database, HASH being of the prefix:
 *
 *	stacksnap:new:HASH:KEY   a stored value, on its way
 *	stacksnap:old:HASH:KEY   what the key was before
 *	stacksnap:kept:HASH      "TAG": there are such; "TAG gone": they are being removed
 *	stacksnap:lock:HASH      one restore at a time; it goes by itself
 *
 * Values are RESTOREd under names of ours first, where no reader sees them.  The exchange is of
 * names alone (RENAME, within MULTI and EXEC): it moves no value, and its only error is that a
 *key has expired meanwhile, which is as it should be.
 */
#ifndef DB_REDIS_PICK_IMPL_H
#define DB_REDIS_PICK_IMPL_H

#include "db/pick_impl.h"
#include "db/redis_impl.h"

/* The server does nothing else while names are exchanged: about a microsecond each, three for
 * each key.  What EXEC answers must fit into an array of resp.h, too. */
#define PICK_KEYS_MAX 250000

struct rd_pick {
	struct redis *r;
	const struct db_pick *pick;
	struct link *link;
	struct resp *resp;
	unsigned number; /* of the database */
	char *fresh; /* "stacksnap:new:HASH:" */
	char *old;
	char *kept; /* the mark's name */
	char *lock;
	/* Commands that wait to be sent. */
	struct buf batch;
	size_t waiting;
	struct err refusal; /* the first that the server gave in this batch */
};

/* --- batch --- */

typedef enum err_code rd_key_fn(void *arg, const uint8_t *key, size_t len, struct err *err);

/* One command of words without NULs; the answer's text, "" for what has none. */
MUST_CHECK enum err_code rd_ask(
    struct rd_pick *p, const char *const *argv, char **out, struct err *err);
/* Later, with others.  An answer that is an error ends it all, unless it is one of expired
 * keys. */
MUST_CHECK enum err_code rd_add(
    struct rd_pick *p, const struct resp_word *words, size_t count, struct err *err);
MUST_CHECK enum err_code rd_flush(struct rd_pick *p, struct err *err);
/* All keys that begin so; ours are left out unless the prefix is one of ours.  A key may come
 * twice. */
MUST_CHECK enum err_code rd_scan(
    struct rd_pick *p, const char *prefix, rd_key_fn *fn, void *arg, struct err *err);
MUST_CHECK enum err_code rd_unlink(
    struct rd_pick *p, const uint8_t *key, size_t len, struct err *err);
bool rd_is_ours(const uint8_t *key, size_t len);

/* --- swap --- */

MUST_CHECK enum err_code rd_put_beside(struct rd_pick *p, struct err *err);
MUST_CHECK enum err_code rd_put_in_place(struct rd_pick *p, struct err *err);
MUST_CHECK enum err_code rd_put_back(struct rd_pick *p, struct err *err);
MUST_CHECK enum err_code rd_drop_kept(struct rd_pick *p, const char *tag, struct err *err);
/* What was on its way when an earlier one ended. */
MUST_CHECK enum err_code rd_drop_fresh(struct rd_pick *p, struct err *err);

#endif
