/*
 * kept_image.h: an image as a snapshot keeps it, under the name that its
 * services know it by.
 *
 * Services may have been made of several images of one name, of which one is
 * kept: whether it is the one that is wanted, its id tells.
 *
 * Threads: one at a time.
 */
#ifndef ENGINE_KEPT_IMAGE_H
#define ENGINE_KEPT_IMAGE_H

#include "docker/image.h"
#include "engine/browse.h"

struct kept_image {
	const char *id; /* lies in the snapshot's document */
	struct tree_entry file; /* as docker_image_save wrote it */
};

#define KEPT_IMAGE_INIT               \
	{                             \
		NULL, TREE_ENTRY_INIT \
	}

static inline void UNUSED
kept_image_auto(struct kept_image *k)
{
	tree_entry_release(&k->file);
}

/* ERR_NOT_FOUND when the snapshot keeps none of that name.  out must be KEPT_IMAGE_INIT. */
MUST_CHECK enum err_code kept_image_find(struct kept_image *out, struct engine *e,
    const struct snapshot *s, const char *name, struct err *err);
/* Hand it to the engine.  Another image that has the name here keeps it; when none has, this
 * one gets it. */
MUST_CHECK enum err_code kept_image_load(const struct kept_image *k, struct engine *e,
    struct docker *d, const char *name, struct err *err);

#endif
