#include "codec/block.h"

#include "base/bytes.h"

#include <stdbool.h>

/* For ZSTD_c_literalCompressionMode, which every zstd since 1.4 has. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#define SAMPLE_SIZE 4096
#define SAMPLES 4
/* Bytes of each sample that are counted first. */
#define COUNTED 512

/* How a block is compressed that asks for BLOCK_LEVEL_FRAME: zstd's fast search over the whole
 * block, as suits its content. docs/decisions/0011 has what each gains. */
enum manner {
	MANNER_TEXT, /* what repeats is near: a small table keeps to that */
	MANNER_PADDED, /* pages, programs: what is left of them hardly shrinks by itself */
	MANNER_OTHER,
	MANNERS,
	MANNER_LEVEL = MANNERS, /* as zstd's level says */
};
#define FRAME_WINDOW_LOG 20
#define FRAME_MIN_MATCH 7

static const struct {
	int hash_log;
	int step; /* bytes from one place that is looked at to the next, less one */
	int literals; /* is coded what no match covers */
} manners[MANNERS] = {
	[MANNER_TEXT] = { 13, 2, ZSTD_ps_enable },
	[MANNER_PADDED] = { 15, 1, ZSTD_ps_disable },
	[MANNER_OTHER] = { 14, 2, ZSTD_ps_enable },
};

/* Of so many blocks of rows one is compressed at both levels, to see whether the quick one will
 * do for those that follow. */
#define ROWS_TRIED 32
#define ROWS_LEVEL 3
#define ROWS_QUICK_LEVEL 1
/* It will when it makes them no larger than by this part. */
#define ROWS_LOSS 128

struct packer {
	ZSTD_CCtx *ctx;
	ZSTD_CCtx *probe_ctx; /* small: it sees samples only */
	int manner; /* that ctx is set to, or -1 */
	int level; /* with MANNER_LEVEL */
	unsigned rows; /* blocks of rows so far */
	bool rows_are_quick;
	struct buf trial;
	uint8_t probe[2 * SAMPLE_SIZE];
};

struct unpacker {
	ZSTD_DCtx *ctx;
};

enum err_code
packer_new(struct packer **out, struct err *err)
{
	AUTO(packer) struct packer *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	p->ctx = ZSTD_createCCtx();
	p->probe_ctx = ZSTD_createCCtx();
	if (p->ctx == NULL || p->probe_ctx == NULL)
		return err_nomem(err);
	p->manner = -1;
	*out = TAKE(p);
	return ERR_OK;
}

/* What zstd is told for a manner; gives what zstd returned. */
static size_t
set_manner_of(ZSTD_CCtx *ctx, int manner, int level)
{
	if (manner == MANNER_LEVEL)
		return ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, level);
	const struct {
		ZSTD_cParameter what;
		int value;
	} set[] = {
		{ ZSTD_c_compressionLevel, 1 },
		{ ZSTD_c_windowLog, FRAME_WINDOW_LOG },
		{ ZSTD_c_minMatch, FRAME_MIN_MATCH },
		{ ZSTD_c_hashLog, manners[manner].hash_log },
		{ ZSTD_c_targetLength, manners[manner].step },
		{ ZSTD_c_literalCompressionMode, manners[manner].literals },
	};
	size_t rc = 0;
	for (size_t i = 0; i < ARRAY_LEN(set) && !ZSTD_isError(rc); i++)
		rc = ZSTD_CCtx_setParameter(ctx, set[i].what, set[i].value);
	return rc;
}

static enum err_code
set_manner(struct packer *p, int manner, int level, struct err *err)
{
	if (manner == p->manner && (manner != MANNER_LEVEL || level == p->level))
		return ERR_OK;
	p->manner = -1;
	size_t rc = ZSTD_CCtx_reset(p->ctx, ZSTD_reset_session_and_parameters);
	if (!ZSTD_isError(rc))
		rc = set_manner_of(p->ctx, manner, level);
	if (ZSTD_isError(rc))
		return err_set(err, ERR_IO, "set up compression: %s", ZSTD_getErrorName(rc));
	p->manner = manner;
	p->level = level;
	return ERR_OK;
}

void
packer_free(struct packer *p)
{
	if (p == NULL)
		return;
	ZSTD_freeCCtx(p->ctx);
	ZSTD_freeCCtx(p->probe_ctx);
	buf_release(&p->trial);
	free(p);
}

size_t
block_bound(size_t len)
{
	return BLOCK_HEADER_SIZE + max_size(len, ZSTD_compressBound(len));
}

static const uint8_t *
sample_at(const uint8_t *data, size_t len, size_t i)
{
	return data + (len - SAMPLE_SIZE) / (SAMPLES - 1) * i;
}

/* What bytes some of the block has: SAMPLES pieces of COUNTED bytes, from the whole of it. */
struct census {
	uint32_t total;
	uint32_t of[256];
};

static void
census_take(struct census *c, const uint8_t *data, size_t len)
{
	*c = (struct census){ 0 };
	size_t pieces = len < SAMPLES * SAMPLE_SIZE ? 1 : SAMPLES;
	size_t n = min_size(len, COUNTED);
	for (size_t i = 0; i < pieces; i++) {
		const uint8_t *at = pieces > 1 ? sample_at(data, len, i) : data;
		for (size_t k = 0; k < n; k++)
			c->of[at[k]]++;
	}
	c->total = (uint32_t)(pieces * n);
}

/* Are some bytes much more frequent than others?  Of n bytes, the squares of the counts add up
 * to about n + n^2/256 when none is. */
static bool
is_uneven(const struct census *c)
{
	uint64_t n = c->total;
	uint64_t squares = 0;
	for (size_t i = 0; i < ARRAY_LEN(c->of); i++)
		squares += (uint64_t)c->of[i] * c->of[i];
	return squares > (n + n * n / 256) * 3 / 2;
}

static enum manner
manner_for(const struct census *c)
{
	uint32_t text = c->of['\n'] + c->of['\t'];
	for (size_t i = ' '; i <= '~'; i++)
		text += c->of[i];
	if (text * UINT64_C(100) >= c->total * UINT64_C(93))
		return MANNER_TEXT;
	return c->of[0] * UINT64_C(100) >= c->total * UINT64_C(15) ? MANNER_PADDED
								   : MANNER_OTHER;
}

/* Do samples from the whole of data shrink?  Costs 2 % of compressing 1 MiB, but next to
 * nothing where the bytes alone tell. */
static bool
looks_compressible(struct packer *p, const struct census *c, const uint8_t *data, size_t len)
{
	if (len < 4 * SAMPLE_SIZE * SAMPLES || is_uneven(c))
		return true;
	size_t shrunk = 0;
	for (size_t i = 0; i < SAMPLES; i++) {
		size_t n = ZSTD_compressCCtx(p->probe_ctx, p->probe, sizeof p->probe,
		    sample_at(data, len, i), SAMPLE_SIZE, 1);
		shrunk += ZSTD_isError(n) ? SAMPLE_SIZE : n;
	}
	return shrunk < SAMPLE_SIZE * SAMPLES * 97 / 100;
}

static enum err_code
compress(struct packer *p, int manner, int level, const void *data, size_t len, uint8_t *out,
    size_t *out_len, struct err *err)
{
	if (set_manner(p, manner, level, err))
		return err->code;
	size_t n = ZSTD_compress2(p->ctx, out, block_bound(len) - BLOCK_HEADER_SIZE, data, len);
	if (ZSTD_isError(n))
		return err_set(err, ERR_IO, "compress: %s", ZSTD_getErrorName(n));
	*out_len = n;
	return ERR_OK;
}

/* Where rows are numbers and hashes, the better level makes nothing smaller and takes twice the
 * time; of names and texts it makes 4 % less. */
static enum err_code
compress_rows(struct packer *p, const void *data, size_t len, uint8_t *out, size_t *out_len,
    struct err *err)
{
	bool is_tried = p->rows++ % ROWS_TRIED == 0;
	size_t quick;
	if (!is_tried)
		return compress(p, MANNER_LEVEL,
		    p->rows_are_quick ? ROWS_QUICK_LEVEL : ROWS_LEVEL, data, len, out, out_len,
		    err);
	p->trial.len = 0;
	if (buf_reserve(&p->trial, block_bound(len), err) ||
	    compress(
		p, MANNER_LEVEL, ROWS_QUICK_LEVEL, data, len, p->trial.data, &quick, err) ||
	    compress(p, MANNER_LEVEL, ROWS_LEVEL, data, len, out, out_len, err))
		return err->code;
	p->rows_are_quick = quick <= *out_len + *out_len / ROWS_LOSS;
	return ERR_OK;
}

enum err_code
block_encode(struct packer *p, const void *data, size_t len, int level, uint8_t *out,
    size_t *out_len, struct err *err)
{
	if (len > BLOCK_MAX_PLAIN)
		return err_set(err, ERR_USAGE, "block of %zu bytes is too large", len);
	put_u32(out + 1, (uint32_t)len);
	struct census c;
	census_take(&c, data, len);
	if (looks_compressible(p, &c, data, len)) {
		int manner = level == BLOCK_LEVEL_FRAME ? (int)manner_for(&c) : MANNER_LEVEL;
		uint8_t *payload = out + BLOCK_HEADER_SIZE;
		size_t n;
		if (level == BLOCK_LEVEL_ROWS
			? compress_rows(p, data, len, payload, &n, err)
			: compress(p, manner, level, data, len, payload, &n, err))
			return err->code;
		if (n < len) {
			out[0] = BLOCK_ZSTD;
			*out_len = BLOCK_HEADER_SIZE + n;
			return ERR_OK;
		}
	}
	out[0] = BLOCK_STORED;
	if (len > 0)
		memcpy(out + BLOCK_HEADER_SIZE, data, len);
	*out_len = BLOCK_HEADER_SIZE + len;
	return ERR_OK;
}

enum err_code
unpacker_new(struct unpacker **out, struct err *err)
{
	AUTO(unpacker) struct unpacker *u = calloc(1, sizeof *u);
	if (u == NULL)
		return err_nomem(err);
	u->ctx = ZSTD_createDCtx();
	if (u->ctx == NULL ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(u->ctx, ZSTD_d_windowLogMax, 27)))
		return err_nomem(err);
	*out = TAKE(u);
	return ERR_OK;
}

void
unpacker_free(struct unpacker *u)
{
	if (u == NULL)
		return;
	ZSTD_freeDCtx(u->ctx);
	free(u);
}

enum err_code
block_plain_len(const uint8_t *block, size_t len, size_t max, size_t *plain, struct err *err)
{
	if (len < BLOCK_HEADER_SIZE)
		return err_set(err, ERR_CORRUPT, "block is cut off");
	size_t n = get_u32(block + 1);
	if (n > max || n > BLOCK_MAX_PLAIN)
		return err_set(
		    err, ERR_CORRUPT, "block claims %zu bytes, more than allowed", n);
	*plain = n;
	return ERR_OK;
}

enum err_code
block_decode(struct unpacker *u, const uint8_t *block, size_t len, uint8_t *out, size_t plain,
    struct err *err)
{
	const uint8_t *payload = block + BLOCK_HEADER_SIZE;
	size_t n = len - BLOCK_HEADER_SIZE;
	switch (block[0]) {
	case BLOCK_STORED:
		if (n != plain)
			return err_set(
			    err, ERR_CORRUPT, "block has %zu bytes, not %zu", n, plain);
		if (n > 0)
			memcpy(out, payload, n);
		return ERR_OK;
	case BLOCK_ZSTD: {
		size_t got = ZSTD_decompressDCtx(u->ctx, out, plain, payload, n);
		if (ZSTD_isError(got))
			return err_set(
			    err, ERR_CORRUPT, "decompress: %s", ZSTD_getErrorName(got));
		if (got != plain)
			return err_set(
			    err, ERR_CORRUPT, "block has %zu bytes, not %zu", got, plain);
		return ERR_OK;
	}
	default:
		return err_set(err, ERR_UNSUPPORTED, "block with unknown codec %u", block[0]);
	}
}

enum err_code
block_plain(struct unpacker *u, const uint8_t *block, size_t len, size_t max,
    struct buf *scratch, const uint8_t **plain, size_t *plain_len, struct err *err)
{
	size_t n;
	if (block_plain_len(block, len, max, &n, err))
		return err->code;
	if (block[0] == BLOCK_STORED && n == len - BLOCK_HEADER_SIZE) {
		*plain = block + BLOCK_HEADER_SIZE;
		*plain_len = n;
		return ERR_OK;
	}
	scratch->len = 0;
	if (buf_reserve(scratch, n + 1, err) ||
	    block_decode(u, block, len, scratch->data, n, err))
		return err->code;
	*plain = scratch->data;
	*plain_len = n;
	return ERR_OK;
}
