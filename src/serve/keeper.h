/*
 * keeper.h: the process that has keys, Docker and the catalogue (docs/decisions/0028).
 *
 * It opens the listener, starts web beside it and starts it again when it dies, answers
 * its asks in a few threads, runs jobs, and keeps schedules.  Below: what `serve` calls, then
 * what the functions of verbs may call.
 *
 * Threads: functions of verbs run in any of the keeper's threads, several at once; all that is
 *          declared for them may be called from any thread.
 */
#ifndef SERVE_KEEPER_H
#define SERVE_KEEPER_H

#include "catalog/catalog.h"
#include "catalog/run.h"
#include "engine/engine.h"
#include "serve/verb.h"
#include "sys/cancel.h"

/* --- for serve --- */

struct keeper_options {
	const char *listen; /* "127.0.0.1:8080", "[::1]:8080" */
	const char *state_dir; /* made when missing, 0700 */
	const char *cache_dir; /* of repositories; may be NULL */
	const struct cancel *cancel; /* raised: stop; jobs go on by themselves */
	struct event_sink *events; /* what the person at the console is told */
	const struct strv *public_urls; /* how people reach it ("https://…"); may be NULL */
	bool behind_proxy; /* X-Forwarded-For counts, when it comes from loopback */
	/* The console is somebody's terminal: the token of the first login may stand there.  A
	 * journal has other readers than root. */
	bool is_terminal;
	bool rebuild; /* make the catalogue anew; schedules and runs come from their files */
	/* S3, where an address says nothing; may be NULL. */
	const char *s3_credentials;
	const char *ca_file;
};

/* Runs until cancel is raised (ERR_OK), or it cannot go on. */
MUST_CHECK enum err_code keeper_run(const struct keeper_options *opt, struct err *err);

/* --- for verbs --- */

struct catalog *keeper_catalog(struct keeper *k);
#define SETTING_KIT_SAVED "repository.kit_saved_ns" /* of the catalogue */
/* STATE: catalog.db, schedules.json, runs/ID.jsonl, secrets/, and journals of services. */
const char *keeper_state_dir(const struct keeper *k);
/* May it read the volumes of others?  Without root it may not. */
bool keeper_is_root(const struct keeper *k);

/* The repository, open and shared: it is opened once, stays open, and knows of all that runs
 * which have ended have added (and of what others add, half a minute later at the latest).
 * Give it back with kept_repo_release; in between it stays valid, also when another is chosen
 * meanwhile.  Do not call repo_refresh or repo_close on it.
 * ERR_NO_REPOSITORY when none was chosen yet. */
struct kept_repo;
MUST_CHECK enum err_code keeper_repo(struct keeper *k, struct kept_repo **out, struct err *err);
struct repo *kept_repo_repo(const struct kept_repo *r);
void kept_repo_release(struct kept_repo *r);
AUTO_FREE(kept_repo, struct kept_repo *, kept_repo_release)

/* What that repository holds (serve/shelf.h): made with the keeper, and stale after whatever
 * makes web forget. */
struct shelf;
struct shelf *keeper_shelf(struct keeper *k);

/* For a use case that a verb calls itself; repo may be NULL.  It ends with the ask's cancel (a
 * minute, or web has gone), and says nothing to anybody. */
struct engine keeper_engine(const struct ask *ask, struct repo *repo);

/* What a run is to do: the command line behind the global options, which the keeper puts
 * before ("backup", "shop").  What comes from outside and may begin with '-' stands behind
 * "--"; secrets never stand in it. */
struct run_plan {
	const char *kind; /* "backup" */
	const char *stack; /* ""; of one stack only one runs at a time */
	const char *const *argv; /* ends with NULL */
};

/* Queue it; a run begins by itself when its turn has come. */
MUST_CHECK enum err_code keeper_run_start(
    const struct ask *ask, const struct run_plan *plan, int64_t *id, struct err *err);
/* The same, where there is room among those of its kind; else ERR_LOCKED. */
MUST_CHECK enum err_code keeper_run_start_within(const struct ask *ask,
    const struct run_plan *plan, const struct catalog_run_room *room, int64_t *id,
    struct err *err);
/* The same as an answer: 202 {"run": id}. */
MUST_CHECK enum err_code keeper_run_answer(
    const struct ask *ask, const struct run_plan *plan, struct answer *out, struct err *err);
/* Where its output is: JSON lines, the last of them the result.  *path is the caller's. */
MUST_CHECK enum err_code keeper_run_path(
    struct keeper *k, int64_t id, char **path, struct err *err);

/* Start a program of the command line that is no run (cat, dump), without --json: *fd gets what
 * it writes to standard output, and is for answer.fd.  It is ended when nobody reads. */
MUST_CHECK enum err_code keeper_stream(
    struct keeper *k, const char *const *argv, int *fd, struct err *err);
/* The same, waiting for its end, with --json: *result is its last line, {"type": "result",
 * ...}, the caller's.  For what takes seconds.  ERR_IO when there is none; a failure that it
 * tells is an error of that code and message. */
MUST_CHECK enum err_code keeper_call(
    const struct ask *ask, const char *const *argv, json_t **result, struct err *err);

/* Tell all who listen: type "run", "log", "schedule", "repository", "stack", ...  data is taken
 * over, also when it fails (then nobody is told).  Answers that web keeps are forgotten first,
 * but not for "log". */
void keeper_emit(struct keeper *k, const char *type, json_t *data);

#endif
