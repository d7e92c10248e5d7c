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
		.mask_large = top_bits(bits - 1),
		.patience = border == BORDER_ROWS ? (uint32_t)max_size(sizes.avg, last_quarter)
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

/* Roll over data[i, end); the index behind the border, or 0 when there is none. */
static size_t
roll(struct chunker *c, const uint8_t *data, size_t i, size_t end, uint64_t mask)
{
	const uint64_t *gear = c->table->gear;
	uint64_t h = c->hash;
	/* Four bytes at a time, until a border is among them: a hash with all bits of the mask
	 * zero, which are the top ones, is less than the rest of the bits can make. */
	uint64_t limit = ~mask + 1;
	for (; i + 4 <= end; i += 4) {
		uint64_t first = (h << 1) + gear[data[i]];
		uint64_t two = (gear[data[i]] << 1) + gear[data[i + 1]];
		uint64_t second = (h << 2) + two;
		uint64_t third = (second << 1) + gear[data[i + 2]];
		uint64_t fourth =
		    (h << 4) + (two << 2) + (gear[data[i + 2]] << 1) + gear[data[i + 3]];
		uint64_t least = first < second ? first : second;
		uint64_t other = third < fourth ? third : fourth;
		if ((least < other ? least : other) < limit)
			break;
		h = fourth;
	}
	while (i < end) {
		h = (h << 1) + gear[data[i++]];
		if ((h & mask) == 0) {
			c->hash = h;
			return i;
		}
	}
	c->hash = h;
	return 0;
}

size_t
chunker_next(struct chunker *c, const uint8_t *data, size_t len, bool *cut)
{
	*cut = false;
	/* No byte behind max belongs to this chunk. */
	len = min_size(len, c->sizes.max - c->pos);
	size_t i = 0;
	uint32_t start = c->pos;

	/* The hash needs 64 bytes to be full; what comes earlier cannot matter. */
	uint32_t warm = c->sizes.min - 64;
	if (c->pos < warm)
		i = min_size(len, warm - c->pos);
	while (i < len && !c->wants_row) {
		uint32_t at = start + (uint32_t)i;
		if (at >= c->patience) {
			c->wants_row = true;
			break;
		}
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
		if (border == 0) {
			i = end;
			continue;
		}
		if (c->border == BORDER_ANY)
			return end_chunk(c, border, cut);
		c->wants_row = true;
		i = border - 1; /* the byte of the border may be the newline itself */
	}
	if (c->wants_row && i < len) {
		const uint8_t *nl = memchr(data + i, '\n', len - i);
		if (nl != NULL)
			return end_chunk(c, (size_t)(nl - data) + 1, cut);
	}
	c->pos = start + (uint32_t)len;
	if (c->pos == c->sizes.max)
		return end_chunk(c, len, cut);
	return len;
}
