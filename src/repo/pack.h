/*
 * pack.h: the bytes of a pack: frames, directory, trailer.
 *
 * For repo/ only.  Format: docs/format.md, "Pack".
 */
#ifndef REPO_PACK_H
#define REPO_PACK_H

#include "codec/block.h"
#include "repo/keys.h"
#include "store/store.h"

enum pack_kind { PACK_DATA = 1, PACK_TREE = 2 };

struct pack_chunk {
	struct id id;
	uint32_t len;
};

struct pack_frame {
	uint32_t offset; /* in the pack */
	uint32_t len; /* stored, with the tag */
	uint32_t count;
	struct pack_chunk *chunks;
};

/* What a pack holds. */
struct pack_dir {
	size_t count;
	size_t cap;
	struct pack_frame *frames;
};

#define PACK_DIR_INIT      \
	{                  \
		0, 0, NULL \
	}

void pack_dir_release(struct pack_dir *d);
static inline void UNUSED
pack_dir_auto(struct pack_dir *d)
{
	pack_dir_release(d);
}
/* Takes over f->chunks, on success only. */
MUST_CHECK enum err_code pack_dir_add(
    struct pack_dir *d, const struct pack_frame *f, struct err *err);
MUST_CHECK enum err_code pack_dir_encode(
    const struct pack_dir *d, struct buf *out, struct err *err);
MUST_CHECK enum err_code pack_dir_decode(struct pack_dir *out, struct rd *r, struct err *err);

/* "packs/3f/3f02…" */
#define PACK_KEY_SIZE 80
void pack_key(char out[PACK_KEY_SIZE], const struct id *id);
bool pack_id_of_key(struct id *id, const char *key);

/* The key of the pack that begins with this header; kind from the header. */
MUST_CHECK enum err_code pack_open_header(const uint8_t *header, size_t len,
    const struct secret *subkeys, uint8_t key[AEAD_KEY_SIZE], enum pack_kind *kind,
    struct err *err);

enum pack_part { PART_FRAME = 1, PART_DIRECTORY = 2 };
MUST_CHECK enum err_code pack_seal(struct aead *a, const uint8_t key[AEAD_KEY_SIZE],
    const uint8_t header[HEADER_SIZE], enum pack_part part, uint64_t offset, const void *in,
    size_t len, uint8_t *out, struct err *err);
MUST_CHECK enum err_code pack_unseal(struct aead *a, const uint8_t key[AEAD_KEY_SIZE],
    const uint8_t header[HEADER_SIZE], enum pack_part part, uint64_t offset, const void *in,
    size_t len, uint8_t *out, struct err *err);

/* The most that directory and trailer of a pack can take. */
size_t pack_tail_bound(size_t frames, size_t chunks);
/* Append directory and trailer behind the frames in buf, which has the room; *len grows. */
MUST_CHECK enum err_code pack_finish(struct aead *a, const uint8_t key[AEAD_KEY_SIZE],
    const struct pack_dir *d, struct packer *p, uint8_t *buf, size_t *len, struct err *err);
/* Read the directory of a whole pack, and check that its frames fill the pack exactly. */
MUST_CHECK enum err_code pack_read_dir(struct pack_dir *out, const uint8_t *pack, size_t len,
    const uint8_t key[AEAD_KEY_SIZE], struct aead *a, struct unpacker *u, struct err *err);
/* The same of a pack of len bytes in the store, of which only the ends are read. */
MUST_CHECK enum err_code pack_load_dir(struct pack_dir *out, enum pack_kind *kind,
    struct store *s, const char *where, uint64_t len, const struct secret *subkeys,
    struct aead *a, struct unpacker *u, struct err *err);

#endif
