/*
 * world.h: a made-up repository of any size: real keys and index objects in a
 * folder, packs that are only listed, asked for their size and deleted; real
 * ones may lie between them.
 *
 * Pack p holds chunks p * CHUNKS_OF_PACK and on, each in a frame of its own.
 * All ids are made of numbers, those of packs in ascending order: nothing
 * about them needs to be kept in memory.
 */
#ifndef TESTS_SCALE_WORLD_H
#define TESTS_SCALE_WORLD_H

#include "repo/id.h"
#include "store/store.h"

#define CHUNKS_OF_PACK 16
#define CHUNKS_OF_OBJECT 65536
#define CHUNK_SIZE 1000000
#define FRAME_SIZE 900000
#define PACK_BYTES (44 + CHUNKS_OF_PACK * FRAME_SIZE + 700)

struct id world_chunk(uint64_t number);
struct id world_pack(uint64_t number, uint64_t packs);

/* Wraps a store, which it takes over: so many packs seem to be there.  That one was deleted is
 * known as long as the store is open.  One thread at a time deletes, while no other lists. */
MUST_CHECK enum err_code world_store(
    struct store **out, struct store *inner, uint64_t packs, struct err *err);

#endif
