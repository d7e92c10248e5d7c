/*
 * route.h: which verb an HTTP request means.
 *
 * The table is in route.c; openapi.json describes the same paths, which a test compares.
 * "{name}" in a path stands for one segment, percent-decoded, and becomes an argument.
 *
 * Threads: any.
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
 * *is_path tells whether another method would do (405, not 404).  path is what stands below
 * /api/v1, as it came, without its query. */
const struct route *route_find(
    const char *method, const char *path, json_t *args, bool *is_path);

#define ROUTE_METHODS 64
/* The methods that a path has, for Allow: "GET, HEAD, POST"; empty when there are none. */
void route_methods(const char *path, char out[ROUTE_METHODS]);

/* One part of a path or query, percent-decoded: false when it is not UTF-8, has control
 * characters or an escape that is none.  plus: "+" stands for a space.  out has room for len +
 * 1. */
bool route_decode(char *out, const char *text, size_t len, bool plus);
/* "a=1&b=2" into args, as strings.  false for what cannot be decoded, a name that is there
 * twice, or is in args already, or more than 32. */
bool route_query(json_t *args, const char *query);

#endif
