/*
 * pack_read.h: one pack with its directory, whole or frame by frame.
 *
 * For repo/ only.
 *
 * Threads: one at a time for each.
 */
#ifndef REPO_PACK_READ_H
#define REPO_PACK_READ_H

#include "repo/repo_impl.h"

struct pack_reading {
	struct repo *repo;
	struct id id;
	enum pack_kind kind;
	uint64_t size;
	struct pack_header header;
	struct pack_dir dir;
	struct buf whole; /* empty when frames are fetched one by one */
};

#define PACK_READING_INIT                               \
	{                                               \
		.dir = PACK_DIR_INIT, .whole = BUF_INIT \
	}

enum pack_fetch { FETCH_WHOLE, FETCH_FRAMES };

/* Read header and directory.  ERR_NOT_FOUND when the pack is not there. */
MUST_CHECK enum err_code pack_reading_open(struct pack_reading *p, struct repo *r,
    const struct id *id, enum pack_fetch fetch, struct err *err);
void pack_reading_release(struct pack_reading *p);
static inline void UNUSED
pack_reading_auto(struct pack_reading *p)
{
	pack_reading_release(p);
}

/* Decode one frame: its plain bytes are in t->plain. */
MUST_CHECK enum err_code pack_reading_frame(
    struct pack_reading *p, struct tools *t, const struct pack_frame *f, struct err *err);

#endif
