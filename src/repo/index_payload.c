#include "repo/index_payload.h"

#include "repo/index.h"

struct parsed {
	struct segment_pack *packs;
	size_t n_packs;
	size_t cap_packs;
	struct segment_entry *entries;
	size_t n_entries;
	size_t cap_entries;
};

static void
parsed_auto(struct parsed *p)
{
	free(p->packs);
	free(p->entries);
}

enum err_code
index_payload_walk(const struct buf *payload, payload_pack_fn *fn, void *arg, struct err *err)
{
	struct rd r;
	rd_init(&r, payload->data, payload->len);
	uint64_t packs = rd_varint(&r);
	if (!rd_ok(&r) || packs > rd_left(&r) / ID_SIZE)
		return err_set(err, ERR_CORRUPT, "index: bad pack count");
	for (uint64_t i = 0; i < packs; i++) {
		const uint8_t *raw = rd_bytes(&r, ID_SIZE);
		uint8_t kind = rd_u8(&r);
		uint64_t size = rd_varint(&r);
		struct id id;
		AUTO(pack_dir) struct pack_dir d = PACK_DIR_INIT;
		if (!rd_ok(&r) || (kind != PACK_DATA && kind != PACK_TREE))
			return err_set(err, ERR_CORRUPT, "index: bad pack");
		memcpy(id.b, raw, ID_SIZE);
		if (pack_dir_decode(&d, &r, err) || fn(arg, &id, kind, size, &d, err))
			return err->code;
	}
	if (!rd_done(&r))
		return err_set(err, ERR_CORRUPT, "index: bytes behind the end");
	return ERR_OK;
}

/* Room for more items behind n. */
static enum err_code
grow(void **items, size_t *cap, size_t n, size_t more, size_t size, struct err *err)
{
	if (more <= *cap - n)
		return ERR_OK;
	size_t wanted = max_size(n + more, *cap + *cap / 2);
	void *p = realloc(*items, wanted * size);
	if (p == NULL)
		return err_nomem(err);
	*items = p;
	*cap = wanted;
	return ERR_OK;
}

static enum err_code
add_entries(
    struct parsed *p, struct segment_pack *pack, const struct pack_dir *d, struct err *err)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct pack_frame *f = &d->frames[i];
		void *entries = p->entries;
		uint32_t offset = 0;
		if (grow(&entries, &p->cap_entries, p->n_entries, f->count, sizeof *p->entries,
			err))
			return err->code;
		p->entries = entries;
		for (size_t k = 0; k < f->count; k++) {
			p->entries[p->n_entries++] = (struct segment_entry){
				.id = f->chunks[k].id,
				.pack = (uint32_t)p->n_packs,
				.frame_offset = f->offset,
				.frame_len = f->len,
				.offset = offset,
				.len = f->chunks[k].len,
				.frame = (uint32_t)i,
			};
			offset += f->chunks[k].len;
		}
		pack->chunks += f->count;
		pack->bytes += offset;
	}
	return ERR_OK;
}

static enum err_code
add_pack(void *arg, const struct id *id, enum pack_kind kind, uint64_t size,
    const struct pack_dir *dir, struct err *err)
{
	struct parsed *p = arg;
	struct segment_pack pack = {
		.id = *id, .size = size, .kind = kind, .frames = (uint32_t)dir->count
	};
	void *packs = p->packs;
	if (grow(&packs, &p->cap_packs, p->n_packs, 1, sizeof *p->packs, err))
		return err->code;
	p->packs = packs;
	if (add_entries(p, &pack, dir, err))
		return err->code;
	p->packs[p->n_packs++] = pack;
	return ERR_OK;
}

struct numbered {
	struct id id;
	uint32_t number;
};

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, ID_SIZE);
}

/* Give the packs numbers in the order of their ids: order[new] is the old number. */
static enum err_code
sort_packs(struct parsed *p, struct numbered *order, struct err *err)
{
	AUTO(mem) uint32_t *new_number = calloc(p->n_packs + 1, sizeof *new_number);
	if (new_number == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < p->n_packs; i++)
		order[i] = (struct numbered){ p->packs[i].id, (uint32_t)i };
	qsort(order, p->n_packs, sizeof *order, by_id);
	for (size_t i = 0; i < p->n_packs; i++)
		new_number[order[i].number] = (uint32_t)i;
	for (size_t i = 0; i < p->n_entries; i++)
		p->entries[i].pack = new_number[p->entries[i].pack];
	return ERR_OK;
}

static enum err_code
write_parsed(struct segment_writer *w, const struct parsed *p, const struct numbered *order,
    struct err *err)
{
	for (size_t i = 0; i < p->n_packs; i++)
		if (segment_writer_pack(w, &p->packs[order[i].number], err))
			return err->code;
	for (size_t i = 0; i < p->n_entries; i++)
		if (segment_writer_entry(w, &p->entries[i], err))
			return err->code;
	return ERR_OK;
}

enum err_code
segment_of_payload(struct segment **out, const struct id *object, const struct buf *payload,
    enum segment_place place, const char *folder, struct err *err)
{
	AUTO(parsed) struct parsed p = { 0 };
	AUTO(segment_writer) struct segment_writer *w = NULL;
	if (index_payload_walk(payload, add_pack, &p, err))
		return err->code;
	AUTO(mem) struct numbered *order = calloc(p.n_packs + 1, sizeof *order);
	if (order == NULL)
		return err_nomem(err);
	if (sort_packs(&p, order, err))
		return err->code;
	if (p.n_entries > 0)
		qsort(p.entries, p.n_entries, sizeof *p.entries, by_id);
	struct segment_object self = { *object, p.n_entries, (uint32_t)p.n_packs };
	if (segment_writer_new(&w, place, folder, &self, 1, err) ||
	    write_parsed(w, &p, order, err))
		return err->code;
	return segment_writer_finish(w, out, err);
}

/* --- putting a payload together --- */

enum err_code
index_builder_add(struct index_builder *b, const struct id *pack, enum pack_kind kind,
    uint64_t size, const struct pack_dir *dir, struct err *err)
{
	size_t before = b->packs.len;
	if (buf_add(&b->packs, pack->b, ID_SIZE, err) ||
	    buf_u8(&b->packs, (uint8_t)kind, err) || buf_varint(&b->packs, size, err) ||
	    pack_dir_encode(dir, &b->packs, err)) {
		b->packs.len = before;
		return err->code;
	}
	b->pack_count++;
	for (size_t i = 0; i < dir->count; i++)
		b->chunk_count += dir->frames[i].count;
	return ERR_OK;
}

enum err_code
index_builder_finish(struct index_builder *b, struct buf *out, struct err *err)
{
	if (buf_varint(out, b->pack_count, err) ||
	    buf_add(out, b->packs.data, b->packs.len, err))
		return err->code;
	buf_release(&b->packs);
	*b = (struct index_builder)INDEX_BUILDER_INIT;
	return ERR_OK;
}
