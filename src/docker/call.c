#include "docker/call.h"

#include "docker/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* An inspect document is some 10 kB; a list of a thousand containers some 2 MB. */
#define ANSWER_MAX ((size_t)64 << 20)

void
docker_call_init(struct docker_call *call, const struct docker *d, const char *method,
    const char *path, const char *fmt, ...)
{
	*call = (struct docker_call){ .method = method, .timeout_ms = d->timeout_ms };
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(call->what, sizeof call->what, fmt, ap);
	va_end(ap);
	char start[64];
	/* Before the version is known, targets have none. */
	snprintf(
	    start, sizeof start, "%s%s%s", d->version[0] != '\0' ? "/v" : "", d->version, path);
	target_init(&call->target, start);
}

void
docker_call_release(struct docker_call *call)
{
	target_release(&call->target);
}

enum err_code
docker_call_send(const struct docker *d, struct docker_call *call, const char *type,
    const char *const *fields, struct http **out, struct err *err)
{
	const char *target;
	if (target_text(&call->target, &target, err))
		return err_wrap(err, "%s", call->what);
	int fd;
	const struct cancel *cancel = call->ignores_cancel ? NULL : d->cancel;
	if (docker_address_connect(&fd, &d->address, cancel, err))
		return err->code;
	struct http_options opt = { cancel, call->timeout_ms };
	AUTO(http) struct http *h = NULL;
	if (http_open(&h, fd, &opt, err))
		return err_wrap(err, "%s", call->what);
	struct http_request req = HTTP_REQUEST_INIT;
	req.method = call->method;
	req.target = target;
	req.host = "docker";
	req.fields = fields;
	req.content_type = type;
	req.has_streamed_body = type != NULL;
	if (call->body != NULL) {
		req.content_type = "application/json";
		req.body = call->body->data;
		req.body_len = call->body->len;
	}
	if (http_send(h, &req, err))
		return err_wrap(err, "%s", call->what);
	*out = TAKE(h);
	return ERR_OK;
}

static enum err_code
code_of_status(const struct docker_call *call, int status)
{
	switch (status) {
	case 400:
		return ERR_USAGE;
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
		return call->is_create ? ERR_EXISTS : ERR_LOCKED;
	case 501:
		return ERR_UNSUPPORTED;
	case 502:
	case 503:
	case 504:
		return ERR_TRANSIENT;
	default:
		return ERR_IO;
	}
}

/* One line for people: the engine's texts have line breaks in them. */
static void
flatten(char *s)
{
	size_t n = strlen(s);
	while (n > 0 && (unsigned char)s[n - 1] <= ' ')
		s[--n] = '\0';
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = ' ';
}

/* The error for a status: {"message": "..."} is the rule, plain text or nothing the exception.
 */
static enum err_code
refusal(const struct docker_call *call, struct http *h, const struct http_head *head,
    struct err *err)
{
	AUTO(bufv) struct buf body = BUF_INIT;
	AUTO(json) json_t *json = NULL;
	struct err scratch =
	    ERR_INIT; /* the status is told also when its text cannot be read */
	const char *message = NULL;
	if (http_read_all(h, 65536, &body, &scratch) == ERR_OK && body.len > 0) {
		if (json_parse(&json, body.data, body.len, "answer", &scratch) == ERR_OK)
			message = json_get_str(json, "message");
		else
			message = buf_cstr(&body);
	}
	err_set(err, code_of_status(call, head->status), "%s: ", call->what);
	size_t n = strlen(err->msg);
	if (message != NULL && *message != '\0')
		snprintf(err->msg + n, sizeof err->msg - n, "%s", message);
	else
		snprintf(err->msg + n, sizeof err->msg - n, "the engine answered %d %s",
		    head->status, head->reason);
	flatten(err->msg);
	return err->code;
}

enum err_code
docker_call_receive(const struct docker_call *call, struct http *h,
    const struct http_head **head, struct err *err)
{
	const struct http_head *got;
	if (http_receive(h, &got, err))
		return err_wrap(err, "%s", call->what);
	if (got->status >= 400)
		return refusal(call, h, got, err);
	*head = got;
	return ERR_OK;
}

static enum err_code
parse_doc(struct docker_doc *doc, const char *what, struct err *err)
{
	if (json_parse(&doc->json, doc->raw.data, doc->raw.len, what, err) == ERR_OK)
		return ERR_OK;
	/* "No limit" is sometimes written as 2^64 - 1, which jansson takes as a real only. */
	json_error_t je;
	doc->json = json_loadb((const char *)doc->raw.data, doc->raw.len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &je);
	return doc->json != NULL ? ERR_OK : err->code;
}

enum err_code
docker_call_do(
    const struct docker *d, struct docker_call *call, struct docker_doc *doc, struct err *err)
{
	AUTO(http) struct http *h = NULL;
	const struct http_head *head;
	if (docker_call_send(d, call, NULL, NULL, &h, err) ||
	    docker_call_receive(call, h, &head, err))
		return err->code;
	AUTO(docker_doc) struct docker_doc got = DOCKER_DOC_INIT;
	if (http_read_all(h, ANSWER_MAX, &got.raw, err))
		return err_wrap(err, "%s", call->what);
	if (doc == NULL)
		return ERR_OK;
	if (parse_doc(&got, call->what, err))
		return err->code;
	*doc = got;
	got = (struct docker_doc)DOCKER_DOC_INIT;
	return ERR_OK;
}

const struct cancel *
docker_cancel(const struct docker *d)
{
	return d->cancel;
}
