/*
 * What the scratch stack's servers hold against what was stored: each server
 * is dumped as a backup would, and what the dumps hold is compared with what
 * the stored ones do (db/census.h), whatever order rows and keys come in.
 */
#include "engine/drill_impl.h"

#include "base/room.h"
#include "crypto/hash.h"
#include "db/census.h"
#include "engine/live_server.h"
#include "engine/meter.h"
#include "engine/restore_dump.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define READ_SIZE ((size_t)256 << 10)
#define TOLD_MAX 20

/* Keys that expire within this time are not compared: the fresh dump may come before that or
 * after. */
#define FLEETING_MS INT64_C(600000)

/* One dump file: what it holds, or of one that is no dump the hash of its bytes. */
struct counted {
	char *name;
	struct census *census;
	struct sha256 *hash;
	uint8_t sum[HASH_SIZE];
	bool has_ended;
};

/* The fresh dump goes in here, and nowhere else. */
struct counter {
	struct dump_sink sink; /* first: the connector's view */
	struct counted *items;
	size_t count;
	atomic_uint_fast64_t bytes;
	uint64_t bytes_total;
	int64_t fleeting_ms; /* keys that expire before that moment are not compared */
};

static void
counted_release(struct counted *c)
{
	free(c->name);
	census_free(c->census);
	sha256_free(c->hash);
}

static void
counter_auto(struct counter *c)
{
	for (size_t i = 0; i < c->count; i++)
		counted_release(&c->items[i]);
	free(c->items);
}

/* --- one dump file --- */

static bool
is_dump(const char *format, enum census_dump *kind)
{
	static const struct {
		enum dump_format format;
		enum census_dump kind;
	} known[] = { { DUMP_POSTGRES, CENSUS_POSTGRES }, { DUMP_MYSQL, CENSUS_MYSQL },
		{ DUMP_RDB, CENSUS_RDB }, { DUMP_BSON, CENSUS_BSON },
		{ DUMP_METADATA, CENSUS_METADATA } };
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(dump_format_word(known[i].format), format) == 0) {
			*kind = known[i].kind;
			return true;
		}
	}
	return false;
}

static enum err_code
counted_open(struct counted *c, const char *name, const char *format, int64_t fleeting_ms,
    struct err *err)
{
	enum census_dump kind;
	*c = (struct counted){ .name = NULL };
	if (str_dup(&c->name, name, err))
		return err->code;
	if (is_dump(format, &kind)) {
		if (census_new(&c->census, kind, err) || census_of_file(c->census, name, err))
			return err->code;
		census_pass_over(c->census, fleeting_ms);
		return ERR_OK;
	}
	return sha256_new(&c->hash, err);
}

static enum err_code
counted_add(struct counted *c, const void *data, size_t len, struct err *err)
{
	return c->census != NULL ? census_feed(c->census, data, len, err)
				 : sha256_add(c->hash, data, len, err);
}

static enum err_code
counted_finish(struct counted *c, struct err *err)
{
	c->has_ended = true;
	return c->census != NULL ? census_finish(c->census, err)
				 : sha256_finish(c->hash, c->sum, err);
}

/* --- the fresh dump --- */

static enum err_code
begin(struct dump_sink *sink, const struct dump_stream *stream, struct err *err)
{
	struct counter *c = (struct counter *)sink;
	if (ROOM_SHORT(c->items, c->count, err))
		return err->code;
	enum err_code rc = counted_open(&c->items[c->count], stream->name,
	    dump_format_word(stream->format), c->fleeting_ms, err);
	c->count++; /* also one that is not whole is released */
	return rc;
}

static enum err_code
take(struct dump_sink *sink, const void *data, size_t len, struct err *err)
{
	struct counter *c = (struct counter *)sink;
	atomic_fetch_add(&c->bytes, len);
	return counted_add(&c->items[c->count - 1], data, len, err);
}

static enum err_code
end(struct dump_sink *sink, struct err *err)
{
	struct counter *c = (struct counter *)sink;
	struct counted *last = &c->items[c->count - 1];
	if (counted_finish(last, err))
		return err_wrap(err, "%s", last->name);
	return ERR_OK;
}

static const struct dump_sink_ops sink_ops = { .begin = begin, .write = take, .end = end };

static void
sample(void *arg, struct event *e)
{
	struct counter *c = arg;
	e->bytes = atomic_load(&c->bytes);
	e->bytes_total = c->bytes_total;
}

/* As a backup of the scratch stack would. */
static enum err_code
drain(struct counter *out, const struct drill_database *x, const struct db_target *target,
    struct err *err)
{
	const struct db_info *info;
	struct db_fence fence;
	AUTO(connector) struct connector *conn = NULL;
	if (connector_open(&conn, target, x->db->kind, err) ||
	    connector_check(conn, &info, err) || connector_prepare(conn, err) ||
	    connector_fence(conn, &fence, err))
		return err->code;
	return connector_drain(conn, &out->sink, err);
}

static enum err_code
dump_server(
    struct counter *out, struct drill *d, const struct drill_database *x, struct err *err)
{
	AUTO(stack) struct stack *stack = NULL;
	AUTO(live_server) struct live_server server = LIVE_SERVER_INIT;
	if (stack_load(&stack, d->job->docker, d->scratch->project, err))
		return err->code;
	const struct stack_container *c = stack_find(stack, x->db->service);
	if (c == NULL)
		return err_set(err, ERR_NOT_FOUND, "it has no container");
	if (live_server_open(&server, d->job->docker, c, d->engine->cancel, err))
		return err->code;
	return drain(out, x, &server.target, err);
}

/* --- the stored dump --- */

static enum err_code
count_stored(struct counted *out, struct dump_source *src, const char *name, const char *format,
    int64_t fleeting_ms, struct err *err)
{
	AUTO(mem) uint8_t *data = malloc(READ_SIZE);
	size_t got = 1;
	if (data == NULL)
		return err_nomem(err);
	if (counted_open(out, name, format, fleeting_ms, err) || src->ops->open(src, name, err))
		return err->code;
	enum err_code rc = ERR_OK;
	while (rc == ERR_OK && got > 0) {
		rc = src->ops->read(src, data, READ_SIZE, &got, err);
		if (rc == ERR_OK && got > 0)
			rc = counted_add(out, data, got, err);
	}
	src->ops->close(src);
	return rc == ERR_OK ? counted_finish(out, err) : rc;
}

/* --- comparing --- */

static enum err_code PRINTF_LIKE(3, 4)
    differ(struct drill_database *x, struct err *err, const char *fmt, ...)
{
	char text[300];
	va_list ap;
	x->differ++;
	if (x->differ > TOLD_MAX)
		return ERR_OK;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return strv_add(&x->differences, text, err);
}

struct pairing {
	struct drill_database *x;
	const char *stream;
};

static enum err_code
on_difference(void *arg, unsigned how, const struct census_item *a, const struct census_item *b,
    struct err *err)
{
	const struct pairing *p = arg;
	const struct census_item *one = a != NULL ? a : b;
	bool is_rows = one->what == CENSUS_ROWS;
	if ((how & CENSUS_MISSING) != 0)
		return differ(p->x, err, "%s: %s is missing", p->stream, one->name);
	if ((how & CENSUS_EXTRA) != 0)
		return differ(
		    p->x, err, "%s: %s is there, but not in the backup", p->stream, one->name);
	if ((how & CENSUS_COUNT) != 0)
		return differ(p->x, err, "%s: %s has %" PRIu64 " %s, in the backup %" PRIu64,
		    p->stream, one->name, b->count, is_rows ? "rows" : "statements", a->count);
	return differ(p->x, err, "%s: %s has other %s than the backup", p->stream, one->name,
	    is_rows ? "rows" : "words");
}

static enum err_code
compare_stream(struct drill_database *x, const struct counted *stored,
    const struct counted *fresh, struct err *err)
{
	struct pairing p = { x, stored->name };
	x->streams++;
	if (fresh == NULL || !fresh->has_ended)
		return differ(x, err, "%s: the restored server has no such dump", stored->name);
	if (stored->census == NULL)
		return memcmp(stored->sum, fresh->sum, HASH_SIZE) == 0
			   ? ERR_OK
			   : differ(x, err, "%s differs", stored->name);
	if (!census_is_known(stored->census) || !census_is_known(fresh->census))
		return err_set(err, ERR_UNSUPPORTED,
		    "%s holds what only the server's own modules can read: it cannot be "
		    "compared",
		    stored->name);
	for (size_t i = 0; i < census_count(stored->census); i++) {
		const struct census_item *item = census_item(stored->census, i);
		if (item->what == CENSUS_ROWS) {
			x->tables++;
			x->rows += item->count;
		} else {
			x->objects++;
		}
	}
	x->fleeting += census_passed(stored->census);
	return census_compare(stored->census, fresh->census, on_difference, &p, err);
}

static const struct counted *
find(const struct counter *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->items[i].name, name) == 0)
			return &c->items[i];
	return NULL;
}

static bool
is_stored(const json_t *streams, const char *name)
{
	size_t i;
	const json_t *s;
	json_array_foreach(streams, i, s)
	{
		const char *has = json_get_str(s, "name");
		if (has != NULL && strcmp(has, name) == 0)
			return true;
	}
	return false;
}

/* server.json tells of the server, not of the data: versions, positions, when. */
static bool
is_beside(const char *format)
{
	return strcmp(format, dump_format_word(DUMP_JSON)) == 0;
}

static enum err_code
compare_one(struct drill *d, struct drill_database *x, struct err *err)
{
	AUTO(counter) struct counter fresh = { .sink = { &sink_ops },
		.bytes_total = x->db->bytes,
		.fleeting_ms = clock_wall_ns() / NS_PER_MS + FLEETING_MS };
	struct restore_dump *dump = NULL;
	struct meter *meter;
	*err = (struct err)ERR_INIT; /* of what was asked for before and was not there */
	meter_start(&meter, d->engine->events, sample, &fresh);
	enum err_code rc = dump_server(&fresh, d, x, err);
	meter_stop(meter);
	if (rc != ERR_OK)
		return err_wrap(err, "dump it again");
	if (restore_dump_open(
		&dump, d->job->engine, &d->job->snapshot, x->db->path, x->db->streams, err))
		return err->code;
	size_t i;
	const json_t *s;
	json_array_foreach(x->db->streams, i, s)
	{
		const char *name = json_get_str(s, "name");
		const char *format = json_get_str(s, "format");
		struct counted stored = { .name = NULL };
		if (rc != ERR_OK || name == NULL || format == NULL || is_beside(format))
			continue;
		rc = count_stored(
		    &stored, restore_dump_source(dump), name, format, fresh.fleeting_ms, err);
		if (rc == ERR_OK)
			rc = compare_stream(x, &stored, find(&fresh, name), err);
		counted_release(&stored);
	}
	restore_dump_close(dump);
	for (size_t k = 0; k < fresh.count && rc == ERR_OK; k++)
		/* Files of a server's settings: an older program did not keep them. */
		if (fresh.items[k].census != NULL &&
		    !is_stored(x->db->streams, fresh.items[k].name))
			rc = differ(
			    x, err, "%s is there, but not in the backup", fresh.items[k].name);
	x->is_compared = rc == ERR_OK;
	return rc;
}

enum err_code
drill_compare_databases(struct drill *d, struct err *err)
{
	for (size_t i = 0; i < d->job->n_databases; i++) {
		struct drill_database *x = &d->databases[i];
		if (cancel_check(d->engine->cancel, err))
			return err->code;
		if (compare_one(d, x, err))
			return err_wrap(err, "service %s", x->db->service);
		for (size_t k = 0; k < x->differences.len; k++)
			event_problem(
			    d->engine->events, x->db->service, "%s", x->differences.items[k]);
	}
	return ERR_OK;
}
