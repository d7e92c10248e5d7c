#include "ui/json_sink.h"

#include <pthread.h>

struct json_sink {
	struct event_sink sink;
	pthread_mutex_t lock; /* guards stream: stdio locks one call, a line is two */
	FILE *stream;
	int64_t (*now_ns)(void);
};

const char *
event_kind_word(enum event_kind kind)
{
	static const char *const words[] = {
		[EVENT_PHASE] = "phase",
		[EVENT_PROGRESS] = "progress",
		[EVENT_NOTE] = "note",
		[EVENT_WARNING] = "warning",
		[EVENT_PROBLEM] = "problem",
		[EVENT_SERVICE] = "service",
		[EVENT_MEMBER] = "member",
	};
	return words[kind];
}

static void
write_numbers(struct json_writer *w, const struct event *e)
{
	json_u64(w, "bytes", e->bytes);
	if (e->bytes_total > 0)
		json_u64(w, "bytes_total", e->bytes_total);
	json_u64(w, "files", e->files);
	if (e->files_total > 0)
		json_u64(w, "files_total", e->files_total);
	json_str(w, "unit", e->unit != NULL ? e->unit : "files");
	json_i64(w, "elapsed_ns", e->elapsed_ns);
}

static enum err_code
event_json(struct buf *out, const struct event *e, int64_t now_ns, struct err *err)
{
	struct json_writer w;
	json_init(&w, out);
	json_obj(&w, NULL);
	json_str(&w, "type", event_kind_word(e->kind));
	json_i64(&w, "time_ns", now_ns);
	if (e->subject != NULL)
		json_bytes(&w, "subject", e->subject, strlen(e->subject));
	if (e->text != NULL)
		json_str(&w, "text", e->text);
	if (e->at_ns != 0)
		json_i64(&w, "at_ns", e->at_ns);
	if (e->kind == EVENT_PROGRESS || e->kind == EVENT_MEMBER)
		write_numbers(&w, e);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return buf_str(out, "\n", err);
}

static void
emit(struct event_sink *sink, const struct event *e)
{
	struct json_sink *j = (struct json_sink *)sink;
	struct err scratch; /* without memory for its line an event is lost, nothing else */
	AUTO(bufv) struct buf line = BUF_INIT;
	if (event_json(&line, e, j->now_ns(), &scratch))
		return;
	pthread_mutex_lock(&j->lock);
	fwrite(line.data, 1, line.len, j->stream);
	fflush(j->stream);
	pthread_mutex_unlock(&j->lock);
}

static const struct event_sink_ops json_ops = { .emit = emit };

enum err_code
json_sink_new(struct json_sink **out, FILE *stream, int64_t (*now_ns)(void), struct err *err)
{
	struct json_sink *j = calloc(1, sizeof *j);
	if (j == NULL)
		return err_nomem(err);
	pthread_mutex_init(&j->lock, NULL);
	j->sink.ops = &json_ops;
	j->sink.is_watched = true;
	j->stream = stream;
	j->now_ns = now_ns;
	*out = j;
	return ERR_OK;
}

void
json_sink_free(struct json_sink *j)
{
	if (j == NULL)
		return;
	pthread_mutex_destroy(&j->lock);
	free(j);
}

struct event_sink *
json_sink_events(struct json_sink *j)
{
	return &j->sink;
}
