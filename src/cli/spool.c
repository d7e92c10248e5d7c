#include "cli/spool.h"

#include <string.h>

#define PIECE ((size_t)64 << 10)

void
spool_release(struct spool *s)
{
	buf_release(&s->memory);
	spill_part_free(s->part);
	spill_close(s->spill);
	*s = (struct spool)SPOOL_INIT;
}

enum err_code
spool_add(struct spool *s, const void *data, size_t len, struct err *err)
{
	size_t limit = s->limit > 0 ? s->limit : SPOOL_MEMORY;
	if (s->part == NULL && len <= limit && s->memory.len <= limit - len)
		return buf_add(&s->memory, data, len, err);
	if (s->spill == NULL && spill_open(&s->spill, NULL, err))
		return err->code;
	if (s->part == NULL && spill_part_new(&s->part, s->spill, err))
		return err->code;
	return spill_part_write(s->part, data, len, err);
}

enum err_code
spool_write(struct spool *s, FILE *out, struct err *err)
{
	if (s->memory.len > 0)
		fwrite(s->memory.data, 1, s->memory.len, out);
	if (s->part == NULL)
		return ERR_OK;
	AUTO(mem) uint8_t *piece = malloc(PIECE);
	size_t got = PIECE;
	if (piece == NULL)
		return err_nomem(err);
	if (spill_part_end(s->part, err))
		return err->code;
	/* Nobody reads on: the rest need not be read either. */
	while (got == PIECE && !ferror(out)) {
		if (spill_part_read(s->part, piece, PIECE, &got, err))
			return err->code;
		fwrite(piece, 1, got, out);
	}
	return ERR_OK;
}

size_t
spool_lines(const struct spool *s, size_t columns, size_t enough)
{
	if (s->part != NULL)
		return enough;
	size_t lines = 0;
	for (size_t i = 0; i < s->memory.len && lines < enough;) {
		const uint8_t *line = s->memory.data + i;
		const uint8_t *newline = memchr(line, '\n', s->memory.len - i);
		size_t len = newline != NULL ? (size_t)(newline - line) : s->memory.len - i;
		lines += 1 + (len > 0 ? (len - 1) / columns : 0);
		i += len + 1;
	}
	return min_size(lines, enough);
}
