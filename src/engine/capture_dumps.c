/*
 * A database's dumps as the files of its member: a stream that is cut into
 * parts (db/dataset.h) becomes a folder of them, any other a file.
 */
#include "base/room.h"
#include "engine/capture.h"
#include "engine/dump_folders.h"

#include "base/strv.h"
#include "db/dataset.h"
#include "sys/clock.h"
#include "tree/dir.h"

struct dump_store {
	struct dump_sink sink;
	struct backup_run *run;
	struct capture *capture;
	struct dump_folders *folder; /* the member's */
	struct intake *intake;

	/* of the dump that is open */
	char *name;
	struct sha256 *hash;
	uint64_t bytes;
	struct dir_builder *parts; /* NULL: it is one file */
	char *part; /* the name of the one that is open */
	struct stream *stream; /* of that, or of the file; NULL: nothing came yet */
};

static struct tree_entry
entry_of(const struct capture *c, enum tree_type type, uint32_t mode)
{
	return (struct tree_entry){
		.type = type,
		.name = "",
		.mode = mode,
		.links = 1,
		.modified = { .s = c->fence.begin_ns / NS_PER_S,
		    .ns = (uint32_t)(c->fence.begin_ns % NS_PER_S) },
	};
}

/* The stream that is open becomes a file of that name: a part, or of the member's own. */
static enum err_code
end_file(struct dump_store *d, struct dir_builder *parts, const char *name, struct err *err)
{
	AUTO(content) struct content content = CONTENT_INIT;
	if (stream_close(TAKE(d->stream), &content, err))
		return err->code;
	struct tree_entry e = entry_of(d->capture, TREE_FILE, 0600);
	e.content = content; /* borrowed */
	if (parts != NULL ? dir_builder_add(parts, name, &e, err)
			  : dump_folders_add(d->folder, name, &e, err))
		return err->code;
	d->capture->files++;
	atomic_fetch_add(&d->run->progress.files, 1);
	return ERR_OK;
}

static enum err_code
end_part(struct dump_store *d, struct err *err)
{
	AUTO(str) char *name = TAKE(d->part);
	return name != NULL ? end_file(d, d->parts, name, err) : ERR_OK;
}

/* --- what the connector gives --- */

static enum err_code
begin_dump(struct dump_sink *sink, const struct dump_stream *stream, struct err *err)
{
	struct dump_store *d = (struct dump_store *)sink;
	d->bytes = 0;
	if (str_dup(&d->name, stream->name, err))
		return err->code;
	/* One table, and nothing else: the file is what elsewhere is a part. */
	return stream->format == DUMP_BSON ? stream_open_rows(&d->stream, d->intake, err)
					   : ERR_OK;
}

static enum err_code
begin_part(struct dump_sink *sink, const struct dataset_part *part, struct err *err)
{
	struct dump_store *d = (struct dump_store *)sink;
	if ((d->parts == NULL && dir_builder_new(&d->parts, err)) || end_part(d, err) ||
	    str_dup(&d->part, part->name, err))
		return err->code;
	if (part->table != NULL)
		return stream_open_rows(&d->stream, d->intake, err);
	enum chunk_kind kind = str_ends(part->name, ".sql") ? CHUNK_ROWS : CHUNK_DATA;
	return stream_open(&d->stream, d->intake, kind, err);
}

static enum err_code
note_bytes(struct dump_store *d, const void *data, size_t len, struct err *err)
{
	if (cancel_check(d->run->engine->cancel, err) || sha256_add(d->hash, data, len, err))
		return err->code;
	d->bytes += len;
	atomic_fetch_add(&d->run->progress.bytes, len);
	return ERR_OK;
}

static enum err_code
write_dump(struct dump_sink *sink, const void *data, size_t len, struct err *err)
{
	struct dump_store *d = (struct dump_store *)sink;
	if (d->stream == NULL && stream_open(&d->stream, d->intake, CHUNK_DATA, err))
		return err->code;
	return note_bytes(d, data, len, err) ? err->code
					     : stream_write(d->stream, data, len, err);
}

static enum err_code
write_rows(struct dump_sink *sink, const void *data, size_t len, const uint32_t *ends,
    size_t count, struct err *err)
{
	struct dump_store *d = (struct dump_store *)sink;
	return note_bytes(d, data, len, err)
		   ? err->code
		   : stream_rows(d->stream, data, len, ends, count, err);
}

static enum err_code
write_border(struct dump_sink *sink, struct err *err)
{
	struct dump_store *d = (struct dump_store *)sink;
	return stream_border(d->stream, err);
}

/* The parts become the folder of the stream's name. */
static enum err_code
end_folder(struct dump_store *d, struct err *err)
{
	AUTO(dir_builder) struct dir_builder *parts = NULL;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	if (end_part(d, err))
		return err->code;
	parts = TAKE(d->parts);
	struct tree_entry like = entry_of(d->capture, TREE_DIR, 0700);
	if (dir_builder_finish(parts, d->run->writer, &like, &e, err))
		return err->code;
	return dump_folders_add(d->folder, d->name, &e, err);
}

static enum err_code
end_dump(struct dump_sink *sink, struct err *err)
{
	struct dump_store *d = (struct dump_store *)sink;
	struct capture *c = d->capture;
	if (d->parts == NULL && d->stream == NULL &&
	    stream_open(&d->stream, d->intake, CHUNK_DATA, err))
		return err->code;
	if (d->parts != NULL ? end_folder(d, err) : end_file(d, NULL, d->name, err))
		return err->code;
	if (ROOM_SHORT(c->dumps, c->n_dumps, err))
		return err->code;
	struct dumped *record = &c->dumps[c->n_dumps];
	*record = (struct dumped){ .bytes = d->bytes };
	if (sha256_finish(d->hash, record->sha256, err))
		return err->code;
	record->name = TAKE(d->name);
	c->n_dumps++;
	c->bytes += d->bytes;
	return ERR_OK;
}

static void
dump_store_auto(struct dump_store *d)
{
	stream_abort(d->stream);
	intake_free(d->intake);
	dir_builder_free(d->parts);
	dump_folders_free(d->folder);
	sha256_free(d->hash);
	free(d->part);
	free(d->name);
}

/* --- what is recorded of them --- */

/* "pg_dump --format=plain …", for the record. */
static enum err_code
join_argv(char **out, const struct strv *argv, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	for (size_t i = 0; i < argv->len; i++)
		if (buf_printf(&line, err, "%s%s", i > 0 ? " " : "", argv->items[i]))
			return err->code;
	const char *text = buf_cstr(&line);
	return text != NULL ? str_dup(out, text, err) : err_nomem(err);
}

/* What the connector knows of each dump, beside what was counted here. */
static enum err_code
describe_dumps(struct capture *c, struct err *err)
{
	const struct db_report *report = connector_report(c->connector);
	for (size_t i = 0; i < c->n_dumps; i++) {
		struct dumped *d = &c->dumps[i];
		const struct dump_stream *s = NULL;
		for (size_t k = 0; k < report->stream_count; k++)
			if (strcmp(report->streams[k].name, d->name) == 0)
				s = &report->streams[k];
		if (s == NULL || s->bytes != d->bytes)
			return err_set(err, ERR_INCOMPLETE,
			    "service %s: %s: %llu bytes were stored, %llu were dumped",
			    c->server.target.service, d->name, (unsigned long long)d->bytes,
			    (unsigned long long)(s != NULL ? s->bytes : 0));
		if ((s->database != NULL && str_dup(&d->database, s->database, err)) ||
		    (s->tool != NULL && str_dup(&d->tool, s->tool, err)) ||
		    str_dup(&d->format, dump_format_word(s->format), err) ||
		    join_argv(&d->argv, &s->argv, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
save_dumps(struct backup_run *r, struct capture *c, struct err *err)
{
	static const struct dump_sink_ops ops = {
		.begin = begin_dump,
		.write = write_dump,
		.end = end_dump,
		.part = begin_part,
		.rows = write_rows,
		.border = write_border,
	};
	AUTO(dump_store) struct dump_store d = { .sink = { &ops }, .run = r, .capture = c };
	struct tree_entry like = entry_of(c, TREE_DIR, 0700);
	if (dump_folders_new(&d.folder, &like, err) || intake_new(&d.intake, r->writer, err) ||
	    sha256_new(&d.hash, err) || connector_drain(c->connector, &d.sink, err))
		return err->code;
	if (c->n_dumps == 0)
		return err_set(err, ERR_INCOMPLETE, "service %s: its tools gave no dump at all",
		    c->server.target.service);
	if (describe_dumps(c, err))
		return err->code;
	if (dump_folders_finish(d.folder, r->writer, &c->entry, err))
		return err->code;
	c->has_entry = true;
	return ERR_OK;
}
