/*
 * fake_database.h: a connector whose dumps are at hand, drained into a capture
 * as a backup does.  For tests only.
 */
#ifndef TESTS_UNIT_ENGINE_FAKE_DATABASE_H
#define TESTS_UNIT_ENGINE_FAKE_DATABASE_H

#include "testing.h"

#include "base/bytes.h"
#include "db/connector_impl.h"
#include "db/dump.h"
#include "engine/capture.h"
#include "repo/snapshot.h"
#include "tree/dir.h"

#include <stdlib.h>

struct fake_stream {
	const char *name;
	enum dump_format format;
	const void *data;
	size_t len;
	size_t times; /* the data comes so often; 0: once */
	const char *before; /* and before it this; may be NULL */
	const char *after;
};

struct fake_database {
	struct connector connector;
	struct db_target target;
	const struct fake_stream *streams;
	size_t count;
};

static inline enum err_code
fake_write(const struct dump_out *out, const void *data, size_t len, struct err *err)
{
	const uint8_t *p = data;
	while (len > 0) {
		size_t n = min_size(len, (size_t)256 << 10);
		if (dump_write(out, p, n, err))
			return err->code;
		p += n;
		len -= n;
	}
	return ERR_OK;
}

static inline enum err_code
fake_drain(struct connector *c, struct dump_sink *sink, struct err *err)
{
	struct fake_database *f = (struct fake_database *)c;
	struct dump_out out = { c, sink };
	for (size_t i = 0; i < f->count; i++) {
		const struct fake_stream *s = &f->streams[i];
		struct dump_head head = { .name = s->name,
			.format = s->format,
			.is_counted = s->format == DUMP_POSTGRES || s->format == DUMP_MYSQL ||
				      s->format == DUMP_RDB };
		const char *before = s->before != NULL ? s->before : "";
		const char *after = s->after != NULL ? s->after : "";
		if (dump_begin(&out, &head, err) ||
		    fake_write(&out, before, strlen(before), err))
			return err->code;
		for (size_t k = 0; k < (s->times > 0 ? s->times : 1); k++)
			if (fake_write(&out, s->data, s->len, err))
				return err->code;
		if (fake_write(&out, after, strlen(after), err) || dump_end(&out, err))
			return err->code;
	}
	return ERR_OK;
}

static inline void
fake_close(struct connector *c)
{
	free(c);
}

static inline struct connector *
fake_database(const struct fake_stream *streams, size_t count)
{
	static const struct connector_ops ops = { .drain = fake_drain, .close = fake_close };
	struct fake_database *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->target.service = "db";
	f->connector.ops = &ops;
	f->connector.t = &f->target;
	f->connector.state = CONNECTOR_FENCED;
	f->streams = streams;
	f->count = count;
	return &f->connector;
}

/* The dumps as the folder of a member; *out is the caller's, and c's dumps. */
static inline void
fake_capture(struct engine *e, struct writer *w, struct capture *c,
    const struct fake_stream *streams, size_t count)
{
	struct err err;
	struct backup_run run = { .engine = e, .writer = w, .progress = TREE_PROGRESS_INIT };
	*c = (struct capture){ .kind = "database", .name = "db", .entry = TREE_ENTRY_INIT };
	c->connector = fake_database(streams, count);
	c->server.target.service = "db";
	ok(save_dumps(&run, c, &err));
}

/* What fake_capture made. */
static inline void
fake_release(struct capture *c)
{
	connector_close(c->connector);
	tree_entry_release(&c->entry);
	for (size_t i = 0; i < c->n_dumps; i++) {
		free(c->dumps[i].name);
		free(c->dumps[i].database);
		free(c->dumps[i].format);
		free(c->dumps[i].tool);
		free(c->dumps[i].argv);
	}
	free(c->dumps);
}

/* A snapshot of that one member, "databases/db". */
static inline void
fake_snapshot(
    struct repo *r, struct writer *w, const struct capture *c, int64_t time_ns, struct id *id)
{
	struct err err;
	AUTO(bufv) struct buf root = BUF_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(tree_entry) struct tree_entry databases = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry top = TREE_ENTRY_INIT;
	struct dir_builder *b;
	ok(dir_builder_new(&b, &err));
	ok(dir_builder_add(b, "db", &c->entry, &err));
	ok(dir_builder_finish(b, w, NULL, &databases, &err));
	dir_builder_free(b);
	ok(dir_builder_new(&b, &err));
	ok(dir_builder_add(b, "databases", &databases, &err));
	ok(dir_builder_finish(b, w, NULL, &top, &err));
	dir_builder_free(b);
	ok(writer_flush(w, &err));
	ok(tree_entry_encode(&top, &root, &err));
	char *hex = malloc(2 * root.len + 1);
	assert_non_null(hex);
	hex_encode(hex, root.data, root.len);
	ok(buf_printf(&text, &err,
	    "{\"version\":1,\"time_ns\":%lld,\"host\":\"nas\",\"source\":{\"kind\":\"stack\","
	    "\"name\":\"shop\"},"
	    "\"root\":\"%s\",\"stats\":{},\"members\":[{\"kind\":\"database\",\"name\":\"db\","
	    "\"path\":\"databases/db\",\"engine\":\"postgres\",\"streams\":[",
	    (long long)time_ns, hex));
	for (size_t i = 0; i < c->n_dumps; i++) {
		char sum[2 * HASH_SIZE + 1];
		hex_encode(sum, c->dumps[i].sha256, HASH_SIZE);
		ok(buf_printf(&text, &err,
		    "%s{\"name\":\"%s\",\"format\":\"%s\",\"bytes\":%llu,\"sha256\":\"%s\"}",
		    i > 0 ? "," : "", c->dumps[i].name, c->dumps[i].format,
		    (unsigned long long)c->dumps[i].bytes, sum));
	}
	ok(buf_printf(&text, &err, "]}]}"));
	ok(snapshot_save(r, &text, id, &err));
	free(hex);
}

#endif
