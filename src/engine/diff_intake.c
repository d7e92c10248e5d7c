/*
 * The dumps of a server that runs: cut as a backup would cut them, and counted
 * off against what the snapshot has.  Nothing is stored.
 */
#include "engine/diff_rows_impl.h"

#include "db/dataset.h"

#include <string.h>

struct diff_intake {
	struct dump_sink sink; /* first: the connector's view */
	struct row_diff *d;
	const char *service;
	struct dump_side *dump; /* NULL: it is not wanted, or no dump */
	const struct dump_side *stored; /* what the snapshot has of it; may be NULL */
	struct dump_part *part; /* that is open */
	struct row_tally *tally; /* of its rows; NULL: they are only counted */
	bool is_new; /* the snapshot has no rows of the table */
	bool is_behind_head;
};

/* --- parts --- */

/* Rows of a table that the snapshot has not are all new: only those that are shown are kept. */
static enum err_code
open_table(struct diff_intake *s, const char *table, struct err *err)
{
	static const struct content nothing = CONTENT_INIT;
	const struct dump_part *stored =
	    s->stored != NULL ? dump_side_find(s->stored, table) : NULL;
	struct row_tally_options opt = { .stored = &nothing, .spill = s->d->spill };
	s->is_new = stored == NULL || stored->rows == 0;
	s->is_behind_head = false;
	if (!s->is_new)
		opt.stored = &stored->content;
	if (!diff_wants_table(s->d, table) || (s->is_new && s->d->opt->limit == 0) ||
	    (s->stored != NULL && s->stored->is_whole))
		return ERR_OK;
	return row_tally_open(&s->tally, s->d->engine->repo, &opt, err);
}

static enum err_code
close_part(struct diff_intake *s, struct err *err)
{
	AUTO(row_tally) struct row_tally *tally = TAKE(s->tally);
	struct dump_part *p = s->part;
	s->part = NULL;
	return tally != NULL ? row_tally_finish(tally, &p->rest, err) : ERR_OK;
}

static enum err_code
begin_part(struct dump_sink *sink, const struct dataset_part *part, struct err *err)
{
	struct diff_intake *s = (struct diff_intake *)sink;
	AUTO(str) char *table = NULL;
	if (s->dump == NULL)
		return ERR_OK;
	if (close_part(s, err) || dataset_part_table(&table, part->name, err) ||
	    dump_side_add(s->dump, table, &s->part, err))
		return err->code;
	s->part->is_live = true;
	s->dump->is_whole = s->dump->is_whole || dataset_part_is_unknown(part->name);
	return table != NULL ? open_table(s, table, err) : ERR_OK;
}

/* A file of documents is one table's, without parts. */
static enum err_code
begin_documents(struct diff_intake *s, struct err *err)
{
	if (dump_side_add_documents(s->dump, &s->part, err))
		return err->code;
	s->part->is_live = true;
	return open_table(s, s->part->table, err);
}

/* Words between tables and before rows are the schema. */
static enum err_code
take_words(struct dump_sink *sink, const void *data, size_t len, struct err *err)
{
	struct diff_intake *s = (struct diff_intake *)sink;
	atomic_fetch_add(&s->d->bytes, len);
	if (s->dump == NULL || s->part == NULL)
		return ERR_OK; /* what has no parts is compared by its census */
	if (s->tally != NULL && row_tally_write(s->tally, data, len, err))
		return err->code;
	if (s->part->table != NULL && s->is_behind_head)
		return ERR_OK;
	return spill_part_write(s->dump->text, data, len, err);
}

static enum err_code
take_rows(struct dump_sink *sink, const void *data, size_t len, const uint32_t *ends,
    size_t count, struct err *err)
{
	struct diff_intake *s = (struct diff_intake *)sink;
	atomic_fetch_add(&s->d->bytes, len);
	if (s->dump == NULL)
		return ERR_OK;
	s->is_behind_head = true;
	bool is_enough = s->is_new && s->part->rows >= s->d->opt->limit;
	s->part->rows += count;
	return s->tally == NULL || is_enough
		   ? ERR_OK
		   : row_tally_rows(s->tally, data, len, ends, count, err);
}

static enum err_code
take_border(struct dump_sink *sink, struct err *err)
{
	struct diff_intake *s = (struct diff_intake *)sink;
	s->is_behind_head = true;
	return s->tally != NULL ? row_tally_border(s->tally, err) : ERR_OK;
}

/* --- dumps --- */

static enum err_code
begin(struct dump_sink *sink, const struct dump_stream *stream, struct err *err)
{
	struct diff_intake *s = (struct diff_intake *)sink;
	const char *format = dump_format_word(stream->format);
	const char *database = stream->database != NULL ? stream->database : "";
	s->dump = NULL;
	if (!diff_is_dump(format) || !diff_wants_dump(s->d, format, stream->database))
		return ERR_OK;
	struct diff_side *live = &s->d->b;
	if (diff_side_add(live, s->service, stream->name, database, format, &s->dump, err))
		return err->code;
	s->stored = diff_side_find(&s->d->a, s->service, stream->name);
	s->dump->is_live = true;
	s->dump->is_whole = !s->dump->is_known;
	if (spill_part_new(&s->dump->text, s->d->spill, err))
		return err->code;
	return stream->format == DUMP_BSON ? begin_documents(s, err) : ERR_OK;
}

static enum err_code
end(struct dump_sink *sink, struct err *err)
{
	struct diff_intake *s = (struct diff_intake *)sink;
	struct dump_side *dump = TAKE(s->dump);
	if (dump == NULL)
		return ERR_OK;
	if (close_part(s, err) || spill_part_end(dump->text, err))
		return err->code;
	return dump_side_sort(dump, err);
}

/* What is compared by its census needs one: that of the report is the connector's. */
static enum err_code
take_census(
    struct row_diff *d, const char *service, const struct dump_stream *stream, struct err *err)
{
	AUTO(bufv) struct buf lines = BUF_INIT;
	struct dump_side *b = diff_side_find(&d->b, service, stream->name);
	const struct dump_side *a = diff_side_find(&d->a, service, stream->name);
	bool is_whole = b != NULL && (b->is_whole || (a != NULL && a->is_whole));
	if (!is_whole || stream->census == NULL || !census_is_known(stream->census))
		return ERR_OK;
	if (census_write(stream->census, stream->name, &lines, err))
		return err->code;
	return census_parse(&b->census, lines.data, lines.len, stream->name, err);
}

static enum err_code
take_report(struct row_diff *d, const char *service, const struct db_report *r, struct err *err)
{
	for (size_t i = 0; i < r->stream_count; i++)
		if (take_census(d, service, &r->streams[i], err))
			return err->code;
	for (size_t i = 0; i < r->warnings.len; i++)
		event_warning(d->engine->events, service, "%s", r->warnings.items[i]);
	return ERR_OK;
}

enum err_code
diff_intake_new(
    struct diff_intake **out, struct row_diff *d, const char *service, struct err *err)
{
	static const struct dump_sink_ops ops = {
		.begin = begin,
		.write = take_words,
		.end = end,
		.part = begin_part,
		.rows = take_rows,
		.border = take_border,
	};
	struct diff_intake *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	s->sink.ops = &ops;
	s->d = d;
	s->service = service;
	*out = s;
	return ERR_OK;
}

void
diff_intake_free(struct diff_intake *s)
{
	if (s == NULL)
		return;
	row_tally_free(s->tally);
	free(s);
}

struct dump_sink *
diff_intake_sink(struct diff_intake *s)
{
	return &s->sink;
}

enum err_code
diff_take_server(struct row_diff *d, const struct diff_server *server, struct db_fence *fence,
    struct err *err)
{
	const char *service = server->target->service;
	AUTO(diff_intake) struct diff_intake *intake = NULL;
	AUTO(connector) struct connector *conn = NULL;
	const struct db_info *info;
	if (diff_intake_new(&intake, d, service, err) ||
	    connector_open(&conn, server->target, server->kind, err) ||
	    connector_check(conn, &info, err) || connector_prepare(conn, err) ||
	    connector_fence(conn, fence, err) || connector_drain(conn, &intake->sink, err))
		return err->code;
	return take_report(d, service, connector_report(conn), err);
}
