#include "db/sqlite_blocks.h"

#include <string.h>

#define BLOCKS 4
#define BLOCK_SIZE ((size_t)4 << 20)

struct block {
	uint8_t *data; /* NULL: not used yet */
	uint64_t number;
	uint64_t used; /* when */
	size_t len; /* 0: holds nothing */
};

struct sqlite_blocks {
	struct sqlite_bytes file;
	struct block blocks[BLOCKS];
	uint64_t clock;
};

void
sqlite_blocks_free(struct sqlite_blocks *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < BLOCKS; i++)
		free(b->blocks[i].data);
	free(b);
}

/* The one that holds it, or the one whose turn it is to be given up. */
static struct block *
find_block(struct sqlite_blocks *b, uint64_t number)
{
	struct block *oldest = &b->blocks[0];
	for (size_t i = 0; i < BLOCKS; i++) {
		struct block *k = &b->blocks[i];
		if (k->len > 0 && k->number == number)
			return k;
		if (k->used < oldest->used)
			oldest = k;
	}
	return oldest;
}

static enum err_code
take_block(struct sqlite_blocks *b, uint64_t number, struct block **out, struct err *err)
{
	struct block *k = find_block(b, number);
	k->used = ++b->clock;
	*out = k;
	if (k->len > 0 && k->number == number)
		return ERR_OK;
	uint64_t offset = number * BLOCK_SIZE;
	uint64_t left = b->file.size - offset;
	size_t len = left < BLOCK_SIZE ? (size_t)left : BLOCK_SIZE;
	/* A file shorter than a block has only this one. */
	if (k->data == NULL)
		k->data = malloc(b->file.size < BLOCK_SIZE ? len : BLOCK_SIZE);
	if (k->data == NULL)
		return err_nomem(err);
	k->len = 0;
	if (b->file.read(b->file.arg, k->data, len, offset, err))
		return err->code;
	k->number = number;
	k->len = len;
	return ERR_OK;
}

static enum err_code
read_blocks(void *arg, void *out, size_t len, uint64_t offset, struct err *err)
{
	struct sqlite_blocks *b = arg;
	uint8_t *to = out;
	while (len > 0) {
		struct block *k;
		size_t at = (size_t)(offset % BLOCK_SIZE);
		if (take_block(b, offset / BLOCK_SIZE, &k, err))
			return err->code;
		size_t n = min_size(len, k->len - at);
		memcpy(to, k->data + at, n);
		to += n;
		offset += n;
		len -= n;
	}
	return ERR_OK;
}

enum err_code
sqlite_blocks_new(struct sqlite_blocks **blocks, struct sqlite_bytes *out,
    const struct sqlite_bytes *file, struct err *err)
{
	struct sqlite_blocks *b = calloc(1, sizeof *b);
	if (b == NULL)
		return err_nomem(err);
	b->file = *file;
	*out = (struct sqlite_bytes){ read_blocks, b, file->size, file->cancel };
	*blocks = b;
	return ERR_OK;
}
