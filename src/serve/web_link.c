#include "serve/web_link.h"

#include "base/map.h"
#include "serve/wire.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/queue.h"
#include "sys/thread.h"

#include <sys/socket.h>

#define OF_MAX 48

/* An ask on its way. */
struct pending {
	web_link_done_fn *done;
	void *arg;
	int64_t deadline_ns;
	char of[OF_MAX];
};

struct web_link {
	int sock;
	struct web_link_sink sink;
	struct queue *out;
	pthread_t sender;
	pthread_t receiver;
	bool has_sender;
	bool has_receiver;

	pthread_mutex_t lock;
	pthread_cond_t ended;
	struct map pending; /* id to struct pending */
	uint64_t last_id;
	bool has_ended;
	struct err why;
};

static void
free_message(void *message)
{
	json_decref(message);
}

static void
end(struct web_link *l, const struct err *why)
{
	pthread_mutex_lock(&l->lock);
	if (!l->has_ended) {
		l->has_ended = true;
		l->why = *why;
		pthread_cond_broadcast(&l->ended);
	}
	pthread_mutex_unlock(&l->lock);
}

/* --- what comes --- */

static void
answer_done(const struct pending *p, struct web_link_answer *answer)
{
	p->done(p->arg, answer);
}

/* Answers to nobody are those that came too late. */
static void
take_answer(struct web_link *l, json_t *message, int fd)
{
	struct pending p = { 0 };
	uint64_t id = (uint64_t)json_get_int(message, "id", 0);
	pthread_mutex_lock(&l->lock);
	const struct pending *found = map_get(&l->pending, &id);
	const bool is_ours = found != NULL;
	if (is_ours) {
		p = *found;
		map_remove(&l->pending, &id);
	}
	pthread_mutex_unlock(&l->lock);
	int64_t status = json_get_int(message, "status", 0);
	struct web_link_answer answer = { (unsigned)status, message, NULL, fd };
	if (status < 200 || status > 599)
		answer.status = 502;
	if (is_ours) {
		answer_done(&p, &answer);
		return;
	}
	json_decref(message);
	if (fd >= 0)
		close(fd);
}

static enum err_code
take_notice(struct web_link *l, const json_t *message, bool *is_hello, struct err *err)
{
	const json_t *event = json_object_get(message, "event");
	const json_t *hello = json_object_get(message, "hello");
	if (event != NULL)
		return l->sink.event(l->sink.arg, event, err);
	if (hello != NULL) {
		*is_hello = true;
		return l->sink.hello(l->sink.arg, hello, err);
	}
	if (json_get_bool(message, "forget")) {
		l->sink.forget(l->sink.arg, json_get_bool(message, "rights"));
		return ERR_OK;
	}
	return err_set(
	    err, ERR_CORRUPT, "a message that is neither an answer nor anything else");
}

static enum err_code
receive_one(struct web_link *l, bool *is_hello, struct err *err)
{
	AUTO(json) json_t *message = NULL;
	AUTO(fd) int fd = -1;
	if (wire_receive(l->sock, &message, &fd, err))
		return err->code;
	if (json_object_get(message, "id") == NULL)
		return take_notice(l, message, is_hello, err);
	take_answer(l, TAKE(message), fd_take(&fd));
	return ERR_OK;
}

static void *
receive_all(void *arg)
{
	struct web_link *l = arg;
	struct err err = ERR_INIT;
	for (;;) {
		bool is_hello = false;
		if (receive_one(l, &is_hello, &err))
			break;
	}
	end(l, &err);
	return NULL;
}

/* --- what goes --- */

static void *
send_all(void *arg)
{
	struct web_link *l = arg;
	struct err err = ERR_INIT;
	for (;;) {
		AUTO(json) json_t *message = queue_pop(l->out);
		if (message == NULL)
			return NULL;
		if (wire_send(l->sock, message, -1, &err))
			break;
	}
	end(l, &err);
	return NULL;
}

static size_t
count_of(struct web_link *l, const char *of)
{
	size_t n = 0;
	size_t pos = 0;
	const void *key;
	void *value;
	while (map_next(&l->pending, &pos, &key, &value))
		n += strcmp(((const struct pending *)value)->of, of) == 0;
	return n;
}

/* With the lock held: a number for the ask. */
static enum err_code
enlist(
    struct web_link *l, const struct pending *p, size_t max_of, uint64_t *id, struct err *err)
{
	void *slot;
	bool is_new;
	if (l->has_ended)
		return err_set(err, ERR_CANCELLED, "the keeper has gone");
	if (l->pending.len >= WEB_LINK_ASKS || count_of(l, p->of) >= max_of)
		return err_set(err, ERR_LOCKED, "too many requests wait for an answer");
	*id = l->last_id + 1;
	if (map_put(&l->pending, id, &slot, &is_new, err))
		return err->code;
	memcpy(slot, p, sizeof *p);
	l->last_id++;
	return ERR_OK;
}

/* True when the ask is still there, and now is not. */
static bool
delist(struct web_link *l, uint64_t id)
{
	pthread_mutex_lock(&l->lock);
	const bool was_there = map_get(&l->pending, &id) != NULL;
	map_remove(&l->pending, &id);
	pthread_mutex_unlock(&l->lock);
	return was_there;
}

enum err_code
web_link_ask(struct web_link *l, json_t *ask, const char *of, size_t max_of,
    web_link_done_fn *done, void *arg, struct err *err)
{
	AUTO(json) json_t *message = ask;
	struct pending p = { done, arg, clock_mono_ns() + WEB_LINK_WAIT_NS, "" };
	snprintf(p.of, sizeof p.of, "%s", of);
	uint64_t id = 0;
	pthread_mutex_lock(&l->lock);
	enum err_code rc = enlist(l, &p, max_of, &id, err);
	pthread_mutex_unlock(&l->lock);
	if (rc)
		return rc;
	if (json_object_set_new(message, "id", json_integer((json_int_t)id)) == 0 &&
	    queue_try_push(l->out, message)) {
		message = NULL;
		return ERR_OK;
	}
	/* Whoever took it off the list has answered. */
	if (!delist(l, id))
		return ERR_OK;
	return err_set(err, ERR_LOCKED, "too many requests are on their way to the keeper");
}

/* --- the end of waiting --- */

/* One that has waited until now; false when there is none. */
static bool
take_overdue(struct web_link *l, int64_t now_ns, struct pending *out)
{
	size_t pos = 0;
	const void *key;
	void *value;
	bool found = false;
	uint64_t id = 0;
	pthread_mutex_lock(&l->lock);
	while (!found && map_next(&l->pending, &pos, &key, &value)) {
		const struct pending *p = value;
		if (p->deadline_ns > now_ns)
			continue;
		*out = *p;
		memcpy(&id, key, sizeof id);
		found = true;
	}
	if (found)
		map_remove(&l->pending, &id);
	pthread_mutex_unlock(&l->lock);
	return found;
}

static void
answer_overdue(struct web_link *l, int64_t now_ns, unsigned status, const char *detail)
{
	struct pending p;
	while (take_overdue(l, now_ns, &p)) {
		struct web_link_answer answer = { status, NULL, detail, -1 };
		answer_done(&p, &answer);
	}
}

void
web_link_sweep(struct web_link *l, int64_t now_ns)
{
	answer_overdue(l, now_ns, 504, "The keeper has not answered in time.");
}

enum err_code
web_link_wait(struct web_link *l, struct err *err)
{
	pthread_mutex_lock(&l->lock);
	while (!l->has_ended)
		pthread_cond_wait(&l->ended, &l->lock);
	*err = l->why;
	pthread_mutex_unlock(&l->lock);
	return err->code;
}

static enum err_code
web_link_start(struct web_link *l, struct err *err)
{
	bool is_hello = false;
	while (!is_hello)
		if (receive_one(l, &is_hello, err))
			return err_wrap(err, "wait for the keeper's hello");
	if (thread_start(&l->sender, send_all, l, "web-send", err))
		return err->code;
	l->has_sender = true;
	if (thread_start(&l->receiver, receive_all, l, "web-receive", err))
		return err->code;
	l->has_receiver = true;
	return ERR_OK;
}

enum err_code
web_link_open(
    struct web_link **out, int sock, const struct web_link_sink *sink, struct err *err)
{
	struct web_link *l = calloc(1, sizeof *l);
	if (l == NULL) {
		close(sock);
		return err_nomem(err);
	}
	l->sock = sock;
	l->sink = *sink;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->ended, NULL);
	map_init(&l->pending, sizeof(uint64_t), sizeof(struct pending));
	if (queue_new(&l->out, WEB_LINK_ASKS, free_message, err) || web_link_start(l, err)) {
		web_link_close(l);
		web_link_free(l);
		return err->code;
	}
	*out = l;
	return ERR_OK;
}

void
web_link_close(struct web_link *l)
{
	struct err gone = ERR_INIT;
	err_set(&gone, ERR_CANCELLED, "the link is closed");
	end(l, &gone);
	shutdown(l->sock, SHUT_RDWR);
	if (l->out != NULL)
		queue_abort(l->out);
	if (l->has_sender)
		pthread_join(l->sender, NULL);
	if (l->has_receiver)
		pthread_join(l->receiver, NULL);
	l->has_sender = l->has_receiver = false;
	answer_overdue(l, INT64_MAX, 503, "StackSnap is stopping.");
}

void
web_link_free(struct web_link *l)
{
	if (l == NULL)
		return;
	close(l->sock);
	queue_free(l->out);
	map_release(&l->pending);
	pthread_cond_destroy(&l->ended);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
