/*
 * gate.h: is this SQL dump whole?  Decided while it streams by.
 *
 * A dump is whole when the tool's own end mark is the last thing in it, and
 * when it creates at least as many tables as the catalogue had.  Only line
 * beginnings are looked at: rows and function bodies that look like
 * statements can add to the count, never take from it.
 *
 * Pure: no input or output.
 */
#ifndef DB_GATE_H
#define DB_GATE_H

#include "base/err.h"

#include <stdbool.h>

#define GATE_LINE 32
#define GATE_TAIL 512

struct sql_gate {
	const char *end_mark; /* how the dump's last line but blank ones and "--" begins */
	uint64_t bytes;
	uint64_t tables; /* lines that create one */
	size_t line_len; /* how much of the current line's beginning is kept in line */
	bool line_done; /* its beginning was judged */
	char line[GATE_LINE];
	size_t tail_len;
	char tail[GATE_TAIL]; /* the last bytes seen */
};

void sql_gate_init(struct sql_gate *g, const char *end_mark);
void sql_gate_feed(struct sql_gate *g, const void *data, size_t len);
/* ERR_INCOMPLETE, saying what is missing, unless the dump is whole. */
MUST_CHECK enum err_code sql_gate_finish(
    const struct sql_gate *g, uint64_t tables_expected, struct err *err);

#endif
