#include "base/log.h"
#include "serve/keeper_impl.h"
#include "serve/wire.h"
#include "sys/fd.h"
#include "sys/thread.h"

#include <sys/socket.h>
#include <sys/time.h>

/* A web that does not read for so long is stuck, and started anew. */
#define SEND_TIMEOUT_S 10

struct keeper_link {
	struct keeper *keeper;
	int sock;
	atomic_uint refs;
	pthread_mutex_t send_lock; /* held while a message is sent */
	pthread_t listener;
	pthread_t teller;
	bool stop; /* guarded by the events' lock */
	int64_t told; /* the last event that was; the teller's */
};

struct keeper_link_job {
	struct job job;
	struct keeper_link *link;
	json_t *message;
};

static void
keeper_link_release(struct keeper_link *l)
{
	if (atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	close(l->sock);
	pthread_mutex_destroy(&l->send_lock);
	free(l);
}

/* With the lock held. */
static void
send_now(struct keeper_link *l, const json_t *message, int fd)
{
	struct err err = ERR_INIT;
	enum err_code rc =
	    message == NULL ? err_nomem(&err) : wire_send(l->sock, message, fd, &err);
	if (rc == ERR_OK)
		return;
	/* Half a message may have gone: nothing that follows could be understood. */
	log_debug("web: %s", err.msg);
	shutdown(l->sock, SHUT_RDWR);
}

void
keeper_link_send(struct keeper_link *l, const json_t *message, int fd)
{
	pthread_mutex_lock(&l->send_lock);
	send_now(l, message, fd);
	pthread_mutex_unlock(&l->send_lock);
}

void
keeper_link_answer(struct keeper_link *l, json_t *message, int fd, uint64_t changes)
{
	pthread_mutex_lock(&l->send_lock);
	/* Whatever came after is told to be forgotten behind this message. */
	if (atomic_load(&l->keeper->changes) != changes && message != NULL)
		(void)json_object_del(message, "keep_ms");
	send_now(l, message, fd);
	pthread_mutex_unlock(&l->send_lock);
}

void
keeper_link_forget(struct keeper_link *l, bool rights)
{
	AUTO(json)
	json_t *message = rights ? json_pack("{s:b, s:b}", "forget", 1, "rights", 1)
				 : json_pack("{s:b}", "forget", 1);
	keeper_link_send(l, message, -1);
}

/* --- asks --- */

static void
run_job(struct job *job)
{
	struct keeper_link_job *j = (struct keeper_link_job *)(void *)job;
	keeper_answer(j->link->keeper, j->link, j->message);
	json_decref(j->message);
	keeper_link_release(j->link);
	free(j);
}

/* message is taken over. */
static enum err_code
hand_out(struct keeper_link *l, json_t *message, struct err *err)
{
	struct keeper *k = l->keeper;
	struct keeper_link_job *j = malloc(sizeof *j);
	if (j == NULL) {
		json_decref(message);
		return err_nomem(err);
	}
	*j = (struct keeper_link_job){ { run_job }, l, message };
	const char *verb = json_get_str(message, "verb");
	bool is_quick = verb != NULL && keeper_is_quick(verb);
	atomic_fetch_add(&l->refs, 1);
	if (pool_try_submit(is_quick ? k->quick : k->slow, &j->job))
		return ERR_OK;
	keeper_refuse(l, message);
	json_decref(message);
	keeper_link_release(l);
	free(j);
	return ERR_OK;
}

static void *
listen_to_web(void *arg)
{
	struct keeper_link *l = arg;
	struct err err = ERR_INIT;
	json_t *message;
	while (wire_receive(l->sock, &message, NULL, &err) == ERR_OK)
		if (hand_out(l, message, &err))
			break;
	log_debug("web: %s", err.msg);
	shutdown(l->sock, SHUT_RDWR);
	return NULL;
}

/* --- events --- */

/* Those that there are; the first time, web knows nothing that it could forget. */
static void
tell_events(struct keeper_link *l, bool is_first)
{
	json_t *message;
	bool is_log;
	while ((message = events_next(l->keeper->events, l->told, &l->told, &is_log)) != NULL) {
		if (!is_first && !is_log)
			keeper_link_forget(l, false);
		keeper_link_send(l, message, -1);
		events_release(l->keeper->events, message);
	}
}

static void *
tell_web(void *arg)
{
	struct keeper_link *l = arg;
	while (events_wait(l->keeper->events, l->told, &l->stop))
		tell_events(l, false);
	return NULL;
}

static enum err_code
say_hello(struct keeper_link *l, struct err *err)
{
	const struct keeper_options *opt = &l->keeper->opt;
	AUTO(json) json_t *urls = json_array();
	for (size_t i = 0; opt->public_urls != NULL && i < opt->public_urls->len; i++)
		if (json_array_append_new(urls, json_string(opt->public_urls->items[i])) != 0)
			return err_nomem(err);
	AUTO(json) json_t *hello = json_pack("{s:{s:s, s:O, s:b}}", "hello", "listen",
	    opt->listen, "public", urls, "proxy", (int)opt->behind_proxy);
	if (hello == NULL)
		return err_nomem(err);
	tell_events(l, true);
	keeper_link_send(l, hello, -1);
	return ERR_OK;
}

enum err_code
keeper_link_open(struct keeper_link **out, struct keeper *k, int sock, struct err *err)
{
	struct timeval limit = { .tv_sec = SEND_TIMEOUT_S };
	struct keeper_link *l = calloc(1, sizeof *l);
	if (l == NULL) {
		close(sock);
		return err_nomem(err);
	}
	l->keeper = k;
	l->sock = sock;
	atomic_init(&l->refs, 1);
	pthread_mutex_init(&l->send_lock, NULL);
	if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0)
		err_sys(err, "limit the time of sending to web");
	else if (say_hello(l, err) == ERR_OK &&
		 thread_start(&l->listener, listen_to_web, l, "web-asks", err) == ERR_OK) {
		if (thread_start(&l->teller, tell_web, l, "web-events", err) == ERR_OK) {
			*out = l;
			return ERR_OK;
		}
		shutdown(sock, SHUT_RDWR);
		pthread_join(l->listener, NULL);
	}
	keeper_link_release(l);
	return err->code;
}

void
keeper_link_close(struct keeper_link *l)
{
	if (l == NULL)
		return;
	shutdown(l->sock, SHUT_RDWR);
	events_stop(l->keeper->events, &l->stop);
	pthread_join(l->listener, NULL);
	pthread_join(l->teller, NULL);
	keeper_link_release(l);
}
