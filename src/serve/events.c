#include "serve/events.h"

#include <pthread.h>
#include <string.h>

struct event_slot {
	json_t *message;
	size_t bytes;
	int64_t id;
	bool is_log;
};

struct events {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t more;
	struct event_slot *ring;
	size_t cap;
	size_t first;
	size_t count;
	size_t bytes;
	size_t max_bytes;
	int64_t last_id;
};

enum err_code
events_new(
    struct events **out, int64_t now_ns, size_t max_count, size_t max_bytes, struct err *err)
{
	struct events *e = calloc(1, sizeof *e);
	struct event_slot *ring = calloc(max_count, sizeof *ring);
	if (e == NULL || ring == NULL) {
		free(e);
		free(ring);
		return err_nomem(err);
	}
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->more, NULL);
	e->ring = ring;
	e->cap = max_count;
	e->max_bytes = max_bytes;
	e->last_id = now_ns / 1000;
	*out = e;
	return ERR_OK;
}

static struct event_slot *
slot(struct events *e, size_t i)
{
	return &e->ring[(e->first + i) % e->cap];
}

static void
drop_first(struct events *e)
{
	struct event_slot *s = slot(e, 0);
	json_decref(s->message);
	e->bytes -= s->bytes;
	e->first = (e->first + 1) % e->cap;
	e->count--;
}

void
events_free(struct events *e)
{
	if (e == NULL)
		return;
	while (e->count > 0)
		drop_first(e);
	pthread_cond_destroy(&e->more);
	pthread_mutex_destroy(&e->lock);
	free(e->ring);
	free(e);
}

/* message still lacks its number; it is the ring's when it is in. */
static enum err_code
add(struct events *e, json_t **message, size_t bytes, bool is_log, struct err *err)
{
	json_t *inner = json_object_get(*message, "event");
	if (json_object_set_new(inner, "id", json_integer(e->last_id + 1)) != 0)
		return err_nomem(err);
	while (e->count > 0 && (e->count == e->cap || e->bytes + bytes > e->max_bytes))
		drop_first(e);
	*slot(e, e->count) = (struct event_slot){
		.message = TAKE(*message),
		.bytes = bytes,
		.id = ++e->last_id,
		.is_log = is_log,
	};
	e->count++;
	e->bytes += bytes;
	pthread_cond_broadcast(&e->more);
	return ERR_OK;
}

enum err_code
events_add(struct events *e, const char *type, json_t *data, struct err *err)
{
	if (data == NULL)
		return err_nomem(err);
	size_t bytes = json_dumpb(data, NULL, 0, JSON_COMPACT);
	AUTO(json) json_t *message = json_pack(
	    "{s:{s:I, s:s, s:o}}", "event", "id", (json_int_t)0, "type", type, "data", data);
	if (message == NULL)
		return err_nomem(err);
	pthread_mutex_lock(&e->lock);
	enum err_code rc = add(e, &message, bytes, strcmp(type, "log") == 0, err);
	pthread_mutex_unlock(&e->lock);
	return rc;
}

/* How many come before the first behind that number: ids have no gaps. */
static size_t
place_of(const struct events *e, int64_t after)
{
	int64_t first_id = e->last_id - (int64_t)e->count + 1;
	if (after < first_id)
		return 0;
	return after >= e->last_id ? e->count : (size_t)(after - first_id + 1);
}

json_t *
events_next(struct events *e, int64_t after, int64_t *id, bool *is_log)
{
	json_t *found = NULL;
	pthread_mutex_lock(&e->lock);
	size_t at = place_of(e, after);
	if (at < e->count) {
		const struct event_slot *s = slot(e, at);
		found = json_incref(s->message);
		*id = s->id;
		*is_log = s->is_log;
	}
	pthread_mutex_unlock(&e->lock);
	return found;
}

void
events_release(struct events *e, json_t *message)
{
	pthread_mutex_lock(&e->lock);
	json_decref(message);
	pthread_mutex_unlock(&e->lock);
}

bool
events_wait(struct events *e, int64_t after, const bool *stop)
{
	pthread_mutex_lock(&e->lock);
	while (!*stop && place_of(e, after) == e->count)
		pthread_cond_wait(&e->more, &e->lock);
	bool goes_on = !*stop;
	pthread_mutex_unlock(&e->lock);
	return goes_on;
}

void
events_stop(struct events *e, bool *stop)
{
	pthread_mutex_lock(&e->lock);
	*stop = true;
	pthread_cond_broadcast(&e->more);
	pthread_mutex_unlock(&e->lock);
}
