/*
 * survey.h: how much there is to read, found out while reading has begun.
 *
 * A survey has a thread that adds up files and bytes below some folders, so
 * that progress can tell the time left.  It begins after a second: what is done
 * by then needs none.  What cannot be looked at is passed over: the backup
 * itself reports it.
 */
#ifndef ENGINE_SURVEY_H
#define ENGINE_SURVEY_H

#include "engine/excluder.h"

struct survey;

/* Each of the n sources is a file or a folder with what is left out of it; the array is copied,
 * what it points at is borrowed until survey_stop.  A survey that cannot start is no reason to
 * fail: *out is then NULL. */
void survey_start(struct survey **out, const struct excluder_options *sources, size_t n);
/* False while it still counts. */
bool survey_result(const struct survey *s, uint64_t *files, uint64_t *bytes);
void survey_stop(struct survey *s);
AUTO_FREE(survey, struct survey *, survey_stop)

#endif
