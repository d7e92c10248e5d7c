/* The dump: each collection's metadata, and its documents as the server sends them. */
#include "db/mongo_impl.h"

#include "base/json.h"
#include "base/room.h"

#include <inttypes.h>
#include <string.h>

/* Documents are handed on in pieces of about this size. */
#define PIECE ((size_t)256 << 10)

struct dump_job {
	struct mongo *m;
	struct dump_out out;
};

/* --- documents --- */

/* Whole documents, and where each ends. */
struct piece {
	struct buf data;
	uint32_t *ends;
	size_t count;
	size_t cap;
};

static void
piece_auto(struct piece *p)
{
	buf_release(&p->data);
	free(p->ends);
}

static enum err_code
add_document(struct piece *p, const uint8_t *doc, size_t len, struct err *err)
{
	if (ROOM(p->ends, p->count, p->cap, 1024, err))
		return err->code;
	if (buf_add(&p->data, doc, len, err))
		return err->code;
	/* At most PIECE and one document. */
	p->ends[p->count++] = (uint32_t)p->data.len;
	return ERR_OK;
}

static enum err_code
pour_piece(const struct dump_out *d, struct piece *p, struct err *err)
{
	if (cancel_check(d->c->t->cancel, err) ||
	    dump_rows(d, p->data.data, p->data.len, p->ends, p->count, err))
		return err->code;
	p->data.len = 0;
	p->count = 0;
	return ERR_OK;
}

/* All that a cursor gives, into the stream that was begun; how many documents. */
static enum err_code
pour(const struct dump_out *d, struct mongo_cursor *c, uint64_t *count, struct err *err)
{
	AUTO(piece) struct piece p = { BUF_INIT, NULL, 0, 0 };
	const uint8_t *doc;
	size_t len;
	*count = 0;
	for (;;) {
		if (mongo_cursor_next(c, &doc, &len, err))
			return err->code;
		if (doc == NULL)
			return pour_piece(d, &p, err);
		if (add_document(&p, doc, len, err))
			return err->code;
		(*count)++;
		if (p.data.len >= PIECE && pour_piece(d, &p, err))
			return err->code;
	}
}

/* Before version 8.0 there are no reads of a moment of capped collections. */
static bool
is_of_moment(const struct mongo *m, const struct mongo_collection *c)
{
	return m->has_moment && !(c->is_capped && m->facts.wire < WIRE_SNAPSHOT_OF_CAPPED);
}

static enum err_code
open_find(struct mongo_cursor *cursor, struct mongo *m, const struct mongo_collection *c,
    const char *name, struct err *err)
{
	struct bson_maker b;
	AUTO(bufv) struct buf command = BUF_INIT;
	bson_begin(&b, &command);
	bson_put_string(&b, "find", name);
	bson_put_bool(&b, "noCursorTimeout", true);
	if (is_of_moment(m, c))
		mongo_put_moment(&b, m);
	if (bson_finish(&b, err))
		return err->code;
	if (m->has_moment && !is_of_moment(m, c) &&
	    dump_warn(&m->base, err,
		"before version 8.0 a capped collection cannot be read as of a moment: %s.%s "
		"is as it was a little later",
		c->database, c->name))
		return err->code;
	if (mongo_cursor_open(cursor, m->link, c->database, &command, err) == ERR_OK)
		return ERR_OK;
	if (m->link->refusal == MONGO_SNAPSHOT_TOO_OLD)
		err_wrap(err,
		    "the dump takes longer than the server remembers: set its parameter "
		    "minSnapshotHistoryWindowInSeconds to more than that");
	return err->code;
}

/* --- counts --- */

/* What the server keeps account of, at once; not of the moment, and after a crash not exact. */
static enum err_code
read_account(
    struct mongo *m, const char *database, const char *name, uint64_t *out, struct err *err)
{
	struct bson_maker b;
	struct mongo_answer a;
	struct bson_value n;
	AUTO(bufv) struct buf command = BUF_INIT;
	bson_begin(&b, &command);
	bson_put_string(&b, "count", name);
	if (bson_finish(&b, err) || mongo_command(m->link, database, &command, &a, err))
		return err->code;
	if (!bson_get(a.data, a.len, "n", &n) || bson_integer(&n, -1) < 0)
		return err_set(
		    err, ERR_INCOMPLETE, "the server does not say how many there are");
	*out = (uint64_t)bson_integer(&n, 0);
	return ERR_OK;
}

enum err_code
mongo_count(struct mongo *m, const char *database, const char *collection, uint64_t *count,
    struct err *err)
{
	struct bson_maker b;
	const uint8_t *doc;
	size_t len;
	struct bson_value n;
	AUTO(bufv) struct buf command = BUF_INIT;
	AUTO(mongo_cursor) struct mongo_cursor c = MONGO_CURSOR_INIT;
	bson_begin(&b, &command);
	bson_put_string(&b, "aggregate", collection);
	bson_open_array(&b, "pipeline");
	bson_open_document(&b, NULL);
	bson_open_document(&b, "$group");
	bson_put_int32(&b, "_id", 1);
	bson_open_document(&b, "n");
	bson_put_int32(&b, "$sum", 1);
	bson_shut(&b);
	bson_shut(&b);
	bson_shut(&b);
	bson_shut(&b);
	bson_open_document(&b, "cursor");
	bson_shut(&b);
	mongo_put_moment(&b, m);
	if (bson_finish(&b, err) || mongo_cursor_open(&c, m->link, database, &command, err) ||
	    mongo_cursor_next(&c, &doc, &len, err))
		return err->code;
	*count = 0;
	if (doc != NULL && bson_get(doc, len, "n", &n))
		*count = (uint64_t)bson_integer(&n, 0);
	return ERR_OK;
}

/* Counting one by one reads all once more, so only where the account says something else.
 * Without a moment others may have added some, or removed some, meanwhile; but what was there
 * before and is there afterwards must have come. */
static enum err_code
check_count(struct mongo *m, const struct mongo_collection *c, const char *name,
    uint64_t before, uint64_t got, struct err *err)
{
	uint64_t want;
	if (read_account(m, c->database, name, &want, err))
		return err->code;
	if (want == got)
		return ERR_OK;
	if (mongo_count(m, c->database, name, &want, err))
		return err->code;
	if (is_of_moment(m, c) ? want != got : got < (before < want ? before : want))
		return err_set(err, ERR_INCOMPLETE,
		    "%" PRIu64 " documents came, the server counts %" PRIu64, got, want);
	return ERR_OK;
}

static enum err_code
pour_collection(
    struct dump_job *j, const struct mongo_collection *c, const char *name, struct err *err)
{
	uint64_t before = 0;
	uint64_t count;
	AUTO(mongo_cursor) struct mongo_cursor cursor = MONGO_CURSOR_INIT;
	if (!is_of_moment(j->m, c) && read_account(j->m, c->database, name, &before, err))
		return err->code;
	if (open_find(&cursor, j->m, c, name, err) || pour(&j->out, &cursor, &count, err))
		return err->code;
	return check_count(j->m, c, name, before, count, err);
}

static enum err_code
dump_documents(struct dump_job *j, const struct mongo_collection *c, struct err *err)
{
	AUTO(str) char *name = NULL;
	AUTO(str) char *file = NULL;
	if (str_printf(&name, err, "%s%s", c->has_buckets ? MONGO_BUCKETS : "", c->name) ||
	    mongo_file_name(&file, c->database, name, MONGO_BSON, err))
		return err->code;
	struct dump_head head = { file, c->database, DUMP_BSON, NULL, NULL, true };
	if (dump_begin(&j->out, &head, err) || pour_collection(j, c, name, err) ||
	    dump_end(&j->out, err))
		return err_wrap(err, "%s", file);
	return ERR_OK;
}

/* --- metadata --- */

static enum err_code
write_indexes(
    struct mongo *m, const struct mongo_collection *c, struct buf *out, struct err *err)
{
	struct bson_maker b;
	const uint8_t *doc;
	size_t len;
	const char *comma = "";
	AUTO(bufv) struct buf command = BUF_INIT;
	AUTO(mongo_cursor) struct mongo_cursor cursor = MONGO_CURSOR_INIT;
	bson_begin(&b, &command);
	bson_put_string(&b, "listIndexes", c->name);
	if (bson_finish(&b, err) ||
	    mongo_cursor_open(&cursor, m->link, c->database, &command, err))
		return err->code;
	for (;;) {
		if (mongo_cursor_next(&cursor, &doc, &len, err))
			return err->code;
		if (doc == NULL)
			return ERR_OK;
		if (buf_str(out, comma, err) || bson_json(out, doc, len, BSON_CANONICAL, err))
			return err->code;
		comma = ",";
	}
}

static enum err_code
write_metadata(
    struct mongo *m, const struct mongo_collection *c, struct buf *out, struct err *err)
{
	static const char *const types[] = { "collection", "view", "timeseries" };
	if (buf_str(out, "{\"options\":", err) ||
	    bson_json(out, c->options.data, c->options.len, BSON_CANONICAL, err) ||
	    buf_str(out, ",\"indexes\":[", err) ||
	    (c->shape != MONGO_VIEW && write_indexes(m, c, out, err)) || buf_str(out, "]", err))
		return err->code;
	if (c->uuid[0] != '\0' && c->shape != MONGO_VIEW &&
	    buf_printf(out, err, ",\"uuid\":\"%s\"", c->uuid))
		return err->code;
	if (buf_str(out, ",\"collectionName\":", err) ||
	    bson_json_string(out, c->name, strlen(c->name), err))
		return err->code;
	return buf_printf(out, err, ",\"type\":\"%s\"}", types[c->shape]);
}

static enum err_code
dump_metadata(struct dump_job *j, const struct mongo_collection *c, struct err *err)
{
	AUTO(str) char *file = NULL;
	AUTO(bufv) struct buf text = BUF_INIT;
	if (mongo_file_name(&file, c->database, c->name, MONGO_METADATA, err))
		return err->code;
	struct dump_head head = { file, c->database, DUMP_METADATA, NULL, NULL, true };
	if (write_metadata(j->m, c, &text, err))
		return err_wrap(err, "%s", file);
	return dump_whole(&j->out, &head, &text, err);
}

/* --- all of it --- */

static enum err_code
dump_facts(struct dump_job *j, struct err *err)
{
	const struct mongo *m = j->m;
	struct dump_head head = { MONGO_FACTS, NULL, DUMP_JSON, NULL, NULL, false };
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(bufv) struct buf config = BUF_INIT;
	struct json_writer w;
	/* The set's configuration has numbers of kinds that plain JSON does not keep. */
	if (m->set_config.len > 0 &&
	    bson_json(&config, m->set_config.data, m->set_config.len, BSON_CANONICAL, err))
		return err->code;
	AUTO(json) json_t *parsed = NULL;
	if (config.len > 0 &&
	    json_parse(&parsed, config.data, config.len, "replSetGetConfig", err))
		return err->code;
	json_init(&w, &text);
	json_obj(&w, NULL);
	json_str(&w, "version", m->base.report.info.version);
	json_str(&w, "replica_set", m->facts.set);
	if (parsed != NULL)
		json_value(&w, "replica_set_config", parsed);
	json_flag(&w, "one_moment", m->has_moment);
	json_str(&w, "position", m->base.report.fence.position);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return dump_whole(&j->out, &head, &text, err);
}

/* A collection that went away meanwhile, or was made anew, was read in part at best. */
static enum err_code
check_list(struct mongo *m, struct err *err)
{
	AUTO(mongo_list) struct mongo_list after = MONGO_LIST_INIT;
	if (mongo_list_read(&after, m->link, NULL, err))
		return err->code;
	for (size_t i = 0; i < m->list.len; i++) {
		const struct mongo_collection *c = &m->list.items[i];
		const struct mongo_collection *now =
		    mongo_list_find(&after, c->database, c->name);
		if (now == NULL || (c->shape != MONGO_VIEW && strcmp(now->uuid, c->uuid) != 0))
			return err_set(err, ERR_INCOMPLETE,
			    "%s.%s was dropped, renamed or made anew while it was dumped: run "
			    "the backup again",
			    c->database, c->name);
	}
	for (size_t i = 0; i < after.len && !m->has_moment; i++) {
		const struct mongo_collection *c = &after.items[i];
		if (mongo_list_find(&m->list, c->database, c->name) == NULL &&
		    dump_warn(&m->base, err,
			"%s.%s came while the server was dumped, and is not captured",
			c->database, c->name))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
mongo_drain(struct connector *c, struct dump_sink *sink, struct err *err)
{
	struct dump_job j = { mongo_of(c), { c, sink } };
	const struct mongo_list *l = &j.m->list;
	if (dump_facts(&j, err) || mongo_drain_users(j.m, &j.out, err))
		return err->code;
	for (size_t i = 0; i < l->len; i++)
		if (dump_metadata(&j, &l->items[i], err) ||
		    (l->items[i].shape != MONGO_VIEW && dump_documents(&j, &l->items[i], err)))
			return err->code;
	return check_list(j.m, err);
}
