/* Words, strings and names of a SQL dump. */
#include "db/sql_scan_impl.h"

#include "base/room.h"

#include <string.h>

static bool
keeps_tokens(const struct sql_scan *s)
{
	return s->head.count < TOKENS_MAX;
}

enum err_code
sql_open_token(struct sql_scan *s, enum sql_token_kind kind, struct err *err)
{
	struct sql_head *h = &s->head;
	s->kept = 0;
	if (kind != SQL_WORD && h->count == 0 && sql_is_no_table(s, err))
		return err->code;
	if (!keeps_tokens(s))
		return ERR_OK;
	if (ROOM(h->tokens, h->count, h->cap, 64, err))
		return err->code;
	h->tokens[h->count].kind = kind;
	h->tokens[h->count].at = h->text.len;
	return ERR_OK;
}

enum err_code
sql_token_byte(struct sql_scan *s, uint8_t c, struct err *err)
{
	if (!keeps_tokens(s) || s->kept == STRING_KEPT)
		return ERR_OK;
	s->kept++;
	/* A NUL would hide the rest of a name from those who compare. */
	return buf_u8(&s->head.text, c != '\0' ? c : '?', err);
}

enum err_code
sql_close_token(struct sql_scan *s, struct err *err)
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
	if (sql_close_token(s, err))
		return err->code;
	if (i == 0 && !may_begin_rows(s) && sql_is_no_table(s, err))
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
		sql_begin_rows(s);
		return s->is_schema ? sql_end_rows(s, err) : sql_begin_cut(s, NULL, err);
	}
	return ERR_OK;
}

static bool
word_is_prefix(const struct sql_scan *s)
{
	return s->kept == 1 && keeps_tokens(s) &&
	       (s->head.text.data[s->head.text.len - 1] | 0x20) == 'e';
}

enum err_code
sql_in_word(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (sql_is_letter(*at) || *at == '$')
		return sql_token_byte(s, *at, err);
	if (*at == '\'' && s->dialect == SQL_POSTGRES && word_is_prefix(s)) {
		drop_token(s);
		return sql_open_quoted(s, '\'', true, err);
	}
	if (word_ended(s, err))
		return err->code;
	return s->state == ROWS        ? sql_in_rows(s, at, err)
	       : s->state == DELIMITER ? sql_in_delimiter(s, at, err)
				       : sql_in_space(s, at, err);
}

/* Names have their quotes doubled; a doubled quote in a string opens it anew, which comes to
 * the same. */
enum err_code
sql_in_quoted(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	uint8_t c = *at;
	if (s->was_escape) {
		s->was_escape = false;
		if (s->escapes)
			return sql_token_byte(s, c, err);
		/* A quote in a name was seen. */
		if (c == s->quote)
			return sql_token_byte(s, c, err);
		s->state = SPACE;
		return sql_close_token(s, err) ? err->code : sql_in_space(s, at, err);
	}
	if (s->escapes && c == '\\') {
		s->was_escape = true;
		return ERR_OK;
	}
	if (c != s->quote)
		return sql_token_byte(s, c, err);
	if (s->escapes) {
		s->state = SPACE;
		return sql_close_token(s, err);
	}
	s->was_escape = true;
	return ERR_OK;
}

/* Long strings: what cannot end them is passed over at once. */
const uint8_t *
sql_skip_in_quoted(const struct sql_scan *s, const uint8_t *p, const uint8_t *end)
{
	if (s->was_escape || s->kept < STRING_KEPT)
		return p;
	const uint8_t *quote = memchr(p, s->quote, (size_t)(end - p));
	const uint8_t *stop = quote != NULL ? quote : end;
	const uint8_t *slash = s->escapes ? memchr(p, '\\', (size_t)(stop - p)) : NULL;
	return slash != NULL ? slash : stop;
}

enum err_code
sql_in_tag(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	bool fits = s->tag_len < TAG_MAX;
	if (*at == '$') {
		s->state = DOLLAR;
		s->matched = 0;
		s->tag_begins = false;
		return sql_open_token(s, SQL_STRING, err);
	}
	bool is_digit = *at >= '0' && *at <= '9';
	if (sql_is_letter(*at) && fits && !(s->tag_len == 0 && is_digit)) {
		s->tag[s->tag_len++] = (char)*at;
		return ERR_OK;
	}
	/* A parameter, as in $1. */
	if (sql_open_token(s, SQL_WORD, err) || sql_token_byte(s, '$', err))
		return err->code;
	s->state = WORD;
	return sql_in_word(s, at, err);
}

enum err_code
sql_in_dollar(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	uint8_t c = *at;
	if (s->tag_begins) {
		if (s->matched == s->tag_len && c == '$') {
			s->state = SPACE;
			return sql_close_token(s, err);
		}
		if (s->matched < s->tag_len && c == (uint8_t)s->tag[s->matched]) {
			s->matched++;
			return ERR_OK;
		}
	}
	s->tag_begins = c == '$';
	s->matched = 0;
	return sql_token_byte(s, c, err);
}
