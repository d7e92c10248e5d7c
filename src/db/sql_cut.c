/* Where the tables and rows of a SQL dump are, noted for dataset.c. */
#include "db/sql_scan_impl.h"

void
sql_scan_cut(struct sql_scan *s, struct cuts *cuts, sql_table_fn *begins)
{
	s->cuts = cuts;
	s->begins = begins;
}

/* What stands here is none of a table's rows: one that might have gone on has ended. */
enum err_code
sql_decide(struct sql_scan *s, struct err *err)
{
	if (s->cuts == NULL || (s->cuts->undecided == CUTS_NONE && s->cuts->open == NULL))
		return ERR_OK;
	s->cuts->undecided = CUTS_NONE;
	return cuts_close(s->cuts, err);
}

/* Nor are rows that this statement may have. */
enum err_code
sql_is_no_table(struct sql_scan *s, struct err *err)
{
	s->is_no_table = true;
	return sql_decide(s, err);
}

enum err_code
sql_scan_decide(struct sql_scan *s, struct err *err)
{
	bool has_begun = s->in_statement || s->state == COPY_HEAD;
	return has_begun ? sql_is_no_table(s, err) : sql_decide(s, err);
}

/* Rows begin; their first byte is at rows. */
enum err_code
sql_begin_cut(struct sql_scan *s, const uint8_t *rows, struct err *err)
{
	s->notes_rows = s->cuts != NULL && !s->is_no_table && s->versions == 0;
	if (!s->notes_rows)
		return sql_decide(s, err);
	s->cuts->undecided = CUTS_NONE;
	bool is_copy = s->dialect == SQL_POSTGRES;
	return s->begins(s->arg, &s->head, s->statement_at,
	    is_copy ? sql_place_of(s, rows) : s->statement_at, err);
}

/* A tuple has ended, with its comma or semicolon: a newline behind it is the row's, too. */
void
sql_settle_end(struct sql_scan *s, const uint8_t *at)
{
	uint64_t end = sql_place_of(s, at) + (*at == '\n');
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
	return sql_decide(s, err);
}
