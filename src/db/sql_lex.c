/* What stands between the tokens of a SQL dump: blanks, punctuation, comments, commands. */
#include "db/sql_scan_impl.h"

#include <string.h>

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

bool
sql_is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c >= 0x80;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

enum err_code
sql_open_quoted(struct sql_scan *s, uint8_t c, bool escapes, struct err *err)
{
	bool is_name = c == '`' || (c == '"' && s->dialect == SQL_POSTGRES);
	s->state = QUOTED;
	s->quote = c;
	s->escapes = !is_name && escapes;
	s->was_escape = false;
	return sql_open_token(s, is_name ? SQL_IDENT : SQL_STRING, err);
}

static enum err_code
punct(struct sql_scan *s, const uint8_t *at, uint8_t c, struct err *err)
{
	sql_begin_statement(s, at);
	s->state = SPACE;
	if (c == '(')
		s->parens++;
	if (c == ')' && s->parens > 0)
		s->parens--;
	if (sql_open_token(s, SQL_PUNCT, err) || sql_token_byte(s, c, err))
		return err->code;
	return sql_close_token(s, err);
}

static enum err_code
semicolon(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (!s->long_delimiter)
		return sql_end_statement(s, at, err);
	if (s->half_delimiter) {
		s->half_delimiter = false;
		return sql_end_statement(s, at, err);
	}
	s->half_delimiter = true;
	return ERR_OK;
}

/* A byte between tokens. */
enum err_code
sql_in_space(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	uint8_t c = *at;
	bool is_pg = s->dialect == SQL_POSTGRES;
	if (s->end_waits)
		sql_settle_end(s, at);
	if (c == ';')
		return semicolon(s, at, err);
	s->half_delimiter = false;
	if (is_space(c))
		return ERR_OK;
	if (sql_is_letter(c) || (c == '$' && !is_pg)) {
		sql_begin_statement(s, at);
		s->state = WORD;
		return sql_open_token(s, SQL_WORD, err) ? err->code : sql_token_byte(s, c, err);
	}
	if (c == '\'' || c == '"' || (c == '`' && !is_pg)) {
		sql_begin_statement(s, at);
		return sql_open_quoted(s, c, s->plain_escapes, err);
	}
	if (c == '-' || c == '/') {
		s->state = c == '-' ? DASH : SLASH;
	} else if (c == '*' && s->versions > 0) {
		s->state = STAR;
	} else if (c == '#' && !is_pg) {
		s->state = LINE;
	} else if (c == '$') {
		sql_begin_statement(s, at);
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
	return sql_in_space(s, at, err);
}

enum err_code
sql_in_dash(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (*at != '-')
		return was_punct(s, at, '-', err);
	s->state = s->dialect == SQL_MYSQL ? DASHES : LINE;
	return ERR_OK;
}

enum err_code
sql_in_dashes(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (*at > ' ')
		return punct(s, at, '-', err) ? err->code : was_punct(s, at, '-', err);
	s->state = LINE;
	return sql_in_line(s, at, err);
}

enum err_code
sql_in_slash(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (*at != '*')
		return was_punct(s, at, '/', err);
	s->state = OPENED;
	s->depth = 1;
	s->last = 0;
	return ERR_OK;
}

enum err_code
sql_in_block(struct sql_scan *s, const uint8_t *at, struct err *err)
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
enum err_code
sql_in_opened(struct sql_scan *s, const uint8_t *at, struct err *err)
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
	return sql_in_block(s, at, err);
}

enum err_code
sql_in_version(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (*at >= '0' && *at <= '9') {
		if (s->version < NO_VERSION)
			s->version = 10 * s->version + (uint32_t)(*at - '0');
		return ERR_OK;
	}
	if (s->version >= NO_VERSION) {
		s->state = BLOCK;
		s->last = 0;
		return sql_in_block(s, at, err);
	}
	s->versions++;
	s->state = SPACE;
	if (sql_drop_mark(s, at, '/', err))
		return err->code;
	return sql_in_space(s, at, err);
}

enum err_code
sql_in_star(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (*at != '/')
		return was_punct(s, at, '*', err);
	s->versions--;
	s->state = SPACE;
	return sql_drop_mark(s, at + 1, '*', err);
}

/* --- lines --- */

enum err_code
sql_in_line(struct sql_scan *s, const uint8_t *at, struct err *err)
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

enum err_code
sql_in_command(struct sql_scan *s, const uint8_t *at, struct err *err)
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

enum err_code
sql_in_delimiter(struct sql_scan *s, const uint8_t *at, struct err *err)
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
	sql_clear_statement(s);
	return ERR_OK;
}

enum err_code
sql_in_copy_head(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (*at != '\n')
		return ERR_OK;
	s->state = COPY;
	return s->is_schema ? sql_end_rows(s, err) : sql_begin_cut(s, at + 1, err);
}
