#include "db/dump.h"

#include "base/room.h"
#include "db/dataset.h"
#include "db/tool.h"
#include "sys/thread.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CHUNK ((size_t)256 << 10)
/* Longer than any query or lock that a dump waits for should take. */
#define STALL_MS (30 * 60 * 1000)

static struct dump_stream *
current(const struct dump_out *d)
{
	return &d->c->report.streams[d->c->report.stream_count - 1];
}

static enum err_code
fill_stream(struct dump_stream *s, const struct dump_head *head, struct err *err)
{
	s->format = head->format;
	if (str_dup(&s->name, head->name, err))
		return err->code;
	if (head->database != NULL && str_dup(&s->database, head->database, err))
		return err->code;
	if (head->tool != NULL && str_dup(&s->tool, head->tool, err))
		return err->code;
	return strv_add_words(&s->argv, head->argv, err);
}

static enum census_dump
census_kind(const struct dump_head *head)
{
	return head->format == DUMP_POSTGRES   ? CENSUS_POSTGRES
	       : head->format == DUMP_MYSQL    ? CENSUS_MYSQL
	       : head->format == DUMP_BSON     ? CENSUS_BSON
	       : head->format == DUMP_METADATA ? CENSUS_METADATA
					       : CENSUS_RDB;
}

/* --- parts, for a sink that wants them --- */

static enum err_code
pass_part(void *arg, const struct dataset_part *part, struct err *err)
{
	struct dump_sink *sink = arg;
	return sink->ops->part(sink, part, err);
}

static enum err_code
pass_bytes(void *arg, const void *data, size_t len, struct err *err)
{
	struct dump_sink *sink = arg;
	return sink->ops->write(sink, data, len, err);
}

static enum err_code
pass_rows(void *arg, const void *data, size_t len, const uint32_t *ends, size_t count,
    struct err *err)
{
	struct dump_sink *sink = arg;
	return sink->ops->rows(sink, data, len, ends, count, err);
}

static enum err_code
pass_border(void *arg, struct err *err)
{
	struct dump_sink *sink = arg;
	return sink->ops->border(sink, err);
}

static enum err_code
begin_parts(const struct dump_out *d, struct err *err)
{
	static const struct dataset_ops ops = { pass_part, pass_bytes, pass_rows, pass_border };
	static const struct dataset_part whole = { "000000.sql", NULL };
	enum row_format rows;
	dataset_free(TAKE(d->c->dataset));
	/* A file of documents is one table's already. */
	if (d->sink->ops->part == NULL || current(d)->format == DUMP_BSON ||
	    !dataset_row_format(dump_format_word(current(d)->format), &rows))
		return ERR_OK;
	if (current(d)->census == NULL)
		return d->sink->ops->part(d->sink, &whole, err);
	return dataset_new(&d->c->dataset, current(d)->census, &ops, d->sink, err);
}

enum err_code
dump_begin(const struct dump_out *d, const struct dump_head *head, struct err *err)
{
	struct db_report *r = &d->c->report;
	if (ROOM_SHORT(r->streams, r->stream_count, err))
		return err->code;
	r->streams[r->stream_count++] = (struct dump_stream){ .format = head->format };
	if (fill_stream(current(d), head, err) ||
	    (head->is_counted && (census_new(&current(d)->census, census_kind(head), err) ||
				     census_of_file(current(d)->census, head->name, err))))
		return err->code;
	d->c->is_counted = false;
	if (d->sink->ops->begin(d->sink, current(d), err))
		return err->code;
	return begin_parts(d, err);
}

enum err_code
dump_write(const struct dump_out *d, const void *data, size_t len, struct err *err)
{
	if (len == 0)
		return ERR_OK;
	current(d)->bytes += len;
	if (d->c->dataset != NULL)
		return dataset_feed(d->c->dataset, data, len, err);
	if (current(d)->census != NULL && census_feed(current(d)->census, data, len, err))
		return err->code;
	return d->sink->ops->write(d->sink, data, len, err);
}

enum err_code
dump_rows(const struct dump_out *d, const void *data, size_t len, const uint32_t *ends,
    size_t count, struct err *err)
{
	if (d->sink->ops->rows == NULL || len == 0)
		return dump_write(d, data, len, err);
	current(d)->bytes += len;
	if (current(d)->census != NULL && census_feed(current(d)->census, data, len, err))
		return err->code;
	return d->sink->ops->rows(d->sink, data, len, ends, count, err);
}

enum err_code
dump_counted(const struct dump_out *d, const struct census **out, struct err *err)
{
	struct census *c = current(d)->census;
	if (c != NULL && !d->c->is_counted && census_finish(c, err))
		return err->code;
	d->c->is_counted = true;
	*out = c;
	return ERR_OK;
}

enum err_code
dump_end(const struct dump_out *d, struct err *err)
{
	const struct census *counted;
	if (dump_counted(d, &counted, err) ||
	    (d->c->dataset != NULL && dataset_finish(d->c->dataset, err)))
		return err->code;
	dataset_free(TAKE(d->c->dataset));
	return d->sink->ops->end(d->sink, err);
}

enum err_code
dump_whole(const struct dump_out *d, const struct dump_head *head, const struct buf *data,
    struct err *err)
{
	if (dump_begin(d, head, err) || dump_write(d, data->data, data->len, err) ||
	    dump_end(d, err))
		return err_wrap(err, "%s", head->name);
	return ERR_OK;
}

static enum err_code
pass_on(
    const struct dump_out *d, struct sql_gate *g, const void *data, size_t len, struct err *err)
{
	sql_gate_feed(g, data, len);
	return dump_write(d, data, len, err);
}

static enum err_code
pump(const struct dump_out *d, struct run *run, struct sql_gate *g, struct err *err)
{
	AUTO(mem) uint8_t *chunk = malloc(CHUNK);
	if (chunk == NULL)
		return err_nomem(err);
	for (;;) {
		size_t got;
		if (cancel_check(d->c->t->cancel, err) ||
		    run_read(run, chunk, CHUNK, &got, err))
			return err->code;
		if (got == 0)
			return ERR_OK;
		if (pass_on(d, g, chunk, got, err))
			return err->code;
	}
}

/* What stands behind the numbers is the packager's. */
static bool
is_same_version(const char *a, const char *b)
{
	size_t n = strspn(a, "0123456789.");
	return n == strspn(b, "0123456789.") && memcmp(a, b, n) == 0;
}

/* The dump itself: its end, what it is of, and whether all is in it. */
static enum err_code
judge_dump(const struct dump_out *d, const struct sql_gate *g, const struct dump_proof *proof,
    struct err *err)
{
	const struct census *c;
	if (sql_gate_finish(g, err) || dump_counted(d, &c, err))
		return err->code;
	const char *of = census_server(c);
	if (proof->server != NULL && of != NULL && !is_same_version(of, proof->server))
		return err_set(err, ERR_INCOMPLETE,
		    "the dump is of a server %.100s, this one is %.100s", of, proof->server);
	return proof->check != NULL ? proof->check(proof->arg, c, err) : ERR_OK;
}

static enum err_code
judge(const struct dump_out *d, struct run *run, const char *tool, const struct sql_gate *g,
    const struct dump_proof *proof, struct err *err)
{
	struct tool_end end;
	if (tool_finish(run, &end, err))
		return err_wrap(err, "%s", tool);
	if (end.status != 0)
		return err_set(err, ERR_INCOMPLETE,
		    "%s ended with status %d after %" PRIu64 " bytes: %s", tool, end.status,
		    g->bytes, end.said[0] != '\0' ? end.said : "it said nothing");
	if (judge_dump(d, g, proof, err) == ERR_OK)
		return end.said[0] != '\0' ? dump_warn(d->c, err, "%s said: %s", tool, end.said)
					   : ERR_OK;
	return end.said[0] != '\0' ? err_wrap(err, "%s said \"%s\"", tool, end.said)
				   : err->code;
}

static enum err_code
pump_and_judge(const struct dump_out *d, const struct dump_head *head, struct run *run,
    const struct buf *first, const struct dump_proof *proof, struct err *err)
{
	struct sql_gate g;
	sql_gate_init(&g, proof->end_mark);
	struct dump_head counted = *head;
	counted.is_counted = true;
	if (dump_begin(d, &counted, err))
		return err->code;
	if (first != NULL && pass_on(d, &g, first->data, first->len, err))
		return err->code;
	run_set_patience(run, d->c->t->stall_ms > 0 ? d->c->t->stall_ms : STALL_MS);
	if (pump(d, run, &g, err) || judge(d, run, head->argv[0], &g, proof, err))
		return err->code;
	return dump_end(d, err);
}

enum err_code
dump_pump(const struct dump_out *d, const struct dump_head *head, struct run *run,
    const struct buf *first, const struct dump_proof *proof, struct err *err)
{
	if (pump_and_judge(d, head, run, first, proof, err))
		return err_wrap(err, "%s", head->name);
	return ERR_OK;
}

/* Copy the file that is open in src into the client's standard input. */
static enum err_code
feed(const struct db_target *t, struct dump_source *src, struct run *run, struct sql_gate *g,
    bool *stopped_reading, struct err *err)
{
	AUTO(mem) uint8_t *chunk = malloc(CHUNK);
	if (chunk == NULL)
		return err_nomem(err);
	for (;;) {
		size_t got;
		if (cancel_check(t->cancel, err) ||
		    src->ops->read(src, chunk, CHUNK, &got, err))
			return err->code;
		if (got == 0)
			return run_close_stdin(run, err);
		sql_gate_feed(g, chunk, got);
		if (run_write(run, chunk, got, err)) {
			*stopped_reading = err->code != ERR_CANCELLED;
			return err->code;
		}
	}
}

/* Results that statements print are of no interest, but a full pipe would stop the client. */
static void *
discard_output(void *arg)
{
	struct run *run = arg;
	uint8_t chunk[4096];
	size_t got = 1;
	struct err ignored; /* the feeding side meets the same failure */
	while (got > 0 && run_read(run, chunk, sizeof chunk, &got, &ignored) == ERR_OK)
		;
	return NULL;
}

static enum err_code
feed_discarding(const struct db_target *t, struct dump_source *src, struct run *run,
    struct sql_gate *g, bool *stopped_reading, struct err *err)
{
	pthread_t reader;
	if (thread_start(&reader, discard_output, run, "discard", err))
		return err->code;
	enum err_code rc = feed(t, src, run, g, stopped_reading, err);
	if (rc) {
		/* The reader ends when the client does, and that when nothing more comes. */
		struct err ignored;
		enum err_code closed = run_close_stdin(run, &ignored);
		(void)closed;
	}
	pthread_join(reader, NULL);
	return rc;
}

static enum err_code
feed_and_judge(const struct db_target *t, struct dump_source *src, struct run *run,
    const char *tool, const char *end_mark, struct err *err)
{
	struct sql_gate g;
	sql_gate_init(&g, end_mark);
	bool stopped_reading = false;
	if (feed_discarding(t, src, run, &g, &stopped_reading, err) && !stopped_reading)
		return err->code;
	struct tool_end end;
	if (tool_finish(run, &end, err))
		return err_wrap(err, "%s", tool);
	if (end.status != 0 || stopped_reading)
		return err_set(err, ERR_IO,
		    "%s ended with status %d after %" PRIu64 " bytes: %s", tool, end.status,
		    g.bytes, end.said[0] != '\0' ? end.said : "it said nothing");
	return sql_gate_finish(&g, err);
}

enum err_code
dump_feed(const struct db_target *t, struct dump_source *src, const char *name,
    const struct run_spec *client, const char *end_mark, struct err *err)
{
	struct run_spec spec = *client;
	spec.has_stdin = true;
	AUTO(run) struct run *run = NULL;
	if (src->ops->open(src, name, err))
		return err_wrap(err, "%s", name);
	enum err_code rc = runner_start(t->runner, &spec, &run, err);
	if (rc == ERR_OK)
		rc = feed_and_judge(t, src, run, spec.argv[0], end_mark, err);
	src->ops->close(src);
	return rc ? err_wrap(err, "load %s", name) : ERR_OK;
}

static enum err_code
read_all(struct dump_source *src, size_t max, struct buf *out, struct err *err)
{
	uint8_t chunk[16384];
	size_t got;
	do {
		if (src->ops->read(src, chunk, sizeof chunk, &got, err) ||
		    buf_add(out, chunk, got, err))
			return err->code;
		if (out->len > max)
			return err_set(err, ERR_CORRUPT, "longer than %zu bytes", max);
	} while (got > 0);
	return ERR_OK;
}

enum err_code
dump_slurp(
    struct dump_source *src, const char *name, size_t max, struct buf *out, struct err *err)
{
	if (src->ops->open(src, name, err))
		return err_wrap(err, "%s", name);
	enum err_code rc = read_all(src, max, out, err);
	src->ops->close(src);
	return rc ? err_wrap(err, "%s", name) : ERR_OK;
}

enum err_code
dump_warn(struct connector *c, struct err *err, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	return strv_add(&c->report.warnings, line, err);
}
