#include "docker/image.h"

#include "docker/call.h"

#include <string.h>

#define PULL_SILENCE_MS (10 * 60 * 1000)
#define PIECE ((size_t)16 << 10)
#define TAR_PIECE ((size_t)256 << 10)
#define LINE_MAX_BYTES ((size_t)256 << 10)

const char *
image_ref_tag(const char *ref)
{
	const char *slash = strrchr(ref, '/');
	const char *colon = strchr(slash != NULL ? slash : ref, ':');
	return colon != NULL && strchr(ref, '@') == NULL ? colon + 1 : NULL;
}

enum err_code
docker_image_id(char **id, struct docker *d, const char *ref, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	enum err_code rc = docker_image_inspect(d, ref, &doc, err);
	if (rc == ERR_NOT_FOUND) {
		*id = NULL;
		return ERR_OK;
	}
	if (rc != ERR_OK)
		return rc;
	const char *got = json_get_str(doc.json, "Id");
	if (got == NULL)
		return err_set(
		    err, ERR_CORRUPT, "inspect image %s: the engine gave no id", ref);
	return str_dup(id, got, err);
}

enum err_code
docker_image_is_here(struct docker *d, const char *ref, bool *is_here, struct err *err)
{
	AUTO(str) char *id = NULL;
	if (docker_image_id(&id, d, ref, err))
		return err->code;
	*is_here = id != NULL;
	return ERR_OK;
}

enum err_code
docker_image_tag(struct docker *d, const char *id, const char *ref, struct err *err)
{
	AUTO(str) char *name = NULL;
	const char *tag = image_ref_tag(ref);
	size_t len = tag != NULL ? (size_t)(tag - 1 - ref) : strlen(ref);
	if (str_dupn(&name, ref, len, err))
		return err->code;
	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, d, "POST", "/images", "name image %s", ref);
	target_part(&call.target, id);
	target_part(&call.target, "tag");
	target_query(&call.target, "repo", name);
	target_query(&call.target, "tag", tag != NULL ? tag : "latest");
	return docker_call_do(d, &call, NULL, err);
}

/* One line of the engine's report, which says in its middle that it has failed. */
static enum err_code
read_report(const struct buf *line, const char *what, struct err *err)
{
	AUTO(json) json_t *doc = NULL;
	struct err scratch; /* a line that is no JSON tells nothing */
	if (line->len == 0 || json_parse(&doc, line->data, line->len, what, &scratch) != ERR_OK)
		return ERR_OK;
	const char *error = json_get_str(doc, "error");
	return error != NULL ? err_set(err, ERR_IO, "%s: %s", what, error) : ERR_OK;
}

static enum err_code
read_reports(struct http *h, const char *what, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	char piece[PIECE];
	for (;;) {
		size_t got;
		if (http_read(h, piece, sizeof piece, &got, err))
			return err_wrap(err, "%s", what);
		if (got == 0)
			return read_report(&line, what, err);
		for (size_t at = 0; at < got;) {
			const char *end = memchr(piece + at, '\n', got - at);
			size_t len = end != NULL ? (size_t)(end - piece) - at : got - at;
			if (line.len + len <= LINE_MAX_BYTES &&
			    buf_add(&line, piece + at, len, err))
				return err->code;
			at += len + (end != NULL);
			if (end == NULL)
				break;
			if (read_report(&line, what, err))
				return err->code;
			line.len = 0;
		}
	}
}

enum err_code
docker_image_pull(struct docker *d, const char *digest, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	AUTO(http) struct http *h = NULL;
	const struct http_head *head;
	docker_call_init(&call, d, "POST", "/images/create", "pull image %s", digest);
	target_query(&call.target, "fromImage", digest);
	call.timeout_ms = PULL_SILENCE_MS;
	if (docker_call_send(d, &call, NULL, NULL, &h, err) ||
	    docker_call_receive(&call, h, &head, err))
		return err->code;
	return read_reports(h, call.what, err);
}

enum err_code
docker_image_save(
    struct docker *d, const char *ref, docker_sink *sink, void *ctx, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, d, "GET", "/images", "save image %s", ref);
	target_part(&call.target, ref);
	target_part(&call.target, "get");
	AUTO(http) struct http *h = NULL;
	const struct http_head *head;
	if (docker_call_send(d, &call, NULL, NULL, &h, err) ||
	    docker_call_receive(&call, h, &head, err))
		return err->code;
	AUTO(mem) uint8_t *piece = malloc(TAR_PIECE);
	if (piece == NULL)
		return err_nomem(err);
	for (;;) {
		size_t got;
		if (http_read(h, piece, TAR_PIECE, &got, err))
			return err_wrap(err, "%s", call.what);
		if (got == 0)
			return ERR_OK;
		if (sink(ctx, piece, got, err))
			return err->code;
	}
}

static enum err_code
send_tar(struct http *h, docker_source *source, void *ctx, struct err *err)
{
	AUTO(mem) uint8_t *piece = malloc(TAR_PIECE);
	if (piece == NULL)
		return err_nomem(err);
	for (;;) {
		size_t got;
		if (source(ctx, piece, TAR_PIECE, &got, err))
			return err->code;
		if (got == 0)
			return http_send_end(h, err);
		if (http_send_body(h, piece, got, err))
			return err->code;
	}
}

enum err_code
docker_image_load(struct docker *d, docker_source *source, void *ctx, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, d, "POST", "/images", "load an image");
	target_part(&call.target, "load");
	target_query(&call.target, "quiet", "1");
	AUTO(http) struct http *h = NULL;
	const struct http_head *head;
	if (docker_call_send(d, &call, "application/x-tar", NULL, &h, err))
		return err->code;
	if (send_tar(h, source, ctx, err))
		return err_wrap(err, "%s", call.what);
	if (docker_call_receive(&call, h, &head, err))
		return err->code;
	/* The engine answers 200 before it knows how it ends. */
	return read_reports(h, call.what, err);
}

enum err_code
docker_image_remove(struct docker *d, const char *id, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, d, "DELETE", "/images", "remove image %s", id);
	target_part(&call.target, id);
	return docker_call_do(d, &call, NULL, err);
}
