/*
 * mongo_impl.h: what the parts of the MongoDB connector share.
 *
 * mongo.c        preflight, fence; replica sets
 * mongo_list.c   which collections there are
 * mongo_dump.c   the dump, in the layout of mongodump's folder
 * mongo_load.c   and back
 * mongo_pick.c   one collection (pick.h)
 * mongo_aside.c  one database under another name
 * mongo_users.c  users and roles, both ways
 * mongo_access.c  what the account may do
 *
 * The dump is server.json, admin/system.users.bson, .roles.bson, .version.bson,
 * and for each collection DATABASE/NAME.metadata.json and DATABASE/NAME.bson (mongo_name.h);
 * views have the first only; a time series' documents are those of its buckets
 * where the server shows them, system.buckets.NAME.bson.
 */
#ifndef DB_MONGO_IMPL_H
#define DB_MONGO_IMPL_H

#include "db/bson_json.h"
#include "db/connector_impl.h"
#include "db/dump.h"
#include "db/mongo_cursor.h"
#include "db/mongo_name.h"

#define MONGO_FACTS "server.json"
#define MONGO_BUCKETS "system.buckets."
#define MONGO_METADATA_MAX ((size_t)32 << 20)
/* The versions of the wire protocol in which it became possible. */
#define WIRE_SNAPSHOT_READS 13 /* 5.0 */
#define WIRE_SNAPSHOT_OF_CAPPED 25 /* 8.0 */

enum mongo_shape { MONGO_COLLECTION, MONGO_VIEW, MONGO_TIMESERIES };

struct mongo_collection {
	char *database;
	char *name;
	enum mongo_shape shape;
	bool has_buckets; /* a time series whose buckets can be read */
	bool is_capped;
	char uuid[33]; /* hexadecimal; "" when the server gives none */
	struct buf options; /* a document */
};

struct mongo_list {
	struct mongo_collection *items;
	size_t len;
};

#define MONGO_LIST_INIT \
	{               \
		NULL, 0 \
	}

void mongo_list_release(struct mongo_list *l);
static inline void UNUSED
mongo_list_auto(struct mongo_list *l)
{
	mongo_list_release(l);
}

/* All collections but those of local and config, and those that a server makes by itself;
 * sorted.  databases, which may be NULL, are added to the connector's report. */
MUST_CHECK enum err_code mongo_list_read(
    struct mongo_list *out, struct mongo_link *k, struct db_info *databases, struct err *err);
const struct mongo_collection *mongo_list_find(
    const struct mongo_list *l, const char *database, const char *name);

/* What the server says it is. */
struct mongo_facts {
	int wire; /* maxWireVersion */
	char *set; /* the replica set; NULL: it is none */
	bool is_primary; /* or stands alone */
	bool is_router;
	bool is_fresh; /* of a replica set that nobody initiated */
	uint64_t optime; /* of the last write */
	uint64_t majority; /* of the last one that most members have */
};

MUST_CHECK enum err_code mongo_hello(
    struct mongo_facts *out, struct mongo_link *k, struct err *err);

struct mongo {
	struct connector base;
	mongo_open_link *open_link; /* mongo_link_open, but in tests */
	struct mongo_login login;
	struct mongo_link *link;
	struct mongo_facts facts;
	struct buf
	    set_config; /* the replica set's, a document; empty: there is none to be had */
	struct mongo_list list; /* as of the fence */
	bool has_moment; /* reads are of one moment, in this one: */
	uint64_t moment;
};

struct mongo *mongo_of(struct connector *c);
/* A link of its own, that is closed by the caller. */
MUST_CHECK enum err_code mongo_connect(
    struct mongo_link **out, struct mongo *m, struct err *err);

MUST_CHECK enum err_code mongo_drain(
    struct connector *c, struct dump_sink *sink, struct err *err);
MUST_CHECK enum err_code mongo_drain_users(
    struct mongo *m, const struct dump_out *d, struct err *err);

MUST_CHECK enum err_code mongo_access(
    struct connector *c, struct db_access *out, struct err *err);
MUST_CHECK enum err_code mongo_load(
    struct connector *c, struct dump_source *src, struct err *err);
MUST_CHECK enum err_code mongo_load_users(
    struct mongo *m, struct dump_source *src, struct err *err);
/* One collection under a name of its own, by what its metadata file says; ERR_INCOMPLETE unless
 * it then has so many documents. */
MUST_CHECK enum err_code mongo_load_as(struct mongo *m, const json_t *metadata,
    const char *database, const char *name, struct dump_source *src, uint64_t count,
    struct err *err);
MUST_CHECK enum err_code mongo_pick(
    struct connector *c, const struct db_pick *pick, struct strv *told, struct err *err);
MUST_CHECK enum err_code mongo_aside(
    struct connector *c, const struct db_aside *aside, struct strv *told, struct err *err);
/* All collections and views of a database of the dump, into another that is new. */
MUST_CHECK enum err_code mongo_load_database(struct mongo *m, struct dump_source *src,
    const char *database, const char *into, struct err *err);
/* Documents of a file, inserted; how many. */
MUST_CHECK enum err_code mongo_insert_file(struct mongo *m, struct dump_source *src,
    const char *file, const char *database, const char *collection, uint64_t *count,
    struct err *err);
/* How many there are, counted one by one. */
MUST_CHECK enum err_code mongo_count(struct mongo *m, const char *database,
    const char *collection, uint64_t *count, struct err *err);
/* Adds readConcern where reads are of one moment. */
void mongo_put_moment(struct bson_maker *b, const struct mongo *m);
/* {WORD: NAME} to a database. */
MUST_CHECK enum err_code mongo_order(struct mongo_link *k, const char *database,
    const char *word, const char *name, struct err *err);

#endif
