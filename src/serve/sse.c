#include "serve/sse.h"

#include <pthread.h>
#include <stdio.h>

/* An event as it is sent. */
struct frame {
	uint64_t id;
	size_t len;
	char *text;
};

struct listener {
	struct sse *ring;
	struct listener *next;
	struct listener **here;
	void (*wake)(void *arg);
	void *arg;
	char *credential;
	char *from;

	/* Below: under the ring's lock. */
	uint64_t at; /* number of the frame that comes next */
	size_t offset; /* in that frame */
	char greeting[160]; /* before any frame */
	size_t greeting_at;
	bool is_waiting;
	bool wants_beat;
	bool is_dropped;
};

struct sse {
	pthread_mutex_t lock;
	/* Frames are numbered as they come: [first, end), number n at n % SSE_EVENTS. */
	struct frame frames[SSE_EVENTS];
	uint64_t first;
	uint64_t end;
	uint64_t bytes; /* of the frames in the ring */
	uint64_t last_id;
	struct listener *listeners;
	size_t count;
	bool is_closed;
};

static const char beat[] = ":\n\n";

enum err_code
sse_new(struct sse **out, struct err *err)
{
	struct sse *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return ERR_OK;
}

static struct frame *
frame_of(struct sse *s, uint64_t number)
{
	return &s->frames[number % SSE_EVENTS];
}

static void
forget_first(struct sse *s)
{
	struct frame *f = frame_of(s, s->first++);
	s->bytes -= f->len;
	free(f->text);
	f->text = NULL;
}

void
sse_free(struct sse *s)
{
	if (s == NULL)
		return;
	while (s->first < s->end)
		forget_first(s);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void
wake(struct listener *l)
{
	if (!l->is_waiting)
		return;
	l->is_waiting = false;
	l->wake(l->arg);
}

static bool
is_type(const char *type)
{
	size_t len = type != NULL ? strlen(type) : 0;
	return len > 0 && len <= 64 &&
	       strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static enum err_code
frame_make(struct frame *f, const json_t *event, struct err *err)
{
	int64_t id = json_get_int(event, "id", 0);
	const char *type = json_get_str(event, "type");
	const json_t *data = json_object_get(event, "data");
	if (id <= 0 || !is_type(type) || data == NULL)
		return err_set(err, ERR_CORRUPT, "an event without id, type or data");
	/* One line: jansson escapes what would end it. */
	AUTO(mem) char *line = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);
	if (line == NULL)
		return err_nomem(err);
	f->id = (uint64_t)id;
	if (str_printf(
		&f->text, err, "id: %lld\nevent: %s\ndata: %s\n\n", (long long)id, type, line))
		return err->code;
	f->len = strlen(f->text);
	return ERR_OK;
}

enum err_code
sse_add(struct sse *s, const json_t *event, struct err *err)
{
	struct frame f = { 0, 0, NULL };
	if (frame_make(&f, event, err))
		return err->code;
	pthread_mutex_lock(&s->lock);
	const bool ascends = f.id > s->last_id;
	if (ascends) {
		while (s->end - s->first == SSE_EVENTS ||
		       (s->end > s->first && s->bytes + f.len > SSE_BYTES))
			forget_first(s);
		*frame_of(s, s->end++) = f;
		s->bytes += f.len;
		s->last_id = f.id;
		for (struct listener *l = s->listeners; l != NULL; l = l->next)
			wake(l);
	}
	pthread_mutex_unlock(&s->lock);
	if (ascends)
		return ERR_OK;
	free(f.text);
	return err_set(err, ERR_CORRUPT, "event %llu does not come after the one before it",
	    (unsigned long long)f.id);
}

/* --- listeners --- */

/* The first frame behind an id; ids may have gaps. */
static uint64_t
number_behind(struct sse *s, uint64_t id)
{
	uint64_t low = s->first;
	uint64_t high = s->end;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (frame_of(s, middle)->id <= id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Where it begins, and what it is told first.  Nothing was missed when the event that it saw
 * last, or one before it, is still here; a reset says: look at everything anew. */
static void
begin(struct listener *l, bool has_last, uint64_t last)
{
	struct sse *s = l->ring;
	const bool is_known =
	    last <= s->last_id &&
	    (last == s->last_id || (s->first < s->end && frame_of(s, s->first)->id <= last));
	l->at = has_last && is_known ? number_behind(s, last) : s->end;
	if (has_last && is_known)
		snprintf(l->greeting, sizeof l->greeting, "retry: 2000\n:\n\n");
	else
		snprintf(l->greeting, sizeof l->greeting,
		    "retry: 2000\nid: %llu\nevent: %s\ndata: {\"id\":%llu}\n\n",
		    (unsigned long long)s->last_id, has_last ? "reset" : "hello",
		    (unsigned long long)s->last_id);
}

static void
listener_free(struct listener *l)
{
	free(l->credential);
	free(l->from);
	free(l);
}

enum err_code
sse_join(
    struct sse *s, const struct listener_options *opt, struct listener **out, struct err *err)
{
	struct listener *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	*l = (struct listener){ .ring = s, .wake = opt->wake, .arg = opt->arg };
	if (str_dup(&l->credential, opt->credential, err) ||
	    str_dup(&l->from, opt->from, err)) {
		listener_free(l);
		return err->code;
	}
	pthread_mutex_lock(&s->lock);
	const bool is_full = s->count >= SSE_LISTENERS || s->is_closed;
	if (!is_full) {
		begin(l, opt->has_last, opt->last);
		l->next = s->listeners;
		l->here = &s->listeners;
		if (l->next != NULL)
			l->next->here = &l->next;
		s->listeners = l;
		s->count++;
	}
	pthread_mutex_unlock(&s->lock);
	if (is_full) {
		listener_free(l);
		return err_set(err, ERR_LOCKED, "%d listen already", SSE_LISTENERS);
	}
	*out = l;
	return ERR_OK;
}

void
sse_leave(struct listener *l)
{
	if (l == NULL)
		return;
	struct sse *s = l->ring;
	pthread_mutex_lock(&s->lock);
	*l->here = l->next;
	if (l->next != NULL)
		l->next->here = l->here;
	s->count--;
	pthread_mutex_unlock(&s->lock);
	listener_free(l);
}

/* Append text from *offset on; true when all of it is out, and *offset is 0 again. */
static bool
put(char *out, size_t room, size_t *got, const char *text, size_t len, size_t *offset)
{
	size_t n = min_size(room - *got, len - *offset);
	memcpy(out + *got, text + *offset, n);
	*got += n;
	*offset += n;
	if (*offset < len)
		return false;
	*offset = 0;
	return true;
}

/* Whole frames, and what fits of the last. */
static void
put_frames(struct listener *l, char *out, size_t room, size_t *got)
{
	struct sse *s = l->ring;
	while (l->at < s->end && *got < room) {
		struct frame *f = frame_of(s, l->at);
		if (!put(out, room, got, f->text, f->len, &l->offset))
			return;
		l->at++;
	}
}

static void
put_all(struct listener *l, char *out, size_t room, size_t *got)
{
	const size_t len = strlen(l->greeting);
	if (len > 0) {
		if (!put(out, room, got, l->greeting, len, &l->greeting_at))
			return;
		l->greeting[0] = '\0';
	}
	if (l->wants_beat && l->offset == 0 && room - *got >= sizeof beat) {
		memcpy(out + *got, beat, sizeof beat - 1);
		*got += sizeof beat - 1;
		l->wants_beat = false;
	}
	put_frames(l, out, room, got);
}

enum sse_state
sse_read(struct listener *l, char *out, size_t room, size_t *got, void (*is_waiting)(void *arg))
{
	struct sse *s = l->ring;
	enum sse_state state = SSE_TEXT;
	*got = 0;
	pthread_mutex_lock(&s->lock);
	/* Fallen behind: what it would read next, or has read half of, is gone. */
	if (l->is_dropped || s->is_closed || l->at < s->first)
		state = SSE_END;
	else
		put_all(l, out, room, got);
	if (state == SSE_TEXT && *got == 0) {
		state = SSE_WAIT;
		l->is_waiting = true;
		is_waiting(l->arg);
	}
	pthread_mutex_unlock(&s->lock);
	return state;
}

void
sse_beat(struct sse *s)
{
	pthread_mutex_lock(&s->lock);
	for (struct listener *l = s->listeners; l != NULL; l = l->next) {
		l->wants_beat = true;
		wake(l);
	}
	pthread_mutex_unlock(&s->lock);
}

void
sse_drop(struct sse *s, const char *credential)
{
	pthread_mutex_lock(&s->lock);
	if (credential == NULL)
		s->is_closed = true;
	for (struct listener *l = s->listeners; l != NULL; l = l->next) {
		if (credential != NULL && strcmp(l->credential, credential) != 0)
			continue;
		l->is_dropped = true;
		wake(l);
	}
	pthread_mutex_unlock(&s->lock);
}

enum err_code
sse_each_credential(struct sse *s,
    void (*one)(void *arg, const char *credential, const char *from), void *arg,
    struct err *err)
{
	enum err_code rc = ERR_OK;
	AUTO(strv) struct strv credentials = STRV_INIT;
	AUTO(strv) struct strv from = STRV_INIT;
	pthread_mutex_lock(&s->lock);
	for (struct listener *l = s->listeners; l != NULL && rc == ERR_OK; l = l->next)
		if (!l->is_dropped && !strv_has(&credentials, l->credential)) {
			rc = strv_add(&credentials, l->credential, err);
			if (rc == ERR_OK)
				rc = strv_add(&from, l->from, err);
		}
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; rc == ERR_OK && i < credentials.len; i++)
		one(arg, credentials.items[i], from.items[i]);
	return rc;
}

size_t
sse_listeners(struct sse *s)
{
	pthread_mutex_lock(&s->lock);
	size_t n = s->count;
	pthread_mutex_unlock(&s->lock);
	return n;
}
