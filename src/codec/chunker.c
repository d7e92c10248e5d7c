#include "codec/chunker.h"

#include "base/bytes.h"

#include <assert.h>

void
chunker_table_init(struct chunker_table *t, const uint8_t raw[CHUNKER_TABLE_BYTES])
{
	for (size_t i = 0; i < ARRAY_LEN(t->gear); i++)
		t->gear[i] = get_u64(raw + 8 * i);
}

static uint64_t
top_bits(unsigned n)
{
	return ~UINT64_C(0) << (64 - n);
}

void
chunker_init(struct chunker *c, const struct chunker_table *t, struct chunk_sizes sizes,
    enum chunk_border border)
{
	assert(sizes.avg >= 64 && (sizes.avg & (sizes.avg - 1)) == 0);
	assert(sizes.min >= 64 && sizes.min < sizes.avg && sizes.avg < sizes.max);
	unsigned bits = (unsigned)__builtin_ctz(sizes.avg);
	size_t last_quarter = sizes.max - sizes.max / 4;
	*c = (struct chunker){
		.table = t,
		.sizes = sizes,
		.border = border,
		.mask_small = top_bits(bits + 1),
		/* Rows are many, and changed here and there: a long chunk costs most then. */
		.mask_large = top_bits(bits - (border == BORDER_ROWS ? 2 : 1)),
		.patience = border != BORDER_ANY ? (uint32_t)max_size(sizes.avg, last_quarter)
						 : sizes.max,
	};
}

static size_t
end_chunk(struct chunker *c, size_t taken, bool *cut)
{
	c->hash = 0;
	c->pos = 0;
	c->wants_row = false;
	*cut = true;
	return taken;
}

/* Where the first of four hashes that follow each other gives a border, counted from 1; 0 when
 * none does. */
static size_t
first_border(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t mask)
{
	return (a & mask) == 0   ? 1
	       : (b & mask) == 0 ? 2
	       : (c & mask) == 0 ? 3
	       : (d & mask) == 0 ? 4
				 : 0;
}

/* The index behind the border, or 0 when there is none.  Of four bytes what they add to the
 * hash is worked out beside it, so that only one step in four waits for the one before. */
static size_t
roll_bytes(struct chunker *c, const uint8_t *data, size_t i, size_t end, uint64_t mask)
{
	const uint64_t *gear = c->table->gear;
	uint64_t h = c->hash;
	size_t border = 0;
	for (; end - i >= 4; i += 4) {
		uint64_t one = gear[data[i]];
		uint64_t two = (one << 1) + gear[data[i + 1]];
		uint64_t three = (two << 1) + gear[data[i + 2]];
		uint64_t four = (three << 1) + gear[data[i + 3]];
		border = first_border(
		    (h << 1) + one, (h << 2) + two, (h << 3) + three, (h << 4) + four, mask);
		if (border != 0)
			return i + border;
		h = (h << 4) + four;
	}
	while (i < end) {
		h = (h << 1) + gear[data[i++]];
		if ((h & mask) == 0)
			return i;
	}
	c->hash = h;
	return 0;
}

/* Four places at once keep the processor busier still, as long as no border is met, which is
 * looked for once more. */
#define LANES 4
#define LANE ((size_t)2048)
/* A border is met less often than in every eighth block. */
#define LANES_LIMIT (UINT64_C(1) << (64 - 16))
/* Bytes that a hash depends on. */
#define REACH 64

/* Is there a border in data[i, i + LANES * LANE)?  When there is none, the hash moves behind.
 */
static bool
lanes_have_border(struct chunker *c, const uint8_t *data, size_t i, uint64_t limit)
{
	const uint64_t *gear = c->table->gear;
	uint64_t h[LANES] = { c->hash };
	const uint8_t *p = data + i;
	for (size_t k = 1; k < LANES; k++)
		for (size_t j = k * LANE - REACH; j < k * LANE; j++)
			h[k] = (h[k] << 1) + gear[p[j]];
	for (size_t j = 0; j < LANE; j++) {
		h[0] = (h[0] << 1) + gear[p[j]];
		h[1] = (h[1] << 1) + gear[p[j + LANE]];
		h[2] = (h[2] << 1) + gear[p[j + 2 * LANE]];
		h[3] = (h[3] << 1) + gear[p[j + 3 * LANE]];
		uint64_t low = h[0] < h[1] ? h[0] : h[1];
		uint64_t high = h[2] < h[3] ? h[2] : h[3];
		if ((low < high ? low : high) < limit)
			return true;
	}
	c->hash = h[LANES - 1];
	return false;
}

/* Roll over data[i, end); the index behind the border, or 0 when there is none. */
static size_t
roll(struct chunker *c, const uint8_t *data, size_t i, size_t end, uint64_t mask)
{
	/* The bits of a mask are the top ones: a hash without any of them is less than this. */
	uint64_t limit = ~mask + 1;
	if (limit <= LANES_LIMIT)
		while (end - i >= LANES * LANE && !lanes_have_border(c, data, i, limit))
			i += LANES * LANE;
	return roll_bytes(c, data, i, end, mask);
}

/* Go on to where the hash gives a border; the index behind it, or 0 when there is none. */
static size_t
find_place(struct chunker *c, const uint8_t *data, size_t len)
{
	size_t i = 0;
	uint32_t start = c->pos;

	/* The hash needs 64 bytes to be full; what comes earlier cannot matter. */
	uint32_t warm = c->sizes.min - 64;
	if (c->pos < warm)
		i = min_size(len, warm - c->pos);
	while (i < len) {
		uint32_t at = start + (uint32_t)i;
		if (at >= c->patience)
			return i + 1; /* any row will do */
		uint64_t mask = at < c->sizes.avg ? c->mask_small : c->mask_large;
		uint32_t zone = at < c->sizes.min   ? c->sizes.min
				: at < c->sizes.avg ? c->sizes.avg
						    : c->patience;
		/* Below min the hash only fills up: a mask that no border passes. */
		size_t end = min_size(len, i + (zone - at));
		if (at < c->sizes.min) {
			const uint64_t *gear = c->table->gear;
			while (i < end)
				c->hash = (c->hash << 1) + gear[data[i++]];
			continue;
		}
		size_t border = roll(c, data, i, end, mask);
		if (border != 0)
			return border;
		i = end;
	}
	return 0;
}

/* The first of those ends from next on that is place or behind it; count when there is none. */
static size_t
row_ends_find(const struct row_ends *ends, uint64_t place)
{
	size_t low = ends->next;
	size_t high = ends->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ends->at[middle] < place)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
row_ends_at(const struct row_ends *ends, size_t place)
{
	size_t i = row_ends_find(ends, (uint64_t)ends->base + place);
	return i < ends->count && ends->at[i] - ends->base == place;
}

size_t
row_ends_pass(struct row_ends *ends, size_t taken, bool *is_open)
{
	ends->base += (uint32_t)taken;
	size_t next = row_ends_find(ends, (uint64_t)ends->base + 1);
	size_t passed = next - ends->next;
	ends->next = next;
	if (ends->count > 0)
		*is_open = next == 0 || ends->at[next - 1] != ends->base;
	return passed;
}

/* The end of the first row that ends at or behind place (which is at least 1); 0 when there is
 * none among these bytes. */
static size_t
row_end(const struct chunker *c, const uint8_t *data, size_t len, size_t place,
    const struct row_ends *ends)
{
	if (c->border == BORDER_LINES) {
		/* The byte of the border may be the newline itself. */
		const uint8_t *nl = memchr(data + place - 1, '\n', len - (place - 1));
		return nl != NULL ? (size_t)(nl - data) + 1 : 0;
	}
	size_t i = row_ends_find(ends, (uint64_t)ends->base + place);
	return i < ends->count && ends->at[i] - ends->base <= len ? ends->at[i] - ends->base
								  : 0;
}

static size_t
next_border(
    struct chunker *c, const uint8_t *data, size_t len, const struct row_ends *ends, bool *cut)
{
	*cut = false;
	/* No byte behind max belongs to this chunk. */
	len = min_size(len, c->sizes.max - c->pos);
	size_t place = c->wants_row ? min_size(1, len) : find_place(c, data, len);
	if (place != 0) {
		c->wants_row = c->border != BORDER_ANY;
		size_t border = c->wants_row ? row_end(c, data, len, place, ends) : place;
		if (border != 0)
			return end_chunk(c, border, cut);
	}
	c->pos += (uint32_t)len;
	if (c->pos == c->sizes.max)
		return end_chunk(c, len, cut);
	return len;
}

size_t
chunker_next(struct chunker *c, const uint8_t *data, size_t len, bool *cut)
{
	return next_border(c, data, len, NULL, cut);
}

size_t
chunker_next_row(
    struct chunker *c, const uint8_t *data, size_t len, const struct row_ends *ends, bool *cut)
{
	return next_border(c, data, len, ends, cut);
}
