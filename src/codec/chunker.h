/*
 * chunker.h: where to cut a run of bytes into chunks, by their content.
 *
 * A gear hash (Xia et al., FastCDC, USENIX ATC 2016) rolls over the bytes:
 * h = (h << 1) + table[byte].  A border lies where the top bits of h are zero;
 * before the average length more bits must be, behind it fewer ("normalised"
 * chunking), so that lengths gather around the average.  The table is secret:
 * without it the lengths say little about the content.
 *
 * Rows: a border that the hash finds is moved to where the next row ends, so
 * that a chunk of a database dump holds whole rows.  In the last quarter before
 * max every row is a border: rows that are all alike may give the hash none.
 * Only a row longer than that quarter can be cut.  Rows end at newlines, or
 * where the caller says.
 *
 * A chunker is a value that keeps its place between calls, so that bytes may
 * come in any portions; the borders do not depend on the portions.
 */
#ifndef CODEC_CHUNKER_H
#define CODEC_CHUNKER_H

#include "base/defs.h"

#include <stdbool.h>

struct chunk_sizes {
	uint32_t min;
	uint32_t avg; /* a power of two */
	uint32_t max;
};

#define CHUNKER_TABLE_BYTES 2048

struct chunker_table {
	uint64_t gear[256];
};

/* From 2048 secret bytes, read as 256 little-endian numbers. */
void chunker_table_init(struct chunker_table *t, const uint8_t raw[CHUNKER_TABLE_BYTES]);

enum chunk_border { BORDER_ANY, BORDER_LINES, BORDER_ROWS };

struct chunker {
	const struct chunker_table *table;
	struct chunk_sizes sizes;
	enum chunk_border border;
	uint64_t mask_small; /* before avg */
	uint64_t mask_large; /* behind avg */
	uint32_t patience; /* lines, rows: where any will do */
	uint64_t hash;
	uint32_t pos; /* bytes of the chunk so far */
	bool wants_row; /* a border was found; waiting for the row's end */
};

void chunker_init(struct chunker *c, const struct chunker_table *t, struct chunk_sizes sizes,
    enum chunk_border border);

/* Take bytes up to the next border.  Gives how many were taken; *cut tells whether a chunk ends
 * behind them (the next one starts afresh). */
size_t chunker_next(struct chunker *c, const uint8_t *data, size_t len, bool *cut);

/* Where rows end: places behind their last bytes, ascending, counted from a place that base
 * lies behind. */
struct row_ends {
	const uint32_t *at;
	size_t count;
	size_t next; /* those before it lie at or before base */
	uint32_t base;
};
/* The same for BORDER_ROWS; data begins at ends->base. */
size_t chunker_next_row(
    struct chunker *c, const uint8_t *data, size_t len, const struct row_ends *ends, bool *cut);
/* Does a row end so many bytes (at least one) behind base? */
bool row_ends_at(const struct row_ends *ends, size_t place);
/* taken bytes behind base are done with: how many rows ended in them.  *is_open: one goes on
 * behind them; as it was when there are no ends. */
size_t row_ends_pass(struct row_ends *ends, size_t taken, bool *is_open);

#endif
