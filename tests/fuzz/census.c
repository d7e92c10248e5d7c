/*
 * Fuzz target: what a dump holds, counted while it streams by, of all three
 * kinds; and the lines that a census is kept as.  The same bytes must be counted
 * the same however they are cut into pieces.  The first byte says which kind.
 */
#include "db/census.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* NULL: it does not end well. */
static struct census *
count(enum census_dump kind, const uint8_t *data, size_t len, size_t chunk)
{
	struct err err = ERR_INIT;
	AUTO(census) struct census *c = NULL;
	if (census_new(&c, kind, &err))
		abort();
	for (size_t at = 0; at < len; at += chunk)
		if (census_feed(c, data + at, min_size(chunk, len - at), &err))
			abort();
	return census_finish(c, &err) == ERR_OK ? TAKE(c) : NULL;
}

static enum err_code
must_not_differ(void *arg, unsigned differences, const struct census_item *a,
    const struct census_item *b, struct err *err)
{
	(void)arg;
	(void)differences;
	(void)a;
	(void)b;
	(void)err;
	abort();
}

static void
must_be_equal(const struct census *a, const struct census *b)
{
	struct err err = ERR_INIT;
	assert((a == NULL) == (b == NULL));
	if (a != NULL && census_compare(a, b, must_not_differ, NULL, &err))
		abort();
}

static void
write_and_read(const struct census *c)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf lines = BUF_INIT;
	AUTO(census) struct census *back = NULL;
	if (c == NULL)
		return;
	if (census_write(c, "x", &lines, &err) ||
	    census_parse(&back, lines.data, lines.len, "x", &err))
		abort();
	if (census_is_known(c))
		must_be_equal(c, back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const size_t chunks[] = { 1, 3, 64 };
	if (len == 0)
		return 0;
	if (data[0] % 4 == 3) {
		struct err err = ERR_INIT;
		AUTO(census) struct census *lines = NULL;
		enum err_code rc = census_parse(&lines, data + 1, len - 1, "x", &err);
		assert(rc == ERR_OK || rc == ERR_CORRUPT);
		return 0;
	}
	enum census_dump kind = (enum census_dump)(data[0] % 4);
	AUTO(census) struct census *whole = count(kind, data + 1, len - 1, len);
	write_and_read(whole);
	for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
		AUTO(census) struct census *cut = count(kind, data + 1, len - 1, chunks[i]);
		must_be_equal(whole, cut);
	}
	return 0;
}
