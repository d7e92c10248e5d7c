/*
 * sql_scan.h: the statements and rows of a SQL dump, while it streams by.
 *
 * Knows the two ways in which dumps are written: PostgreSQL's (COPY data,
 * dollar quotes, E'' strings, psql's backslash commands) and MySQL's and
 * MariaDB's (backslashes in strings, version comments, which count as what is in
 * them, DELIMITER, rows behind INSERT).  What a string, a comment, a function's
 * body or a row says is never taken for a statement.
 *
 * For each statement its first words are handed over, with a checksum of its
 * text; for rows behind COPY and INSERT how many there were, and the sum of
 * their checksums.
 *
 * Pure: no input or output.  Memory: the words of the longest statement's head;
 * of a schema the longest statement.
 */
#ifndef DB_SQL_SCAN_H
#define DB_SQL_SCAN_H

#include "base/buf.h"
#include "base/checksum.h"
#include "db/cuts.h"

#include <stdbool.h>

enum sql_dialect { SQL_POSTGRES, SQL_MYSQL };

enum sql_token_kind {
	SQL_WORD, /* as it stands */
	SQL_IDENT, /* what was in the quotes */
	SQL_STRING, /* its first bytes */
	SQL_PUNCT, /* one character */
};

struct sql_token {
	enum sql_token_kind kind;
	size_t at; /* in the head's text */
};

/* The first tokens of a statement. */
struct sql_head {
	struct sql_token *tokens;
	size_t count;
	size_t cap;
	struct buf text;
	struct buf body; /* the whole statement, when it is asked for (sql_scan_schema) */
};

/* The text of token i, "" behind the last. */
const char *sql_text(const struct sql_head *h, size_t i);
/* Is token i this word, in whatever case? */
bool sql_is(const struct sql_head *h, size_t i, const char *word);

struct sql_rows {
	uint64_t count;
	uint64_t bytes;
	struct checksum128 content;
};

struct sql_scan_ops {
	/* A statement has ended. */
	enum err_code (*statement)(void *arg, const struct sql_head *head, uint64_t bytes,
	    struct checksum128 content, struct err *err);
	/* The rows behind such a head have ended. */
	enum err_code (*rows)(void *arg, const struct sql_head *head,
	    const struct sql_rows *rows, struct err *err);
	/* A comment to the end of the line that stands before the first statement, or a
	 * backslash command of psql. */
	void (*note)(void *arg, const char *text);
};

struct sql_scan;

MUST_CHECK enum err_code sql_scan_new(struct sql_scan **out, enum sql_dialect dialect,
    const struct sql_scan_ops *ops, void *arg, struct err *err);
void sql_scan_free(struct sql_scan *s);
AUTO_FREE(sql_scan, struct sql_scan *, sql_scan_free)

/* Before the first byte: what comes is a schema.  Heads of rows come without rows, and each
 * statement's whole text is kept, without the marks of version comments; rows have none. */
void sql_scan_schema(struct sql_scan *s);

/* Rows begin behind such a head: the statement's place in the dump, and theirs. */
typedef enum err_code sql_table_fn(
    void *arg, const struct sql_head *head, uint64_t from, uint64_t rows, struct err *err);
/* Before the first byte: call begins (with the arg of sql_scan_new) where rows begin, which is
 * to note it, and note where they end. */
void sql_scan_cut(struct sql_scan *s, struct cuts *cuts, sql_table_fn *begins);
/* The words at hand are not to become a table. */
MUST_CHECK enum err_code sql_scan_decide(struct sql_scan *s, struct err *err);
/* No more bytes come. */
MUST_CHECK enum err_code sql_scan_end_cuts(struct sql_scan *s, struct err *err);

MUST_CHECK enum err_code sql_scan_feed(
    struct sql_scan *s, const void *data, size_t len, struct err *err);
/* ERR_INCOMPLETE when the text ends within something. */
MUST_CHECK enum err_code sql_scan_finish(const struct sql_scan *s, struct err *err);

#endif
