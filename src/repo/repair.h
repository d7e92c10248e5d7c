/*
 * repair.h: making the index fit the packs that are there.
 *
 * An index holds nothing that packs do not: index objects that are damaged or
 * gone are made again from the directories of the packs, and what an index
 * says of packs that are not there is dropped.  New index objects are durable
 * before an old one is deleted (docs/decisions/0010, 0012), so a repair may
 * be interrupted at any time, and run beside writers.
 *
 * Memory: 56 bytes for each pack, and one index object.
 *
 * Threads: repo_repair_index uses threads of its own; news are told by one at
 *          a time.
 * Errors:  ERR_LOCKED when somebody deletes from the repository.
 */
#ifndef REPO_REPAIR_H
#define REPO_REPAIR_H

#include "repo/repo.h"

#include <stdatomic.h>

struct repair_progress {
	atomic_uint_least64_t done; /* of what the phase counts */
	atomic_uint_least64_t total; /* 0: not known yet */
};

enum repair_news {
	REPAIR_READ_INDEXES, /* a phase; object is NULL */
	REPAIR_READ_PACKS,
	REPAIR_WRITE,
	REPAIR_INDEX_DAMAGED, /* why says in which way */
	REPAIR_INDEX_OUTDATED, /* it names packs that are not there, or not as it says */
	REPAIR_INDEX_WRITTEN, /* not in a dry run; why says what it holds */
	REPAIR_INDEX_DELETED,
	REPAIR_PACK_MISSING,
	REPAIR_PACK_CUT, /* only its first frames are whole; why says how many */
	REPAIR_PACK_UNREADABLE, /* neither it nor an index tells what it holds */
};

/* object is a key of the store, why may be NULL. */
typedef void repair_news_fn(
    void *arg, enum repair_news news, const char *object, const char *why);

struct repair_options {
	bool dry_run;
	bool read_all; /* read the directories of all packs, and make all index objects anew */
	const struct cancel *cancel;
	struct repair_progress *progress; /* may be NULL */
	repair_news_fn *news;
	void *arg;
};

/* In a dry run: what there would be. */
struct repair_result {
	uint64_t indexes; /* looked at */
	uint64_t indexes_damaged;
	uint64_t indexes_outdated;
	uint64_t indexes_written;
	uint64_t indexes_deleted;
	uint64_t packs; /* in the store */
	uint64_t packs_added; /* no sound index named them rightly, and now one does */
	uint64_t packs_missing;
	uint64_t packs_cut;
	uint64_t packs_unreadable;
};

/* r need not have loaded its indexes (repo_open_bare); afterwards it has, but in a dry run. */
MUST_CHECK enum err_code repo_repair_index(struct repo *r, const struct repair_options *opt,
    struct repair_result *result, struct err *err);

#endif
