/*
 * plan.h: what of a stack would be captured, how, and what not and why.
 *
 * Made from the stack's labels and mounts alone: nothing is contacted but the
 * Docker engine.  backup.h follows the same plan that `stacksnap stacks` shows.
 *
 * Members and their place in a snapshot's tree:
 *
 *	project    the project folder: compose and env files, and bind mounts inside it
 *	files      compose and env files outside the project folder
 *	volume     volumes/NAME
 *	bind       binds/ABSOLUTE/PATH
 *	database   databases/SERVICE: native dump files
 *	image      images/NAME.tar: as "docker save" writes it
 *	meta       inspect data of containers, images, volumes and networks
 *
 * Ownership: a plan owns all that is in it, the stack and the settings too.
 */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include "db/connector.h"
#include "docker/lifecycle.h"
#include "docker/stack.h"
#include "engine/settings.h"

enum member_kind {
	MEMBER_PROJECT,
	MEMBER_FILE,
	MEMBER_VOLUME,
	MEMBER_BIND,
	MEMBER_DATABASE,
	MEMBER_IMAGE,
	MEMBER_META,
};

/* "project", "file", "volume", "bind", "database", "image", "meta" */
const char *member_kind_word(enum member_kind kind);

struct plan_member {
	enum member_kind kind;
	char *name; /* unique in the plan: volume name, host path, service */
	char *path; /* in the snapshot's tree: "volumes/shop_uploads" */
	char *source; /* folder or file on this host; NULL for databases, images, meta, and what
			 is read by the engine */
	char *inside; /* NULL, or the path of a container at which the engine reads it */
	char *image; /* images: what the engine calls it */
	char *image_id; /* images */
	struct strv exclude; /* folders below source that are left out, relative */
	struct strv rules; /* what else is left out of it: rules of tree/ignore.h */
	enum db_kind db; /* databases */
	size_t container; /* databases, and with inside: index in stack->containers */
	size_t volume; /* volumes: index in stack->volumes */
	struct strv services; /* which services use it */
};

/* Something that is not captured. */
struct plan_gap {
	char *what; /* "volume shop_cache", "bind /var/run/docker.sock" */
	char *why;
	bool matters; /* false: as it should be (a database's own files, a socket, memory) */
};

struct plan {
	struct stack *stack;
	struct settings *settings;
	struct plan_member *members;
	size_t n_members;
	struct plan_gap *gaps;
	size_t n_gaps;
	struct lifecycle_target *quiesce; /* what is made quiet around the fence, and how */
	size_t n_quiesce;
};

/* stack: a name, or the path of a folder or compose file (docker/stack.h).  opt may be NULL. */
MUST_CHECK enum err_code plan_make(struct plan **out, struct docker *d, const char *stack,
    const struct settings_options *opt, struct err *err);
void plan_free(struct plan *p);
AUTO_FREE(plan, struct plan *, plan_free)

/* The connector's view of a container; borrows from c and the lists given, which must be empty.
 */
struct target_lists {
	struct strv ports;
	struct strv mounts;
};
void target_lists_release(struct target_lists *l);
MUST_CHECK enum err_code plan_db_target(struct db_target *out, struct target_lists *lists,
    const struct stack_container *c, struct err *err);

#endif
