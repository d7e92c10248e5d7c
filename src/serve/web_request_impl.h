/*
 * web_request_impl.h: a request, for the files that see it through.
 */
#ifndef SERVE_WEB_REQUEST_IMPL_H
#define SERVE_WEB_REQUEST_IMPL_H

#include "serve/route.h"
#include "serve/web_impl.h"

#define API "/api/v1"
#define COOKIE "stacksnap"
/* Browsers take it by TLS only, and send it to this host only. */
#define COOKIE_SECURE "__Host-stacksnap"

enum stage { STAGE_HEAD, STAGE_BODY, STAGE_ASKED, STAGE_READY };

struct request {
	struct web_server *web;
	struct MHD_Connection *con;
	struct peer *peer;
	enum stage stage;
	bool is_whole; /* no body is to come */
	char *path; /* as it came */
	char *query; /* what stands behind "?", or "" */
	const struct route *route;
	json_t *args;
	char from[GATE_FROM];
	bool is_secure;
	const char *kind; /* of the credential: "session", "token", or NULL */
	char credential[GATE_SECRET + 1];
	char csrf[GATE_SECRET + 1];
	char *key; /* of what is kept; NULL: not to be kept */
	uint64_t age;
	bool has_last; /* a listener that comes back, for what is behind last */
	uint64_t last;
	struct buf body;
	size_t discarded;
	struct reply reply;
};

static inline const char *
request_header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->con, MHD_HEADER_KIND, name);
}

static inline struct reply
request_no_memory(void)
{
	return reply_problem(503, "no_memory", "Too much at once",
	    "The web process has no memory left for this request.");
}

static inline bool
request_is_reading(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static inline bool
request_is_listening(const struct request *r)
{
	return strcmp(r->route->verb, "events.listen") == 0;
}

/* --- web_check.c: what is wrong with its head; status 0: nothing --- */

/* From where, and whether to here. */
struct reply request_check_place(struct request *r);
/* Path, method, origin, body, credential: of what goes to the API. */
struct reply request_check_api(struct request *r, const char *method);
bool request_has_body(const struct request *r);

/* --- web_answer.c --- */

/* What the keeper says to a request (arg), which then goes on. */
void request_answered(void *arg, struct web_link_answer *a);
void request_resume(struct request *r, struct reply reply);

#endif
