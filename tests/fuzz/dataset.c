/*
 * Fuzz target: dumps of all three kinds, cut at their tables.  All parts, one
 * behind the other, must be the dump; rows must end within them, as many as the
 * census counts; and all this must not depend on how the dump comes in pieces.
 * The first byte says which kind.
 */
#include "db/dataset.h"
#include "base/checksum.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct cutting {
	const uint8_t *data;
	size_t at; /* of the dump, what came out */
	uint64_t rows;
	struct checksum_stream *said; /* of parts, borders and ends of rows */
	bool is_table;
};

static void
say(struct cutting *c, uint64_t what)
{
	checksum_stream_add(c->said, &what, sizeof what);
}

static enum err_code
on_part(void *arg, const struct dataset_part *part, struct err *err)
{
	struct cutting *c = arg;
	char *table;
	c->is_table = part->table != NULL;
	if (dataset_part_table(&table, part->name, err))
		abort();
	assert((table != NULL) == c->is_table);
	free(table);
	say(c, c->at);
	checksum_stream_add(c->said, part->name, strlen(part->name));
	return ERR_OK;
}

static enum err_code
on_bytes(void *arg, const void *data, size_t len, struct err *err)
{
	struct cutting *c = arg;
	(void)err;
	assert(len > 0 && memcmp(c->data + c->at, data, len) == 0);
	c->at += len;
	return ERR_OK;
}

static enum err_code
on_rows(void *arg, const void *data, size_t len, const uint32_t *ends, size_t count,
    struct err *err)
{
	struct cutting *c = arg;
	uint32_t last = 0;
	assert(c->is_table);
	for (size_t i = 0; i < count; i++) {
		assert(ends[i] > last && ends[i] <= len);
		last = ends[i];
		say(c, c->at + last);
	}
	c->rows += count;
	return on_bytes(arg, data, len, err);
}

static enum err_code
on_border(void *arg, struct err *err)
{
	struct cutting *c = arg;
	(void)err;
	assert(c->is_table);
	say(c, ~(uint64_t)c->at);
	return ERR_OK;
}

/* What was said; *is_known: does it not depend on the pieces? */
static struct checksum128
cut(enum census_dump kind, const uint8_t *data, size_t len, size_t piece, bool *is_known)
{
	static const struct dataset_ops ops = { on_part, on_bytes, on_rows, on_border };
	struct err err = ERR_INIT;
	struct cutting c = { .data = data };
	AUTO(census) struct census *census = NULL;
	AUTO(dataset) struct dataset *d = NULL;
	if (checksum_stream_new(&c.said, &err) || census_new(&census, kind, &err) ||
	    dataset_new(&d, census, &ops, &c, &err))
		abort();
	for (size_t at = 0; at < len; at += piece)
		if (dataset_feed(d, data + at, min_size(piece, len - at), &err))
			abort();
	if (dataset_finish(d, &err))
		abort();
	assert(c.at == len);
	bool is_whole = census_finish(census, &err) == ERR_OK;
	/* What ends in the middle, or is not understood, ends where it was handed over. */
	*is_known = census_is_known(census) && is_whole;
	uint64_t rows = 0;
	for (size_t i = 0; is_whole && i < census_count(census); i++)
		if (census_item(census, i)->what == CENSUS_ROWS)
			rows += census_item(census, i)->count;
	assert(!is_whole || c.rows <= rows || !census_is_known(census));
	struct checksum128 sum = checksum_stream_end(c.said);
	checksum_stream_free(c.said);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const size_t pieces[] = { 1, 3, 64 };
	bool is_known;
	if (len == 0)
		return 0;
	enum census_dump kind = (enum census_dump)(data[0] % 3);
	struct checksum128 whole = cut(kind, data + 1, len - 1, len, &is_known);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct checksum128 sum = cut(kind, data + 1, len - 1, pieces[i], &is_known);
		assert(!is_known || (sum.low == whole.low && sum.high == whole.high));
	}
	return 0;
}
