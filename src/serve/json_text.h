/*
 * json_text.h: words that need not be UTF-8, as those of an error with a file's name in it.
 *
 * Threads: any.
 */
#ifndef SERVE_JSON_TEXT_H
#define SERVE_JSON_TEXT_H

#include "base/json.h"

/* A JSON string; bad bytes become U+FFFD.  NULL when out of memory. */
json_t *json_text(const char *text);

#endif
