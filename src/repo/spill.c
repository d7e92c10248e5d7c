#include "repo/spill.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/room.h"
#include "crypto/aead.h"
#include "crypto/secret.h"
#include "sys/fd.h"

#include <fcntl.h>

#define BLOCK_DEFAULT ((size_t)64 << 10)

/* A block in the file: its place, and its number, which is the nonce and never comes twice. */
struct block {
	uint64_t slot;
	uint64_t number;
};

struct spill {
	int fd;
	char folder[256]; /* for messages */
	size_t block;
	struct secret *key;
	struct aead *aead;
	uint8_t *sealed; /* room for one */
	uint64_t slots; /* that the file has */
	uint64_t next_number;
	uint64_t *free_slots;
	size_t free_count;
	size_t free_cap;
};

struct spill_part {
	struct spill *spill;
	uint64_t size;
	struct block *blocks; /* all full but the last */
	size_t count;
	size_t cap;
	uint8_t *buffer; /* a block, while it is needed */
	size_t filled; /* of it */
	size_t next; /* reading: the block to come */
	size_t at; /* reading: in the buffer */
};

static int
open_named(const char *folder)
{
	char path[512];
	int n = snprintf(path, sizeof path, "%s/stacksnap-XXXXXX", folder);
	if (n < 0 || (size_t)n >= sizeof path)
		return -1;
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* Filesystems of old kernels and some of the network know no unnamed files. */
static bool
open_in(struct spill *s, const char *folder)
{
	if (folder == NULL || *folder != '/')
		return false;
	snprintf(s->folder, sizeof s->folder, "%s", folder);
	s->fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (s->fd < 0)
		s->fd = open_named(folder);
	return s->fd >= 0;
}

static enum err_code
open_file(struct spill *s, const char *folder, struct err *err)
{
	bool is_open = folder != NULL ? open_in(s, folder)
				      : open_in(s, getenv("TMPDIR")) ||
					    open_in(s, "/var/tmp") || open_in(s, "/tmp");
	return is_open ? ERR_OK
		       : err_sys(err, "make a temporary file in %s",
			     folder != NULL ? folder : s->folder);
}

enum err_code
spill_open(struct spill **out, const struct spill_options *opt, struct err *err)
{
	AUTO(spill) struct spill *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	s->fd = -1;
	s->block = opt != NULL && opt->block > 0 ? opt->block : BLOCK_DEFAULT;
	s->sealed = malloc(s->block + AEAD_TAG_SIZE);
	if (s->sealed == NULL)
		return err_nomem(err);
	if (secret_random(&s->key, AEAD_KEY_SIZE, err) || aead_new(&s->aead, err) ||
	    open_file(s, opt != NULL ? opt->folder : NULL, err))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

void
spill_close(struct spill *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	aead_free(s->aead);
	secret_free(s->key);
	free(s->sealed);
	free(s->free_slots);
	free(s);
}

static void
nonce_of(uint8_t nonce[AEAD_NONCE_SIZE], uint64_t number)
{
	memset(nonce, 0, AEAD_NONCE_SIZE);
	put_u64(nonce, number);
}

static uint64_t
offset_of(const struct spill *s, uint64_t slot)
{
	return slot * (s->block + AEAD_TAG_SIZE);
}

static void
give_back(struct spill *s, uint64_t slot)
{
	struct err scratch; /* the file only becomes larger than it need be */
	if (ROOM(s->free_slots, s->free_count, s->free_cap, 16, &scratch))
		return;
	s->free_slots[s->free_count++] = slot;
}

enum err_code
spill_part_new(struct spill_part **out, struct spill *s, struct err *err)
{
	struct spill_part *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	p->spill = s;
	*out = p;
	return ERR_OK;
}

void
spill_part_free(struct spill_part *p)
{
	if (p == NULL)
		return;
	for (size_t i = p->next; i < p->count; i++)
		give_back(p->spill, p->blocks[i].slot);
	free(p->blocks);
	free(p->buffer);
	free(p);
}

uint64_t
spill_part_size(const struct spill_part *p)
{
	return p->size;
}

static enum err_code
get_buffer(struct spill_part *p, struct err *err)
{
	if (p->buffer == NULL)
		p->buffer = malloc(p->spill->block);
	return p->buffer != NULL ? ERR_OK : err_nomem(err);
}

static enum err_code
flush(struct spill_part *p, struct err *err)
{
	struct spill *s = p->spill;
	uint8_t nonce[AEAD_NONCE_SIZE];
	if (p->filled == 0)
		return ERR_OK;
	if (ROOM(p->blocks, p->count, p->cap, 4, err))
		return err->code;
	struct block b = { .number = s->next_number++ };
	nonce_of(nonce, b.number);
	if (aead_seal(
		s->aead, s->key->data, nonce, NULL, 0, p->buffer, p->filled, s->sealed, err))
		return err->code;
	b.slot = s->free_count > 0 ? s->free_slots[--s->free_count] : s->slots++;
	p->blocks[p->count++] = b;
	if (fd_pwrite_all(
		s->fd, s->sealed, p->filled + AEAD_TAG_SIZE, offset_of(s, b.slot), err))
		return err_wrap(err, "a temporary file in %s", s->folder);
	p->filled = 0;
	return ERR_OK;
}

enum err_code
spill_part_write(struct spill_part *p, const void *data, size_t len, struct err *err)
{
	const uint8_t *from = data;
	p->size += len;
	while (len > 0) {
		if (get_buffer(p, err))
			return err->code;
		size_t n = min_size(len, p->spill->block - p->filled);
		memcpy(p->buffer + p->filled, from, n);
		p->filled += n;
		from += n;
		len -= n;
		if (p->filled == p->spill->block && flush(p, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
spill_part_end(struct spill_part *p, struct err *err)
{
	if (flush(p, err))
		return err->code;
	free(TAKE(p->buffer));
	return ERR_OK;
}

static enum err_code
load(struct spill_part *p, struct err *err)
{
	struct spill *s = p->spill;
	struct block b = p->blocks[p->next];
	uint64_t before = (uint64_t)p->next * s->block;
	size_t len = p->size - before < s->block ? (size_t)(p->size - before) : s->block;
	uint8_t nonce[AEAD_NONCE_SIZE];
	size_t got;
	nonce_of(nonce, b.number);
	if (get_buffer(p, err) || fd_pread_full(s->fd, s->sealed, len + AEAD_TAG_SIZE,
				      offset_of(s, b.slot), &got, err))
		return err->code;
	if (got < len + AEAD_TAG_SIZE)
		return err_set(
		    err, ERR_CORRUPT, "a temporary file in %s is cut off", s->folder);
	if (aead_open(s->aead, s->key->data, nonce, NULL, 0, s->sealed, len + AEAD_TAG_SIZE,
		p->buffer, err))
		return err_wrap(err, "a temporary file in %s", s->folder);
	give_back(s, b.slot);
	p->next++;
	p->filled = len;
	p->at = 0;
	return ERR_OK;
}

enum err_code
spill_part_read(struct spill_part *p, void *out, size_t len, size_t *got, struct err *err)
{
	uint8_t *to = out;
	size_t done = 0;
	while (done < len) {
		if (p->at == p->filled) {
			if (p->next == p->count)
				break;
			if (load(p, err))
				return err->code;
		}
		size_t n = min_size(len - done, p->filled - p->at);
		memcpy(to + done, p->buffer + p->at, n);
		p->at += n;
		done += n;
	}
	*got = done;
	return ERR_OK;
}
