/*
 * stack.h: what Docker Compose made: the stacks of an engine, and everything
 * that belongs to one of them.
 *
 * Stacks are found by the labels that Compose puts on what it creates (both
 * the v2 plugin and docker-compose 1.x), never by names.  One-off containers
 * ("compose run") are not members.  The model is read once and does not
 * change; load it again to see the present.
 *
 * Whatever is mounted is listed, also what cannot be captured: then source is
 * NULL and why_not says the reason, for the user.  What lies out of sight (a
 * remote engine, a volume driver's own place) can still be had from the
 * engine, by a container that mounts it: is_by_engine.
 *
 * Ownership: stack_load gives a stack that the caller must stack_free; all
 *            strings and arrays in it are its own.  Strings are never NULL
 *            unless said so.
 * Threads:   a loaded stack may be read by any number of threads.
 */
#ifndef DOCKER_STACK_H
#define DOCKER_STACK_H

#include "docker/engine.h"

enum container_state {
	CONTAINER_UNKNOWN, /* counts as running wherever it matters */
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_RESTARTING,
	CONTAINER_STOPPED, /* created, exited or dead */
};

/* "running", "paused", ...; and back ("exited", "created", "dead" and "removing" are stopped).
 */
const char *container_state_word(enum container_state state);
enum container_state container_state_of(const char *engine_word);

enum mount_kind {
	MOUNT_VOLUME,
	MOUNT_BIND,
	MOUNT_TMPFS,
	MOUNT_VALUE, /* a secret or config that is an environment variable of whoever starts it
		      */
	MOUNT_OTHER,
};

struct stack_mount {
	enum mount_kind kind;
	char *source; /* a volume's name, a host path, a variable, "" for tmpfs */
	char *target;
	bool is_read_only;
};

/* One container of a service; a scaled service has several, numbered from 1. */
struct stack_container {
	char *service;
	int64_t number;
	char *id;
	char *name; /* without the leading slash */
	char *created; /* "2026-11-21T13:15:02.123456789Z" */
	char *image_ref;
	char *image_id;
	struct strv
	    repo_digests; /* "postgres@sha256:..."; empty for images never pulled or pushed */
	enum container_state state;
	bool is_planned; /* it is not there: raw is what the compose file would make; no id */
	char *health; /* "healthy", "unhealthy", "starting", or "" without a health check */
	int64_t pid; /* of its first process, 0 when it does not run */
	struct strv depends_on; /* services */
	struct strv env; /* "NAME=value" */
	struct strv argv; /* entry point and command */
	struct strv labels; /* "key=value" */
	struct stack_mount *mounts; /* by target */
	size_t n_mounts;
	struct buf raw; /* the inspect document, byte for byte */
};

/* A container that mounts a volume or a host path. */
struct stack_use {
	size_t container; /* index in stack.containers */
	char *target;
	bool is_read_only;
};

struct stack_volume {
	char *name; /* as the engine knows it */
	char *key; /* as the compose file knows it, or NULL: external, or anonymous */
	char *driver;
	struct strv labels; /* "key=value" */
	struct strv options; /* "key=value" */
	char *mountpoint;
	char *source; /* the folder on this host that holds its files, or NULL */
	char *why_not; /* NULL when source is there */
	bool is_by_engine; /* source is NULL, but the engine can read it */
	bool has_nothing; /* source is NULL, and nothing is missed by that */
	bool is_external; /* not made by this stack */
	bool is_anonymous; /* made for a container, without a name in the compose file */
	struct stack_use *uses;
	size_t n_uses;
	struct buf raw;
};

/* A mount that is no volume: host paths, and what is kept in memory only. */
struct stack_bind {
	enum mount_kind kind;
	char *path; /* on the host; memory and values have their target here */
	char *source; /* path, or NULL when it is not captured */
	char *why_not; /* NULL when source is there */
	bool is_by_engine; /* as above; is_folder is not known then */
	bool is_folder;
	bool is_read_only; /* for all that use it */
	struct stack_use *uses;
	size_t n_uses;
};

struct stack_network {
	char *name;
	char *key; /* as the compose file knows it, or NULL when it is external */
	char *driver;
	bool is_external;
	struct buf raw;
};

struct stack {
	char *name;
	char *working_dir; /* "" when no label tells */
	bool is_far; /* its engine is on another machine: paths are that one's */
	struct strv config_files; /* absolute; of the newest container, in the order of -f */
	struct strv env_files; /* absolute; the default .env is listed when it is there */
	struct stack_container *containers; /* by service, then number */
	size_t n_containers;
	struct stack_volume *volumes; /* by name; also those that no container mounts */
	size_t n_volumes;
	struct stack_bind *binds; /* by path */
	size_t n_binds;
	struct stack_network *networks; /* by name */
	size_t n_networks;
};

struct stack_summary {
	char *name;
	char *working_dir;
	size_t n_containers;
	size_t n_running;
	size_t n_unhealthy; /* of these */
};

/* All stacks of the engine, by name, also those of which only volumes are left; but for the
 * scratch stacks of drills. */
MUST_CHECK enum err_code stacks_list(
    struct docker *d, struct stack_summary **out, size_t *n, struct err *err);
void stacks_free(struct stack_summary *list, size_t n);

/* Does a container of the stack of that name run right now?  One whose state is not known does.
 */
MUST_CHECK enum err_code stack_runs(
    bool *out, struct docker *d, const char *name, struct err *err);

/* ERR_NOT_FOUND, with the names of the stacks that there are, when there is none of that name.
 */
MUST_CHECK enum err_code stack_load(
    struct stack **out, struct docker *d, const char *name, struct err *err);
/* Is this a path, rather than a stack's name?  Names have no "/" and no "." in them. */
bool stack_is_path(const char *name);
/* The stack of a folder with a compose file, or of such a file, read by "docker compose
 * config". When it has containers, it is read from these; otherwise its containers are planned
 * ones, all stopped, and its volumes those that the engine has.  Nothing is started or made.
 * ERR_NOT_FOUND: no such folder or file; ERR_UNSUPPORTED: no Compose v2; ERR_EXISTS: the stack
 * of that name here belongs to another folder. */
MUST_CHECK enum err_code stack_load_folder(
    struct stack **out, struct docker *d, const char *path, struct err *err);
void stack_free(struct stack *s);
AUTO_FREE(stack, struct stack *, stack_free)

/* The first container of a service, or NULL. */
const struct stack_container *stack_find(const struct stack *s, const char *service);
/* The value of NAME in a container's environment, or NULL. */
const char *container_env(const struct stack_container *c, const char *name);
/* The value of a label, or NULL. */
const char *container_label(const struct stack_container *c, const char *key);

/* How deep each container stands in the dependencies: depth[i] belongs to containers[i]; 0
 * needs nobody, and each stands deeper than all it depends on.  ERR_UNSUPPORTED for a circle.
 */
MUST_CHECK enum err_code stack_depths(const struct stack *s, unsigned *depth, struct err *err);
/* Indexes of all containers, each behind those that it depends on, else by service and number.
 */
MUST_CHECK enum err_code stack_order(const struct stack *s, size_t *order, struct err *err);

#endif
