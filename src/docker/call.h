/*
 * call.h: one request to the Docker engine and its answer; for docker/ only.
 *
 * engine.h's calls and exec.h are made of these.  Every call has a connection
 * of its own.  Errors are as told in engine.h: the HTTP status gives the code,
 * the engine's "message" the text.
 */
#ifndef DOCKER_CALL_H
#define DOCKER_CALL_H

#include "docker/engine.h"
#include "net/http_client.h"
#include "net/target.h"

struct docker_call {
	const char *method;
	struct target target;
	const struct buf *body; /* JSON, or NULL */
	int timeout_ms; /* longest silence; < 0 for ever */
	bool ignores_cancel;
	bool is_create; /* a conflict is about the name: ERR_EXISTS, not ERR_LOCKED */
	char what[160]; /* for messages: "pause container shop-app-1" */
};

/* path is the first part of the target, "/containers"; fmt makes what. */
void docker_call_init(struct docker_call *call, const struct docker *d, const char *method,
    const char *path, const char *fmt, ...) PRINTF_LIKE(5, 6);
void docker_call_release(struct docker_call *call);
static inline void UNUSED
docker_call_auto(struct docker_call *call)
{
	docker_call_release(call);
}

/* Connect and send.  type is the content type of a body that follows by http_send_body, or
 * NULL; fields are as in struct http_request. */
MUST_CHECK enum err_code docker_call_send(const struct docker *d, struct docker_call *call,
    const char *type, const char *const *fields, struct http **out, struct err *err);
/* Receive the head; a status from 400 on is an error. */
MUST_CHECK enum err_code docker_call_receive(const struct docker_call *call, struct http *h,
    const struct http_head **head, struct err *err);
/* The whole exchange.  doc may be NULL when the answer's body does not matter. */
MUST_CHECK enum err_code docker_call_do(
    const struct docker *d, struct docker_call *call, struct docker_doc *doc, struct err *err);

const struct cancel *docker_cancel(const struct docker *d);

struct container_look {
	char status[32]; /* the word of State.Status */
	int64_t exit_code; /* of the last run */
	bool is_starting; /* its health check has not said anything yet */
	bool restarts; /* its policy starts it again whenever it ends */
};

/* How a container is now, never heeding the cancel. */
MUST_CHECK enum err_code docker_container_look(
    struct docker *d, const char *id, struct container_look *out, struct err *err);
/* The word of State.Status in a container's inspect document, never heeding the cancel. */
MUST_CHECK enum err_code docker_container_status(
    struct docker *d, const char *id, char out[32], struct err *err);

#endif
