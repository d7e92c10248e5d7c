/*
 * block.h: bytes, compressed when that helps (docs/format.md, "Block").
 *
 * A block is one codec byte, the plain length (4 bytes) and the payload: the
 * bytes themselves or one zstd frame.  A quick look at samples of the input
 * tells whether zstd is worth trying at all.
 *
 * Threads: a packer or unpacker belongs to one thread at a time; keep one per
 *          thread, since zstd's contexts are large.
 */
#ifndef CODEC_BLOCK_H
#define CODEC_BLOCK_H

#include "base/buf.h"

#define BLOCK_HEADER_SIZE 5
/* No block holds more plain bytes than this: a reader need not allocate more. */
#define BLOCK_MAX_PLAIN ((size_t)64 << 20)

enum block_codec { BLOCK_STORED = 0, BLOCK_ZSTD = 1 };

struct packer;
struct unpacker;

MUST_CHECK enum err_code packer_new(struct packer **out, struct err *err);
void packer_free(struct packer *p);
AUTO_FREE(packer, struct packer *, packer_free)

/* The room that a block of len plain bytes may need. */
size_t block_bound(size_t len);
/* What suits frames of about 1 MiB: as fast as zstd's level 1 or faster, by what is in them
 * (docs/decisions/0011). */
#define BLOCK_LEVEL_FRAME 0
/* What suits frames of some 32 KiB of rows: zstd's level 3, or 1 while that is as small. */
#define BLOCK_LEVEL_ROWS (-1)

/* Encode; out has room for block_bound(len).  level is zstd's, or one of the above. */
MUST_CHECK enum err_code block_encode(struct packer *p, const void *data, size_t len, int level,
    uint8_t *out, size_t *out_len, struct err *err);

MUST_CHECK enum err_code unpacker_new(struct unpacker **out, struct err *err);
void unpacker_free(struct unpacker *u);
AUTO_FREE(unpacker, struct unpacker *, unpacker_free)

/* The plain length that a block claims.  ERR_CORRUPT if it is no block or larger than max. */
MUST_CHECK enum err_code block_plain_len(
    const uint8_t *block, size_t len, size_t max, size_t *plain, struct err *err);
/* Decode into out, which has room for exactly plain bytes, as block_plain_len gave. */
MUST_CHECK enum err_code block_decode(struct unpacker *u, const uint8_t *block, size_t len,
    uint8_t *out, size_t plain, struct err *err);

/* The plain bytes of a block: in the block itself when it was stored, else decoded into
 * scratch.  Good while neither changes.  ERR_CORRUPT when they are more than max. */
MUST_CHECK enum err_code block_plain(struct unpacker *u, const uint8_t *block, size_t len,
    size_t max, struct buf *scratch, const uint8_t **plain, size_t *plain_len, struct err *err);

#endif
