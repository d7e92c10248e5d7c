/*
 * index_segment_impl.h: what reading and writing a segment's file share.
 */
#ifndef REPO_INDEX_SEGMENT_IMPL_H
#define REPO_INDEX_SEGMENT_IMPL_H

#include "base/checksum.h"
#include "repo/index_segment.h"

#define SEG_MAGIC "SSNAPSEG"
#define SEG_VERSION 3
#define SEG_BLOCK 4096
#define SEG_ROOM (SEG_BLOCK - 8) /* before the checksum */

#define SEG_OBJECT 64
#define SEG_PACK 64
#define SEG_ENTRY 56
#define SEG_FENCE 8

static inline size_t
table_per_block(const struct segment_table *t)
{
	return SEG_ROOM / t->record;
}

static inline uint64_t
table_blocks(const struct segment_table *t)
{
	return (t->count + table_per_block(t) - 1) / table_per_block(t);
}

/* Where the tables of so many records are; gives the blocks of the file. */
uint64_t segment_lay_out(struct segment *s, uint32_t objects, uint32_t packs, uint64_t entries);

struct segment *segment_alloc(void);

/* The first eight bytes of an id, in its order. */
static inline uint64_t
id_prefix(const uint8_t *id)
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++)
		v = v << 8 | id[i];
	return v;
}

#endif
