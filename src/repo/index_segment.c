#include "repo/index_segment.h"

#include "base/strv.h"
#include "repo/index_segment_impl.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <sys/stat.h>

#define CURSOR_BLOCKS 16
#define PACKS_KEPT 4096

struct segment *
segment_alloc(void)
{
	struct segment *s = calloc(1, sizeof *s);
	if (s != NULL) {
		s->fd = -1;
		atomic_init(&s->refs, 1);
		atomic_init(&s->is_damaged, false);
	}
	return s;
}

struct segment *
segment_ref(struct segment *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void
segment_unref(struct segment *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) > 1)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s->object_list);
	free(s->fence_list);
	free(s->pack_list);
	free(s);
}

void
segment_remove_file(struct segment *s)
{
	if (s->path != NULL)
		unlink(s->path); /* only a copy: what stays does no harm */
}

uint64_t
segment_lay_out(struct segment *s, uint32_t objects, uint32_t packs, uint64_t entries)
{
	struct segment_table *tables[] = { &s->objects, &s->packs, &s->entries, &s->fences };
	uint64_t block = 1;
	s->objects = (struct segment_table){ .count = objects, .record = SEG_OBJECT };
	s->packs = (struct segment_table){ .count = packs, .record = SEG_PACK };
	s->entries = (struct segment_table){ .count = entries, .record = SEG_ENTRY };
	s->fences = (struct segment_table){ .record = SEG_FENCE };
	s->fences.count = table_blocks(&s->entries);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		tables[i]->block = block;
		block += table_blocks(tables[i]);
	}
	return block;
}

/* Read blocks that lie behind each other, and believe them only when all their checksums fit.
 */
static enum err_code
read_blocks(struct segment *s, uint64_t first, size_t count, uint8_t *out, struct err *err)
{
	size_t got;
	if (fd_pread_full(s->fd, out, count * SEG_BLOCK, first * SEG_BLOCK, &got, err)) {
		err->code = ERR_IO;
		return err_wrap(err, "local copy of the index");
	}
	for (size_t i = 0; i < count; i++) {
		const uint8_t *b = out + i * SEG_BLOCK;
		if (got == count * SEG_BLOCK &&
		    checksum_of(b, SEG_ROOM, first + i) == get_u64(b + SEG_ROOM))
			continue;
		atomic_store(&s->is_damaged, true);
		segment_remove_file(s);
		return err_set(err, ERR_IO,
		    "the local copy of the index (%s) was damaged and is removed: the next run "
		    "makes it anew",
		    s->path != NULL ? s->path : "a temporary file");
	}
	return ERR_OK;
}

/* --- opening --- */

static enum err_code
load_objects(struct segment *s, struct err *err)
{
	struct segment_cursor c;
	const uint8_t *r;
	s->object_list = calloc(s->objects.count + 1, sizeof *s->object_list);
	if (s->object_list == NULL)
		return err_nomem(err);
	if (segment_cursor_init(&c, s, &s->objects, err))
		return err->code;
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < s->objects.count && rc == ERR_OK; i++) {
		rc = segment_cursor_next(&c, &r, err);
		if (rc)
			break;
		struct segment_object *o = &s->object_list[i];
		memcpy(o->id.b, r, ID_SIZE);
		o->entries = get_u64(r + 32);
		o->packs = get_u32(r + 40);
	}
	segment_cursor_release(&c);
	return rc;
}

/* Do the objects say what the tables hold? */
static bool
objects_fit(const struct segment *s)
{
	uint64_t packs = 0;
	uint64_t entries = 0;
	for (size_t i = 0; i < s->objects.count; i++) {
		const struct segment_object *o = &s->object_list[i];
		if (i > 0 && id_compare(&o[-1].id, &o->id) >= 0)
			return false;
		packs += o->packs;
		if (o->entries > s->entries.count - entries)
			return false;
		entries += o->entries;
	}
	return packs == s->packs.count && entries == s->entries.count;
}

static enum err_code
load_fences(struct segment *s, struct err *err)
{
	struct segment_cursor c;
	const uint8_t *r;
	s->fence_list = calloc(s->fences.count + 1, sizeof *s->fence_list);
	if (s->fence_list == NULL)
		return err_nomem(err);
	if (segment_cursor_init(&c, s, &s->fences, err))
		return err->code;
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < s->fences.count && rc == ERR_OK; i++) {
		rc = segment_cursor_next(&c, &r, err);
		if (rc == ERR_OK)
			s->fence_list[i] = get_u64(r);
	}
	segment_cursor_release(&c);
	return rc;
}

/* Each look-up ends with a pack: those of all but very large repositories are kept. */
static enum err_code
load_packs(struct segment *s, struct err *err)
{
	struct segment_cursor c;
	const uint8_t *r;
	if (s->packs.count > PACKS_KEPT)
		return ERR_OK;
	AUTO(mem) struct segment_pack *list = calloc(s->packs.count + 1, sizeof *list);
	if (list == NULL)
		return err_nomem(err);
	if (segment_cursor_init(&c, s, &s->packs, err))
		return err->code;
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < s->packs.count && rc == ERR_OK; i++) {
		rc = segment_cursor_next(&c, &r, err);
		if (rc == ERR_OK)
			segment_decode_pack(r, &list[i]);
	}
	segment_cursor_release(&c);
	if (rc == ERR_OK)
		s->pack_list = TAKE(list);
	return rc;
}

enum err_code
segment_open(struct segment **out, const char *path, struct err *err)
{
	AUTO(segment) struct segment *s = segment_alloc();
	uint8_t head[SEG_BLOCK];
	struct stat st;
	if (s == NULL)
		return err_nomem(err);
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st) != 0)
		return err_sys(err, "open %s", path);
	if (str_dup(&s->path, path, err) || read_blocks(s, 0, 1, head, err))
		return err->code;
	uint64_t entries = get_u64(head + 24);
	if (memcmp(head, SEG_MAGIC, 8) != 0 || get_u32(head + 8) != SEG_VERSION ||
	    entries > (uint64_t)st.st_size / SEG_ENTRY ||
	    segment_lay_out(s, get_u32(head + 12), get_u32(head + 16), entries) * SEG_BLOCK !=
		(uint64_t)st.st_size) {
		segment_remove_file(s);
		return err_set(err, ERR_IO, "%s is not an index segment", path);
	}
	if (load_objects(s, err) || load_fences(s, err) || load_packs(s, err))
		return err->code;
	if (!objects_fit(s)) {
		segment_remove_file(s);
		return err_set(err, ERR_IO, "%s makes no sense", path);
	}
	*out = TAKE(s);
	return ERR_OK;
}

int64_t
segment_find_object(const struct segment *s, const struct id *object)
{
	size_t lo = 0;
	size_t hi = s->objects.count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = id_compare(object, &s->object_list[mid].id);
		if (c == 0)
			return (int64_t)mid;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return -1;
}

/* --- records --- */

void
segment_decode_pack(const uint8_t *r, struct segment_pack *out)
{
	memcpy(out->id.b, r, ID_SIZE);
	out->size = get_u64(r + 32);
	out->bytes = get_u64(r + 40);
	out->object = get_u32(r + 48);
	out->frames = get_u32(r + 52);
	out->chunks = get_u32(r + 56);
	out->kind = r[60];
}

void
segment_decode_entry(const uint8_t *r, struct segment_entry *out)
{
	memcpy(out->id.b, r, ID_SIZE);
	out->pack = get_u32(r + 32);
	out->frame_offset = get_u32(r + 36);
	out->frame_len = get_u32(r + 40);
	out->offset = get_u32(r + 44);
	out->len = get_u32(r + 48);
	out->frame = get_u32(r + 52);
}

enum err_code
segment_read_pack(struct segment *s, uint64_t number, struct segment_pack *out, struct err *err)
{
	uint8_t block[SEG_BLOCK];
	size_t per = table_per_block(&s->packs);
	if (number >= s->packs.count)
		return err_set(err, ERR_IO, "the local copy of the index names no such pack");
	if (s->pack_list != NULL) {
		*out = s->pack_list[number];
		return ERR_OK;
	}
	if (read_blocks(s, s->packs.block + number / per, 1, block, err))
		return err->code;
	segment_decode_pack(block + number % per * SEG_PACK, out);
	return ERR_OK;
}

/* --- looking up --- */

/* The first block whose first id is not below the key. */
static uint64_t
lower_fence(const struct segment *s, uint64_t key)
{
	uint64_t lo = 0;
	uint64_t hi = s->fences.count;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;
		if (s->fence_list[mid] < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The first of n entries that is not below id. */
static size_t
lower_entry(const uint8_t *entries, size_t n, const struct id *id)
{
	size_t lo = 0;
	size_t hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (memcmp(entries + mid * SEG_ENTRY, id->b, ID_SIZE) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

enum err_code
segment_find(struct segment *s, const struct id *id, unsigned nth, struct segment_entry *out,
    uint64_t *number, bool *found, struct err *err)
{
	uint8_t block[SEG_BLOCK];
	uint64_t key = id_prefix(id->b);
	uint64_t per = table_per_block(&s->entries);
	uint64_t b = lower_fence(s, key);
	*found = false;
	/* The ids of a block may begin before, and go on behind, those of its fence. */
	for (b -= b > 0; b < s->fences.count && s->fence_list[b] <= key; b++) {
		if (read_blocks(s, s->entries.block + b, 1, block, err))
			return err->code;
		size_t n = min_size(per, s->entries.count - b * per);
		for (size_t i = lower_entry(block, n, id); i < n; i++) {
			const uint8_t *e = block + i * SEG_ENTRY;
			if (memcmp(e, id->b, ID_SIZE) != 0)
				return ERR_OK;
			if (nth-- > 0)
				continue;
			segment_decode_entry(e, out);
			*number = b * per + i;
			*found = true;
			return ERR_OK;
		}
	}
	return ERR_OK;
}

/* --- cursors --- */

enum err_code
segment_cursor_init(
    struct segment_cursor *c, struct segment *s, const struct segment_table *t, struct err *err)
{
	*c = (struct segment_cursor){ .segment = segment_ref(s), .table = *t };
	c->data = malloc((size_t)CURSOR_BLOCKS * SEG_BLOCK);
	if (c->data == NULL) {
		segment_cursor_release(c);
		return err_nomem(err);
	}
	return ERR_OK;
}

void
segment_cursor_release(struct segment_cursor *c)
{
	segment_unref(c->segment);
	free(c->data);
	*c = (struct segment_cursor){ 0 };
}

enum err_code
segment_cursor_next(struct segment_cursor *c, const uint8_t **record, struct err *err)
{
	if (c->next == c->table.count) {
		*record = NULL;
		return ERR_OK;
	}
	size_t per = table_per_block(&c->table);
	uint64_t block = c->next / per;
	if (c->blocks == 0 || block >= c->first_block + c->blocks) {
		size_t n = min_size(CURSOR_BLOCKS, table_blocks(&c->table) - block);
		c->blocks = 0;
		if (read_blocks(c->segment, c->table.block + block, n, c->data, err))
			return err->code;
		c->first_block = block;
		c->blocks = n;
	}
	*record =
	    c->data + (block - c->first_block) * SEG_BLOCK + c->next % per * c->table.record;
	c->next++;
	return ERR_OK;
}
