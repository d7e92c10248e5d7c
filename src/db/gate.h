/*
 * gate.h: is this SQL dump whole?  Decided while it streams by.
 *
 * A dump is whole when the tool's own end mark is the last thing in it, with all
 * that the tool writes behind it.  That it does not stand among rows, and what
 * is before it, the census tells (census.h).
 *
 * Pure: no input or output.
 */
#ifndef DB_GATE_H
#define DB_GATE_H

#include "base/err.h"

#include <stdbool.h>

#define GATE_TAIL 512

struct sql_gate {
	const char *end_mark; /* how the dump's last line but blank ones and "--" begins */
	uint64_t bytes;
	size_t tail_len;
	char tail[GATE_TAIL]; /* the last bytes seen */
};

void sql_gate_init(struct sql_gate *g, const char *end_mark);
void sql_gate_feed(struct sql_gate *g, const void *data, size_t len);
/* ERR_INCOMPLETE, saying what is missing, unless the dump is whole. */
MUST_CHECK enum err_code sql_gate_finish(const struct sql_gate *g, struct err *err);

#endif
