#include "docker/call.h"

/* The engine copies in pieces of 32 KiB; larger ones save system calls on our side. */
#define PIECE ((size_t)256 << 10)

static void
archive_call(struct docker_call *call, const struct docker *d, const char *method,
    const char *id, const char *path, const char *what)
{
	docker_call_init(call, d, method, "/containers", "%s container %s: %s", what, id, path);
	target_part(&call->target, id);
	target_part(&call->target, "archive");
	target_query(&call->target, "path", path);
}

/* *is_whole says whether the engine took all of it before it answered. */
static enum err_code
send_source(struct http *h, docker_source *source, void *ctx, bool *is_whole, struct err *err)
{
	AUTO(mem) uint8_t *piece = malloc(PIECE);
	if (piece == NULL)
		return err_nomem(err);
	while (!http_has_answer(h)) {
		size_t got;
		if (source(ctx, piece, PIECE, &got, err))
			return err->code;
		if (got == 0) {
			*is_whole = true;
			return http_send_end(h, err);
		}
		if (http_send_body(h, piece, got, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
docker_archive_put(struct docker *d, const char *id, const char *dir, docker_source *source,
    void *ctx, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	archive_call(&call, d, "PUT", id, dir, "copy into");
	AUTO(http) struct http *h = NULL;
	if (docker_call_send(d, &call, "application/x-tar", NULL, &h, err))
		return err->code;
	bool is_whole = false;
	if (send_source(h, source, ctx, &is_whole, err))
		return err_wrap(err, "%s", call.what);
	const struct http_head *head;
	if (docker_call_receive(&call, h, &head, err))
		return err->code;
	/* The engine reads what follows the archive's end itself, so this is no whole archive.
	 */
	if (!is_whole)
		return err_set(err, ERR_TRANSIENT,
		    "%s: the engine stopped reading before the end of the archive", call.what);
	return ERR_OK;
}

struct docker_archive {
	struct docker_call call;
	struct http *http;
};

void
docker_archive_close(struct docker_archive *a)
{
	if (a == NULL)
		return;
	http_close(a->http);
	docker_call_release(&a->call);
	free(a);
}

enum err_code
docker_archive_open(struct docker_archive **out, struct docker *d, const char *id,
    const char *path, struct err *err)
{
	AUTO(docker_archive) struct docker_archive *a = calloc(1, sizeof *a);
	if (a == NULL)
		return err_nomem(err);
	archive_call(&a->call, d, "GET", id, path, "copy from");
	const struct http_head *head;
	if (docker_call_send(d, &a->call, NULL, NULL, &a->http, err) ||
	    docker_call_receive(&a->call, a->http, &head, err))
		return err->code;
	*out = TAKE(a);
	return ERR_OK;
}

enum err_code
docker_archive_read(
    struct docker_archive *a, void *out, size_t len, size_t *got, struct err *err)
{
	if (http_read(a->http, out, len, got, err))
		return err_wrap(err, "%s", a->call.what);
	return ERR_OK;
}

enum err_code
docker_archive_get(struct docker *d, const char *id, const char *path, docker_sink *sink,
    void *ctx, struct err *err)
{
	AUTO(docker_archive) struct docker_archive *a = NULL;
	AUTO(mem) uint8_t *piece = malloc(PIECE);
	if (piece == NULL)
		return err_nomem(err);
	if (docker_archive_open(&a, d, id, path, err))
		return err->code;
	for (;;) {
		size_t got;
		if (docker_archive_read(a, piece, PIECE, &got, err))
			return err->code;
		if (got == 0)
			return ERR_OK;
		if (sink(ctx, piece, got, err))
			return err->code;
	}
}
