/*
 * web_impl.h: what the parts of the web process share.
 */
#ifndef SERVE_WEB_IMPL_H
#define SERVE_WEB_IMPL_H

#include "serve/sse.h"
#include "serve/web.h"
#include "serve/web_cache.h"
#include "serve/web_download.h"
#include "serve/web_gate.h"
#include "serve/web_known.h"
#include "serve/web_link.h"
#include "serve/web_pages.h"

#include <pthread.h>
#include <stdatomic.h>

#define WEB_BODY_MAX (1 << 20)
/* One that says that it is longer is refused before it comes: who is still sending then may not
 * hear why. */
#define WEB_BODY_HEARD (3 * WEB_BODY_MAX)
#define WEB_BODIES_MAX (32 << 20) /* of all requests that are being read */
#define WEB_URI_MAX (16 << 10)
#define WEB_MEMORY_EACH (32 << 10) /* of a connection: head, and what is written */

/* How long a request may take to arrive, whatever trickles in, and how long a connection may be
 * without one. */
#define WEB_HEAD_NS (INT64_C(10) * 1000000000)
#define WEB_BODY_NS (INT64_C(60) * 1000000000)
#define WEB_IDLE_S 60

/* A connection, as long as it is open. */
struct peer {
	struct peer *next;
	struct peer **here;
	int sock;
	/* When what is on its way must be here; 0: nothing is. */
	_Atomic int64_t deadline_ns;
};

struct web_server {
	struct MHD_Daemon *daemon;
	struct gate *gate;
	struct web_link *link;
	struct sse *sse;
	struct cache *cache;
	struct known *known;
	struct pump *pump;
	struct pages *pages;
	_Atomic size_t bodies; /* bytes of all that are held */

	pthread_mutex_t lock;
	struct peer *peers; /* under lock */

	pthread_t clock;
	bool has_clock;
	atomic_bool is_closing;
};

/* --- web_request.c: callbacks of MHD, with the web as cls --- */

void *web_request_new(void *cls, const char *uri, struct MHD_Connection *con);
enum MHD_Result web_request_go(void *cls, struct MHD_Connection *con, const char *url,
    const char *method, const char *version, const char *data, size_t *len, void **request);
void web_request_done(
    void *cls, struct MHD_Connection *con, void **request, enum MHD_RequestTerminationCode why);

/* --- web_listen.c: events --- */

/* The stream for a listener; ERR_LOCKED when there are too many. */
MUST_CHECK enum err_code web_listen(struct web_server *w, struct MHD_Connection *con,
    const struct listener_options *opt, struct reply *out, struct err *err);
/* Ask again whether all who listen may; those who may not any more are dropped. */
void web_check_listeners(struct web_server *w);

/* --- web_confine.c --- */

/* No system calls from here on but what serving needs, in any thread. */
MUST_CHECK enum err_code web_confine(struct err *err);

#endif
