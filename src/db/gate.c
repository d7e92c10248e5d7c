#include "db/gate.h"

#include "base/strv.h"

#include <inttypes.h>
#include <string.h>

void
sql_gate_init(struct sql_gate *g, const char *end_mark)
{
	*g = (struct sql_gate){ .end_mark = end_mark };
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
	g->bytes += len;
	keep_tail(g, data, len);
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

/* The mark of PostgreSQL's tools stands in a frame of "--" lines, with a blank one behind. */
static bool
ends_with_mark(const struct sql_gate *g)
{
	const char *end = g->tail + g->tail_len;
	bool is_framed = str_ends(g->end_mark, "dump complete");
	bool has_frame = false;
	if (g->tail_len == 0 || end[-1] != '\n')
		return false;
	if (is_framed && (g->tail_len < 2 || end[-2] != '\n'))
		return false;
	while (end > g->tail) {
		const char *nl = memrchr(g->tail, '\n', (size_t)(end - 1 - g->tail));
		if (nl == NULL)
			return false; /* the line's beginning is not in the tail */
		size_t len = (size_t)(end - 1 - (nl + 1));
		size_t mark = strlen(g->end_mark);
		if (len >= mark && memcmp(nl + 1, g->end_mark, mark) == 0)
			return has_frame || !is_framed;
		if (!may_follow(nl + 1, len))
			return false;
		has_frame = has_frame || len == 2;
		end = nl + 1;
	}
	return false;
}

enum err_code
sql_gate_finish(const struct sql_gate *g, struct err *err)
{
	if (g->bytes == 0)
		return err_set(err, ERR_INCOMPLETE, "the dump is empty");
	if (!ends_with_mark(g))
		return err_set(err, ERR_INCOMPLETE,
		    "the dump is cut off: %" PRIu64 " bytes came, without the end mark \"%s\"",
		    g->bytes, g->end_mark);
	return ERR_OK;
}
