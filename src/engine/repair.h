/*
 * repair.h: mending the repository itself.
 *
 * What it finds and does is told as events: notes for index objects that are
 * made and removed, warnings for damaged ones, problems for packs that are lost.
 */
#ifndef ENGINE_REPAIR_H
#define ENGINE_REPAIR_H

#include "engine/engine.h"
#include "repo/repair.h"

struct repair_index_options {
	bool dry_run;
	bool read_all; /* ask all packs, and make all index objects anew */
};

/* Make the index fit the packs (repo/repair.h). */
MUST_CHECK enum err_code repair_index(struct engine *e, const struct repair_index_options *opt,
    struct repair_result *out, struct err *err);

#endif
