/* Rows: the lines behind COPY, the tuples behind INSERT. */
#include "db/sql_scan_impl.h"

#include <string.h>

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
	s->cuts->undecided = may_end ? sql_place_of(s, end) - s->row_bytes : CUTS_NONE;
}

/* The line behind which nl stands ends the rows. */
static enum err_code
end_copy(struct sql_scan *s, const uint8_t *nl, struct err *err)
{
	if (s->row_is_split)
		checksum_stream_end(s->row);
	s->row_is_split = false;
	if (s->notes_rows) {
		uint64_t end = sql_place_of(s, nl) + 1;
		s->cuts->undecided = CUTS_NONE;
		if (cuts_add(s->cuts, CUT_TAIL, end - strlen("\\.\n"), err) ||
		    cuts_add(s->cuts, CUT_CLOSE, end, err))
			return err->code;
	}
	return sql_end_rows(s, err);
}

/* Lines up to "\." alone. */
const uint8_t *
sql_feed_copy(struct sql_scan *s, const uint8_t *p, const uint8_t *end, enum err_code *rc,
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
			cuts_row(s->cuts, sql_place_of(s, p));
		}
	}
	return p;
}

enum err_code
sql_in_rows(struct sql_scan *s, const uint8_t *at, struct err *err)
{
	if (s->end_waits)
		sql_settle_end(s, at);
	if (s->tuple_ended && (*at == ',' || *at == ';' || *at == '(')) {
		s->tuple_ended = false;
		s->end_waits = true;
		if (*at == '(')
			sql_settle_end(s, at);
	}
	if (*at == ';') {
		/* No row has just ended: the table has, here, unless it goes on. */
		if (s->notes_rows && !s->end_waits)
			s->cuts->last_end = s->cuts->undecided = sql_place_of(s, at) + 1;
		return sql_end_rows(s, err);
	}
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
const uint8_t *
sql_feed_row(struct sql_scan *s, const uint8_t *from, const uint8_t *end)
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
					s->cuts->undecided = sql_place_of(s, p);
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
