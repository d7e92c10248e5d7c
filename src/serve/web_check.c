#include "serve/web_request_impl.h"

#include <strings.h>

/* Who the request speaks for: a token, or a session's cookie.  false: it says so, but not how
 * it is written. */
static bool
read_credential(struct request *r)
{
	const char *authorization = request_header(r, "Authorization");
	if (authorization != NULL) {
		r->kind = "token";
		return gate_bearer(r->credential, authorization);
	}
	if (gate_cookie(r->credential, request_header(r, "Cookie"),
		r->is_secure ? COOKIE_SECURE : COOKIE))
		r->kind = "session";
	return true;
}

/* The last header of a name: who has sent some of his own stands before those of a proxy that
 * adds a line instead of one to the line (HAProxy). */
struct last_header {
	const char *name;
	const char *value;
};

static enum MHD_Result
see_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct last_header *h = arg;
	(void)kind;
	if (strcasecmp(name, h->name) == 0)
		h->value = value;
	return MHD_YES;
}

static const char *
last_header(const struct request *r, const char *name)
{
	struct last_header h = { name, NULL };
	MHD_get_connection_values(r->con, MHD_HEADER_KIND, see_header, &h);
	return h.value;
}

struct reply
request_check_place(struct request *r)
{
	const struct gate *g = r->web->gate;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(r->con, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *peer = info != NULL ? info->client_addr : NULL;
	const enum host_kind kind = gate_host(g, request_header(r, "Host"));
	gate_from(g, r->from, peer, last_header(r, "X-Forwarded-For"));
	r->is_secure =
	    kind == HOST_SECURE || gate_is_tls(g, peer, last_header(r, "X-Forwarded-Proto"));
	if (kind != HOST_STRANGE)
		return (struct reply){ 0, NULL };
	return reply_problem(421, "denied", "Not a name of this host",
	    "The daemon does not know itself by this name, and does not answer to it, so that "
	    "no "
	    "other site can point a name of its own here. Start it with --public-url and the "
	    "address that you use.");
}

static struct reply
check_method(struct request *r, const char *method)
{
	bool is_path;
	char methods[ROUTE_METHODS];
	r->route = route_find(method, r->path + strlen(API), r->args, &is_path);
	if (r->route != NULL)
		return (struct reply){ 0, NULL };
	route_methods(r->path + strlen(API), methods);
	if (!is_path || methods[0] == '\0')
		return reply_problem(404, "not_found", "No such address",
		    "The API has nothing at this path; GET /api/v1/openapi.json lists what it "
		    "has.");
	return reply_problem_with(405, "usage", "Not to be done with this",
	    "The path does not have this method; the Allow header lists those it has.", "Allow",
	    methods);
}

/* What another site could make a browser send. */
static struct reply
check_origin(struct request *r, bool reads)
{
	const char *origin = request_header(r, "Origin");
	if (gate_fetch_site(request_header(r, "Sec-Fetch-Site")) &&
	    (reads || gate_origin(r->web->gate, origin, request_header(r, "Host"))))
		return (struct reply){ 0, NULL };
	return reply_problem(403, "denied", "From another site",
	    "The request comes from a page of another site. Behind a proxy, start the daemon "
	    "with "
	    "--public-url and the address that people use.");
}

bool
request_has_body(const struct request *r)
{
	const char *length = request_header(r, "Content-Length");
	return (length != NULL && strspn(length, "0") != strlen(length)) ||
	       request_header(r, "Transfer-Encoding") != NULL;
}

static struct reply
check_body(struct request *r, bool reads)
{
	const char *length = request_header(r, "Content-Length");
	if (!request_has_body(r))
		return (struct reply){ 0, NULL };
	if (reads)
		return reply_problem(
		    400, "usage", "A body where none belongs", "GET requests have no body.");
	if (!gate_is_json(request_header(r, "Content-Type")) ||
	    request_header(r, "Content-Encoding") != NULL)
		return reply_problem(415, "unsupported", "Not JSON",
		    "Bodies are JSON: Content-Type: application/json, in UTF-8, not "
		    "compressed.");
	/* Longer numbers than these have more digits. */
	if (length != NULL &&
	    (strlen(length) > 9 || strtoul(length, NULL, 10) > WEB_BODY_HEARD))
		return reply_problem(
		    413, "usage", "Too much", "A body may have a mebibyte at most.");
	return (struct reply){ 0, NULL };
}

static struct reply
check_credential(struct request *r)
{
	const char *csrf = request_header(r, "X-CSRF-Token");
	if (!read_credential(r))
		return reply_problem_with(401, "unauthenticated", "Not a token",
		    "Authorization wants \"Bearer\" and the 64 digits of a token.",
		    "WWW-Authenticate", "Bearer");
	/* Whether it is the right one, the keeper says; one that cannot be right is none. */
	if (csrf != NULL && !gate_secret(r->csrf, csrf, strlen(csrf)))
		r->csrf[0] = '\0';
	return (struct reply){ 0, NULL };
}

struct reply
request_check_api(struct request *r, const char *method)
{
	const bool reads = request_is_reading(method);
	r->args = json_object();
	if (r->args == NULL)
		return request_no_memory();
	struct reply bad = check_method(r, method);
	if (bad.status == 0)
		bad = check_origin(r, reads);
	if (bad.status == 0)
		bad = check_body(r, reads);
	if (bad.status == 0)
		bad = check_credential(r);
	return bad;
}
