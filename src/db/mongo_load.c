/*
 * A restore: first everything that the server has is dropped, then collections
 * are made with their options, filled without validation, counted, and given
 * their indexes; then views; then users and roles, since those that we are
 * logged in as may be replaced.
 */
#include "db/mongo_impl.h"

#include "db/bson_json.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>

/* How much goes into one insert: less than a document may have, with room for the command. */
#define INSERT_BYTES ((size_t)4 << 20)
#define INSERT_DOCUMENTS 50000
#define READ_SIZE ((size_t)256 << 10)
#define PRIMARY_WAIT_MS 60000
#define PRIMARY_POLL_MS 100

/* --- inserting --- */

struct inserter {
	struct mongo *m;
	const char *database;
	const char *collection;
	struct buf documents; /* whole ones */
	uint64_t count; /* in documents */
	uint64_t total;
};

/* Why the first of them was not taken; true when all were. */
static enum err_code
judge_insert(const struct inserter *in, const struct mongo_answer *a, struct err *err)
{
	static const char *const why[] = { "writeErrors", "0", "errmsg", NULL };
	static const char *const concern[] = { "writeConcernError", "errmsg", NULL };
	struct bson_value v;
	if (bson_find(a->data, a->len, why, &v) || bson_find(a->data, a->len, concern, &v))
		return err_set(err, ERR_IO, "the server does not take a document: %s",
		    bson_string(&v) != NULL ? bson_string(&v) : "it does not say why");
	if (!bson_get(a->data, a->len, "n", &v) || bson_integer(&v, -1) != (int64_t)in->count)
		return err_set(err, ERR_INCOMPLETE,
		    "the server took another number of documents than %" PRIu64, in->count);
	return ERR_OK;
}

static enum err_code
insert(struct inserter *in, struct err *err)
{
	struct bson_maker b;
	struct mongo_answer a;
	AUTO(bufv) struct buf command = BUF_INIT;
	if (in->count == 0)
		return ERR_OK;
	bson_begin(&b, &command);
	bson_put_string(&b, "insert", in->collection);
	bson_open_array(&b, "documents");
	for (size_t at = 0; at < in->documents.len;) {
		size_t len = bson_length(in->documents.data + at, in->documents.len - at);
		bson_put_document(&b, NULL, in->documents.data + at, len);
		at += len;
	}
	bson_shut(&b);
	bson_put_bool(&b, "ordered", true);
	bson_put_bool(&b, "bypassDocumentValidation", true);
	bson_open_document(&b, "writeConcern");
	bson_put_int32(&b, "w", 1);
	bson_shut(&b);
	if (bson_finish(&b, err) ||
	    mongo_command(in->m->link, in->database, &command, &a, err) ||
	    judge_insert(in, &a, err))
		return err->code;
	in->total += in->count;
	in->count = 0;
	in->documents.len = 0;
	return ERR_OK;
}

/* The documents that have come whole; what is left of them stays at the beginning of data. */
static enum err_code
take_whole(struct inserter *in, struct buf *data, struct err *err)
{
	size_t at = 0;
	for (;;) {
		size_t left = data->len - at;
		size_t len = bson_length(data->data + at, left);
		if (len == 0 && left >= 4)
			return err_set(err, ERR_CORRUPT,
			    "there is no BSON behind document %" PRIu64, in->total + in->count);
		if (len == 0 || len > left)
			break;
		if (in->count > 0 &&
		    (in->documents.len + len > INSERT_BYTES || in->count == INSERT_DOCUMENTS) &&
		    insert(in, err))
			return err->code;
		if (buf_add(&in->documents, data->data + at, len, err))
			return err->code;
		in->count++;
		at += len;
	}
	if (at > 0)
		memmove(data->data, data->data + at, data->len - at);
	data->len -= at;
	return ERR_OK;
}

static enum err_code
insert_stream(struct inserter *in, struct dump_source *src, struct err *err)
{
	AUTO(bufv) struct buf data = BUF_INIT;
	for (;;) {
		size_t got;
		if (cancel_check(in->m->base.t->cancel, err) ||
		    buf_reserve(&data, READ_SIZE, err) ||
		    src->ops->read(src, data.data + data.len, READ_SIZE, &got, err))
			return err->code;
		if (got == 0)
			break;
		data.len += got;
		if (take_whole(in, &data, err))
			return err->code;
	}
	if (data.len > 0)
		return err_set(err, ERR_CORRUPT, "the file ends in the middle of a document");
	return insert(in, err);
}

enum err_code
mongo_insert_file(struct mongo *m, struct dump_source *src, const char *file,
    const char *database, const char *collection, uint64_t *count, struct err *err)
{
	struct inserter in = { m, database, collection, BUF_INIT, 0, 0 };
	if (src->ops->open(src, file, err))
		return err->code;
	enum err_code rc = insert_stream(&in, src, err);
	src->ops->close(src);
	buf_release(&in.documents);
	*count = in.total;
	return rc;
}

/* --- one collection --- */

struct metadata {
	char *database; /* that it goes into */
	char *source; /* that its files are of */
	char *name;
	char *type;
	json_t *whole;
};

#define METADATA_INIT                        \
	{                                    \
		NULL, NULL, NULL, NULL, NULL \
	}

static void
metadata_auto(struct metadata *d)
{
	free(d->database);
	free(d->source);
	free(d->name);
	free(d->type);
	json_decref(d->whole);
}

static enum err_code
read_metadata(struct metadata *out, struct dump_source *src, const char *file, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (dump_slurp(src, file, MONGO_METADATA_MAX, &text, err) ||
	    json_parse(&out->whole, text.data, text.len, file, err) ||
	    mongo_file_database(&out->source, file, err))
		return err->code;
	const char *name = json_get_str(out->whole, "collectionName");
	const char *type = json_get_str(out->whole, "type");
	if (name == NULL || out->source == NULL ||
	    !json_is_object(json_object_get(out->whole, "options")) ||
	    !json_is_array(json_object_get(out->whole, "indexes")))
		return err_set(err, ERR_CORRUPT, "%s is not as mongodump writes it", file);
	if (str_dup(&out->name, name, err) || str_dup(&out->database, out->source, err) ||
	    str_dup(&out->type, type != NULL ? type : "collection", err))
		return err->code;
	return ERR_OK;
}

static enum err_code
create(struct mongo *m, const struct metadata *d, struct err *err)
{
	struct bson_maker b;
	struct bson_walk w;
	struct bson_value v;
	struct mongo_answer a;
	AUTO(bufv) struct buf options = BUF_INIT;
	AUTO(bufv) struct buf command = BUF_INIT;
	if (bson_of_json(&options, json_object_get(d->whole, "options"), err))
		return err->code;
	bson_begin(&b, &command);
	bson_put_string(&b, "create", d->name);
	bson_walk_init(&w, options.data, options.len);
	while (bson_walk_next(&w, &v))
		bson_put_value(&b, v.name, &v);
	if (bson_finish(&b, err))
		return err->code;
	return mongo_command(m->link, d->database, &command, &a, err);
}

/* What every collection has, or its options bring. */
static bool
comes_by_itself(const json_t *index)
{
	const char *name = json_get_str(index, "name");
	return (name != NULL && strcmp(name, "_id_") == 0) || json_get_bool(index, "clustered");
}

static void
put_index(struct bson_maker *b, const uint8_t *doc, size_t len)
{
	struct bson_walk w;
	struct bson_value v;
	bson_open_document(b, NULL);
	bson_walk_init(&w, doc, len);
	while (bson_walk_next(&w, &v))
		/* Where it stood: servers after 4.2 refuse it. */
		if (strcmp(v.name, "ns") != 0)
			bson_put_value(b, v.name, &v);
	bson_shut(b);
}

static enum err_code
create_indexes(struct mongo *m, const struct metadata *d, struct err *err)
{
	struct bson_maker b;
	struct mongo_answer a;
	size_t i;
	size_t count = 0;
	const json_t *index;
	AUTO(bufv) struct buf command = BUF_INIT;
	bson_begin(&b, &command);
	bson_put_string(&b, "createIndexes", d->name);
	bson_open_array(&b, "indexes");
	json_array_foreach(json_object_get(d->whole, "indexes"), i, index)
	{
		AUTO(bufv) struct buf doc = BUF_INIT;
		if (comes_by_itself(index))
			continue;
		if (bson_of_json(&doc, index, err))
			return err->code;
		put_index(&b, doc.data, doc.len);
		count++;
	}
	bson_shut(&b);
	if (bson_finish(&b, err))
		return err->code;
	return count > 0 ? mongo_command(m->link, d->database, &command, &a, err) : ERR_OK;
}

/* The file of its documents, and the collection that they go into. */
static enum err_code
find_documents(const struct strv *files, const struct metadata *d, char **file,
    char **collection, struct err *err)
{
	AUTO(str) char *buckets = NULL;
	if (str_printf(&buckets, err, MONGO_BUCKETS "%s", d->name) ||
	    mongo_file_name(file, d->source, buckets, MONGO_BSON, err))
		return err->code;
	if (strcmp(d->type, "timeseries") == 0 && strv_has(files, *file)) {
		*collection = TAKE(buckets);
		return ERR_OK;
	}
	free(TAKE(*file));
	if (mongo_file_name(file, d->source, d->name, MONGO_BSON, err))
		return err->code;
	return str_dup(collection, d->name, err);
}

static enum err_code
load_collection(struct mongo *m, struct dump_source *src, const struct strv *files,
    const struct metadata *d, struct err *err)
{
	uint64_t loaded;
	uint64_t counted;
	AUTO(str) char *file = NULL;
	AUTO(str) char *collection = NULL;
	if (find_documents(files, d, &file, &collection, err) || create(m, d, err) ||
	    mongo_insert_file(m, src, file, d->database, collection, &loaded, err) ||
	    mongo_count(m, d->database, collection, &counted, err))
		return err->code;
	if (counted != loaded)
		return err_set(err, ERR_INCOMPLETE,
		    "the server counts %" PRIu64 " documents after %" PRIu64 " were loaded",
		    counted, loaded);
	return create_indexes(m, d, err);
}

enum err_code
mongo_load_as(struct mongo *m, const json_t *metadata, const char *database, const char *name,
    struct dump_source *src, uint64_t count, struct err *err)
{
	AUTO(metadata) struct metadata d = METADATA_INIT;
	uint64_t loaded;
	uint64_t counted;
	if (!json_is_object(json_object_get(metadata, "options")) ||
	    !json_is_array(json_object_get(metadata, "indexes")))
		return err_set(err, ERR_CORRUPT, "its metadata is not as mongodump writes it");
	if (str_dup(&d.database, database, err) || str_dup(&d.name, name, err))
		return err->code;
	d.whole = json_copy((json_t *)(uintptr_t)metadata);
	if (d.whole == NULL)
		return err_nomem(err);
	if (create(m, &d, err) ||
	    mongo_insert_file(m, src, "the documents", database, name, &loaded, err) ||
	    mongo_count(m, database, name, &counted, err))
		return err->code;
	if (counted != count || loaded != count)
		return err_set(err, ERR_INCOMPLETE,
		    "%" PRIu64 " documents were backed up, %" PRIu64
		    " loaded, the server counts "
		    "%" PRIu64,
		    count, loaded, counted);
	return create_indexes(m, &d, err);
}

/* Its own database, or another. */
static enum err_code
load_metadata(struct mongo *m, struct dump_source *src, const struct strv *files,
    const char *file, bool want_views, const char *into, struct err *err)
{
	AUTO(metadata) struct metadata d = METADATA_INIT;
	if (read_metadata(&d, src, file, err))
		return err->code;
	bool is_view = strcmp(d.type, "view") == 0;
	if (is_view != want_views)
		return ERR_OK;
	if (into != NULL) {
		free(TAKE(d.database));
		if (str_dup(&d.database, into, err))
			return err->code;
	}
	if (is_view ? create(m, &d, err) : load_collection(m, src, files, &d, err))
		return err_wrap(err, "%s.%s", d.database, d.name);
	return ERR_OK;
}

/* --- the whole --- */

/* Databases, and of admin, which cannot be dropped, the collections. */
static enum err_code
drop_all(struct mongo *m, struct err *err)
{
	AUTO(mongo_list) struct mongo_list l = MONGO_LIST_INIT;
	struct db_info info = DB_INFO_INIT;
	struct mongo_answer a;
	enum err_code rc = mongo_list_read(&l, m->link, &info, err);
	for (size_t i = 0; rc == ERR_OK && i < info.database_count; i++)
		if (strcmp(info.databases[i].name, "admin") != 0)
			rc = mongo_simple(
			    m->link, info.databases[i].name, "dropDatabase", &a, err);
	for (size_t i = 0; rc == ERR_OK && i < l.len; i++)
		if (strcmp(l.items[i].database, "admin") == 0)
			rc = mongo_order(m->link, "admin", "drop", l.items[i].name, err);
	db_info_release(&info);
	return rc;
}

/* What tells one life of a set from another is the new one's own. */
static void
put_new_config(struct bson_maker *b, const struct buf *config)
{
	struct bson_walk w;
	struct bson_walk within;
	struct bson_value v;
	struct bson_value setting;
	bson_walk_init(&w, config->data, config->len);
	while (bson_walk_next(&w, &v)) {
		if (strcmp(v.name, "version") == 0 || strcmp(v.name, "term") == 0)
			continue;
		if (strcmp(v.name, "settings") != 0 || v.type != BSON_DOCUMENT) {
			bson_put_value(b, v.name, &v);
			continue;
		}
		bson_open_document(b, v.name);
		bson_walk_init(&within, v.data, v.len);
		while (bson_walk_next(&within, &setting))
			if (strcmp(setting.name, "replicaSetId") != 0)
				bson_put_value(b, setting.name, &setting);
		bson_shut(b);
	}
	bson_put_int32(b, "version", 1);
}

/* The set as it was, so that clients find it under the names that they know. */
static enum err_code
initiate(struct mongo *m, struct dump_source *src, struct err *err)
{
	struct bson_maker b;
	struct mongo_answer a;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(bufv) struct buf config = BUF_INIT;
	AUTO(bufv) struct buf command = BUF_INIT;
	AUTO(json) json_t *facts = NULL;
	if (dump_slurp(src, MONGO_FACTS, MONGO_METADATA_MAX, &text, err) ||
	    json_parse(&facts, text.data, text.len, MONGO_FACTS, err))
		return err->code;
	const json_t *stored = json_object_get(facts, "replica_set_config");
	if (!json_is_object(stored))
		return err_set(err, ERR_UNSUPPORTED,
		    "the server waits to be made a replica set, and the backup does not say "
		    "how it was: run rs.initiate() in its shell, then restore again");
	if (bson_of_json(&config, stored, err))
		return err->code;
	bson_begin(&b, &command);
	bson_open_document(&b, "replSetInitiate");
	put_new_config(&b, &config);
	bson_shut(&b);
	if (bson_finish(&b, err))
		return err->code;
	if (mongo_command(m->link, "admin", &command, &a, err) &&
	    m->link->refusal != MONGO_ALREADY_INITIALIZED)
		return err->code;
	*err = (struct err)ERR_INIT;
	return ERR_OK;
}

static enum err_code
wait_for_primary(struct mongo *m, struct err *err)
{
	int64_t deadline = clock_mono_ns() + PRIMARY_WAIT_MS * NS_PER_MS;
	for (;;) {
		if (mongo_hello(&m->facts, m->link, err))
			return err->code;
		if (m->facts.is_primary)
			return ERR_OK;
		if (clock_mono_ns() >= deadline)
			return err_set(err, ERR_TRANSIENT,
			    "the server is not the primary of replica set %s after %d ms",
			    m->facts.set != NULL ? m->facts.set : "?", PRIMARY_WAIT_MS);
		struct pollfd pfd = { cancel_fd(m->base.t->cancel), POLLIN, 0 };
		poll(&pfd, 1, PRIMARY_POLL_MS);
		if (cancel_check(m->base.t->cancel, err))
			return err->code;
	}
}

static enum err_code
open_for_load(struct mongo *m, struct dump_source *src, struct err *err)
{
	mongo_link_close(TAKE(m->link));
	m->has_moment = false;
	*err = (struct err)ERR_INIT;
	if (mongo_connect(&m->link, m, err) || mongo_hello(&m->facts, m->link, err))
		return err->code;
	if (m->facts.is_fresh && initiate(m, src, err))
		return err->code;
	return wait_for_primary(m, err);
}

static enum err_code
load_all(struct mongo *m, struct dump_source *src, const struct strv *files, bool views,
    struct err *err)
{
	for (size_t i = 0; i < files->len; i++)
		if (str_ends(files->items[i], MONGO_METADATA) &&
		    load_metadata(m, src, files, files->items[i], views, NULL, err))
			return err->code;
	return ERR_OK;
}

enum err_code
mongo_load(struct connector *c, struct dump_source *src, struct err *err)
{
	struct mongo *m = mongo_of(c);
	AUTO(strv) struct strv files = STRV_INIT;
	if (src->ops->list(src, &files, err))
		return err->code;
	strv_sort(&files);
	if (open_for_load(m, src, err) || drop_all(m, err) ||
	    load_all(m, src, &files, false, err) || load_all(m, src, &files, true, err))
		return err->code;
	return mongo_load_users(m, src, err);
}

static enum err_code
load_part(struct mongo *m, struct dump_source *src, const struct strv *files,
    const char *database, const char *into, bool views, size_t *found, struct err *err)
{
	for (size_t i = 0; i < files->len; i++) {
		AUTO(str) char *of = NULL;
		if (!str_ends(files->items[i], MONGO_METADATA))
			continue;
		if (mongo_file_database(&of, files->items[i], err))
			return err->code;
		if (of == NULL || strcmp(of, database) != 0)
			continue;
		++*found;
		if (load_metadata(m, src, files, files->items[i], views, into, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
mongo_load_database(struct mongo *m, struct dump_source *src, const char *database,
    const char *into, struct err *err)
{
	AUTO(strv) struct strv files = STRV_INIT;
	size_t found = 0;
	if (src->ops->list(src, &files, err))
		return err->code;
	strv_sort(&files);
	if (load_part(m, src, &files, database, into, false, &found, err) ||
	    load_part(m, src, &files, database, into, true, &found, err))
		return err->code;
	return found > 0 ? ERR_OK
			 : err_set(err, ERR_NOT_FOUND,
			       "the snapshot has no database %s of this service", database);
}
