/*
 * A state machine over bytes.  Between statements, and in them, it goes token by
 * token; rows, which are nearly all of a dump, are taken line by line (COPY) or
 * parenthesis by parenthesis (INSERT).
 *
 *	SPACE ── letter ──> WORD            SPACE ── ' " ` ──> QUOTED
 *	      ── $ ──> TAG ── $ ──> DOLLAR  (PostgreSQL)
 *	      ── -- # ──> LINE              ── slash star ──> BLOCK, or back to SPACE for a
 *	                                       version comment
 *	      ── \ ──> COMMAND              (PostgreSQL, before a statement)
 *	      ── ; ──> end of the statement ── behind COPY ... FROM stdin ──> COPY
 *	      ── VALUES, behind INSERT ──> ROWS
 */
#include "db/sql_scan.h"

#include "base/strv.h"

#include <string.h>
#include <strings.h>

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

const char *
sql_text(const struct sql_head *h, size_t i)
{
	return i < h->count ? (const char *)h->text.data + h->tokens[i].at : "";
}

bool
sql_is(const struct sql_head *h, size_t i, const char *word)
{
	return i < h->count &&
	       (h->tokens[i].kind == SQL_WORD || h->tokens[i].kind == SQL_PUNCT) &&
	       strcasecmp(sql_text(h, i), word) == 0;
}

enum err_code
sql_scan_new(struct sql_scan **out, enum sql_dialect dialect, const struct sql_scan_ops *ops,
    void *arg, struct err *err)
{
	AUTO(sql_scan) struct sql_scan *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	s->dialect = dialect;
	s->plain_escapes = dialect == SQL_MYSQL;
	s->ops = ops;
	s->arg = arg;
	if (checksum_stream_new(&s->text, err) || checksum_stream_new(&s->row, err))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

void
sql_scan_free(struct sql_scan *s)
{
	if (s == NULL)
		return;
	checksum_stream_free(s->text);
	checksum_stream_free(s->row);
	free(s->head.tokens);
	buf_release(&s->head.text);
	buf_release(&s->head.body);
	free(s);
}

void
sql_scan_schema(struct sql_scan *s)
{
	s->is_schema = true;
}

/* --- cuts --- */

void
sql_scan_cut(struct sql_scan *s, struct cuts *cuts, sql_table_fn *begins)
{
	s->cuts = cuts;
	s->begins = begins;
}

static uint64_t
place_of(const struct sql_scan *s, const uint8_t *at)
{
	return s->fed_at + (uint64_t)(at - s->fed);
}

/* What stands here is none of a table's rows: one that might have gone on has ended. */
static enum err_code
decide(struct sql_scan *s, struct err *err)
{
	if (s->cuts == NULL || (s->cuts->undecided == CUTS_NONE && s->cuts->open == NULL))
		return ERR_OK;
	s->cuts->undecided = CUTS_NONE;
	return cuts_close(s->cuts, err);
}

/* Nor are rows that this statement may have. */
static enum err_code
is_no_table(struct sql_scan *s, struct err *err)
{
	s->is_no_table = true;
	return decide(s, err);
}

enum err_code
sql_scan_decide(struct sql_scan *s, struct err *err)
{
	bool has_begun = s->in_statement || s->state == COPY_HEAD;
	return has_begun ? is_no_table(s, err) : decide(s, err);
}

/* Rows begin; their first byte is at rows. */
static enum err_code
begin_cut(struct sql_scan *s, const uint8_t *rows, struct err *err)
{
	s->notes_rows = s->cuts != NULL && !s->is_no_table && s->versions == 0;
	if (!s->notes_rows)
		return decide(s, err);
	s->cuts->undecided = CUTS_NONE;
	bool is_copy = s->dialect == SQL_POSTGRES;
	return s->begins(s->arg, &s->head, s->statement_at,
	    is_copy ? place_of(s, rows) : s->statement_at, err);
}

/* A tuple has ended, with its comma or semicolon: a newline behind it is the row's, too. */
static void
settle_end(struct sql_scan *s, const uint8_t *at)
{
	uint64_t end = place_of(s, at) + (*at == '\n');
	s->end_waits = false;
	cuts_row(s->cuts, end);
	s->cuts->undecided = s->state == ROWS ? CUTS_NONE : end;
}

enum err_code
sql_scan_end_cuts(struct sql_scan *s, struct err *err)
{
	if (s->end_waits)
		cuts_row(s->cuts, s->fed_at);
	s->end_waits = false;
	return decide(s, err);
}

/* --- tokens --- */

static bool
keeps_tokens(const struct sql_scan *s)
{
	return s->head.count < TOKENS_MAX;
}

static enum err_code
open_token(struct sql_scan *s, enum sql_token_kind kind, struct err *err)
{
	struct sql_head *h = &s->head;
	s->kept = 0;
	if (kind != SQL_WORD && h->count == 0 && is_no_table(s, err))
		return err->code;
	if (!keeps_tokens(s))
		return ERR_OK;
	if (h->count == h->cap) {
		size_t cap = h->cap > 0 ? 2 * h->cap : 64;
		struct sql_token *p = realloc(h->tokens, cap * sizeof *p);
		if (p == NULL)
			return err_nomem(err);
		h->tokens = p;
		h->cap = cap;
	}
	h->tokens[h->count].kind = kind;
	h->tokens[h->count].at = h->text.len;
	return ERR_OK;
}

static enum err_code
token_byte(struct sql_scan *s, uint8_t c, struct err *err)
{
	if (!keeps_tokens(s) || s->kept == STRING_KEPT)
		return ERR_OK;
	s->kept++;
	/* A NUL would hide the rest of a name from those who compare. */
	return buf_u8(&s->head.text, c != '\0' ? c : '?', err);
}

static enum err_code
close_token(struct sql_scan *s, struct err *err)
{
	if (!keeps_tokens(s))
		return ERR_OK;
	if (buf_u8(&s->head.text, '\0', err))
		return err->code;
	s->head.count++;
	return ERR_OK;
}

/* The last token is the quote's prefix, as in E'...': forget it. */
static void
drop_token(struct sql_scan *s)
{
	if (keeps_tokens(s))
		s->head.text.len = s->head.tokens[s->head.count].at;
}

/* --- statements --- */

static void
begin_statement(struct sql_scan *s, const uint8_t *at)
{
	if (s->in_statement)
		return;
	s->statement_at = place_of(s, at);
	if (s->cuts != NULL && s->cuts->undecided == CUTS_NONE)
		s->cuts->undecided = s->statement_at;
	s->in_statement = true;
	s->has_statements = true;
	s->text_from = at;
	s->text_bytes = 0;
	s->head.body.len = 0;
}

/* Add the statement's bytes up to here to its checksum, and of a schema to its text. */
static enum err_code
note_text(struct sql_scan *s, const uint8_t *to, struct err *err)
{
	if (!s->in_statement || s->text_from == NULL)
		return ERR_OK;
	size_t len = (size_t)(to - s->text_from);
	if (s->is_schema && buf_add(&s->head.body, s->text_from, len, err))
		return err->code;
	checksum_stream_add(s->text, s->text_from, len);
	s->text_bytes += len;
	s->text_from = to;
	return ERR_OK;
}

/* A mark of a version comment ends here: no part of the text, and nor are the blanks before it.
 */
static enum err_code
drop_mark(struct sql_scan *s, const uint8_t *to, char first, struct err *err)
{
	struct buf *body = &s->head.body;
	if (!s->is_schema || !s->in_statement)
		return ERR_OK;
	if (note_text(s, to, err))
		return err->code;
	while (body->len > 0 && body->data[body->len - 1] != first)
		body->len--;
	body->len -= body->len > 0;
	while (body->len > 0 && body->data[body->len - 1] <= ' ')
		body->len--;
	return ERR_OK;
}

static void
clear_statement(struct sql_scan *s)
{
	s->head.count = 0;
	s->head.text.len = 0;
	s->in_statement = false;
	s->is_insert = false;
	s->is_no_table = false;
	s->notes_rows = false;
	s->text_from = NULL;
	s->parens = 0;
}

/* SET sql_mode decides whether backslashes escape in what follows; of PostgreSQL it is
 * standard_conforming_strings. */
static void
follow_settings(struct sql_scan *s)
{
	const struct sql_head *h = &s->head;
	if (!sql_is(h, 0, "SET"))
		return;
	for (size_t i = 1; i < h->count && i < 16; i++) {
		if (s->dialect == SQL_POSTGRES && sql_is(h, i, "standard_conforming_strings"))
			s->plain_escapes = sql_is(h, i + 2, "off");
		if (s->dialect == SQL_MYSQL && sql_is(h, i, "sql_mode") &&
		    sql_is(h, i + 1, "="))
			s->plain_escapes =
			    strstr(sql_text(h, i + 2), "NO_BACKSLASH_ESCAPES") == NULL;
	}
}

static bool
is_copy(const struct sql_head *h)
{
	return h->count >= 4 && sql_is(h, 0, "COPY") && sql_is(h, h->count - 2, "FROM") &&
	       sql_is(h, h->count - 1, "stdin");
}

/* The head stays until the rows have ended; its text is of no interest. */
static void
begin_rows(struct sql_scan *s)
{
	checksum_stream_end(s->text);
	s->in_statement = false;
	s->text_from = NULL;
}

static enum err_code
end_statement(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	s->state = SPACE;
	if (!s->in_statement)
		return ERR_OK;
	if (s->dialect == SQL_POSTGRES && is_copy(&s->head)) {
		s->state = COPY_HEAD;
		begin_rows(s);
		return ERR_OK;
	}
	if (note_text(s, at, err) || decide(s, err))
		return err->code;
	follow_settings(s);
	struct checksum128 content = checksum_stream_end(s->text);
	if (s->ops->statement(s->arg, &s->head, s->text_bytes, content, err))
		return err->code;
	clear_statement(s);
	return ERR_OK;
}

static enum err_code
end_rows(struct sql_scan *s, struct err *err)
{
	struct sql_rows rows = s->rows;
	s->rows = (struct sql_rows){ 0 };
	s->state = SPACE;
	if (s->ops->rows(s->arg, &s->head, &rows, err))
		return err->code;
	clear_statement(s);
	return ERR_OK;
}

/* --- notes --- */

static void
note_byte(struct sql_scan *s, uint8_t c)
{
	if (s->note_len < NOTE_MAX - 1)
		s->note[s->note_len++] = (char)c;
}

static void
tell_note(struct sql_scan *s)
{
	s->note[s->note_len] = '\0';
	s->note_len = 0;
	s->ops->note(s->arg, s->note);
}

/* --- between tokens --- */

static bool
is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c >= 0x80;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static enum err_code
open_quoted(struct sql_scan *s, uint8_t c, bool escapes, struct err *err)
{
	bool is_name = c == '`' || (c == '"' && s->dialect == SQL_POSTGRES);
	s->state = QUOTED;
	s->quote = c;
	s->escapes = !is_name && escapes;
	s->was_escape = false;
	return open_token(s, is_name ? SQL_IDENT : SQL_STRING, err);
}

static enum err_code
punct(struct sql_scan *s, const uint8_t *at, uint8_t c, struct err *err)
{
	begin_statement(s, at);
	s->state = SPACE;
	if (c == '(')
		s->parens++;
	if (c == ')' && s->parens > 0)
		s->parens--;
	if (open_token(s, SQL_PUNCT, err) || token_byte(s, c, err))
		return err->code;
	return close_token(s, err);
}

static enum err_code
semicolon(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (!s->long_delimiter)
		return end_statement(s, at, err);
	if (s->half_delimiter) {
		s->half_delimiter = false;
		return end_statement(s, at, err);
	}
	s->half_delimiter = true;
	return ERR_OK;
}

/* A byte between tokens. */
static enum err_code
in_space(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	uint8_t c = *at;
	bool is_pg = s->dialect == SQL_POSTGRES;
	if (s->end_waits)
		settle_end(s, at);
	if (c == ';')
		return semicolon(s, at, err);
	s->half_delimiter = false;
	if (is_space(c))
		return ERR_OK;
	if (is_letter(c) || (c == '$' && !is_pg)) {
		begin_statement(s, at);
		s->state = WORD;
		return open_token(s, SQL_WORD, err) ? err->code : token_byte(s, c, err);
	}
	if (c == '\'' || c == '"' || (c == '`' && !is_pg)) {
		begin_statement(s, at);
		return open_quoted(s, c, s->plain_escapes, err);
	}
	if (c == '-' || c == '/') {
		s->state = c == '-' ? DASH : SLASH;
	} else if (c == '*' && s->versions > 0) {
		s->state = STAR;
	} else if (c == '#' && !is_pg) {
		s->state = LINE;
	} else if (c == '$') {
		begin_statement(s, at);
		s->state = TAG;
		s->tag_len = 0;
	} else if (c == '\\' && is_pg && !s->in_statement) {
		s->state = COMMAND;
	} else {
		return punct(s, at, c, err);
	}
	return ERR_OK;
}

/* The state of a character that may have begun something else was left without it. */
static enum err_code
was_punct(struct sql_scan *s, const uint8_t *at, uint8_t before, struct err *err)
{
	if (punct(s, at, before, err))
		return err->code;
	return in_space(s, at, err);
}

static enum err_code
in_dash(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (*at != '-')
		return was_punct(s, at, '-', err);
	s->state = s->dialect == SQL_MYSQL ? DASHES : LINE;
	return ERR_OK;
}

static enum err_code in_line(struct sql_scan *s, const uint8_t *at, struct err *err);

static enum err_code
in_dashes(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (*at > ' ')
		return punct(s, at, '-', err) ? err->code : was_punct(s, at, '-', err);
	s->state = LINE;
	return in_line(s, at, err);
}

static enum err_code
in_slash(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (*at != '*')
		return was_punct(s, at, '/', err);
	s->state = OPENED;
	s->depth = 1;
	s->last = 0;
	return ERR_OK;
}

static enum err_code
in_block(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	(void)err;
	uint8_t c = *at;
	uint8_t last = s->last;
	s->last = c;
	if (last == '*' && c == '/') {
		s->last = 0;
		if (--s->depth == 0)
			s->state = SPACE;
	} else if (last == '/' && c == '*' && s->dialect == SQL_POSTGRES) {
		s->last = 0;
		s->depth++;
	}
	return ERR_OK;
}

/* Behind slash and star: "!" or "M!" makes it a version comment, whose content counts. */
static enum err_code
in_opened(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (s->dialect == SQL_MYSQL && *at == 'M' && s->last == 0) {
		s->last = 'M';
		return ERR_OK;
	}
	if (s->dialect == SQL_MYSQL && *at == '!') {
		s->state = VERSION;
		s->version = 0;
		return ERR_OK;
	}
	s->state = BLOCK;
	return in_block(s, at, err);
}

static enum err_code
in_version(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (*at >= '0' && *at <= '9') {
		if (s->version < NO_VERSION)
			s->version = 10 * s->version + (uint32_t)(*at - '0');
		return ERR_OK;
	}
	if (s->version >= NO_VERSION) {
		s->state = BLOCK;
		s->last = 0;
		return in_block(s, at, err);
	}
	s->versions++;
	s->state = SPACE;
	if (drop_mark(s, at, '/', err))
		return err->code;
	return in_space(s, at, err);
}

static enum err_code
in_star(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (*at != '/')
		return was_punct(s, at, '*', err);
	s->versions--;
	s->state = SPACE;
	return drop_mark(s, at + 1, '*', err);
}

/* --- in tokens --- */

/* By its first word. */
static bool
may_begin_rows(const struct sql_scan *s)
{
	if (s->dialect == SQL_POSTGRES)
		return sql_is(&s->head, 0, "COPY");
	return s->versions == 0 &&
	       (sql_is(&s->head, 0, "INSERT") || sql_is(&s->head, 0, "REPLACE"));
}

/* A word has ended: what it means to the scanner itself. */
static enum err_code
word_ended(struct sql_scan *s, struct err *err)
{
	size_t i = s->head.count;
	s->state = SPACE;
	if (close_token(s, err))
		return err->code;
	if (i == 0 && !may_begin_rows(s) && is_no_table(s, err))
		return err->code;
	if (s->dialect != SQL_MYSQL || i >= s->head.count)
		return ERR_OK;
	if (i == 0) {
		s->is_insert = sql_is(&s->head, 0, "INSERT") || sql_is(&s->head, 0, "REPLACE");
		if (sql_is(&s->head, 0, "DELIMITER")) {
			s->state = DELIMITER;
			s->note_len = 0;
		}
	}
	if (s->is_insert && s->parens == 0 && sql_is(&s->head, i, "VALUES")) {
		s->state = ROWS;
		begin_rows(s);
		return s->is_schema ? end_rows(s, err) : begin_cut(s, NULL, err);
	}
	return ERR_OK;
}

static bool
word_is_prefix(const struct sql_scan *s)
{
	return s->kept == 1 && keeps_tokens(s) &&
	       (s->head.text.data[s->head.text.len - 1] | 0x20) == 'e';
}

static enum err_code in_rows(struct sql_scan *s, const uint8_t *at, struct err *err);
static enum err_code in_delimiter(struct sql_scan *s, const uint8_t *at, struct err *err);

static enum err_code
in_word(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (is_letter(*at) || *at == '$')
		return token_byte(s, *at, err);
	if (*at == '\'' && s->dialect == SQL_POSTGRES && word_is_prefix(s)) {
		drop_token(s);
		return open_quoted(s, '\'', true, err);
	}
	if (word_ended(s, err))
		return err->code;
	return s->state == ROWS        ? in_rows(s, at, err)
	       : s->state == DELIMITER ? in_delimiter(s, at, err)
				       : in_space(s, at, err);
}

/* Names have their quotes doubled; a doubled quote in a string opens it anew, which comes to
 * the same. */
static enum err_code
in_quoted(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	uint8_t c = *at;
	if (s->was_escape) {
		s->was_escape = false;
		if (s->escapes)
			return token_byte(s, c, err);
		/* A quote in a name was seen. */
		if (c == s->quote)
			return token_byte(s, c, err);
		s->state = SPACE;
		return close_token(s, err) ? err->code : in_space(s, at, err);
	}
	if (s->escapes && c == '\\') {
		s->was_escape = true;
		return ERR_OK;
	}
	if (c != s->quote)
		return token_byte(s, c, err);
	if (s->escapes) {
		s->state = SPACE;
		return close_token(s, err);
	}
	s->was_escape = true;
	return ERR_OK;
}

/* Long strings: what cannot end them is passed over at once. */
static const uint8_t *
skip_in_quoted(const struct sql_scan *s, const uint8_t *p, const uint8_t *end)
{
	if (s->was_escape || s->kept < STRING_KEPT)
		return p;
	const uint8_t *quote = memchr(p, s->quote, (size_t)(end - p));
	const uint8_t *stop = quote != NULL ? quote : end;
	const uint8_t *slash = s->escapes ? memchr(p, '\\', (size_t)(stop - p)) : NULL;
	return slash != NULL ? slash : stop;
}

static enum err_code
in_tag(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	bool fits = s->tag_len < TAG_MAX;
	if (*at == '$') {
		s->state = DOLLAR;
		s->matched = 0;
		s->tag_begins = false;
		return open_token(s, SQL_STRING, err);
	}
	bool is_digit = *at >= '0' && *at <= '9';
	if (is_letter(*at) && fits && !(s->tag_len == 0 && is_digit)) {
		s->tag[s->tag_len++] = (char)*at;
		return ERR_OK;
	}
	/* A parameter, as in $1. */
	if (open_token(s, SQL_WORD, err) || token_byte(s, '$', err))
		return err->code;
	s->state = WORD;
	return in_word(s, at, err);
}

static enum err_code
in_dollar(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	uint8_t c = *at;
	if (s->tag_begins) {
		if (s->matched == s->tag_len && c == '$') {
			s->state = SPACE;
			return close_token(s, err);
		}
		if (s->matched < s->tag_len && c == (uint8_t)s->tag[s->matched]) {
			s->matched++;
			return ERR_OK;
		}
	}
	s->tag_begins = c == '$';
	s->matched = 0;
	return token_byte(s, c, err);
}

/* --- lines --- */

static enum err_code
in_line(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	(void)err;
	if (*at != '\n') {
		if (!s->has_statements)
			note_byte(s, *at);
		return ERR_OK;
	}
	if (!s->has_statements)
		tell_note(s);
	s->state = SPACE;
	return ERR_OK;
}

static enum err_code
in_command(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	(void)err;
	if (*at != '\n') {
		if (s->note_len == 0)
			note_byte(s, '\\');
		note_byte(s, *at);
		return ERR_OK;
	}
	tell_note(s);
	s->state = SPACE;
	return ERR_OK;
}

static enum err_code
in_delimiter(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	(void)err;
	if (*at != '\n') {
		note_byte(s, *at);
		return ERR_OK;
	}
	s->note[s->note_len] = '\0';
	s->note_len = 0;
	s->long_delimiter = strstr(s->note, ";;") != NULL;
	s->half_delimiter = false;
	s->state = SPACE;
	checksum_stream_end(s->text);
	clear_statement(s);
	return ERR_OK;
}

static enum err_code
in_copy_head(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (*at != '\n')
		return ERR_OK;
	s->state = COPY;
	return s->is_schema ? end_rows(s, err) : begin_cut(s, at + 1, err);
}

/* --- rows --- */

static void
count_row(struct sql_scan *s, const uint8_t *from, const uint8_t *to)
{
	size_t len = (size_t)(to - from);
	struct checksum128 sum;
	if (s->row_is_split) {
		checksum_stream_add(s->row, from, len);
		sum = checksum_stream_end(s->row);
		s->row_is_split = false;
	} else {
		s->row_bytes = 0;
		sum = checksum128_of(from, len);
	}
	checksum128_sum(&s->rows.content, sum);
	s->rows.count++;
	s->rows.bytes += s->row_bytes + len;
	s->row_bytes = 0;
}

/* The bytes end within a row. */
static void
split_row(struct sql_scan *s, const uint8_t *from, const uint8_t *end)
{
	if (!s->row_is_split)
		s->row_bytes = 0;
	for (const uint8_t *p = from; p < end && s->row_bytes + (uint64_t)(p - from) < 2; p++)
		s->row_head[s->row_bytes + (uint64_t)(p - from)] = *p;
	s->row_is_split = s->row_is_split || end > from;
	checksum_stream_add(s->row, from, (size_t)(end - from));
	s->row_bytes += (uint64_t)(end - from);
}

static bool
ends_copy(const struct sql_scan *s, const uint8_t *from, const uint8_t *nl)
{
	uint64_t before = s->row_is_split ? s->row_bytes : 0;
	if (before + (uint64_t)(nl - from) != 2)
		return false;
	uint8_t first = before > 0 ? s->row_head[0] : from[0];
	uint8_t second = before > 1 ? s->row_head[1] : nl[-1];
	return first == '\\' && second == '.';
}

/* The line that is split is not the one that ends the rows: what came of it is decided.  Or it
 * may be, and waits. */
static void
judge_split(struct sql_scan *s, const uint8_t *end)
{
	bool may_end = s->row_is_split && s->row_bytes <= 2 && s->row_head[0] == '\\' &&
		       (s->row_bytes == 1 || s->row_head[1] == '.');
	s->cuts->undecided = may_end ? place_of(s, end) - s->row_bytes : CUTS_NONE;
}

/* The line behind which nl stands ends the rows. */
static enum err_code
end_copy(struct sql_scan *s, const uint8_t *nl, struct err *err)
{
	if (s->row_is_split)
		checksum_stream_end(s->row);
	s->row_is_split = false;
	if (s->notes_rows) {
		uint64_t end = place_of(s, nl) + 1;
		s->cuts->undecided = CUTS_NONE;
		if (cuts_add(s->cuts, CUT_TAIL, end - strlen("\\.\n"), err) ||
		    cuts_add(s->cuts, CUT_CLOSE, end, err))
			return err->code;
	}
	return end_rows(s, err);
}

/* Lines up to "\." alone. */
static const uint8_t *
feed_copy(struct sql_scan *s, const uint8_t *p, const uint8_t *end, enum err_code *rc,
    struct err *err)
{
	while (p < end) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL) {
			split_row(s, p, end);
			if (s->notes_rows)
				judge_split(s, end);
			return end;
		}
		if (ends_copy(s, p, nl)) {
			*rc = end_copy(s, nl, err);
			return nl + 1;
		}
		count_row(s, p, nl);
		p = nl + 1;
		if (s->notes_rows) {
			s->cuts->undecided = CUTS_NONE;
			cuts_row(s->cuts, place_of(s, p));
		}
	}
	return p;
}

static enum err_code
in_rows(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (s->end_waits)
		settle_end(s, at);
	if (s->tuple_ended && (*at == ',' || *at == ';' || *at == '(')) {
		s->tuple_ended = false;
		s->end_waits = true;
		if (*at == '(')
			settle_end(s, at);
	}
	if (*at == ';')
		return end_rows(s, err);
	if (*at == '(') {
		s->state = ROW;
		s->parens = 1;
		s->row_is_split = false;
	}
	return ERR_OK;
}

/* Where a string ends or escapes; end when it does neither here. */
static const uint8_t *
string_stop(const struct sql_scan *s, const uint8_t *p, const uint8_t *end)
{
	if (!s->plain_escapes) {
		const uint8_t *quote = memchr(p, s->row_quote, (size_t)(end - p));
		return quote != NULL ? quote : end;
	}
	const uint8_t quote = s->row_quote;
	while (end - p >= 4) {
		if (p[0] == quote || p[0] == '\\' || p[1] == quote || p[1] == '\\' ||
		    p[2] == quote || p[2] == '\\' || p[3] == quote || p[3] == '\\')
			break;
		p += 4;
	}
	while (p < end && *p != quote && *p != '\\')
		p++;
	return p;
}

/* A table, since this loop sees every byte of a MySQL dump. */
static const uint8_t *
value_stop(const uint8_t *p, const uint8_t *end)
{
	static const bool stops[256] = {
		['\''] = true, ['"'] = true, ['('] = true, [')'] = true
	};
	while (end - p >= 4) {
		if (stops[p[0]] || stops[p[1]] || stops[p[2]] || stops[p[3]])
			break;
		p += 4;
	}
	while (p < end && !stops[*p])
		p++;
	return p;
}

/* One INSERT row, from behind its parenthesis. */
static const uint8_t *
feed_row(struct sql_scan *s, const uint8_t *from, const uint8_t *end)
{
	const uint8_t *p = from;
	while (p < end) {
		if (s->state == ROW_ESCAPE) {
			s->state = ROW_STRING;
			p++;
			continue;
		}
		if (s->state == ROW_STRING) {
			p = string_stop(s, p, end);
			if (p == end)
				break;
			s->state = *p++ == '\\' && s->plain_escapes ? ROW_ESCAPE : ROW;
			continue;
		}
		p = value_stop(p, end);
		if (p == end)
			break;
		if (*p == '(') {
			s->parens++;
		} else if (*p == ')') {
			if (--s->parens == 0) {
				count_row(s, from, p);
				s->state = ROWS;
				if (s->notes_rows) {
					s->tuple_ended = true;
					s->cuts->undecided = place_of(s, p);
				}
				return p + 1;
			}
		} else {
			s->row_quote = *p;
			s->state = ROW_STRING;
		}
		p++;
	}
	split_row(s, from, end);
	return end;
}

/* --- feeding --- */

typedef enum err_code byte_fn(struct sql_scan *s, const uint8_t *at, struct err *err);

static byte_fn *const machines[] = {
	[SPACE] = in_space,
	[WORD] = in_word,
	[QUOTED] = in_quoted,
	[TAG] = in_tag,
	[DOLLAR] = in_dollar,
	[DASH] = in_dash,
	[DASHES] = in_dashes,
	[SLASH] = in_slash,
	[OPENED] = in_opened,
	[VERSION] = in_version,
	[STAR] = in_star,
	[LINE] = in_line,
	[BLOCK] = in_block,
	[COMMAND] = in_command,
	[COPY_HEAD] = in_copy_head,
	[ROWS] = in_rows,
	[DELIMITER] = in_delimiter,
};

enum err_code
sql_scan_feed(struct sql_scan *s, const void *data, size_t len, struct err *err)
{
	const uint8_t *p = data;
	const uint8_t *end = p + len;
	s->text_from = s->in_statement ? p : NULL;
	s->fed = p;
	while (p < end) {
		enum err_code rc = ERR_OK;
		if (s->state == COPY) {
			p = feed_copy(s, p, end, &rc, err);
		} else if (s->state == ROW || s->state == ROW_STRING ||
			   s->state == ROW_ESCAPE) {
			p = feed_row(s, p, end);
		} else {
			if (s->state == QUOTED)
				p = skip_in_quoted(s, p, end);
			if (p < end)
				rc = machines[s->state](s, p++, err);
		}
		if (rc)
			return rc;
	}
	s->fed_at += len;
	return note_text(s, end, err);
}

enum err_code
sql_scan_finish(const struct sql_scan *s, struct err *err)
{
	switch (s->state) {
	case COPY:
	case COPY_HEAD:
	case ROWS:
	case ROW:
	case ROW_STRING:
	case ROW_ESCAPE:
		return err_set(err, ERR_INCOMPLETE,
		    "the dump is cut off among the rows of a table, behind %llu of them",
		    (unsigned long long)s->rows.count);
	case SPACE:
		if (!s->in_statement && s->versions == 0)
			return ERR_OK;
		break;
	default:
		break;
	}
	return err_set(err, ERR_INCOMPLETE, "the dump is cut off within a statement");
}
