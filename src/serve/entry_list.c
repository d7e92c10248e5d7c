#include "serve/entry_list.h"

#include "base/bytes.h"
#include "base/room.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define BLOCK 4096 /* entries */
#define SIZE 8
#define KIND_BITS 2

struct block {
	uint16_t kinds[ENTRY_KINDS];
};

struct entry_list {
	int fd;
	uint64_t count;
	struct block *blocks;
	uint8_t last[BLOCK * SIZE]; /* of a block that is not full */
};

enum err_code
entry_list_new(struct entry_list **out, const char *folder, struct err *err)
{
	AUTO(entry_list) struct entry_list *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	l->fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (l->fd < 0)
		return err_sys(err, "make a temporary file in %s", folder);
	*out = TAKE(l);
	return ERR_OK;
}

void
entry_list_free(struct entry_list *l)
{
	if (l == NULL)
		return;
	if (l->fd >= 0)
		close(l->fd);
	free(l->blocks);
	free(l);
}

uint64_t
entry_list_count(const struct entry_list *l)
{
	return l->count;
}

static size_t
block_count(const struct entry_list *l)
{
	return (size_t)((l->count + BLOCK - 1) / BLOCK);
}

static enum err_code
begin_block(struct entry_list *l, struct err *err)
{
	size_t n = block_count(l);
	if (ROOM_SHORT(l->blocks, n, err))
		return err->code;
	l->blocks[n] = (struct block){ { 0 } };
	return ERR_OK;
}

static enum err_code
write_block(struct entry_list *l, size_t entries, struct err *err)
{
	if (fd_write_all(l->fd, l->last, entries * SIZE, err))
		return err_wrap(err, "temporary file");
	return ERR_OK;
}

enum err_code
entry_list_add(struct entry_list *l, const struct entry *e, struct err *err)
{
	size_t at = (size_t)(l->count % BLOCK);
	if (at == 0 && begin_block(l, err))
		return err->code;
	put_u64(l->last + at * SIZE, e->offset << KIND_BITS | e->kind);
	l->blocks[l->count / BLOCK].kinds[e->kind]++;
	l->count++;
	return at + 1 == BLOCK ? write_block(l, BLOCK, err) : ERR_OK;
}

enum err_code
entry_list_end(struct entry_list *l, struct err *err)
{
	return l->count % BLOCK > 0 ? write_block(l, (size_t)(l->count % BLOCK), err) : ERR_OK;
}

/* --- selecting --- */

static enum err_code
read_block(
    const struct entry_list *l, uint64_t first, uint8_t *to, size_t entries, struct err *err)
{
	size_t len = entries * SIZE;
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(l->fd, to + done, len - done, (off_t)(first * SIZE + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_sys(err, "read a temporary file")
				     : err_set(err, ERR_IO, "a temporary file is too short");
		done += (size_t)n;
	}
	return ERR_OK;
}

static uint64_t
in_mask(const struct block *b, unsigned mask)
{
	uint64_t n = 0;
	for (unsigned k = 0; k < ENTRY_KINDS; k++)
		if (mask & 1U << k)
			n += b->kinds[k];
	return n;
}

struct selection {
	uint64_t skip;
	struct entry *out;
	size_t cap;
	size_t n;
	uint64_t total;
};

static void
take(struct selection *s, const uint8_t *data, size_t entries, unsigned mask)
{
	for (size_t i = 0; i < entries; i++) {
		uint64_t v = get_u64(data + i * SIZE);
		unsigned kind = (unsigned)(v & (ENTRY_KINDS - 1));
		if ((mask & 1U << kind) == 0)
			continue;
		if (s->total++ >= s->skip && s->n < s->cap)
			s->out[s->n++] = (struct entry){ v >> KIND_BITS, kind };
	}
}

enum err_code
entry_list_select(const struct entry_list *l, const struct entry_range *range, uint64_t skip,
    struct entry *out, size_t cap, size_t *n, uint64_t *total, struct err *err)
{
	struct selection s = { skip, out, cap, 0, 0 };
	uint8_t data[BLOCK * SIZE];
	uint64_t end = range->first + range->count;
	for (uint64_t at = range->first; at < end;) {
		uint64_t block = at / BLOCK;
		uint64_t stop = (block + 1) * BLOCK < end ? (block + 1) * BLOCK : end;
		bool is_whole = at % BLOCK == 0 && (stop % BLOCK == 0 || stop == l->count);
		uint64_t here = is_whole ? in_mask(&l->blocks[block], range->mask) : 0;
		/* Nothing of a whole block that is passed over, or stands behind the page, is
		 * read. */
		if (is_whole && (s.total + here <= skip || s.n == cap)) {
			s.total += here;
		} else {
			size_t entries = (size_t)(stop - at);
			if (read_block(l, at, data, entries, err))
				return err->code;
			take(&s, data, entries, range->mask);
		}
		at = stop;
	}
	*n = s.n;
	*total = s.total;
	return ERR_OK;
}
