/*
 * dataset_snapshot.h: snapshots of databases, made of the words of dumps, in the
 * repository of tree/fixture.h, as a backup leaves them.
 */
#ifndef TESTS_UNIT_ENGINE_DATASET_SNAPSHOT_H
#define TESTS_UNIT_ENGINE_DATASET_SNAPSHOT_H

#include "tree/fixture.h"

#include "db/bson.h"
#include "db/dataset.h"
#include "repo/snapshot.h"
#include "repo/stream.h"

struct dump_text {
	const char *service;
	const char *stream;
	const char *database; /* NULL: of none, or of all */
	const char *format; /* "postgres", "mysql", "rdb", "bson" */
	const void *data;
	size_t len;
	bool is_file; /* as an earlier program stored it: with its census, but not cut */
};

static inline enum census_dump
dump_text_kind(const struct dump_text *t)
{
	return strcmp(t->format, "rdb") == 0     ? CENSUS_RDB
	       : strcmp(t->format, "bson") == 0  ? CENSUS_BSON
	       : strcmp(t->format, "mysql") == 0 ? CENSUS_MYSQL
						 : CENSUS_POSTGRES;
}

/* A dump on its way into the repository. */
struct dump_storing {
	struct intake *intake;
	struct stream *stream;
	char *name;
	struct dir_builder *folder;
};

static inline enum err_code
dump_storing_add(struct dump_storing *s, struct err *err)
{
	struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(content) struct content c = CONTENT_INIT;
	if (s->stream == NULL)
		return ERR_OK;
	if (stream_close(TAKE(s->stream), &c, err))
		return err->code;
	e.content = c;
	enum err_code rc = dir_builder_add(s->folder, s->name, &e, err);
	free(TAKE(s->name));
	return rc;
}

static inline enum err_code
dump_storing_part(void *arg, const struct dataset_part *part, struct err *err)
{
	struct dump_storing *s = arg;
	if (dump_storing_add(s, err) || str_dup(&s->name, part->name, err))
		return err->code;
	return part->table != NULL ? stream_open_rows(&s->stream, s->intake, err)
				   : stream_open(&s->stream, s->intake, CHUNK_ROWS, err);
}

static inline enum err_code
dump_storing_bytes(void *arg, const void *data, size_t len, struct err *err)
{
	return stream_write(((struct dump_storing *)arg)->stream, data, len, err);
}

static inline enum err_code
dump_storing_rows(void *arg, const void *data, size_t len, const uint32_t *ends, size_t count,
    struct err *err)
{
	return stream_rows(((struct dump_storing *)arg)->stream, data, len, ends, count, err);
}

static inline enum err_code
dump_storing_border(void *arg, struct err *err)
{
	return stream_border(((struct dump_storing *)arg)->stream, err);
}

/* Cut the dump, and hand its parts to ops; its census is appended to lines. */
static inline void
cut_dump(const struct dump_text *t, const struct dataset_ops *ops, void *arg, struct buf *lines)
{
	struct err err;
	AUTO(census) struct census *census = NULL;
	AUTO(dataset) struct dataset *d = NULL;
	ok(census_new(&census, dump_text_kind(t), &err));
	ok(dataset_new(&d, census, ops, arg, &err));
	for (size_t at = 0; at < t->len; at += 100000)
		ok(dataset_feed(
		    d, (const uint8_t *)t->data + at, min_size(100000, t->len - at), &err));
	ok(dataset_finish(d, &err));
	ok(census_finish(census, &err));
	ok(census_write(census, t->stream, lines, &err));
}

/* A file of documents has no parts: hand it to rows at once. */
static inline void
pass_documents(const struct dump_text *t,
    enum err_code (*rows)(void *arg, const void *data, size_t len, const uint32_t *ends,
	size_t count, struct err *err),
    void *arg, struct buf *lines)
{
	struct err err;
	uint32_t ends[64];
	size_t count = 0;
	AUTO(census) struct census *census = NULL;
	for (size_t at = 0; at < t->len;) {
		at += bson_length((const uint8_t *)t->data + at, t->len - at);
		assert_true(count < ARRAY_LEN(ends));
		ends[count++] = (uint32_t)at;
	}
	ok(census_new(&census, CENSUS_BSON, &err));
	ok(census_of_file(census, t->stream, &err));
	ok(census_feed(census, t->data, t->len, &err));
	ok(census_finish(census, &err));
	ok(census_write(census, t->stream, lines, &err));
	if (count > 0)
		ok(rows(arg, t->data, t->len, ends, count, &err));
}

static inline void
store_documents(struct fixture *f, const struct dump_text *t, struct dir_builder *service,
    struct buf *lines)
{
	struct err err;
	struct dump_storing s = { .intake = NULL };
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	ok(intake_new(&s.intake, f->writer, &err));
	ok(stream_open_rows(&s.stream, s.intake, &err));
	pass_documents(t, dump_storing_rows, &s, lines);
	ok(stream_close(TAKE(s.stream), &e.content, &err));
	ok(dir_builder_add(service, t->stream, &e, &err));
	intake_free(s.intake);
}

/* What the dump becomes in its service's folder. */
static inline void
store_dump(struct fixture *f, const struct dump_text *t, struct dir_builder *service,
    struct buf *lines)
{
	static const struct dataset_ops ops = { dump_storing_part, dump_storing_bytes,
		dump_storing_rows, dump_storing_border };
	struct err err;
	struct dump_storing s = { .intake = NULL };
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	ok(intake_new(&s.intake, f->writer, &err));
	ok(dir_builder_new(&s.folder, &err));
	cut_dump(t, &ops, &s, lines);
	ok(dump_storing_add(&s, &err));
	if (t->is_file) {
		ok(stream_open(&s.stream, s.intake, CHUNK_ROWS, &err));
		ok(stream_write(s.stream, t->data, t->len, &err));
		ok(stream_close(TAKE(s.stream), &e.content, &err));
	} else {
		ok(dir_builder_finish(s.folder, f->writer, NULL, &e, &err));
	}
	ok(dir_builder_add(service, t->stream, &e, &err));
	dir_builder_free(s.folder);
	intake_free(s.intake);
}

static inline void
store_bytes(struct fixture *f, const struct buf *b, struct dir_builder *in, const char *name)
{
	struct err err;
	struct intake *intake;
	struct stream *s;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	ok(intake_new(&intake, f->writer, &err));
	ok(stream_open(&s, intake, CHUNK_DATA, &err));
	ok(stream_write(s, b->data, b->len, &err));
	ok(stream_close(s, &e.content, &err));
	ok(dir_builder_add(in, name, &e, &err));
	intake_free(intake);
}

static inline void
close_folder(struct fixture *f, struct dir_builder *b, struct dir_builder *in, const char *name)
{
	struct err err;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	ok(dir_builder_finish(b, f->writer, NULL, &e, &err));
	ok(dir_builder_add(in, name, &e, &err));
	dir_builder_free(b);
}

/* The snapshot of these dumps, in order of services. */
static inline void
dataset_snapshot(struct fixture *f, const struct dump_text *dumps, size_t n, struct id *id)
{
	struct err err;
	AUTO(bufv) struct buf members = BUF_INIT;
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(bufv) struct buf document = BUF_INIT;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct dir_builder *root, *databases, *meta, *census;
	ok(dir_builder_new(&root, &err));
	ok(dir_builder_new(&databases, &err));
	ok(dir_builder_new(&meta, &err));
	ok(dir_builder_new(&census, &err));
	for (size_t i = 0; i < n;) {
		AUTO(bufv) struct buf lines = BUF_INIT;
		AUTO(str) char *file = NULL;
		const char *service = dumps[i].service;
		struct dir_builder *folder;
		ok(dir_builder_new(&folder, &err));
		ok(buf_printf(&members, &err,
		    "%s{\"kind\":\"database\",\"name\":\"%s\",\"path\":\"databases/%s\","
		    "\"streams\":[{\"name\":\"server.json\",\"format\":\"json\"}",
		    i > 0 ? "," : "", service, service));
		for (; i < n && strcmp(dumps[i].service, service) == 0; i++) {
			const char *database = dumps[i].database;
			const char *quote = database != NULL ? "\"" : "";
			ok(buf_printf(&members, &err,
			    ",{\"name\":\"%s\",\"format\":\"%s\",\"database\":%s%s%s}",
			    dumps[i].stream, dumps[i].format, quote,
			    database != NULL ? database : "null", quote));
			if (strcmp(dumps[i].format, "bson") == 0)
				store_documents(f, &dumps[i], folder, &lines);
			else
				store_dump(f, &dumps[i], folder, &lines);
		}
		ok(buf_str(&members, "]}", &err));
		ok(str_printf(&file, &err, "%s.jsonl", service));
		store_bytes(f, &lines, census, file);
		close_folder(f, folder, databases, service);
	}
	close_folder(f, census, meta, "census");
	close_folder(f, databases, root, "databases");
	close_folder(f, meta, root, "meta");
	ok(dir_builder_finish(root, f->writer, NULL, &e, &err));
	dir_builder_free(root);
	ok(writer_flush(f->writer, &err));
	ok(tree_entry_encode(&e, &raw, &err));
	AUTO(mem) char *hex = malloc(2 * raw.len + 1);
	assert_non_null(hex);
	hex_encode(hex, raw.data, raw.len);
	ok(buf_printf(&document, &err,
	    "{\"version\":1,\"root\":\"%s\",\"stack\":{\"name\":\"shop\"},\"members\":[%s]}",
	    hex, members.len > 0 ? buf_cstr(&members) : ""));
	ok(snapshot_save(f->repo, &document, id, &err));
}

#endif
