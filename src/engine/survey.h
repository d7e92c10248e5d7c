/*
 * survey.h: how much there is to read, found out while reading has begun.
 *
 * A survey has a thread that adds up files and bytes below some folders, so
 * that progress can tell the time left.  What cannot be looked at is passed
 * over: the backup itself reports it.
 */
#ifndef ENGINE_SURVEY_H
#define ENGINE_SURVEY_H

#include "base/strv.h"

#include <stdbool.h>

struct survey;

/* sources: files and folders; a source's excluded paths are given absolute, in exclude.  A
 * survey that cannot start is no reason to fail: *out is then NULL. */
void survey_start(struct survey **out, const struct strv *sources, const struct strv *exclude);
/* False while it still counts. */
bool survey_result(const struct survey *s, uint64_t *files, uint64_t *bytes);
void survey_stop(struct survey *s);
AUTO_FREE(survey, struct survey *, survey_stop)

#endif
