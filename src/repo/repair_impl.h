/*
 * repair_impl.h: the inside of a repair of the index.
 *
 * repair.c reads index objects, writes new ones and deletes old ones;
 * repair_packs.c asks packs what they hold.
 */
#ifndef REPO_REPAIR_IMPL_H
#define REPO_REPAIR_IMPL_H

#include "repo/repair.h"
#include "repo/repo_impl.h"

/* A pack in the store. */
struct repair_pack {
	struct id id;
	uint64_t size;
	bool is_kept; /* an index object that stays names it */
	bool is_told; /* one that goes names it, with the right size */
	bool is_bad; /* its directory cannot be read */
	bool is_done; /* in a new index object */
	char *why; /* of what is bad; NULL without memory for it */
};

struct repair {
	struct repo *repo;
	const struct repair_options *opt;
	struct repair_progress own_progress;
	struct repair_progress *progress;
	struct repair_result *result;
	struct buf outdated; /* ids of index objects that go once they were copied from */
	struct buf damaged; /* of those that go */
	struct buf unread; /* of those that go when all packs could be read */
	struct buf written;
	struct map missing; /* ids of packs */
	struct repair_pack *packs; /* in order of ids */
	size_t count;
	size_t cap;

	pthread_mutex_t lock; /* guards all below, and what is written */
	struct index_builder builder;
	size_t next;
	struct err failure;
};

/* With the lock, or when no readers run. */
void repair_tell(struct repair *x, enum repair_news news, const char *object, const char *why);
void repair_begin(struct repair *x, enum repair_news phase, uint64_t total);

/* Does this say that the object is bad, and not that it could not be had just now? */
bool repair_is_damage(enum err_code code);
/* NULL: it is not in the store. */
struct repair_pack *repair_find_pack(struct repair *x, const struct id *id);

/* Put what a pack holds into the new index.  With the lock, or when no readers run. */
MUST_CHECK enum err_code repair_add_dir(struct repair *x, struct repair_pack *p,
    enum pack_kind kind, const struct pack_dir *dir, struct err *err);

/* Ask the packs that no index tells, or all. */
MUST_CHECK enum err_code repair_read_packs(struct repair *x, struct err *err);
/* Packs whose directory cannot be read: index what still can be read of those that an index
 * object told, and tell of all. */
MUST_CHECK enum err_code repair_salvage_packs(struct repair *x, struct err *err);

#endif
