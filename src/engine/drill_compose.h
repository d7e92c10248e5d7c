/*
 * drill_compose.h: a stack's compose document made harmless: the one of which
 * a drill makes its containers.
 *
 * In goes what "docker compose config --format json" prints of the stored
 * files; out comes one document that Compose takes.  It is built anew from a
 * list of what is let through, so that a key which nobody has thought of is
 * left out rather than obeyed:
 *
 *	images     pinned to what the snapshot recorded, never built, never pulled
 *	networks   own ones, all internal, and the host has no address on them
 *	ports      none; no container names, no labels of other tools
 *	volumes    those of the drill; bind mounts lead into the scratch folder, or are left out
 *	privileges none: no devices, capabilities beyond the usual, host namespaces, socket
 *	logs       stay on this host
 *	restart    no
 *
 * What was taken from a service is told as a cut.  A cut that matters may be
 * why the service does not work: then the drill is inconclusive, not failed.
 *
 * Pure: nothing is contacted, no file looked at.  The document may be hostile:
 * whatever is not of the expected type is as if it were not there.
 *
 * Threads: any.
 */
#ifndef ENGINE_DRILL_COMPOSE_H
#define ENGINE_DRILL_COMPOSE_H

#include "base/json.h"

/* On everything that a drill makes; the value is the name of its project. */
#define DRILL_LABEL "stacksnap.drill" /* docker/stack knows it as LABEL_SCRATCH */
/* A check that a service brings along: an argv, run in its container. */
#define DRILL_LABEL_CHECK "stacksnap.drill.check"

struct drill_cut {
	char *service; /* "" for the stack's */
	char *what; /* "device /dev/ttyUSB0", "bind mount /var/run/docker.sock" */
	bool matters;
};

struct drill_cuts {
	struct drill_cut *items;
	size_t count;
	size_t cap;
};
#define DRILL_CUTS_INIT    \
	{                  \
		NULL, 0, 0 \
	}
void drill_cuts_release(struct drill_cuts *c);
static inline void UNUSED
drill_cuts_auto(struct drill_cuts *c)
{
	drill_cuts_release(c);
}
MUST_CHECK enum err_code drill_cut_add(struct drill_cuts *c, const char *service, bool matters,
    struct err *err, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* What the snapshot says, asked for by the transformation. */
struct drill_scope {
	const char *project; /* the drill's own */
	bool may_pull; /* images that are not here may be fetched, by their digests */
	void *arg;
	/* The image of a service: an id or a digest.  NULL when the service had no container:
	 * then it is left out. */
	const char *(*image)(void *arg, const char *service);
	/* The drill's volume that stands for the engine's volume of that name; NULL: none was
	 * captured, a new one is made. */
	const char *(*volume)(void *arg, const char *name);
	/* Where a path of this host's lies in the scratch folder; *out is the caller's, NULL
	 * when the snapshot does not hold it. */
	enum err_code (*path)(void *arg, const char *path, char **out, struct err *err);
};

/* *out is the caller's to json_decref. */
MUST_CHECK enum err_code drill_compose_make(json_t **out, const json_t *config,
    const struct drill_scope *scope, struct drill_cuts *cuts, struct err *err);

/* May a service keep this capability?  "CAP_CHOWN" and "chown" are the same. */
bool drill_capability_is_usual(const char *name);

#endif
