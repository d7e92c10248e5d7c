/*
 * image_claim.h: the note that an image is being loaded into an engine, for
 * the case that the process dies over it.
 *
 * The engine takes the whole stream in, and only then makes the image of it and
 * gives it its name, whoever has gone meanwhile.  So the note says beforehand
 * which image will come to be, that it was not there, and which image had its
 * name: state_dir/loading-ID-PID.json.  When the
 * load has ended well the note goes; from then on the image is the caller's to remember.
 *
 * Of a note whose process has ended the image is removed, unless something uses
 * it, and the name given back.  An image that is not there may still come: such a
 * note stays for an hour.
 *
 * Errors: as the engine's; a note that cannot be read is told as a warning.
 */
#ifndef ENGINE_IMAGE_CLAIM_H
#define ENGINE_IMAGE_CLAIM_H

#include "base/strv.h"
#include "docker/engine.h"
#include "engine/event.h"

/* Durable on return; *path is the caller's, and is removed by image_claim_end.  named is the id
 * of the image that has the name; NULL: none. */
MUST_CHECK enum err_code image_claim_begin(char **path, const char *state_dir, struct docker *d,
    const char *id, const char *name, const char *named, struct err *err);
MUST_CHECK enum err_code image_claim_end(const char *path, struct err *err);

struct image_leftovers {
	struct strv removed; /* ids */
	size_t failed;
};

#define IMAGE_LEFTOVERS_INIT  \
	{                     \
		STRV_INIT, 0, \
	}

static inline void UNUSED
image_leftovers_auto(struct image_leftovers *l)
{
	strv_release(&l->removed);
}

/* What loads that died have left. */
MUST_CHECK enum err_code image_claim_clean(struct event_sink *events, const char *state_dir,
    struct image_leftovers *out, struct err *err);

#endif
