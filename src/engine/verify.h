/*
 * verify.h: is everything that the snapshots need stored, and is it sound?
 *
 * Reads every snapshot and its tree and looks each chunk up; with read_data
 * every pack is read, decoded and compared too.  Damage is told as problems
 * that name the object, and the snapshots and files that it hurts.
 */
#ifndef ENGINE_VERIFY_H
#define ENGINE_VERIFY_H

#include "engine/engine.h"

struct verify_result {
	uint64_t snapshots;
	uint64_t snapshots_hurt;
	uint64_t files_hurt;
	uint64_t packs;
	uint64_t unused_packs;
	uint64_t chunks; /* decoded and compared; 0 without read_data */
	uint64_t bytes; /* of packs */
	uint64_t problems;
	int64_t took_ns;
};

struct verify_options {
	bool read_data;
};

/* ERR_OK with problems == 0 means sound. */
MUST_CHECK enum err_code verify_repo(struct engine *e, const struct verify_options *opt,
    struct verify_result *out, struct err *err);

#endif
