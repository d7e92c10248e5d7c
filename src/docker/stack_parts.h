/*
 * stack_parts.h: how the parts of struct stack are read; for stack*.c only.
 *
 * All take documents of the engine, which may lack any field.
 */
#ifndef DOCKER_STACK_PARTS_H
#define DOCKER_STACK_PARTS_H

#include "docker/stack.h"

/* Of what a drill made and will remove: no stack of the user's. */
#define LABEL_SCRATCH "stacksnap.drill"
#define LABEL_PROJECT "com.docker.compose.project"
#define LABEL_SERVICE "com.docker.compose.service"
#define LABEL_NUMBER "com.docker.compose.container-number"
#define LABEL_ONEOFF "com.docker.compose.oneoff"
#define LABEL_DEPENDS_ON "com.docker.compose.depends_on"
#define LABEL_WORKING_DIR "com.docker.compose.project.working_dir"
#define LABEL_CONFIG_FILES "com.docker.compose.project.config_files"
#define LABEL_ENV_FILES "com.docker.compose.project.environment_file"
#define LABEL_VOLUME "com.docker.compose.volume"
#define LABEL_NETWORK "com.docker.compose.network"

/* The type of a planned container's mount that the engine does not have. */
#define MOUNT_TYPE_VALUE "value"

/* A copy of the string at key, "" when there is none. */
MUST_CHECK enum err_code copy_at(
    char **out, const json_t *obj, const char *key, struct err *err);
/* "key=value" of all strings in an object, sorted. */
MUST_CHECK enum err_code copy_pairs(struct strv *out, const json_t *obj, struct err *err);
/* All strings of an array. */
MUST_CHECK enum err_code copy_strings(struct strv *out, const json_t *array, struct err *err);

/* Fill in c (zeroed) from an inspect document, whose raw bytes it takes over. */
MUST_CHECK enum err_code stack_container_read(
    struct stack_container *c, struct docker_doc *doc, struct err *err);
void stack_container_release(struct stack_container *c);

/* Volumes and binds of s, from the mounts of its containers (which are read already) and the
 * volumes that bear its label. */
MUST_CHECK enum err_code stack_mounts_read(struct stack *s, struct docker *d, struct err *err);
void stack_mounts_release(struct stack *s);
/* A volume that the compose file has and the engine does not; nothing when it is known. */
MUST_CHECK enum err_code stack_add_missing_volume(
    struct stack *s, const char *name, const char *key, bool is_external, struct err *err);
/* What follows from containers and mounts. */
MUST_CHECK enum err_code stack_read_rest(struct stack *s, struct docker *d, struct err *err);

#endif
