/*
 * rdb_stream.h: a stream of an RDB file as JSON (rdb_value.h).  For db/ only.
 */
#ifndef DB_RDB_STREAM_H
#define DB_RDB_STREAM_H

#include "base/json.h"
#include "db/rdb_read.h"

/* What stands behind the key of a stream. */
MUST_CHECK enum err_code rdb_stream_json(
    struct json_writer *w, uint8_t type, struct rd *r, struct err *err);

#endif
