#include "repo/pack.h"

#include "base/room.h"
#include "repo/object.h"

#define PACK_INFO "stacksnap 1 pack"
#define DIR_LEVEL 1
#define DIR_READ_AHEAD ((size_t)16 << 10)

void
pack_dir_release(struct pack_dir *d)
{
	for (size_t i = 0; i < d->count; i++)
		free(d->frames[i].chunks);
	free(d->frames);
	*d = (struct pack_dir)PACK_DIR_INIT;
}

enum err_code
pack_dir_add(struct pack_dir *d, const struct pack_frame *f, struct err *err)
{
	if (ROOM(d->frames, d->count, d->cap, 16, err))
		return err->code;
	d->frames[d->count++] = *f;
	return ERR_OK;
}

enum err_code
pack_dir_encode(const struct pack_dir *d, struct buf *out, struct err *err)
{
	if (buf_varint(out, d->count, err))
		return err->code;
	for (size_t i = 0; i < d->count; i++) {
		const struct pack_frame *f = &d->frames[i];
		if (buf_varint(out, f->len, err) || buf_varint(out, f->count, err))
			return err->code;
		for (size_t k = 0; k < f->count; k++)
			if (buf_add(out, f->chunks[k].id.b, ID_SIZE, err) ||
			    buf_varint(out, f->chunks[k].len, err))
				return err->code;
	}
	return ERR_OK;
}

/* One frame at *offset, which moves behind it. */
static enum err_code
decode_frame(struct pack_frame *f, uint64_t *offset, struct rd *r, struct err *err)
{
	uint64_t len = rd_varint(r);
	uint64_t count = rd_varint(r);
	if (!rd_ok(r) || len < AEAD_TAG_SIZE + BLOCK_HEADER_SIZE || count == 0 ||
	    count > FRAME_MAX_CHUNKS || len > PACK_MAX_SIZE - *offset ||
	    count > rd_left(r) / (ID_SIZE + 1))
		return err_set(err, ERR_CORRUPT, "pack directory: bad frame");
	*f = (struct pack_frame){ (uint32_t)*offset, (uint32_t)len, (uint32_t)count, NULL };
	*offset += len;
	AUTO(mem) struct pack_chunk *chunks = calloc(count, sizeof *chunks);
	if (chunks == NULL)
		return err_nomem(err);
	uint64_t total = 0;
	for (size_t k = 0; k < count; k++) {
		const uint8_t *id = rd_bytes(r, ID_SIZE);
		uint64_t chunk_len = rd_varint(r);
		if (!rd_ok(r) || chunk_len > FRAME_MAX_PLAIN - total)
			return err_set(err, ERR_CORRUPT, "pack directory: bad chunk");
		memcpy(chunks[k].id.b, id, ID_SIZE);
		chunks[k].len = (uint32_t)chunk_len;
		total += chunk_len;
	}
	f->chunks = TAKE(chunks);
	return ERR_OK;
}

enum err_code
pack_dir_decode(struct pack_dir *out, struct rd *r, struct err *err)
{
	uint64_t count = rd_varint(r);
	if (!rd_ok(r) || count > rd_left(r))
		return err_set(err, ERR_CORRUPT, "pack directory: bad count");
	AUTO(pack_dir) struct pack_dir d = PACK_DIR_INIT;
	uint64_t offset = HEADER_SIZE;
	for (uint64_t i = 0; i < count; i++) {
		struct pack_frame f;
		if (decode_frame(&f, &offset, r, err))
			return err->code;
		if (pack_dir_add(&d, &f, err)) {
			free(f.chunks);
			return err->code;
		}
	}
	*out = d;
	d = (struct pack_dir)PACK_DIR_INIT;
	return ERR_OK;
}

void
pack_key(char out[PACK_KEY_SIZE], const struct id *id)
{
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	snprintf(out, PACK_KEY_SIZE, "packs/%.2s/%s", hex, hex);
}

bool
pack_id_of_key(struct id *id, const char *key)
{
	return strncmp(key, "packs/", 6) == 0 && strlen(key) == 6 + 3 + 2 * ID_SIZE &&
	       memcmp(key + 6, key + 9, 2) == 0 &&
	       hex_decode(id->b, ID_SIZE, key + 9, 2 * ID_SIZE);
}

enum err_code
pack_open_header(const uint8_t *header, size_t len, const struct secret *subkeys,
    uint8_t key[AEAD_KEY_SIZE], enum pack_kind *kind, struct err *err)
{
	uint8_t type;
	const uint8_t *salt;
	if (header_parse(header, len, PACK_MAGIC, &type, &salt, err))
		return err->code;
	if (type != PACK_DATA && type != PACK_TREE)
		return err_set(err, ERR_CORRUPT, "pack of unknown kind %u", type);
	*kind = type;
	return keys_of_salt(subkeys, salt, PACK_INFO, key, err);
}

/* A place in a pack is used once, so its offset makes the nonce. */
static void
nonce_of(uint8_t out[AEAD_NONCE_SIZE], enum pack_part part, uint64_t offset)
{
	put_u32(out, part);
	put_u64(out + 4, offset);
}

enum err_code
pack_seal(struct aead *a, const uint8_t key[AEAD_KEY_SIZE], const uint8_t header[HEADER_SIZE],
    enum pack_part part, uint64_t offset, const void *in, size_t len, uint8_t *out,
    struct err *err)
{
	uint8_t nonce[AEAD_NONCE_SIZE];
	nonce_of(nonce, part, offset);
	return aead_seal(a, key, nonce, header, HEADER_SIZE, in, len, out, err);
}

enum err_code
pack_unseal(struct aead *a, const uint8_t key[AEAD_KEY_SIZE], const uint8_t header[HEADER_SIZE],
    enum pack_part part, uint64_t offset, const void *in, size_t len, uint8_t *out,
    struct err *err)
{
	uint8_t nonce[AEAD_NONCE_SIZE];
	nonce_of(nonce, part, offset);
	return aead_open(a, key, nonce, header, HEADER_SIZE, in, len, out, err);
}

size_t
pack_tail_bound(size_t frames, size_t chunks)
{
	size_t plain = 10 + frames * 10 + chunks * (ID_SIZE + 5);
	return block_bound(plain) + AEAD_TAG_SIZE + PACK_TRAILER_SIZE;
}

enum err_code
pack_finish(struct aead *a, const uint8_t key[AEAD_KEY_SIZE], const struct pack_dir *d,
    struct packer *p, uint8_t *buf, size_t *len, struct err *err)
{
	AUTO(bufv) struct buf plain = BUF_INIT;
	if (pack_dir_encode(d, &plain, err))
		return err->code;
	AUTO(mem) uint8_t *block = malloc(block_bound(plain.len));
	if (block == NULL)
		return err_nomem(err);
	size_t n;
	if (block_encode(p, plain.data, plain.len, DIR_LEVEL, block, &n, err) ||
	    pack_seal(a, key, buf, PART_DIRECTORY, *len, block, n, buf + *len, err))
		return err->code;
	*len += n + AEAD_TAG_SIZE;
	put_u32(buf + *len, (uint32_t)(n + AEAD_TAG_SIZE));
	memcpy(buf + *len + 4, PACK_END_MAGIC, 8);
	*len += PACK_TRAILER_SIZE;
	return ERR_OK;
}

/* The length of the sealed directory, from the trailer. */
static enum err_code
read_trailer(
    const uint8_t trailer[PACK_TRAILER_SIZE], uint64_t pack_len, size_t *n, struct err *err)
{
	*n = get_u32(trailer);
	if (memcmp(trailer + 4, PACK_END_MAGIC, 8) != 0)
		return err_set(err, ERR_CORRUPT, "pack is cut off");
	if (*n > pack_len - HEADER_SIZE - PACK_TRAILER_SIZE || *n < AEAD_TAG_SIZE)
		return err_set(err, ERR_CORRUPT, "pack trailer makes no sense");
	return ERR_OK;
}

/* The directory from its n sealed bytes, which begin at `at`. */
static enum err_code
open_dir(struct pack_dir *out, const uint8_t header[HEADER_SIZE],
    const uint8_t key[AEAD_KEY_SIZE], const uint8_t *sealed, size_t n, uint64_t at,
    struct aead *a, struct unpacker *u, struct err *err)
{
	AUTO(mem) uint8_t *block = malloc(n);
	if (block == NULL)
		return err_nomem(err);
	size_t plain_len;
	if (pack_unseal(a, key, header, PART_DIRECTORY, at, sealed, n, block, err) ||
	    block_plain_len(block, n - AEAD_TAG_SIZE, BLOCK_MAX_PLAIN, &plain_len, err))
		return err_wrap(err, "pack directory");
	AUTO(mem) uint8_t *plain = malloc(plain_len + 1);
	if (plain == NULL)
		return err_nomem(err);
	if (block_decode(u, block, n - AEAD_TAG_SIZE, plain, plain_len, err))
		return err_wrap(err, "pack directory");

	struct rd r;
	rd_init(&r, plain, plain_len);
	AUTO(pack_dir) struct pack_dir d = PACK_DIR_INIT;
	if (pack_dir_decode(&d, &r, err))
		return err->code;
	const struct pack_frame *last = d.count > 0 ? &d.frames[d.count - 1] : NULL;
	if (!rd_done(&r) || (last != NULL ? last->offset + last->len : HEADER_SIZE) != at)
		return err_set(err, ERR_CORRUPT, "pack directory does not fit the pack");
	*out = d;
	d = (struct pack_dir)PACK_DIR_INIT;
	return ERR_OK;
}

enum err_code
pack_read_dir(struct pack_dir *out, const uint8_t *pack, size_t len,
    const uint8_t key[AEAD_KEY_SIZE], struct aead *a, struct unpacker *u, struct err *err)
{
	size_t n;
	if (len < HEADER_SIZE + PACK_TRAILER_SIZE)
		return err_set(err, ERR_CORRUPT, "pack is cut off");
	if (read_trailer(pack + len - PACK_TRAILER_SIZE, len, &n, err))
		return err->code;
	size_t at = len - PACK_TRAILER_SIZE - n;
	return open_dir(out, pack, key, pack + at, n, at, a, u, err);
}

enum err_code
pack_load_dir(struct pack_dir *out, enum pack_kind *kind, struct store *s, const char *where,
    uint64_t len, const struct secret *subkeys, struct aead *a, struct unpacker *u,
    struct err *err)
{
	uint8_t header[HEADER_SIZE];
	uint8_t key[AEAD_KEY_SIZE];
	size_t n;
	if (len < HEADER_SIZE + PACK_TRAILER_SIZE || len > PACK_MAX_SIZE)
		return err_set(
		    err, ERR_CORRUPT, "no pack has %llu bytes", (unsigned long long)len);
	/* The end, which mostly holds all of the directory. */
	size_t tail = min_size(DIR_READ_AHEAD, len - HEADER_SIZE);
	AUTO(mem) uint8_t *end = malloc(tail);
	if (end == NULL)
		return err_nomem(err);
	if (store_get_range(s, where, 0, header, HEADER_SIZE, err) ||
	    store_get_range(s, where, len - tail, end, tail, err) ||
	    read_trailer(end + tail - PACK_TRAILER_SIZE, len, &n, err))
		return err->code;
	uint64_t at = len - PACK_TRAILER_SIZE - n;
	AUTO(mem) uint8_t *more = NULL;
	const uint8_t *sealed;
	if (n <= tail - PACK_TRAILER_SIZE) {
		sealed = end + tail - PACK_TRAILER_SIZE - n;
	} else {
		more = malloc(n);
		if (more == NULL)
			return err_nomem(err);
		if (store_get_range(s, where, at, more, n, err))
			return err->code;
		sealed = more;
	}
	if (pack_open_header(header, HEADER_SIZE, subkeys, key, kind, err))
		return err->code;
	enum err_code rc = open_dir(out, header, key, sealed, n, at, a, u, err);
	secret_wipe(key, sizeof key);
	return rc;
}
