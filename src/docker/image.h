/*
 * image.h: what a name means, giving an image a name, fetching one from a
 * registry, keeping and removing one.
 *
 * Threads, errors: as in engine.h.
 */
#ifndef DOCKER_IMAGE_H
#define DOCKER_IMAGE_H

#include "docker/engine.h"

/* The id of the image that ref means, which is a name, an id or "postgres@sha256:..."; NULL
 * when none is here. */
MUST_CHECK enum err_code docker_image_id(
    char **id, struct docker *d, const char *ref, struct err *err);
MUST_CHECK enum err_code docker_image_is_here(
    struct docker *d, const char *ref, bool *is_here, struct err *err);
/* The image with this id gets the name ref ("postgres:15"); what else had that name loses it.
 */
MUST_CHECK enum err_code docker_image_tag(
    struct docker *d, const char *id, const char *ref, struct err *err);
/* Fetch "postgres@sha256:..."; ERR_NOT_FOUND when the registry has none, ERR_IO with the
 * engine's words when it cannot be had. */
MUST_CHECK enum err_code docker_image_pull(
    struct docker *d, const char *digest, struct err *err);

/* An image, with its layers and names, as a tar stream that docker_image_load takes.  ref is a
 * name, which is in the stream then, or an id. */
MUST_CHECK enum err_code docker_image_save(
    struct docker *d, const char *ref, docker_sink *sink, void *ctx, struct err *err);
/* Layers that are there already are passed over. */
MUST_CHECK enum err_code docker_image_load(
    struct docker *d, docker_source *source, void *ctx, struct err *err);

/* The image with this id, and its name, if it has but one.  ERR_LOCKED when a container is made
 * of it, or it has several names. */
MUST_CHECK enum err_code docker_image_remove(struct docker *d, const char *id, struct err *err);

/* Where the tag of "host:5000/name:tag" begins, behind its colon; NULL for none. */
const char *image_ref_tag(const char *ref);

#endif
