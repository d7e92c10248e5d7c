/*
 * dump.h: one dump file on its way from a tool to the sink, and back.
 *
 * dump_begin, dump_write and dump_end keep the connector's report beside the
 * sink; dump_pump moves a tool's whole output and holds the gates.  Errors
 * have the stream's name before them.
 */
#ifndef DB_DUMP_H
#define DB_DUMP_H

#include "base/buf.h"
#include "db/census.h"
#include "db/connector_impl.h"
#include "db/gate.h"

/* What a stream is; all borrowed. */
struct dump_head {
	const char *name;
	const char *database; /* may be NULL */
	enum dump_format format;
	const char *tool; /* may be NULL */
	const char *const *argv; /* may be NULL */
	bool is_counted; /* a census is taken of it */
};

struct dump_out {
	struct connector *c;
	struct dump_sink *sink;
};

MUST_CHECK enum err_code dump_begin(
    const struct dump_out *d, const struct dump_head *head, struct err *err);
MUST_CHECK enum err_code dump_write(
    const struct dump_out *d, const void *data, size_t len, struct err *err);
/* Rows, one behind another: ends are places in data behind each that ends there. */
MUST_CHECK enum err_code dump_rows(const struct dump_out *d, const void *data, size_t len,
    const uint32_t *ends, size_t count, struct err *err);
MUST_CHECK enum err_code dump_end(const struct dump_out *d, struct err *err);
/* All bytes were written: the stream's census, finished, which stays the report's.  Before
 * dump_end, which does it otherwise. */
MUST_CHECK enum err_code dump_counted(
    const struct dump_out *d, const struct census **out, struct err *err);
/* A stream that is here already, whole. */
MUST_CHECK enum err_code dump_whole(const struct dump_out *d, const struct dump_head *head,
    const struct buf *data, struct err *err);

/* How a tool's output is proved. */
struct dump_proof {
	const char *end_mark;
	const char *server; /* the version of the server that it must be of; NULL: not asked */
	/* Called when all has come and was counted: is it what there was?  May be NULL. */
	enum err_code (*check)(void *arg, const struct census *census, struct err *err);
	void *arg;
};

/* A whole stream from a tool that was started with head->argv: first what was read already (may
 * be NULL), then the rest. */
MUST_CHECK enum err_code dump_pump(const struct dump_out *d, const struct dump_head *head,
    struct run *run, const struct buf *first, const struct dump_proof *proof, struct err *err);

/* The other way: feed a dump file into a client that reads SQL, and prove both.  The client
 * ends at the first error. */
MUST_CHECK enum err_code dump_feed(const struct db_target *t, struct dump_source *src,
    const char *name, const struct run_spec *client, const char *end_mark, struct err *err);

/* A dump file that is small, as a whole. */
MUST_CHECK enum err_code dump_slurp(
    struct dump_source *src, const char *name, size_t max, struct buf *out, struct err *err);

/* Add a line to the report's warnings. */
MUST_CHECK enum err_code dump_warn(struct connector *c, struct err *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
