#include "base/log.h"
#include "serve/web_impl.h"

#include <sys/socket.h>

/* A listener's connection. */
struct stream {
	struct listener *listener;
	struct MHD_Connection *con;
};

/* Under the ring's lock, both. */
static void
stream_wait(void *arg)
{
	const struct stream *s = arg;
	MHD_suspend_connection(s->con);
}

static void
stream_wake(void *arg)
{
	const struct stream *s = arg;
	MHD_resume_connection(s->con);
}

static ssize_t
stream_read(void *arg, uint64_t pos, char *out, size_t room)
{
	struct stream *s = arg;
	size_t got;
	(void)pos;
	switch (sse_read(s->listener, out, room, &got, stream_wait)) {
	case SSE_TEXT:
		return (ssize_t)got;
	case SSE_WAIT:
		return 0;
	case SSE_END:
		break;
	}
	return MHD_CONTENT_READER_END_OF_STREAM;
}

static void
stream_free(void *arg)
{
	struct stream *s = arg;
	sse_leave(s->listener);
	free(s);
}

/* What the kernel holds for a reader that does not read is bounded, too. */
static void
bound_socket(struct MHD_Connection *con)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(con, MHD_CONNECTION_INFO_CONNECTION_FD);
	int bytes = 64 << 10;
	/* It only saves memory: without it the stream is as good. */
	if (info != NULL)
		(void)setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

enum err_code
web_listen(struct web_server *w, struct MHD_Connection *con, const struct listener_options *opt,
    struct reply *out, struct err *err)
{
	struct stream *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	struct listener_options mine = *opt;
	mine.wake = stream_wake;
	mine.arg = s;
	s->con = con;
	if (sse_join(w->sse, &mine, &s->listener, err)) {
		free(s);
		return err->code;
	}
	struct MHD_Response *r = MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, 4096, stream_read, s, stream_free);
	if (r == NULL) {
		stream_free(s);
		return err_nomem(err);
	}
	if (!reply_api_headers(r, "text/event-stream") ||
	    MHD_add_response_header(r, "X-Accel-Buffering", "no") != MHD_YES) {
		MHD_destroy_response(r);
		return err_nomem(err);
	}
	bound_socket(con);
	*out = (struct reply){ 200, r };
	return ERR_OK;
}

/* --- may they still? --- */

struct recheck {
	struct web_server *web;
	char credential[];
};

static void
recheck_done(void *arg, struct web_link_answer *answer)
{
	struct recheck *r = arg;
	if (answer->status == 401 || answer->status == 403)
		sse_drop(r->web->sse, r->credential);
	json_decref(answer->message);
	if (answer->fd >= 0)
		close(answer->fd);
	free(r);
}

/* A credential is "session HEX" or "token HEX". */
static void
recheck(void *arg, const char *credential, const char *from)
{
	struct web_server *w = arg;
	struct err err = ERR_INIT;
	const size_t len = strcspn(credential, " ");
	AUTO(str) char *kind = strndup(credential, len);
	struct recheck *r = calloc(1, sizeof *r + strlen(credential) + 1);
	json_t *ask = json_pack("{s:s, s:s, s:{}, s:b}", "verb", "events.listen", "from", from,
	    "args", "again", true);
	if (kind == NULL || r == NULL || ask == NULL ||
	    (credential[len] == ' ' &&
		json_object_set_new(ask, kind, json_string(credential + len + 1)) != 0)) {
		json_decref(ask);
		free(r);
		return;
	}
	r->web = w;
	memcpy(r->credential, credential, strlen(credential) + 1);
	/* Next time, where it cannot be asked now: the keeper has gone, or has much to do. */
	if (web_link_ask(w->link, ask, "", WEB_LINK_ASKS, recheck_done, r, &err))
		free(r);
}

void
web_check_listeners(struct web_server *w)
{
	struct err err = ERR_INIT;
	if (sse_each_credential(w->sse, recheck, w, &err))
		log_debug("web: listeners are checked in a minute: %s", err.msg);
}
