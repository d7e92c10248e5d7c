/*
 * sql_scan_impl.h: the inside of struct sql_scan, for sql_*.c that scan.
 */
#ifndef DB_SQL_SCAN_IMPL_H
#define DB_SQL_SCAN_IMPL_H

#include "db/sql_scan.h"

/* What is kept of a statement's beginning: enough for COPY and INSERT with all columns that a
 * table can have. */
#define TOKENS_MAX 16384
#define STRING_KEPT 256
#define NOTE_MAX 512
#define TAG_MAX 64
/* What no server's version reaches: such a comment speaks to the client. */
#define NO_VERSION 900000

enum state {
	SPACE,
	WORD,
	QUOTED,
	TAG,
	DOLLAR,
	DASH, /* one was seen */
	DASHES, /* two: a comment, if MySQL sees a space behind them */
	SLASH,
	OPENED, /* slash and star: a comment of what kind? */
	VERSION, /* the digits of a version comment */
	STAR, /* in a version comment: its end? */
	LINE,
	BLOCK,
	COMMAND,
	COPY_HEAD, /* behind the semicolon: the rest of the line */
	COPY,
	ROWS,
	ROW,
	ROW_STRING,
	ROW_ESCAPE,
	DELIMITER,
};

struct sql_scan {
	enum sql_dialect dialect;
	const struct sql_scan_ops *ops;
	void *arg;
	enum state state;
	struct sql_head head;
	bool is_schema; /* no rows stand behind their heads; texts are kept */
	bool in_statement;
	bool is_insert; /* VALUES begins rows */
	bool has_statements; /* there was one */
	unsigned parens;

	/* the statement's text */
	struct checksum_stream *text;
	uint64_t text_bytes;
	const uint8_t *text_from; /* in the bytes being fed; what is before was added */

	/* of the token that is open */
	uint8_t quote;
	bool escapes; /* backslashes in this string */
	bool was_escape;
	bool plain_escapes; /* and in strings without an E */
	size_t kept;
	char tag[TAG_MAX];
	size_t tag_len;
	size_t matched; /* of the tag, at the end of a dollar quote */
	bool tag_begins;

	unsigned depth; /* of block comments */
	uint8_t last; /* in a block comment */
	unsigned versions; /* version comments that are open */
	uint32_t version; /* the number of the last one */
	bool long_delimiter; /* ";;" */
	bool half_delimiter; /* its first half was seen */

	char note[NOTE_MAX];
	size_t note_len;

	/* where things are; cuts is NULL when nobody asks */
	struct cuts *cuts;
	sql_table_fn *begins;
	const uint8_t *fed; /* the bytes being fed */
	uint64_t fed_at; /* their place */
	uint64_t statement_at; /* the statement's */
	bool is_no_table; /* what this statement may have as rows is not noted */
	bool notes_rows; /* these rows are */
	bool tuple_ended; /* but not the row: its comma or semicolon is to come */
	bool end_waits; /* it has ended, but for a newline that may follow */

	struct checksum_stream *row;
	uint64_t row_bytes;
	bool row_is_split; /* its beginning is in the stream */
	uint8_t row_head[2]; /* of a split row: is it COPY's end? */
	uint8_t row_quote;
	struct sql_rows rows;
};

/* sql_scan.c: statements */
void sql_begin_statement(struct sql_scan *s, const uint8_t *at);
MUST_CHECK enum err_code sql_drop_mark(
    struct sql_scan *s, const uint8_t *to, char first, struct err *err);
void sql_clear_statement(struct sql_scan *s);
void sql_begin_rows(struct sql_scan *s);
MUST_CHECK enum err_code sql_end_statement(
    struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_end_rows(struct sql_scan *s, struct err *err);

/* sql_token.c: words, strings and names */
MUST_CHECK enum err_code sql_open_token(
    struct sql_scan *s, enum sql_token_kind kind, struct err *err);
MUST_CHECK enum err_code sql_token_byte(struct sql_scan *s, uint8_t c, struct err *err);
MUST_CHECK enum err_code sql_close_token(struct sql_scan *s, struct err *err);
MUST_CHECK enum err_code sql_in_word(struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_quoted(struct sql_scan *s, const uint8_t *at, struct err *err);
const uint8_t *sql_skip_in_quoted(
    const struct sql_scan *s, const uint8_t *p, const uint8_t *end);
MUST_CHECK enum err_code sql_in_tag(struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_dollar(struct sql_scan *s, const uint8_t *at, struct err *err);

/* sql_lex.c: what stands between tokens: blanks, comments, commands */
bool sql_is_letter(uint8_t c);
MUST_CHECK enum err_code sql_open_quoted(
    struct sql_scan *s, uint8_t c, bool escapes, struct err *err);
MUST_CHECK enum err_code sql_in_space(struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_dash(struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_dashes(struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_slash(struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_block(struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_opened(struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_version(struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_star(struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_line(struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_command(struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_delimiter(
    struct sql_scan *s, const uint8_t *at, struct err *err);
MUST_CHECK enum err_code sql_in_copy_head(
    struct sql_scan *s, const uint8_t *at, struct err *err);

/* sql_rows.c: lines behind COPY, tuples behind INSERT */
const uint8_t *sql_feed_copy(struct sql_scan *s, const uint8_t *p, const uint8_t *end,
    enum err_code *rc, struct err *err);
MUST_CHECK enum err_code sql_in_rows(struct sql_scan *s, const uint8_t *at, struct err *err);
const uint8_t *sql_feed_row(struct sql_scan *s, const uint8_t *from, const uint8_t *end);

/* sql_cut.c: where tables and rows are */
static inline uint64_t
sql_place_of(const struct sql_scan *s, const uint8_t *at)
{
	return s->fed_at + (uint64_t)(at - s->fed);
}
MUST_CHECK enum err_code sql_decide(struct sql_scan *s, struct err *err);
MUST_CHECK enum err_code sql_is_no_table(struct sql_scan *s, struct err *err);
MUST_CHECK enum err_code sql_begin_cut(
    struct sql_scan *s, const uint8_t *rows, struct err *err);
void sql_settle_end(struct sql_scan *s, const uint8_t *at);

#endif
