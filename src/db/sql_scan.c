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
#include "db/sql_scan_impl.h"

#include <string.h>
#include <strings.h>

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

/* --- statements --- */

void
sql_begin_statement(struct sql_scan *s, const uint8_t *at)
{
	if (s->in_statement)
		return;
	s->statement_at = sql_place_of(s, at);
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
enum err_code
sql_drop_mark(struct sql_scan *s, const uint8_t *to, char first, struct err *err)
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

void
sql_clear_statement(struct sql_scan *s)
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
void
sql_begin_rows(struct sql_scan *s)
{
	checksum_stream_end(s->text);
	s->in_statement = false;
	s->text_from = NULL;
}

enum err_code
sql_end_statement(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	s->state = SPACE;
	if (!s->in_statement)
		return ERR_OK;
	if (s->dialect == SQL_POSTGRES && is_copy(&s->head)) {
		s->state = COPY_HEAD;
		sql_begin_rows(s);
		return ERR_OK;
	}
	if (note_text(s, at, err) || sql_decide(s, err))
		return err->code;
	follow_settings(s);
	struct checksum128 content = checksum_stream_end(s->text);
	if (s->ops->statement(s->arg, &s->head, s->text_bytes, content, err))
		return err->code;
	sql_clear_statement(s);
	return ERR_OK;
}

enum err_code
sql_end_rows(struct sql_scan *s, struct err *err)
{
	struct sql_rows rows = s->rows;
	s->rows = (struct sql_rows){ 0 };
	s->state = SPACE;
	if (s->ops->rows(s->arg, &s->head, &rows, err))
		return err->code;
	sql_clear_statement(s);
	return ERR_OK;
}

/* --- feeding --- */

typedef enum err_code byte_fn(struct sql_scan *s, const uint8_t *at, struct err *err);

static byte_fn *const machines[] = {
	[SPACE] = sql_in_space,
	[WORD] = sql_in_word,
	[QUOTED] = sql_in_quoted,
	[TAG] = sql_in_tag,
	[DOLLAR] = sql_in_dollar,
	[DASH] = sql_in_dash,
	[DASHES] = sql_in_dashes,
	[SLASH] = sql_in_slash,
	[OPENED] = sql_in_opened,
	[VERSION] = sql_in_version,
	[STAR] = sql_in_star,
	[LINE] = sql_in_line,
	[BLOCK] = sql_in_block,
	[COMMAND] = sql_in_command,
	[COPY_HEAD] = sql_in_copy_head,
	[ROWS] = sql_in_rows,
	[DELIMITER] = sql_in_delimiter,
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
			p = sql_feed_copy(s, p, end, &rc, err);
		} else if (s->state == ROW || s->state == ROW_STRING ||
			   s->state == ROW_ESCAPE) {
			p = sql_feed_row(s, p, end);
		} else {
			if (s->state == QUOTED)
				p = sql_skip_in_quoted(s, p, end);
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
