/*
 * route.h: which verb an HTTP request means.
 *
 * The table is in route.c; openapi.json describes the same paths, which a test compares.
 * "{name}" in a path stands for one segment, percent-decoded, and becomes an argument.
 */
#ifndef SERVE_ROUTE_H
#define SERVE_ROUTE_H

#include "base/json.h"

struct route {
	const char *method; /* "GET" */
	const char *path; /* below /api/v1: "/stacks/{name}" */
	const char *verb;
};

extern const struct route routes[]; /* ends with a NULL method */

/* The route of a request, with the path's arguments set in args; NULL when there is none:
 * *is_path tells whether another method would do (405, not 404). */
const struct route *route_find(
    const char *method, const char *path, json_t *args, bool *is_path);

#endif
