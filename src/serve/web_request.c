/*
 * A request's way: head (refused, answered from what is kept, or taken), body, ask, answer.
 *
 *	HEAD --> BODY --> ASKED --> READY
 *
 * While it is ASKED its connection is suspended, and the request belongs to the link's
 * threads; otherwise to the thread of MHD that serves the connection.
 */
#include "serve/assets.h"
#include "serve/web_request_impl.h"
#include "sys/clock.h"

#include <stdio.h>

#define ASKS_OF_ONE 512 /* on their way at once, of one address */
#define ASKS_OF_STRANGER 16 /* the same without a credential that is known to be good */

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
is_api(const char *path)
{
	return strncmp(path, API "/", sizeof API) == 0;
}

static enum MHD_Result
begin_api(struct request *r, const char *method)
{
	struct reply bad = request_check_api(r, method);
	if (bad.status != 0)
		return send_reply(r, &bad);
	if (request_is_reading(method) && !request_is_listening(r)) {
		r->age = cache_age(r->web->cache);
		if (!make_key(r)) {
			bad = request_no_memory();
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
	if (!request_is_reading(method))
		bad = reply_problem_with(405, "usage", "Not to be done with this",
		    "The files of the page can only be read.", "Allow", "GET, HEAD");
	else if (strncmp(r->path, "/api", 4) == 0 && strchr("/", r->path[4]) != NULL &&
		 !is_api(r->path))
		bad = reply_problem(
		    404, "not_found", "No such address", "The API is at /api/v1/.");
	else {
		page = pages_find(r->web->pages, r->path, request_header(r, "Accept-Encoding"),
		    request_header(r, "If-None-Match"));
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
		bad = request_no_memory();
	else if (strlen(r->path) + strlen(r->query) > WEB_URI_MAX)
		bad = reply_problem(414, "usage", "Too long", "The address is too long.");
	else
		bad = request_check_place(r);
	if (bad.status != 0)
		return send_reply(r, &bad);
	/* The API's own description is a file. */
	if (is_api(r->path) && asset_find(r->path) == NULL)
		return begin_api(r, method);
	return send_page(r, method);
}

/* --- body --- */

/* What is too much is read and thrown away, so that its sender comes to hear of it: up to
 * WEB_BODY_HEARD, and no more. */
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
	return r->discarded <= WEB_BODY_HEARD ? MHD_YES : MHD_NO;
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
			   : request_no_memory();
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
	    "What stands behind \"?\" is not name=value&..., in UTF-8 without control "
	    "characters, each name once, 32 at most.");
}

/* --- ask --- */

/* Where a listener comes back: what its browser saw last, or the page asks for. */
static bool
last_event(struct request *r, uint64_t *last)
{
	const char *text = request_header(r, "Last-Event-ID");
	if (text == NULL)
		text = json_get_str(r->args, "after");
	if (text == NULL || *text == '\0' || strlen(text) > 19 ||
	    strspn(text, "0123456789") != strlen(text))
		return false;
	*last = strtoull(text, NULL, 10);
	return true;
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
	/* For web itself; the keeper sees to it that nothing else is asked for. */
	if (request_is_listening(r))
		r->has_last = last_event(r, &r->last);
	json_t *message = message_of(r);
	if (message == NULL)
		return err_nomem(err);
	const bool is_known =
	    r->kind != NULL && known_has(r->web->known, r->kind, r->credential);
	char of[GATE_FROM + 1];
	snprintf(of, sizeof of, "%s%s", is_known ? "" : "?", r->from);
	r->stage = STAGE_ASKED;
	if (r->peer != NULL)
		r->peer->deadline_ns = 0;
	MHD_suspend_connection(r->con);
	return web_link_ask(r->web->link, message, of,
	    is_known ? ASKS_OF_ONE : ASKS_OF_STRANGER, request_answered, r, err);
}

static struct reply
refused_by_link(const struct err *err)
{
	if (err->code == ERR_LOCKED)
		return reply_problem_with(
		    429, "locked", "Too many requests", err->msg, "Retry-After", "1");
	if (err->code == ERR_CANCELLED)
		return reply_problem(503, "transient", "No answer", "StackSnap is stopping.");
	return request_no_memory();
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
		request_resume(r, bad);
	}
	return MHD_YES;
}

/* MHD hangs up after an answer that is given before it has looked for a body: one that comes
 * with nothing is request_answered the second time that we are called.  A refusal of what has
 * one does not wait for it. */
static enum MHD_Result
take_head(struct request *r, const char *method)
{
	if (!r->is_whole && !request_has_body(r)) {
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
