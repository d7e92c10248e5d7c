/*
 * mongo_name.h: collections as files of mongodump's folder, and in a census.
 *
 * A collection is DATABASE/NAME.bson and DATABASE/NAME.metadata.json.  In NAME all
 * but letters, digits and "-_.~$&+:=@" is %XX; one that gets longer than 238
 * bytes is cut to 208, and "%24" and 27 digits of its checksum follow (there mongodump
 * has SHA-1): the metadata has the true name.
 *
 * Source: mongodump/prepare.go and common/util of mongo-tools; Go's url.PathEscape.
 */
#ifndef DB_MONGO_NAME_H
#define DB_MONGO_NAME_H

#include "base/buf.h"

#include <stdbool.h>

#define MONGO_BSON ".bson"
#define MONGO_METADATA ".metadata.json"

/* *out is the caller's.  ERR_UNSUPPORTED for a database that cannot be a folder, which a server
 * does not let anybody make. */
MUST_CHECK enum err_code mongo_file_name(char **out, const char *database,
    const char *collection, const char *suffix, struct err *err);

/* What a census calls the collection of such a file, or the file itself when it is of another
 * name: "shop.orders". */
MUST_CHECK enum err_code mongo_census_name(
    struct buf *out, const char *stream, struct err *err);

/* The same without its database: "orders". */
MUST_CHECK enum err_code mongo_collection_name(
    struct buf *out, const char *stream, struct err *err);

/* The database of "DATABASE/NAME.bson"; *out is the caller's, NULL for what has no folder. */
MUST_CHECK enum err_code mongo_file_database(char **out, const char *stream, struct err *err);

#endif
