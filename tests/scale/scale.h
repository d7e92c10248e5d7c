/*
 * scale.h: one run of scale: a made-up repository, and a step on it.
 */
#ifndef TESTS_SCALE_SCALE_H
#define TESTS_SCALE_SCALE_H

#include "repo/repo.h"

/* What lies in real packs. */
struct own {
	uint64_t chunks;
	uint64_t packs;
};

struct scale {
	const char *folder;
	char cache[4096];
	uint64_t chunks; /* made up */
	uint64_t packs;
	struct own own;
	struct store *store;
	struct secret *pass;
	struct repo *repo;
	char told[256]; /* what the step found */
};

/* trees.c: snapshots that need one made-up pack in 20 in full, and of one in 80 a chunk.  Their
 * listings are real. */
#define SNAPSHOTS 20
uint64_t trees_full_packs(const struct scale *s);
uint64_t trees_partial_packs(const struct scale *s);
MUST_CHECK enum err_code make_trees(struct scale *s, struct err *err);

/* use_cases.c: files for a backup. */
MUST_CHECK enum err_code make_files(struct scale *s, struct err *err);
/* Between runs a file keeps how much is real. */
MUST_CHECK enum err_code own_note(struct scale *s, uint64_t chunks, struct err *err);
MUST_CHECK enum err_code own_load(struct scale *s, struct err *err);

/* Steps that call the engine as the program does. */
MUST_CHECK enum err_code step_backup(struct scale *s, struct err *err);
MUST_CHECK enum err_code step_verify(struct scale *s, struct err *err);
MUST_CHECK enum err_code step_verify_data(struct scale *s, struct err *err);
MUST_CHECK enum err_code step_prune_plan(struct scale *s, struct err *err);
MUST_CHECK enum err_code step_prune(struct scale *s, struct err *err);

#endif
