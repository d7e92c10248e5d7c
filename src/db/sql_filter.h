/*
 * sql_filter.h: a dump's text with some statements left out, or said in another way, while it
 * streams by.
 *
 * Statements are told apart as sql_scan.h does, so that what a string, a function's
 * body or a row says is never taken for one.  A statement goes or stays with the comments
 * before it.
 *
 * Memory: the longest statement; rows of COPY are passed on line by line.
 * Ownership: the source is borrowed.
 * Threads: one at a time.
 */
#ifndef DB_SQL_FILTER_H
#define DB_SQL_FILTER_H

#include "db/connector.h"
#include "db/sql_scan.h"

struct sql_filter;

/* A whole statement (or backslash command, then head is NULL and note says it), with what is
 * before it in text: leave it in *text, change it, or empty it. */
typedef enum err_code sql_filter_fn(void *arg, const struct sql_head *head, const char *note,
    struct buf *text, struct err *err);

MUST_CHECK enum err_code sql_filter_new(struct sql_filter **out, struct dump_source *src,
    enum sql_dialect dialect, sql_filter_fn *fn, void *arg, struct err *err);
void sql_filter_free(struct sql_filter *f);
AUTO_FREE(sql_filter, struct sql_filter *, sql_filter_free)
/* open, read and close as the source's. */
struct dump_source *sql_filter_source(struct sql_filter *f);

#endif
