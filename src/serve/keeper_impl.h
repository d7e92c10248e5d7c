/*
 * keeper_impl.h: the inside of struct keeper, for serve/keeper*.c only.
 *
 *	keeper.c        its life: what is opened, in which order, and the end
 *	keeper_web.c    the process beside it, started again when it dies
 *	keeper_link.c   what is said to one such process, and heard from it
 *	keeper_ask.c    one ask: who, may they, what came of it
 *	keeper_repo.c   the repository that stays open
 *	keeper_call.c   programs of the command line that are no runs
 */
#ifndef SERVE_KEEPER_IMPL_H
#define SERVE_KEEPER_IMPL_H

#include "serve/events.h"
#include "serve/keeper.h"
#include "serve/login_limit.h"
#include "serve/repo_place.h"
#include "serve/runs.h"
#include "serve/scheduler.h"
#include "serve/shelf.h"
#include "sys/pool.h"

#include <pthread.h>
#include <stdatomic.h>

/* A minute for a verb; web gives up a little later. */
#define ASK_TIME_NS (60 * NS_PER_S)
#define SETUP_TOKEN "setup-token"

/* An ask that is being answered. */
struct asking {
	struct cancel cancel;
	int64_t until_ns; /* monotonic */
	struct asking *next;
};

struct keeper {
	struct keeper_options opt;
	char *state_dir;
	struct catalog *catalog;
	struct events *events;
	struct login_limit *limit;
	struct pool *quick; /* accounts, runs, schedules: never behind what is slow */
	struct pool *slow;
	struct shelf *shelf;
	struct runs *runs;
	struct scheduler *scheduler;
	int listener;
	/* Counts what web must forget: an answer that began before the last of them is not to
	 * be kept. */
	atomic_uint_least64_t changes;
	pthread_mutex_t lock; /* guards all below */
	struct asking *askings;
	struct kept_repo *repo; /* the one that is chosen and open; NULL */
	pthread_mutex_t repo_lock; /* held while one is opened, or looked at again */
};

/* --- keeper_web.c --- */

/* Until cancel is raised. */
MUST_CHECK enum err_code keeper_run_web(struct keeper *k, struct err *err);

/* --- keeper_link.c --- */

struct keeper_link;
MUST_CHECK enum err_code keeper_link_open(
    struct keeper_link **out, struct keeper *k, int sock, struct err *err);
/* No more is said or heard; asks that are being answered end by themselves. */
void keeper_link_close(struct keeper_link *l);
/* One message to web; what cannot be said ends the link.  Any thread. */
void keeper_link_send(struct keeper_link *l, const json_t *message, int fd);
/* An answer: it may be kept only when nothing has changed since the count was that. */
void keeper_link_answer(struct keeper_link *l, json_t *message, int fd, uint64_t changes);
void keeper_link_forget(struct keeper_link *l, bool rights);

/* --- keeper_ask.c --- */

/* Answer it. */
void keeper_answer(struct keeper *k, struct keeper_link *l, const json_t *message);
/* The row of its table is quick. */
bool keeper_is_quick(const char *verb);
/* Refuse one that there is no room for. */
void keeper_refuse(struct keeper_link *l, const json_t *message);
/* Raise the cancel of those whose time is over, or of all. */
void keeper_end_asks(struct keeper *k, bool all);

/* --- keeper_repo.c --- */

#define SETTING_REPOSITORY "repository" /* the name of a folder of repo_place.h */

/* ERR_NO_REPOSITORY when none was chosen. */
MUST_CHECK enum err_code keeper_place(
    struct keeper *k, struct repo_place *out, struct err *err);
MUST_CHECK enum err_code keeper_open_place(
    struct keeper *k, const struct repo_place *p, struct kept_repo **out, struct err *err);
MUST_CHECK enum err_code keeper_store(struct keeper *k, const char *address,
    const char *credentials, struct store **out, struct err *err);
/* Another one was chosen, or something was stored: look again. */
void keeper_repo_forget(struct keeper *k);
void keeper_repo_stale(struct keeper *k);

/* --- keeper_call.c --- */

/* Add the global options, and argv behind them.  place may be NULL. */
MUST_CHECK enum err_code keeper_command(struct keeper *k, const struct repo_place *place,
    const char *const *argv, struct strv *out, struct err *err);
/* What such a program's environment has that ours may not, and the other way round. */
MUST_CHECK enum err_code keeper_environment(
    struct keeper *k, struct strv *out, struct err *err);
/* keeper_call with another place. */
MUST_CHECK enum err_code keeper_call_at(const struct ask *ask, const struct repo_place *place,
    const char *const *argv, json_t **result, struct err *err);

/* --- keeper.c --- */

/* The token for the first user; NULL: there is one already. */
MUST_CHECK enum err_code keeper_setup_token(struct keeper *k, char **out, struct err *err);

#endif
