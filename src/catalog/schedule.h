/*
 * schedule.h: what is to be done by itself, and when (base/cron.h).
 *
 * A schedule that is due is taken in one transaction: its run is queued and its next
 * moment set, so that neither can be without the other.
 */
#ifndef CATALOG_SCHEDULE_H
#define CATALOG_SCHEDULE_H

#include "base/cron.h"
#include "catalog/catalog.h"

struct schedule {
	int64_t id; /* 0: a new one */
	char *kind; /* "backup", "verify", "drill", "retention" */
	char *stack;
	char *cron;
	char *zone; /* "Europe/Berlin" */
	char *options; /* a JSON object */
	bool is_enabled;
	int64_t
	    catch_up_s; /* after downtime it still runs when it was due within this; 0: never */
	int64_t next_at; /* seconds since 1970; 0: it is not enabled */
	int64_t last_run; /* 0: none */
};

void schedule_release(struct schedule *s);
static inline void UNUSED
schedule_auto(struct schedule *s)
{
	schedule_release(s);
}

/* The zone of a name, from the system's files; ERR_USAGE for one that is not there, or a name
 * that leads elsewhere. */
MUST_CHECK enum err_code schedule_zone(struct zone **out, const char *name, struct err *err);

/* Add it, or change the one with its id.  cron and zone are checked (ERR_USAGE); next_at is set
 * from now_s.  *id gets its number.  ERR_NOT_FOUND for an id that is gone. */
MUST_CHECK enum err_code schedule_put(
    struct catalog *c, const struct schedule *s, int64_t now_s, int64_t *id, struct err *err);
MUST_CHECK enum err_code schedule_delete(struct catalog *c, int64_t id, struct err *err);

/* In order of stack and id; of one stack, or of all (NULL). */
typedef enum err_code schedule_fn(void *arg, const struct schedule *s, struct err *err);
MUST_CHECK enum err_code schedule_list(
    struct catalog *c, const char *stack, schedule_fn *fn, void *arg, struct err *err);

/* The earliest moment at which one is due; INT64_MAX: none is. */
MUST_CHECK enum err_code schedule_next(struct catalog *c, int64_t *at, struct err *err);

/* Queue a run for each that is due: argv_of makes its arguments (a JSON array, malloc).  One
 * that is too late for its catch_up_s, or whose last run has not ended, is passed over until
 * its next moment; one of which argv_of says ERR_USAGE, too.  One whose zone has gone comes
 * again a day later. *queued counts. */
typedef enum err_code schedule_argv_fn(
    void *arg, const struct schedule *s, char **argv, struct err *err);
MUST_CHECK enum err_code schedule_take_due(struct catalog *c, int64_t now_s,
    schedule_argv_fn *argv_of, void *arg, unsigned *queued, struct err *err);

#endif
