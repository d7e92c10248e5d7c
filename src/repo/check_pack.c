#include "repo/check_pack.h"

#include "repo/object.h"

/* The finalizer of MurmurHash3 (Austin Appleby, public domain): every bit depends on all. */
static uint64_t
mix(uint64_t v)
{
	v = (v ^ v >> 33) * UINT64_C(0xff51afd7ed558ccd);
	v = (v ^ v >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return v ^ v >> 33;
}

void
entry_sum_add(struct entry_sum *s, const struct id *id, const struct location *loc)
{
	uint64_t frame = (uint64_t)loc->frame_offset << 32 | loc->frame_len;
	uint64_t place = (uint64_t)loc->offset << 32 | loc->len;
	s->entries++;
	s->sum += mix(get_u64(id->b) ^ mix(frame ^ mix(place)));
}

static void
add_frame(struct entry_sum *s, const struct pack_frame *f)
{
	uint32_t at = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct location loc = { .frame_offset = f->offset,
			.frame_len = f->len,
			.offset = at,
			.len = f->chunks[i].len };
		entry_sum_add(s, &f->chunks[i].id, &loc);
		at += f->chunks[i].len;
	}
}

/* A pack that several index objects name has each entry as often. */
static bool
fits(const struct pack_dir *d, const struct entry_sum *indexed)
{
	struct entry_sum own = { 0, 0 };
	for (size_t i = 0; i < d->count; i++)
		add_frame(&own, &d->frames[i]);
	if (own.entries == 0 || indexed->entries % own.entries != 0)
		return own.entries == indexed->entries;
	return indexed->sum == own.sum * (indexed->entries / own.entries);
}

enum err_code
check_frame(struct tools *t, const struct pack_header *ph, const struct pack_frame *f,
    const uint8_t *sealed, struct err *err)
{
	if (repo_decode_frame(t, ph, f->offset, sealed, f->len, err))
		return err->code;
	size_t at = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct id id;
		if (f->chunks[i].len > t->plain.len - at)
			return err_set(err, ERR_CORRUPT, "a chunk lies outside its frame");
		if (repo_chunk_id(t, t->plain.data + at, f->chunks[i].len, &id, err))
			return err->code;
		if (!id_equal(&id, &f->chunks[i].id))
			return err_set(err, ERR_CORRUPT, "a chunk does not fit its id");
		at += f->chunks[i].len;
	}
	return at == t->plain.len
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "a frame holds more than its chunks");
}

static enum err_code
check_name(const struct id *id, const struct buf *pack, struct err *err)
{
	struct id actual;
	if (sha256_of(pack->data, pack->len, actual.b, err))
		return err->code;
	return id_equal(&actual, id)
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "its bytes do not fit its name");
}

static enum err_code
check_frames(struct tools *t, const struct pack_header *ph, const struct pack_dir *d,
    const uint8_t *pack, uint64_t *chunks, struct err *err)
{
	for (size_t i = 0; i < d->count; i++) {
		if (check_frame(t, ph, &d->frames[i], pack + d->frames[i].offset, err))
			return err_wrap(err, "frame at %u", d->frames[i].offset);
		*chunks += d->frames[i].count;
	}
	return ERR_OK;
}

/*
 * The name is the hash of the pack's bytes.  When all frames and the directory open, they are
 * as they were sealed, header and trailer are as they must be, and nothing is left: then, if
 * the directory is the one that is indexed under this name, hashing the bytes once more can
 * tell nothing new, and costs a fifth of the time.  Otherwise it tells whether pack or index is
 * wrong.
 */
enum err_code
check_pack(struct repo *r, struct tools *t, const struct id *id, const struct buf *pack,
    const struct entry_sum *indexed, uint64_t *chunks, struct err *err)
{
	struct pack_header ph;
	enum pack_kind kind;
	AUTO(pack_dir) struct pack_dir dir = PACK_DIR_INIT;
	*err = (struct err)ERR_INIT;
	if (pack_open_header(pack->data, pack->len, r->subkeys, ph.key, &kind, err) == ERR_OK) {
		memcpy(ph.header, pack->data, HEADER_SIZE);
		if (pack_read_dir(&dir, pack->data, pack->len, ph.key, t->aead, t->unpacker,
			err) == ERR_OK)
			err->code = check_frames(t, &ph, &dir, pack->data, chunks, err);
		secret_wipe(&ph, sizeof ph);
	}
	if (err->code != ERR_OK || fits(&dir, indexed))
		return err->code;
	if (check_name(id, pack, err) || indexed->entries == 0)
		return err->code;
	return err_set(err, ERR_CORRUPT,
	    "its directory is not what the index says of it: 'stacksnap repair index "
	    "--read-all' mends the index");
}
