#include "base/strv.h"
#include "crypto/hash.h"
#include "repo/index_segment.h"
#include "repo/index_segment_impl.h"
#include "sys/fd.h"
#include "sys/rand.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define OUT_BLOCKS 64

struct segment_writer {
	struct segment *segment; /* what is being written */
	char *name; /* of the file when it is done; NULL: unnamed */
	char *temp; /* its name until then */
	uint8_t *out; /* blocks on their way to the file */
	uint64_t first_block; /* of those */
	const struct segment_table *table; /* that is being written */
	uint64_t done; /* records of that table */
	uint64_t packs;
	uint64_t entries;
};

/* The same objects make the same name: two processes that load them share the file. */
static enum err_code
name_file(struct segment_writer *w, const char *folder, struct err *err)
{
	AUTO(sha256) struct sha256 *h = NULL;
	const struct segment *s = w->segment;
	struct id sum;
	uint8_t salt[8];
	char hex[ID_HEX_SIZE];
	char salt_hex[2 * sizeof salt + 1];
	if (sha256_new(&h, err))
		return err->code;
	for (size_t i = 0; i < s->objects.count; i++)
		if (sha256_add(h, s->object_list[i].id.b, ID_SIZE, err))
			return err->code;
	if (sha256_finish(h, sum.b, err) || rand_bytes(salt, sizeof salt, err))
		return err->code;
	id_hex(hex, &sum);
	hex_encode(salt_hex, salt, sizeof salt);
	if (str_printf(&w->name, err, "%s/%s" SEGMENT_SUFFIX, folder, hex) ||
	    str_printf(&w->temp, err, "%s/%s" SEGMENT_TEMP_SUFFIX, folder, salt_hex))
		return err->code;
	w->segment->fd = open(w->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->segment->fd < 0) {
		err_sys(err, "create %s", w->temp);
		free(TAKE(w->temp));
	}
	return w->segment->fd >= 0 ? ERR_OK : err->code;
}

static enum err_code
make_unnamed(struct segment_writer *w, struct err *err)
{
	const char *folders[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
	for (size_t i = 0; i < ARRAY_LEN(folders) && w->segment->fd < 0; i++)
		if (folders[i] != NULL && *folders[i] == '/')
			w->segment->fd = open(folders[i], O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	return w->segment->fd >= 0 ? ERR_OK : err_sys(err, "make a temporary file");
}

static enum err_code
make_file(
    struct segment_writer *w, enum segment_place place, const char *folder, struct err *err)
{
	if (place == SEGMENT_IN_FOLDER)
		return name_file(w, folder, err);
	if (place == SEGMENT_UNNAMED)
		return make_unnamed(w, err);
	w->segment->fd = memfd_create("stacksnap-index", MFD_CLOEXEC);
	return w->segment->fd >= 0 ? ERR_OK : err_sys(err, "make an index segment in memory");
}

static enum err_code
write_out(struct segment_writer *w, uint64_t behind, struct err *err)
{
	size_t n = behind - w->first_block;
	for (size_t i = 0; i < n; i++) {
		uint8_t *b = w->out + i * SEG_BLOCK;
		put_u64(b + SEG_ROOM, checksum_of(b, SEG_ROOM, w->first_block + i));
	}
	if (fd_pwrite_all(
		w->segment->fd, w->out, n * SEG_BLOCK, w->first_block * SEG_BLOCK, err))
		return err_wrap(err, "index segment");
	memset(w->out, 0, n * SEG_BLOCK);
	w->first_block = behind;
	return ERR_OK;
}

/* A place for the next record of a table; tables come in the order of the file. */
static enum err_code
next_place(
    struct segment_writer *w, const struct segment_table *t, uint8_t **out, struct err *err)
{
	if (w->table != t) {
		w->table = t;
		w->done = 0;
	}
	if (w->done == t->count)
		return err_set(err, ERR_IO, "an index segment holds more than its objects say");
	uint64_t block = t->block + w->done / table_per_block(t);
	if (block >= w->first_block + OUT_BLOCKS && write_out(w, block, err))
		return err->code;
	*out = w->out + (block - w->first_block) * SEG_BLOCK +
	       w->done % table_per_block(t) * t->record;
	w->done++;
	return ERR_OK;
}

static enum err_code
put_head(struct segment_writer *w, struct err *err)
{
	struct segment *s = w->segment;
	memcpy(w->out, SEG_MAGIC, 8);
	put_u32(w->out + 8, SEG_VERSION);
	put_u32(w->out + 12, (uint32_t)s->objects.count);
	put_u32(w->out + 16, (uint32_t)s->packs.count);
	put_u64(w->out + 24, s->entries.count);
	for (size_t i = 0; i < s->objects.count; i++) {
		const struct segment_object *o = &s->object_list[i];
		uint8_t *r;
		if (next_place(w, &s->objects, &r, err))
			return err->code;
		memcpy(r, o->id.b, ID_SIZE);
		put_u64(r + 32, o->entries);
		put_u32(r + 40, o->packs);
	}
	return ERR_OK;
}

static enum err_code
set_up(struct segment_writer *w, const struct segment_object *objects, size_t count,
    struct err *err)
{
	struct segment *s = w->segment = segment_alloc();
	if (s == NULL)
		return err_nomem(err);
	uint64_t packs = 0;
	uint64_t entries = 0;
	for (size_t i = 0; i < count; i++) {
		packs += objects[i].packs;
		entries += objects[i].entries;
	}
	if (count > UINT32_MAX || packs >= UINT32_MAX)
		return err_set(err, ERR_UNSUPPORTED, "an index of more than 2^32 packs");
	segment_lay_out(s, (uint32_t)count, (uint32_t)packs, entries);
	s->object_list = calloc(count + 1, sizeof *objects);
	s->fence_list = calloc(s->fences.count + 1, sizeof *s->fence_list);
	w->out = calloc(OUT_BLOCKS, SEG_BLOCK);
	if (s->object_list == NULL || s->fence_list == NULL || w->out == NULL)
		return err_nomem(err);
	if (count > 0)
		memcpy(s->object_list, objects, count * sizeof *objects);
	return ERR_OK;
}

enum err_code
segment_writer_new(struct segment_writer **out, enum segment_place place, const char *folder,
    const struct segment_object *objects, size_t count, struct err *err)
{
	AUTO(segment_writer) struct segment_writer *w = calloc(1, sizeof *w);
	if (w == NULL)
		return err_nomem(err);
	if (set_up(w, objects, count, err) || make_file(w, place, folder, err) ||
	    put_head(w, err))
		return err->code;
	*out = TAKE(w);
	return ERR_OK;
}

void
segment_writer_free(struct segment_writer *w)
{
	if (w == NULL)
		return;
	if (w->temp != NULL)
		unlink(w->temp);
	segment_unref(w->segment);
	free(w->name);
	free(w->temp);
	free(w->out);
	free(w);
}

enum err_code
segment_writer_pack(struct segment_writer *w, const struct segment_pack *p, struct err *err)
{
	uint8_t *r;
	if (next_place(w, &w->segment->packs, &r, err))
		return err->code;
	memcpy(r, p->id.b, ID_SIZE);
	w->packs++;
	put_u64(r + 32, p->size);
	put_u64(r + 40, p->bytes);
	put_u32(r + 48, p->object);
	put_u32(r + 52, p->frames);
	put_u32(r + 56, p->chunks);
	r[60] = (uint8_t)p->kind;
	return ERR_OK;
}

enum err_code
segment_writer_entry(struct segment_writer *w, const struct segment_entry *e, struct err *err)
{
	struct segment *s = w->segment;
	uint8_t *r;
	if (next_place(w, &s->entries, &r, err))
		return err->code;
	uint64_t number = w->entries++;
	if (number % table_per_block(&s->entries) == 0)
		s->fence_list[number / table_per_block(&s->entries)] = id_prefix(e->id.b);
	memcpy(r, e->id.b, ID_SIZE);
	put_u32(r + 32, e->pack);
	put_u32(r + 36, e->frame_offset);
	put_u32(r + 40, e->frame_len);
	put_u32(r + 44, e->offset);
	put_u32(r + 48, e->len);
	put_u32(r + 52, e->frame);
	return ERR_OK;
}

enum err_code
segment_writer_finish(struct segment_writer *w, struct segment **out, struct err *err)
{
	struct segment *s = w->segment;
	if (w->packs != s->packs.count || w->entries != s->entries.count)
		return err_set(err, ERR_IO, "an index segment holds less than its objects say");
	for (size_t i = 0; i < s->fences.count; i++) {
		uint8_t *r;
		if (next_place(w, &s->fences, &r, err))
			return err->code;
		put_u64(r, s->fence_list[i]);
	}
	if (write_out(w, s->fences.block + table_blocks(&s->fences), err))
		return err->code;
	if (w->temp != NULL) {
		if (rename(w->temp, w->name) != 0)
			return err_sys(err, "rename to %s", w->name);
		free(TAKE(w->temp));
		s->path = TAKE(w->name);
	}
	*out = TAKE(w->segment);
	return ERR_OK;
}
