#include "serve/web_request_impl.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <stdio.h>

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
		return request_no_memory();
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
	if (problem == NULL && request_is_listening(r) && a->status == 200)
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

void
request_resume(struct request *r, struct reply reply)
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

/* Whether the credential is anybody's; and who has logged in is known from now on. */
static void
learn(const struct request *r, const json_t *message)
{
	char secret[GATE_SECRET + 1];
	const char *cookie = json_get_str(message, "cookie");
	if (r->kind != NULL)
		known_set(
		    r->web->known, r->kind, r->credential, json_get_bool(message, "known"));
	if (cookie != NULL && gate_secret(secret, cookie, strlen(cookie)))
		known_set(r->web->known, "session", secret, true);
}

void
request_answered(void *arg, struct web_link_answer *a)
{
	struct request *r = arg;
	AUTO(fd) int fd = a->fd;
	AUTO(json) json_t *message = a->message;
	size_t len = 0;
	int64_t until_ns;
	if (message != NULL)
		learn(r, message);
	struct reply reply = answer_of(r, a, &fd, &len);
	if (reply.response == NULL)
		reply = request_no_memory();
	if (is_to_be_kept(r, a, &until_ns))
		keep_answer(r, a, until_ns);
	request_resume(r, reply);
}
