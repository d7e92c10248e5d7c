#include "serve/web_reply.h"

#include <stdio.h>

#define API_POLICY "default-src 'none'; frame-ancestors 'none'; sandbox"

static bool
add(struct MHD_Response *r, const char *name, const char *value)
{
	return MHD_add_response_header(r, name, value) == MHD_YES;
}

bool
reply_api_headers(struct MHD_Response *r, const char *type)
{
	return (type == NULL || add(r, "Content-Type", type)) &&
	       add(r, "Cache-Control", "no-store") &&
	       add(r, "X-Content-Type-Options", "nosniff") &&
	       add(r, "Content-Security-Policy", API_POLICY) &&
	       add(r, "Referrer-Policy", "no-referrer") &&
	       add(r, "Cross-Origin-Resource-Policy", "same-origin");
}

static struct MHD_Response *
with_headers(struct MHD_Response *r, const char *type)
{
	if (r == NULL || reply_api_headers(r, type))
		return r;
	MHD_destroy_response(r);
	return NULL;
}

struct MHD_Response *
reply_json(char *text, size_t len, const char *type)
{
	struct MHD_Response *r =
	    MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (r == NULL)
		free(text);
	return with_headers(r, type);
}

struct MHD_Response *
reply_empty(void)
{
	static char nothing[1];
	return with_headers(
	    MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT), NULL);
}

struct MHD_Response *
reply_keeper_problem(unsigned status, const json_t *problem)
{
	AUTO(json) json_t *whole =
	    json_pack("{s:s, s:i}", "type", "about:blank", "status", (int)status);
	if (whole == NULL ||
	    json_object_update_missing(whole, (json_t *)(uintptr_t)problem) != 0)
		return NULL;
	char *text = json_dumps(whole, JSON_COMPACT);
	return text != NULL ? reply_json(text, strlen(text), "application/problem+json") : NULL;
}

struct reply
reply_problem_with(unsigned status, const char *code, const char *title, const char *detail,
    const char *header, const char *value)
{
	struct reply out = { status, NULL };
	AUTO(json) json_t *problem =
	    json_pack("{s:s, s:s, s:s}", "title", title, "detail", detail, "code", code);
	if (problem != NULL)
		out.response = reply_keeper_problem(status, problem);
	if (out.response != NULL && header != NULL && !add(out.response, header, value)) {
		MHD_destroy_response(out.response);
		out.response = NULL;
	}
	return out;
}

struct reply
reply_problem(unsigned status, const char *code, const char *title, const char *detail)
{
	return reply_problem_with(status, code, title, detail, NULL, NULL);
}
