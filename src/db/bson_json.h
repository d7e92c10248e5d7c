/*
 * bson_json.h: BSON as MongoDB's Extended JSON, version 2, and back.
 *
 * The canonical form names each type ({"$numberInt":"1"}), so that two documents
 * with the same text are the same document, and reading it back gives the same
 * bytes.  The relaxed form has plain numbers, and dates as people write them.
 * Strings are taken to be UTF-8, as the server sees to; other bytes become
 * U+FFFD, and only then the text does not stand for one document alone.
 *
 * Threads: any.
 * Errors:  ERR_CORRUPT for what is no BSON, or no Extended JSON; ERR_NO_MEMORY.
 *
 * Source: the "MongoDB Extended JSON (v2)" specification, 2020-09-16, with its
 * rules for Decimal128 from "BSON Decimal128".
 */
#ifndef DB_BSON_JSON_H
#define DB_BSON_JSON_H

#include "base/json.h"
#include "db/bson.h"

enum bson_form { BSON_CANONICAL, BSON_RELAXED };

/* Append a whole document, or one value. */
MUST_CHECK enum err_code bson_json(
    struct buf *out, const void *data, size_t len, enum bson_form form, struct err *err);
MUST_CHECK enum err_code bson_json_value(
    struct buf *out, const struct bson_value *v, enum bson_form form, struct err *err);
/* A string as JSON has it, with its quotes. */
MUST_CHECK enum err_code bson_json_string(
    struct buf *out, const char *s, size_t len, struct err *err);

/* Append the document that canonical (or relaxed) text says, as it was parsed. */
MUST_CHECK enum err_code bson_of_json(struct buf *out, const json_t *object, struct err *err);

#endif
