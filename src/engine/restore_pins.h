/*
 * restore_pins.h: which image each service is made of, when the name in its
 * compose file means another one by now; for restore*.c only.
 *
 * A name that means nothing here gets its image back.  One that means another
 * image is left to whoever uses it; the service is made from the recorded
 * image by its id instead, which a further compose file says
 * (state_dir/images-STACK-WORD.yaml, given last).
 *
 * Ownership: pins copy what they are given.
 */
#ifndef ENGINE_RESTORE_PINS_H
#define ENGINE_RESTORE_PINS_H

#include "docker/compose.h"
#include "docker/engine.h"

struct pin {
	char *service;
	char *image; /* its name */
	char *id; /* or its digest, "postgres@sha256:..." */
};

struct pins {
	struct pin *items;
	size_t count;
};

#define PINS_INIT       \
	{               \
		NULL, 0 \
	}

void pins_release(struct pins *p);
static inline void UNUSED
pins_auto(struct pins *p)
{
	pins_release(p);
}

MUST_CHECK enum err_code pins_add(
    struct pins *p, const char *service, const char *image, const char *id, struct err *err);
/* files: those that the stack has; out: those that it is to be made by.  What is not here at
 * all is left to Compose. */
MUST_CHECK enum err_code pins_apply(const struct pins *p, struct docker *d,
    const struct compose *c, const char *state_dir, const char *stack, const char *word,
    const struct strv *files, struct strv *out, struct err *err);
/* Is this such a file of ours? */
bool pins_is_file(const char *path, const char *state_dir, const char *stack);

#endif
