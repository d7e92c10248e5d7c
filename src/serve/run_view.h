/*
 * run_view.h: runs and schedules as JSON (openapi.json, "Run", "Schedule").
 *
 * Threads: any.
 */
#ifndef SERVE_RUN_VIEW_H
#define SERVE_RUN_VIEW_H

#include "base/json.h"
#include "catalog/run.h"
#include "catalog/schedule.h"

/* One object each; key as in json.h. */
void run_view_json(struct json_writer *w, const char *key, const struct catalog_run *r);
void schedule_view_json(struct json_writer *w, const char *key, const struct schedule *s);

#endif
