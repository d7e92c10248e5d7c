/*
 * attention.h: what somebody should look at, and what mends it (openapi.json, "Attention").
 *
 * Threads: any.  Errors: ERR_NO_MEMORY, and those of cron and zone.
 */
#ifndef SERVE_ATTENTION_H
#define SERVE_ATTENTION_H

#include "serve/scene.h"

/* An array, the worst first; stack: only what is of that one, NULL: all. */
MUST_CHECK enum err_code attention_write(struct json_writer *w, const char *key,
    const struct scene *s, const char *stack, struct err *err);

#endif
