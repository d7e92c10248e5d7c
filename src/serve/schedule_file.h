/*
 * schedule_file.h: schedules in STATE/schedules.json, beside the catalogue: {"version": 1,
 * "schedules": [...]}.
 *
 * Threads: one writer at a time.
 */
#ifndef SERVE_SCHEDULE_FILE_H
#define SERVE_SCHEDULE_FILE_H

#include "base/json.h"
#include "catalog/schedule.h"

MUST_CHECK enum err_code schedule_file_write(
    struct catalog *c, const char *state_dir, struct err *err);
/* Into a catalogue that has none; no file is fine. */
MUST_CHECK enum err_code schedule_file_read(
    struct catalog *c, const char *state_dir, size_t *count, struct err *err);

#endif
