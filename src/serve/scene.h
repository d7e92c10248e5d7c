/*
 * scene.h: everything that home and a stack's view are told from: the engine's stacks, the
 * repository's points, runs, schedules, and what is left open.
 *
 * What cannot be had is missing, and why is said: the page shows the rest.
 *
 * Threads: one at a time.
 */
#ifndef SERVE_SCENE_H
#define SERVE_SCENE_H

#include "catalog/run.h"
#include "catalog/schedule.h"
#include "docker/stack.h"
#include "engine/restore_settle.h"
#include "serve/look.h"
#include "serve/verified.h"

#define SCENE_DAYS 90

struct scene_run {
	int64_t id;
	char *kind;
	char *stack;
	enum catalog_run_state state;
	int64_t asked_ns;
	int64_t began_ns;
	int64_t ended_ns;
	char *why; /* of one that failed; NULL */
	json_t *view; /* the whole, of one that has not ended; NULL */
};

struct scene {
	int64_t now_ns;
	struct look look; /* points is NULL when there is no repository */
	struct err repository; /* ERR_OK, or why not */
	bool kit_saved;
	struct stack_summary *stacks; /* of the engine, by name; without scratch stacks */
	size_t n_stacks;
	struct err engine; /* ERR_OK, or why it cannot be asked */
	struct scene_run
	    *runs; /* of the last 90 days, and all that have not ended; latest first */
	size_t n_runs;
	struct schedule *schedules;
	size_t n_schedules;
	struct restored_list restores;
	struct strv down; /* stacks whose services a run that died has left quiet */
	struct verified_list verified;
};

#define SCENE_INIT                                                                         \
	{                                                                                  \
		.restores = RESTORED_LIST_INIT, .down = STRV_INIT,                         \
		.verified = VERIFIED_LIST_INIT, .repository = ERR_INIT, .engine = ERR_INIT \
	}

/* out is SCENE_INIT. */
MUST_CHECK enum err_code scene_load(struct scene *out, const struct ask *ask, struct err *err);
void scene_release(struct scene *s);
static inline void UNUSED
scene_auto(struct scene *s)
{
	scene_release(s);
}

/* NULL when the engine has none of that name. */
const struct stack_summary *scene_stack(const struct scene *s, const char *name);
/* "running", "stopped", "gone", "unknown" */
const char *scene_presence(const struct scene *s, const char *name);
/* Names of all stacks, of the engine and of the repository, sorted. */
MUST_CHECK enum err_code scene_names(const struct scene *s, struct strv *out, struct err *err);
/* The newest run of that kind and stack that has ended; NULL. */
const struct scene_run *scene_last_run(
    const struct scene *s, const char *kind, const char *stack);

#endif
