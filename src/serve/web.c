#include "serve/web.h"

#include "base/log.h"
#include "serve/mhd.h"
#include "serve/web_impl.h"
#include "sys/clock.h"
#include "sys/rand.h"
#include "sys/thread.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS 2
#define TURN_MS 1000
#define BEAT_NS (15 * NS_PER_S)
#define CHECK_NS (60 * NS_PER_S)

/* --- connections --- */

static void
peer_begin(struct web_server *w, struct MHD_Connection *con, void **context)
{
	struct peer *p = calloc(1, sizeof *p);
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(con, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (p == NULL || info == NULL) {
		/* It has MHD's own time limits then. */
		free(p);
		return;
	}
	p->sock = info->connect_fd;
	p->deadline_ns = clock_mono_ns() + WEB_HEAD_NS;
	pthread_mutex_lock(&w->lock);
	p->next = w->peers;
	p->here = &w->peers;
	if (p->next != NULL)
		p->next->here = &p->next;
	w->peers = p;
	pthread_mutex_unlock(&w->lock);
	*context = p;
}

static void
peer_end(struct web_server *w, void **context)
{
	struct peer *p = *context;
	if (p == NULL)
		return;
	*context = NULL;
	pthread_mutex_lock(&w->lock);
	*p->here = p->next;
	if (p->next != NULL)
		p->next->here = p->here;
	pthread_mutex_unlock(&w->lock);
	free(p);
}

static void
connection_changed(void *cls, struct MHD_Connection *con, void **context,
    enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		peer_begin(cls, con, context);
	else
		peer_end(cls, context);
}

/* Hang up on those whose request trickles in.  A connection is closed only after it was taken
 * off the list, so that a socket here is still its own. */
static void
sweep_peers(struct web_server *w, int64_t now_ns)
{
	pthread_mutex_lock(&w->lock);
	for (const struct peer *p = w->peers; p != NULL; p = p->next) {
		int64_t deadline_ns = p->deadline_ns;
		if (deadline_ns != 0 && deadline_ns < now_ns)
			shutdown(p->sock, SHUT_RDWR);
	}
	pthread_mutex_unlock(&w->lock);
}

/* --- the clock --- */

static void *
run_clock(void *arg)
{
	struct web_server *w = arg;
	int64_t sweep_ns = 0;
	int64_t beat_ns = clock_mono_ns();
	int64_t check_ns = beat_ns;
	while (!w->is_closing) {
		pump_turn(w->pump, TURN_MS);
		const int64_t now_ns = clock_mono_ns();
		if (now_ns - sweep_ns < TURN_MS * NS_PER_MS)
			continue;
		sweep_ns = now_ns;
		sweep_peers(w, now_ns);
		web_link_sweep(w->link, now_ns);
		if (now_ns - beat_ns >= BEAT_NS) {
			beat_ns = now_ns;
			sse_beat(w->sse);
		}
		if (now_ns - check_ns >= CHECK_NS) {
			check_ns = now_ns;
			web_check_listeners(w);
		}
	}
	return NULL;
}

/* --- what the keeper says --- */

static enum err_code
take_hello(void *arg, const json_t *hello, struct err *err)
{
	struct web_server *w = arg;
	if (w->gate != NULL)
		return err_set(err, ERR_CORRUPT, "a second hello");
	return gate_new(&w->gate, hello, err);
}

static enum err_code
take_event(void *arg, const json_t *event, struct err *err)
{
	struct web_server *w = arg;
	return sse_add(w->sse, event, err);
}

static void
take_forget(void *arg, bool rights)
{
	struct web_server *w = arg;
	cache_forget(w->cache);
	if (!rights)
		return;
	known_forget(w->known);
	web_check_listeners(w);
}

/* --- MHD --- */

__attribute__((format(printf, 2, 0))) static void
log_mhd(void *cls, const char *format, va_list args)
{
	char line[256];
	(void)cls;
	vsnprintf(line, sizeof line, format, args);
	log_debug("web: %s", line);
}

static enum err_code
start_daemon(struct web_server *w, int listener, struct err *err)
{
#if MHD_VERSION >= 0x00097701
	const enum MHD_OPTION strict = MHD_OPTION_CLIENT_DISCIPLINE_LVL;
#else
	const enum MHD_OPTION strict = MHD_OPTION_STRICT_FOR_CLIENT;
#endif
	const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			       MHD_USE_ITC | MHD_USE_TURBO | MHD_USE_ERROR_LOG;
	/* Sizes are size_t, the others int: the options are variable arguments. */
	w->daemon = MHD_start_daemon(flags, 0, NULL, NULL, web_request_go, w,
	    MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL, MHD_OPTION_LISTEN_SOCKET, listener,
	    MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)WEB_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
	    (unsigned)WEB_CONNECTIONS_EACH, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)WEB_IDLE_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WEB_MEMORY_EACH,
	    MHD_OPTION_URI_LOG_CALLBACK, web_request_new, w, MHD_OPTION_NOTIFY_COMPLETED,
	    web_request_done, w, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, w, strict, 1,
	    MHD_OPTION_END);
	if (w->daemon == NULL)
		return err_set(err, ERR_IO, "the HTTP server cannot be started");
	return ERR_OK;
}

/* --- life --- */

static enum err_code
start(struct web_server *w, int listener, int wire, struct err *err)
{
	const struct web_link_sink sink = { w, take_hello, take_event, take_forget };
	if (mhd_load(err) || sse_new(&w->sse, err) || cache_new(&w->cache, err) ||
	    known_new(&w->known, err) || pump_new(&w->pump, err) || pages_new(&w->pages, err)) {
		close(wire);
		close(listener);
		return err->code;
	}
	if (web_link_open(&w->link, wire, &sink, err) || start_daemon(w, listener, err)) {
		close(listener);
		return err->code;
	}
	if (thread_start(&w->clock, run_clock, w, "web-clock", err))
		return err->code;
	w->has_clock = true;
	return ERR_OK;
}

enum err_code
web_server_open(struct web_server **out, int listener, int wire, struct err *err)
{
	struct web_server *w = calloc(1, sizeof *w);
	if (w == NULL) {
		close(wire);
		close(listener);
		return err_nomem(err);
	}
	pthread_mutex_init(&w->lock, NULL);
	if (start(w, listener, wire, err)) {
		web_server_close(w);
		return err->code;
	}
	*out = w;
	return ERR_OK;
}

enum err_code
web_server_wait(struct web_server *w, struct err *err)
{
	return web_link_wait(w->link, err);
}

/* MHD wants nothing to be suspended when it is stopped: all that waits is woken first, and
 * nothing begins to wait after that. */
void
web_server_close(struct web_server *w)
{
	if (w == NULL)
		return;
	w->is_closing = true;
	if (w->pump != NULL)
		pump_ring(w->pump);
	if (w->has_clock)
		pthread_join(w->clock, NULL);
	if (w->link != NULL)
		web_link_close(w->link);
	if (w->sse != NULL)
		sse_drop(w->sse, NULL);
	if (w->pump != NULL)
		pump_close(w->pump);
	if (w->daemon != NULL)
		MHD_stop_daemon(w->daemon);
	web_link_free(w->link);
	sse_free(w->sse);
	cache_free(w->cache);
	known_free(w->known);
	pump_free(w->pump);
	pages_free(w->pages);
	gate_free(w->gate);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int
web_main(int listener, int wire)
{
	struct err err = ERR_INIT;
	AUTO(web_server) struct web_server *w = NULL;
	size_t seed = 0;
	/* jansson would look for /dev/urandom, which is not here, and take the time instead. */
	if (rand_bytes(&seed, sizeof seed, &err) == ERR_OK)
		json_object_seed(seed | 1);
	if (err.code == ERR_OK && web_server_open(&w, listener, wire, &err) == ERR_OK &&
	    web_confine(&err) == ERR_OK && web_server_wait(w, &err) == ERR_CANCELLED)
		return 0;
	fprintf(stderr, "stacksnap web: %s\n", err.msg);
	return 1;
}
