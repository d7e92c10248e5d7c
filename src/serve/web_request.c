/*
 * A request's way: head (refused, answered from what is kept, or taken), body, ask, answer.
 *
 *	HEAD --> BODY --> ASKED --> READY
 *
 * While it is ASKED its connection is suspended, and the request belongs to the link's
 * threads; otherwise to the thread of MHD that serves the connection.
 */
#include "serve/assets.h"
#include "serve/route.h"
#include "serve/web_impl.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <stdio.h>

#define API "/api/v1"
#define ASKS_OF_ONE 512 /* on their way at once, of one address */
#define ASKS_OF_STRANGER 16 /* the same without any credential */
#define COOKIE "stacksnap"
#define COOKIE_SECURE                                                           \
	"__Host-stacksnap" /* browsers take it by TLS only, from this host only \
			    */

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

static const char *
header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->con, MHD_HEADER_KIND, name);
}

static struct reply
no_memory(void)
{
	return reply_problem(503, "no_memory", "Too much at once",
	    "The web process has no memory left for this request.");
}

static bool
is_reading(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* --- begin and end --- */

void *
web_request_new(void *cls, const char *uri, struct MHD_Connection *con)
{
	struct request *r = calloc(1, sizeof *r);
	const char *mark = strchrnul(uri, '?');
	if (r == NULL)
		return NULL;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(con, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	r->web = cls;
	r->con = con;
	r->peer = info != NULL ? info->socket_context : NULL;
	r->path = strndup(uri, (size_t)(mark - uri));
	r->query = strdup(*mark == '?' ? mark + 1 : mark);
	return r;
}

static void
give_body_back(struct request *r)
{
	atomic_fetch_sub(&r->web->bodies, r->body.len);
	buf_release(&r->body);
	r->body = (struct buf)BUF_INIT;
}

void
web_request_done(
    void *cls, struct MHD_Connection *con, void **request, enum MHD_RequestTerminationCode why)
{
	(void)cls;
	(void)con;
	(void)why;
	struct request *r = *request;
	if (r == NULL)
		return;
	*request = NULL;
	if (r->peer != NULL)
		r->peer->deadline_ns = clock_mono_ns() + WEB_IDLE_S * NS_PER_S;
	give_body_back(r);
	response_auto(&r->reply.response);
	json_decref(r->args);
	free(r->path);
	free(r->query);
	free(r->key);
	free(r);
}

static enum MHD_Result
send_reply(struct request *r, struct reply *reply)
{
	if (reply->response == NULL)
		return MHD_NO;
	enum MHD_Result sent = MHD_queue_response(r->con, reply->status, reply->response);
	MHD_destroy_response(reply->response);
	reply->response = NULL;
	return sent;
}

/* --- head --- */

/* Who the request speaks for: a token, or a session's cookie.  false: it says so, but not how
 * it is written. */
static bool
read_credential(struct request *r)
{
	const char *authorization = header(r, "Authorization");
	if (authorization != NULL) {
		r->kind = "token";
		return gate_bearer(r->credential, authorization);
	}
	if (gate_cookie(
		r->credential, header(r, "Cookie"), r->is_secure ? COOKIE_SECURE : COOKIE))
		r->kind = "session";
	return true;
}

/* From where, and whether to here. */
static struct reply
check_place(struct request *r)
{
	const struct gate *g = r->web->gate;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(r->con, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *peer = info != NULL ? info->client_addr : NULL;
	const enum host_kind kind = gate_host(g, header(r, "Host"));
	gate_from(g, r->from, peer, header(r, "X-Forwarded-For"));
	r->is_secure =
	    kind == HOST_SECURE || gate_is_tls(g, peer, header(r, "X-Forwarded-Proto"));
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
	const char *origin = header(r, "Origin");
	if (gate_fetch_site(header(r, "Sec-Fetch-Site")) &&
	    (reads || gate_origin(r->web->gate, origin, header(r, "Host"))))
		return (struct reply){ 0, NULL };
	return reply_problem(403, "denied", "From another site",
	    "The request comes from a page of another site. Behind a proxy, start the daemon "
	    "with "
	    "--public-url and the address that people use.");
}

static bool
has_body(const struct request *r)
{
	const char *length = header(r, "Content-Length");
	return (length != NULL && strspn(length, "0") != strlen(length)) ||
	       header(r, "Transfer-Encoding") != NULL;
}

static struct reply
check_body(struct request *r, bool reads)
{
	const char *length = header(r, "Content-Length");
	if (!has_body(r))
		return (struct reply){ 0, NULL };
	if (reads)
		return reply_problem(
		    400, "usage", "A body where none belongs", "GET requests have no body.");
	if (!gate_is_json(header(r, "Content-Type")) || header(r, "Content-Encoding") != NULL)
		return reply_problem(415, "unsupported", "Not JSON",
		    "Bodies are JSON: Content-Type: application/json, in UTF-8, not "
		    "compressed.");
	/* Longer numbers than these have more digits. */
	if (length != NULL && (strlen(length) > 9 || strtoul(length, NULL, 10) > WEB_BODY_MAX))
		return reply_problem(
		    413, "usage", "Too much", "A body may have a mebibyte at most.");
	return (struct reply){ 0, NULL };
}

static struct reply
check_credential(struct request *r)
{
	const char *csrf = header(r, "X-CSRF-Token");
	if (!read_credential(r))
		return reply_problem_with(401, "unauthenticated", "Not a token",
		    "Authorization wants \"Bearer\" and the 64 digits of a token.",
		    "WWW-Authenticate", "Bearer");
	/* Whether it is the right one, the keeper says; one that cannot be right is none. */
	if (csrf != NULL && !gate_secret(r->csrf, csrf, strlen(csrf)))
		r->csrf[0] = '\0';
	return (struct reply){ 0, NULL };
}

static struct reply
check_api(struct request *r, const char *method)
{
	const bool reads = is_reading(method);
	r->args = json_object();
	if (r->args == NULL)
		return no_memory();
	struct reply bad = check_method(r, method);
	if (bad.status == 0)
		bad = check_origin(r, reads);
	if (bad.status == 0)
		bad = check_body(r, reads);
	if (bad.status == 0)
		bad = check_credential(r);
	return bad;
}

/* The same address asked for by the same credential: on the same host, since cookies of both
 * kinds would have other names. */
static bool
make_key(struct request *r)
{
	struct err err = ERR_INIT;
	return str_printf(&r->key, &err, "%s %s %s?%s", r->kind != NULL ? r->kind : "-",
		   r->credential, r->path, r->query) == ERR_OK;
}

static bool
is_listening(const struct request *r)
{
	return strcmp(r->route->verb, "events.listen") == 0;
}

static bool
is_api(const char *path)
{
	return strncmp(path, API "/", sizeof API) == 0;
}

static enum MHD_Result
begin_api(struct request *r, const char *method)
{
	struct reply bad = check_api(r, method);
	if (bad.status != 0)
		return send_reply(r, &bad);
	if (is_reading(method) && !is_listening(r)) {
		r->age = cache_age(r->web->cache);
		if (!make_key(r)) {
			bad = no_memory();
			return send_reply(r, &bad);
		}
		if (cache_send(r->web->cache, r->key, clock_mono_ns(), r->con))
			return MHD_YES;
	}
	r->stage = STAGE_BODY;
	if (r->peer != NULL)
		r->peer->deadline_ns = clock_mono_ns() + WEB_BODY_NS;
	return MHD_YES;
}

static enum MHD_Result
send_page(struct request *r, const char *method)
{
	struct reply page = { 0, NULL };
	struct reply bad;
	if (!is_reading(method))
		bad = reply_problem_with(405, "usage", "Not to be done with this",
		    "The files of the page can only be read.", "Allow", "GET, HEAD");
	else if (strncmp(r->path, "/api", 4) == 0 && strchr("/", r->path[4]) != NULL &&
		 !is_api(r->path))
		bad = reply_problem(
		    404, "not_found", "No such address", "The API is at /api/v1/.");
	else {
		page = pages_find(r->web->pages, r->path, header(r, "Accept-Encoding"),
		    header(r, "If-None-Match"));
		if (page.response != NULL)
			return MHD_queue_response(r->con, page.status, page.response);
		bad = reply_problem(
		    404, "not_found", "No such file", "The page has no file of this name.");
	}
	return send_reply(r, &bad);
}

static enum MHD_Result
begin(struct request *r, const char *method)
{
	struct reply bad = { 0, NULL };
	if (r->path == NULL || r->query == NULL)
		bad = no_memory();
	else if (strlen(r->path) + strlen(r->query) > WEB_URI_MAX)
		bad = reply_problem(414, "usage", "Too long", "The address is too long.");
	else
		bad = check_place(r);
	if (bad.status != 0)
		return send_reply(r, &bad);
	/* The API's own description is a file. */
	if (is_api(r->path) && asset_find(r->path) == NULL)
		return begin_api(r, method);
	return send_page(r, method);
}

/* --- body --- */

/* What is too much is read and thrown away, so that its sender comes to hear of it: the same
 * again, and no more. */
static enum MHD_Result
take_body(struct request *r, const char *data, size_t *len)
{
	struct err err = ERR_INIT;
	const bool fits = r->discarded == 0 && r->body.len + *len <= WEB_BODY_MAX &&
			  atomic_load(&r->web->bodies) + *len <= WEB_BODIES_MAX &&
			  buf_add(&r->body, data, *len, &err) == ERR_OK;
	if (fits)
		atomic_fetch_add(&r->web->bodies, *len);
	else
		r->discarded += *len;
	*len = 0;
	return r->discarded <= 2 * WEB_BODY_MAX ? MHD_YES : MHD_NO;
}

/* The fields of a body, beside those of the path. */
static bool
add_fields(struct request *r, json_t *body)
{
	const char *name;
	json_t *value;
	json_object_foreach(
	    body, name, value) if (json_object_get(r->args, name) != NULL ||
				   json_object_set(r->args, name, value) != 0) return false;
	return true;
}

static struct reply
read_body(struct request *r)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *body = NULL;
	if (r->discarded > 0)
		return r->body.len + r->discarded > WEB_BODY_MAX
			   ? reply_problem(413, "usage", "Too much",
				 "A body may have a mebibyte at most.")
			   : no_memory();
	if (r->body.len == 0)
		return (struct reply){ 0, NULL };
	enum err_code rc = json_parse(&body, r->body.data, r->body.len, "the body", &err);
	give_body_back(r);
	if (rc)
		return reply_problem(400, "usage", "Not JSON", err.msg);
	if (!json_is_object(body))
		return reply_problem(
		    400, "usage", "Not an object", "The body must be a JSON object.");
	if (!add_fields(r, body))
		return reply_problem(400, "usage", "Said twice",
		    "The body has a field that the path already tells.");
	return (struct reply){ 0, NULL };
}

static struct reply
read_query(struct request *r)
{
	if (route_query(r->args, r->query))
		return (struct reply){ 0, NULL };
	return reply_problem(400, "usage", "Not a query",
	    "What stands behind \"?\" is not name=value&..., in UTF-8, each name once.");
}

/* --- ask --- */

/* Where a listener comes back: what its browser saw last, or the page asks for. */
static bool
last_event(struct request *r, uint64_t *last)
{
	const char *text = header(r, "Last-Event-ID");
	if (text == NULL)
		text = json_get_str(r->args, "after");
	if (text == NULL || *text == '\0' || strlen(text) > 19 ||
	    strspn(text, "0123456789") != strlen(text))
		return false;
	*last = strtoull(text, NULL, 10);
	return true;
}

static struct reply
answer_listener(struct request *r)
{
	struct err err = ERR_INIT;
	struct reply out = { 0, NULL };
	char credential[GATE_SECRET + 16];
	snprintf(credential, sizeof credential, "%s%s%s", r->kind != NULL ? r->kind : "-",
	    r->kind != NULL ? " " : "", r->credential);
	struct listener_options opt = { .credential = credential, .from = r->from };
	opt.has_last = r->has_last;
	opt.last = r->last;
	switch (web_listen(r->web, r->con, &opt, &out, &err)) {
	case ERR_OK:
		return out;
	case ERR_LOCKED:
		return reply_problem_with(
		    503, "locked", "Too many listen", err.msg, "Retry-After", "30");
	default:
		return no_memory();
	}
}

/* The session's cookie, or its end. */
static bool
add_cookie(const struct request *r, struct MHD_Response *response, const char *value)
{
	char secret[GATE_SECRET + 1];
	char line[256];
	const bool is_end = *value == '\0';
	if (!is_end && !gate_secret(secret, value, strlen(value)))
		return false;
	snprintf(line, sizeof line, "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%s%s",
	    r->is_secure ? COOKIE_SECURE : COOKIE, value, is_end ? "0" : "2592000",
	    r->is_secure ? "; Secure" : "");
	return MHD_add_response_header(response, "Set-Cookie", line) == MHD_YES;
}

static struct MHD_Response *
json_response(const json_t *body, size_t *len)
{
	if (body == NULL)
		return reply_empty();
	char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text == NULL)
		return NULL;
	*len = strlen(text);
	return reply_json(text, *len, "application/json");
}

static struct MHD_Response *
keeper_problem(unsigned status, const json_t *problem)
{
	AUTO(response) struct MHD_Response *r = reply_keeper_problem(status, problem);
	const int64_t wait_s = json_get_int(problem, "retry_after_s", 0);
	char seconds[24];
	snprintf(seconds, sizeof seconds, "%lld", (long long)wait_s);
	if (r == NULL ||
	    (wait_s > 0 && MHD_add_response_header(r, "Retry-After", seconds) != MHD_YES) ||
	    (status == 401 &&
		MHD_add_response_header(r, "WWW-Authenticate", "Bearer") != MHD_YES))
		return NULL;
	return TAKE(r);
}

/* What the keeper said, as a response; len is what it takes to keep it. */
static struct reply
answer_of(struct request *r, const struct web_link_answer *a, int *fd, size_t *len)
{
	struct reply out = { a->status, NULL };
	if (a->message == NULL)
		return reply_problem(a->status, "transient", "No answer", a->detail);
	const json_t *problem = json_object_get(a->message, "problem");
	const json_t *download = json_object_get(a->message, "download");
	const char *cookie = json_get_str(a->message, "cookie");
	if (problem == NULL && is_listening(r) && a->status == 200)
		return answer_listener(r);
	if (problem != NULL)
		out.response = keeper_problem(a->status, problem);
	else if (download != NULL && *fd >= 0)
		out.response = download_response(r->web->pump, r->con, fd_take(fd), download);
	else
		out.response = json_response(json_object_get(a->message, "body"), len);
	if (out.response != NULL && cookie != NULL && !add_cookie(r, out.response, cookie))
		response_auto(&out.response);
	return out;
}

static bool
is_to_be_kept(const struct request *r, const struct web_link_answer *a, int64_t *until_ns)
{
	int64_t keep_ms = a->message != NULL ? json_get_int(a->message, "keep_ms", 0) : 0;
	if (keep_ms > CACHE_KEEP_MS)
		keep_ms = CACHE_KEEP_MS;
	*until_ns = clock_mono_ns() + keep_ms * NS_PER_MS;
	return r->key != NULL && keep_ms > 0 && a->status == 200 &&
	       json_object_get(a->message, "body") != NULL &&
	       json_object_get(a->message, "cookie") == NULL;
}

static void
resume(struct request *r, struct reply reply)
{
	r->reply = reply;
	r->stage = STAGE_READY;
	MHD_resume_connection(r->con);
}

/* A response has one owner: what is kept is made a second time. */
static void
keep_answer(struct request *r, const struct web_link_answer *a, int64_t until_ns)
{
	size_t len = 0;
	struct reply again = { 200, json_response(json_object_get(a->message, "body"), &len) };
	if (again.response != NULL)
		cache_keep(r->web->cache, r->key, r->age, again, len, until_ns);
}

static void
answered(void *arg, struct web_link_answer *a)
{
	struct request *r = arg;
	AUTO(fd) int fd = a->fd;
	AUTO(json) json_t *message UNUSED = a->message;
	size_t len = 0;
	int64_t until_ns;
	struct reply reply = answer_of(r, a, &fd, &len);
	if (reply.response == NULL)
		reply = no_memory();
	if (is_to_be_kept(r, a, &until_ns))
		keep_answer(r, a, until_ns);
	resume(r, reply);
}

/* The arguments go along: nothing of a message is looked at any more once it is handed over,
 * since jansson's counters of references are not for two threads. */
static json_t *
message_of(struct request *r)
{
	AUTO(json) json_t *m = json_pack(
	    "{s:s, s:s, s:o}", "verb", r->route->verb, "from", r->from, "args", TAKE(r->args));
	if (m == NULL)
		return NULL;
	if (r->kind != NULL && json_object_set_new(m, r->kind, json_string(r->credential)) != 0)
		return NULL;
	if (r->csrf[0] != '\0' && json_object_set_new(m, "csrf", json_string(r->csrf)) != 0)
		return NULL;
	return TAKE(m);
}

static enum err_code
ask_keeper(struct request *r, struct err *err)
{
	/* What a listener's query says is for web. */
	if (is_listening(r)) {
		r->has_last = last_event(r, &r->last);
		json_object_clear(r->args);
	}
	json_t *message = message_of(r);
	if (message == NULL)
		return err_nomem(err);
	char of[GATE_FROM + 1];
	snprintf(of, sizeof of, "%s%s", r->kind != NULL ? "" : "?", r->from);
	r->stage = STAGE_ASKED;
	if (r->peer != NULL)
		r->peer->deadline_ns = 0;
	MHD_suspend_connection(r->con);
	return web_link_ask(r->web->link, message, of,
	    r->kind != NULL ? ASKS_OF_ONE : ASKS_OF_STRANGER, answered, r, err);
}

static struct reply
refused_by_link(const struct err *err)
{
	if (err->code == ERR_LOCKED)
		return reply_problem_with(
		    429, "locked", "Too many requests", err->msg, "Retry-After", "1");
	if (err->code == ERR_CANCELLED)
		return reply_problem(503, "transient", "No answer", "StackSnap is stopping.");
	return no_memory();
}

static enum MHD_Result
finish_body(struct request *r)
{
	struct err err = ERR_INIT;
	struct reply bad = read_body(r);
	if (bad.status == 0)
		bad = read_query(r);
	if (bad.status != 0)
		return send_reply(r, &bad);
	if (ask_keeper(r, &err)) {
		bad = refused_by_link(&err);
		/* It may be suspended already: it goes the same way then. */
		if (r->stage != STAGE_ASKED)
			return send_reply(r, &bad);
		resume(r, bad);
	}
	return MHD_YES;
}

/* MHD hangs up after an answer that is given before it has looked for a body: one that comes
 * with nothing is answered the second time that we are called.  A refusal of what has one does
 * not wait for it. */
static enum MHD_Result
take_head(struct request *r, const char *method)
{
	if (!r->is_whole && !has_body(r)) {
		r->is_whole = true;
		return MHD_YES;
	}
	enum MHD_Result rc = begin(r, method);
	return rc == MHD_YES && r->is_whole && r->stage == STAGE_BODY ? finish_body(r) : rc;
}

enum MHD_Result
web_request_go(void *cls, struct MHD_Connection *con, const char *url, const char *method,
    const char *version, const char *data, size_t *len, void **request)
{
	(void)cls;
	(void)con;
	(void)url;
	(void)version;
	struct request *r = *request;
	if (r == NULL)
		return MHD_NO;
	switch (r->stage) {
	case STAGE_HEAD:
		return take_head(r, method);
	case STAGE_BODY:
		return *len > 0 ? take_body(r, data, len) : finish_body(r);
	case STAGE_READY:
		return send_reply(r, &r->reply);
	case STAGE_ASKED:
		break;
	}
	return MHD_NO;
}
