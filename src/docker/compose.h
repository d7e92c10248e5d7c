/*
 * compose.h: running Docker Compose itself.
 *
 * What a compose file means is known to Compose alone, so creating, starting
 * and removing a stack is done by "docker compose" (v2), or "docker-compose"
 * where only the old one is there.  No shell is involved.
 *
 * Threads: a struct compose is read-only after compose_find.
 * Errors:  ERR_UNSUPPORTED when there is no Compose; ERR_IO with the last lines of
 *          what Compose said when it failed; ERR_CANCELLED.
 */
#ifndef DOCKER_COMPOSE_H
#define DOCKER_COMPOSE_H

#include "base/json.h"
#include "base/strv.h"
#include "sys/cancel.h"

struct compose;

/* host is handed over as DOCKER_HOST; NULL: as the environment has it. */
MUST_CHECK enum err_code compose_find(
    struct compose **out, const char *host, const struct cancel *cancel, struct err *err);
void compose_free(struct compose *c);
AUTO_FREE(compose, struct compose *, compose_free)
/* "2.40.0" */
const char *compose_version(const struct compose *c);
/* Is it the docker-compose of old (1.x), which cannot --wait? */
bool compose_is_v1(const struct compose *c);

struct compose_project {
	const char *name; /* NULL: as Compose finds it */
	const char *dir; /* the project folder, also the working directory */
	const struct strv *files; /* for -f, in order; NULL or empty: Compose looks itself */
	const struct strv *env_files; /* for --env-file; NULL or empty: as Compose does it */
	/* Of our environment it gets what programs need to run and to find the engine, no more:
	 * what a compose file takes from there is as if it were not set. */
	bool has_own_env;
};

struct compose_up_options {
	const struct strv *services; /* NULL or empty: all */
	/* A service that ends by itself makes Compose call the wait a failure. */
	bool should_wait; /* until all are running or healthy (v1: returns when started) */
	bool should_pull; /* false: never pull, so that no other image slips in */
	int timeout_ms; /* < 0: for ever */
	/* Only the services named, as their containers are: none of those that they depend on,
	 * nothing is built, and no container is replaced by another. */
	bool is_exact;
	const struct strv *scale; /* "web=3"; may be NULL */
};

#define COMPOSE_UP_OPTIONS_INIT                    \
	{                                          \
		NULL, true, false, -1, false, NULL \
	}

/* up -d */
MUST_CHECK enum err_code compose_up(const struct compose *c, const struct compose_project *p,
    const struct compose_up_options *opt, struct err *err);
/* up --no-start: containers, networks and volumes are made, nothing runs. */
MUST_CHECK enum err_code compose_create(const struct compose *c,
    const struct compose_project *p, const struct compose_up_options *opt, struct err *err);
/* up --no-start --dry-run: which containers would be replaced by others, since they are not
 * what the files say?  ERR_UNSUPPORTED when this Compose cannot tell. */
MUST_CHECK enum err_code compose_would_replace(struct strv *names, const struct compose *c,
    const struct compose_project *p, const struct compose_up_options *opt, struct err *err);
/* down: containers and networks are removed; volumes stay. */
MUST_CHECK enum err_code compose_down(
    const struct compose *c, const struct compose_project *p, int timeout_ms, struct err *err);
/* down --volumes: also the volumes that the compose file names (not external ones). */
MUST_CHECK enum err_code compose_down_with_volumes(
    const struct compose *c, const struct compose_project *p, int timeout_ms, struct err *err);
/* What Compose makes of the files (config), all profiles included. */
struct compose_reading {
	json_t *config; /* resolved; NULL with 1.x, which does not tell, and when they make no
			   sense */
	struct strv unset; /* variables that they need and nothing sets; each once */
	char *fault; /* why they make no sense; NULL when they do */
};

#define COMPOSE_READING_INIT          \
	{                             \
		NULL, STRV_INIT, NULL \
	}

void compose_reading_release(struct compose_reading *r);
static inline void UNUSED
compose_reading_auto(struct compose_reading *r)
{
	compose_reading_release(r);
}

/* out is COMPOSE_READING_INIT. */
MUST_CHECK enum err_code compose_read(const struct compose *c, const struct compose_project *p,
    struct compose_reading *out, struct err *err);

#endif
