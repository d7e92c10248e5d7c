/*
 * overview.h: what home shows of stacks, and a stack's view (openapi.json, "Overview",
 * "Stack").
 *
 * Threads: any.
 */
#ifndef SERVE_OVERVIEW_H
#define SERVE_OVERVIEW_H

#include "serve/scene.h"

/* The fields of an object that is open. */
MUST_CHECK enum err_code overview_write(
    struct json_writer *w, const struct scene *s, struct err *err);
/* The newest point of a stack that a drill has brought back; nothing when there is none. */
void overview_proved(
    struct json_writer *w, const char *key, const struct points *p, const char *stack);

#endif
