#include "db/gate.h"

#include "base/strv.h"

#include <inttypes.h>
#include <string.h>

void
sql_gate_init(struct sql_gate *g, const char *end_mark)
{
	*g = (struct sql_gate){ .end_mark = end_mark };
}

static bool
creates_table(const char *line)
{
	return str_starts(line, "CREATE TABLE ") || str_starts(line, "CREATE UNLOGGED TABLE ");
}

static void
judge_line(struct sql_gate *g)
{
	char line[GATE_LINE + 1];
	memcpy(line, g->line, g->line_len);
	line[g->line_len] = '\0';
	if (creates_table(line))
		g->tables++;
	g->line_done = true;
}

static void
keep_tail(struct sql_gate *g, const char *data, size_t len)
{
	if (len >= GATE_TAIL) {
		memcpy(g->tail, data + len - GATE_TAIL, GATE_TAIL);
		g->tail_len = GATE_TAIL;
		return;
	}
	size_t keep = min_size(g->tail_len, GATE_TAIL - len);
	memmove(g->tail, g->tail + g->tail_len - keep, keep);
	memcpy(g->tail + keep, data, len);
	g->tail_len = keep + len;
}

void
sql_gate_feed(struct sql_gate *g, const void *data, size_t len)
{
	const char *p = data;
	const char *end = p + len;
	g->bytes += len;
	keep_tail(g, p, len);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl != NULL ? nl : end;
		if (!g->line_done) {
			size_t n = min_size((size_t)(stop - p), GATE_LINE - g->line_len);
			memcpy(g->line + g->line_len, p, n);
			g->line_len += n;
			if (nl != NULL || g->line_len == GATE_LINE)
				judge_line(g);
		}
		if (nl == NULL)
			return;
		g->line_len = 0;
		g->line_done = false;
		p = nl + 1;
	}
}

/* What may follow the end mark: nothing, a comment's frame, pg_dump's \unrestrict. */
static bool
may_follow(const char *line, size_t len)
{
	static const char unrestrict[] = "\\unrestrict ";
	return len == 0 || (len == 2 && memcmp(line, "--", 2) == 0) ||
	       (len >= sizeof unrestrict &&
		   memcmp(line, unrestrict, sizeof unrestrict - 1) == 0);
}

static bool
ends_with_mark(const struct sql_gate *g)
{
	const char *end = g->tail + g->tail_len;
	if (g->tail_len == 0 || end[-1] != '\n')
		return false;
	while (end > g->tail) {
		const char *nl = memrchr(g->tail, '\n', (size_t)(end - 1 - g->tail));
		if (nl == NULL)
			return false; /* the line's beginning is not in the tail */
		size_t len = (size_t)(end - 1 - (nl + 1));
		size_t mark = strlen(g->end_mark);
		if (len >= mark && memcmp(nl + 1, g->end_mark, mark) == 0)
			return true;
		if (!may_follow(nl + 1, len))
			return false;
		end = nl + 1;
	}
	return false;
}

enum err_code
sql_gate_finish(const struct sql_gate *g, uint64_t tables_expected, struct err *err)
{
	if (g->bytes == 0)
		return err_set(err, ERR_INCOMPLETE, "the dump is empty");
	if (!ends_with_mark(g))
		return err_set(err, ERR_INCOMPLETE,
		    "the dump is cut off: %" PRIu64 " bytes came, without the end mark \"%s\"",
		    g->bytes, g->end_mark);
	if (g->tables < tables_expected)
		return err_set(err, ERR_INCOMPLETE,
		    "the dump creates %" PRIu64 " tables, the server has %" PRIu64, g->tables,
		    tables_expected);
	return ERR_OK;
}
