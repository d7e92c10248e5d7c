/*
 * verify.h: is everything that the snapshots need stored, and is it sound?
 *
 * Reads every snapshot and its tree and looks each chunk up; with read_data
 * packs are read, decoded and compared too.  Damage is told as problems that
 * name the object, and the snapshots and files that it hurts.
 *
 * Memory: what tree/reach.h and repo/check.h take, and the packs that failed.
 */
#ifndef ENGINE_VERIFY_H
#define ENGINE_VERIFY_H

#include "base/strv.h"
#include "engine/engine.h"

struct verify_result {
	uint64_t snapshots;
	uint64_t snapshots_hurt;
	uint64_t files_hurt;
	uint64_t packs;
	uint64_t unused_packs; /* in no index */
	uint64_t bytes; /* of packs */
	uint64_t packs_read;
	uint64_t bytes_read;
	uint64_t chunks; /* decoded and compared; 0 without read_data */
	uint64_t problems;
	int64_t took_ns;
};

/* Which packs to read: all when every field is 0. */
struct verify_subset {
	double share; /* of their bytes, above 0 and below 1: others each time */
	uint64_t bytes; /* so many of them: others each time */
	uint64_t part; /* the part-th of so many equal parts: all parts together are all */
	uint64_t parts;
};

/* "5%", "2.5%", "1/7", "500M" (K, M, G, T are powers of 1024). */
MUST_CHECK enum err_code verify_subset_parse(
    struct verify_subset *out, const char *text, struct err *err);

struct verify_options {
	bool read_data;
	struct verify_subset subset;
	/* Snapshots by name; NULL or empty: all.  Otherwise only these and the packs that they
	 * need. */
	const struct strv *names;
};

/* ERR_OK with problems == 0 means sound. */
MUST_CHECK enum err_code verify_repo(struct engine *e, const struct verify_options *opt,
    struct verify_result *out, struct err *err);

#endif
