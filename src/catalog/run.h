/*
 * run.h: what was asked for, what came of it.
 *
 * A run is queued, then running, then one of complete, partial, failed, cancelled and
 * lost (its process went away without a last word).  Its row is there before its
 * process is; what it prints is in a file, which the row does not hold.
 */
#ifndef CATALOG_RUN_H
#define CATALOG_RUN_H

#include "catalog/catalog.h"

#include <stdbool.h>

enum catalog_run_state {
	RUN_QUEUED,
	RUN_RUNNING,
	RUN_COMPLETE,
	RUN_PARTIAL,
	RUN_FAILED,
	RUN_CANCELLED,
	RUN_LOST,
};

/* "queued", "running", ... */
const char *catalog_run_state_word(enum catalog_run_state state);
static inline bool
catalog_run_state_is_end(enum catalog_run_state state)
{
	return state >= RUN_COMPLETE;
}

struct catalog_run {
	int64_t id;
	char *kind; /* "backup", "verify", "drill", "retention", "restore", ... */
	char *stack; /* "" when it is of none */
	int64_t schedule; /* 0: somebody asked */
	char *asked_by; /* a user's name, "schedule", a token's name */
	char *argv; /* a JSON array; holds no secrets */
	enum catalog_run_state state;
	int64_t asked_ns;
	int64_t began_ns; /* 0: not yet, here and below */
	int64_t ended_ns;
	int64_t pid;
	int64_t pid_began; /* in ticks since boot, as /proc/PID/stat has it */
	int64_t exit_code; /* -1: none */
	char *snapshot; /* hexadecimal, or NULL */
	char *summary; /* the result line of its output, or NULL */
};

void catalog_run_release(struct catalog_run *r);
static inline void UNUSED
catalog_run_auto(struct catalog_run *r)
{
	catalog_run_release(r);
}

/* Queue one: kind, stack, schedule, asked_by, argv and asked_ns are taken from r.  *id is its
 * number. */
MUST_CHECK enum err_code catalog_run_add(
    struct catalog *c, const struct catalog_run *r, int64_t *id, struct err *err);
/* The same, where not so many of its kind are queued or running yet, asked for by the same one
 * or by anybody; 0: any number.  ERR_LOCKED when there are. */
struct catalog_run_room {
	unsigned of_asker;
	unsigned in_all;
};
MUST_CHECK enum err_code catalog_run_add_within(struct catalog *c, const struct catalog_run *r,
    const struct catalog_run_room *room, int64_t *id, struct err *err);
/* One that was there before, of a catalogue that is lost: with its id, running. ERR_EXISTS. */
MUST_CHECK enum err_code catalog_run_restore(
    struct catalog *c, const struct catalog_run *r, struct err *err);
/* Its process is about to be let go.  ERR_NOT_FOUND when it is not queued (any more). */
MUST_CHECK enum err_code catalog_run_begin(struct catalog *c, int64_t id, int64_t pid,
    int64_t pid_began, int64_t now_ns, struct err *err);

struct catalog_run_end {
	enum catalog_run_state state; /* an end */
	int64_t now_ns;
	int64_t exit_code; /* -1: none */
	const char *snapshot; /* may be NULL */
	const char *summary; /* may be NULL */
};

/* ERR_NOT_FOUND when it had ended before: the first word counts. */
MUST_CHECK enum err_code catalog_run_end(
    struct catalog *c, int64_t id, const struct catalog_run_end *end, struct err *err);

/* The row of one that has ended goes; ERR_NOT_FOUND when there is none. */
MUST_CHECK enum err_code catalog_run_remove(struct catalog *c, int64_t id, struct err *err);

/* ERR_NOT_FOUND. */
MUST_CHECK enum err_code catalog_run_get(
    struct catalog *c, int64_t id, struct catalog_run *out, struct err *err);

struct catalog_run_filter {
	const char *stack; /* NULL: any */
	const char *kind; /* NULL: any */
	bool unfinished; /* queued or running only */
	int64_t before; /* smaller ids only; 0: all */
	int64_t since_ns; /* asked then or later */
	unsigned limit; /* 0: 100 */
};

/* Latest first; the run is the callback's for the call only, which must not use the catalogue.
 */
typedef enum err_code catalog_run_fn(void *arg, const struct catalog_run *r, struct err *err);
MUST_CHECK enum err_code catalog_run_list(struct catalog *c,
    const struct catalog_run_filter *filter, catalog_run_fn *fn, void *arg, struct err *err);

#endif
