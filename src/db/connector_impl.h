/*
 * connector_impl.h: for the files that implement a connector, nobody else.
 *
 * A connector's own struct begins with struct connector.  connector.c checks
 * the order of calls, sets the fence's times and puts "service NAME: " before
 * every error; the ops fill c->report with the functions below.
 */
#ifndef DB_CONNECTOR_IMPL_H
#define DB_CONNECTOR_IMPL_H

#include "db/connector.h"

struct db_pick;
struct db_aside;

struct connector_ops {
	/* Fills report.info, but for its kind. */
	enum err_code (*check)(struct connector *c, struct err *err);
	/* NULL when nothing can be told. */
	enum err_code (*access)(struct connector *c, struct db_access *out, struct err *err);
	enum err_code (*prepare)(struct connector *c, struct err *err);
	/* Fills report.fence.position. */
	enum err_code (*fence)(struct connector *c, struct err *err);
	enum err_code (*drain)(struct connector *c, struct dump_sink *sink, struct err *err);
	/* NULL when there is nothing to place. */
	enum err_code (*restore_files)(struct connector *c, struct dump_source *src,
	    struct file_sink *sink, struct err *err);
	/* One try: ERR_TRANSIENT while the server is not ready. */
	enum err_code (*ready)(struct connector *c, struct err *err);
	enum err_code (*load)(struct connector *c, struct dump_source *src, struct err *err);
	/* pick.h; NULL: it cannot. */
	enum err_code (*pick)(struct connector *c, const struct db_pick *pick,
	    struct strv *told, struct err *err);
	/* pick.h; NULL: it cannot. */
	enum err_code (*aside)(struct connector *c, const struct db_aside *aside,
	    struct strv *told, struct err *err);
	void (*close)(struct connector *c);
};

enum connector_state {
	CONNECTOR_OPEN,
	CONNECTOR_CHECKED,
	CONNECTOR_PREPARED,
	CONNECTOR_FENCED,
	CONNECTOR_SPENT, /* drained, or a step failed */
};

struct connector {
	const struct connector_ops *ops;
	const struct db_target *t;
	enum connector_state state;
	struct db_report report;
	bool is_counted; /* the census of the last stream is finished */
	struct dataset *dataset; /* of the last stream, when its sink wants parts */
};

MUST_CHECK enum err_code postgres_open(
    struct connector **out, const struct db_target *t, struct err *err);
/* MariaDB and MySQL. */
MUST_CHECK enum err_code mysql_open(
    struct connector **out, const struct db_target *t, enum db_kind kind, struct err *err);
/* Redis and Valkey. */
MUST_CHECK enum err_code redis_open(
    struct connector **out, const struct db_target *t, enum db_kind kind, struct err *err);

MUST_CHECK enum err_code mongo_open(
    struct connector **out, const struct db_target *t, struct err *err);

/* Add to report.info.databases and to report.info.bytes. */
MUST_CHECK enum err_code info_add_database(
    struct db_info *info, const char *name, uint64_t bytes, uint64_t objects, struct err *err);

#endif
