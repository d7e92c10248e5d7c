/*
 * days.h: backups of the last 90 days, counted by day and outcome.
 *
 * Runs of the catalogue count by how they ended; snapshots count when no run of it has made
 * them: those of the command line.  Days are those of the host's clock.
 *
 * Threads: any.
 */
#ifndef SERVE_DAYS_H
#define SERVE_DAYS_H

#include "serve/scene.h"

/* An array, oldest first, without days that have none (openapi.json, "Day"). */
MUST_CHECK enum err_code days_write(struct json_writer *w, const char *key,
    const struct scene *s, const char *stack, struct err *err);

#endif
