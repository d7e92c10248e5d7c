#include "repo/index.h"

#include "base/strv.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

/*
 * A segment file, little-endian:
 *
 *	 0  8  "SSNAPSEG"
 *	 8  4  version, 1
 *	12  4  packs
 *	16  8  entries
 *	24  -  packs: id 32, size 8, kind 1, zero 7
 *	 -  -  entries, sorted by id: id 32, pack number 4, frame offset 4,
 *	       frame length 4, offset 4, length 4
 */
#define SEG_MAGIC "SSNAPSEG"
#define SEG_VERSION 1
#define SEG_HEADER 24
#define SEG_PACK 48
#define SEG_ENTRY 52

struct segment {
	struct id object;
	const uint8_t *map;
	size_t map_len;
	uint32_t packs;
	uint64_t entries;
	const uint8_t *pack_table;
	const uint8_t *entry_table;
};

struct index {
	char *cache_dir;
	pthread_rwlock_t lock; /* guards the segments */
	struct segment *segments;
	size_t len;
	size_t cap;
};

enum err_code
index_new(struct index **out, const char *cache_dir, struct err *err)
{
	struct index *ix = calloc(1, sizeof *ix);
	if (ix == NULL)
		return err_nomem(err);
	pthread_rwlock_init(&ix->lock, NULL);
	if (cache_dir != NULL &&
	    (str_dup(&ix->cache_dir, cache_dir, err) || fs_mkdirs(cache_dir, 0700, err))) {
		index_free(ix);
		return err->code;
	}
	*out = ix;
	return ERR_OK;
}

void
index_free(struct index *ix)
{
	if (ix == NULL)
		return;
	for (size_t i = 0; i < ix->len; i++)
		munmap((void *)(uintptr_t)ix->segments[i].map, ix->segments[i].map_len);
	free(ix->segments);
	free(ix->cache_dir);
	pthread_rwlock_destroy(&ix->lock);
	free(ix);
}

__extension__ typedef unsigned __int128 wide;

/* The first 8 bytes as a big number: ids are uniform, so it tells where in the table to look.
 */
static uint64_t
prefix_of(const uint8_t *id)
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++)
		v = v << 8 | id[i];
	return v;
}

static const uint8_t *
entry_at(const struct segment *s, uint64_t i)
{
	return s->entry_table + i * SEG_ENTRY;
}

/* Interpolation first, halving when that does not converge. */
static const uint8_t *
find_entry(const struct segment *s, const struct id *id)
{
	uint64_t lo = 0;
	uint64_t hi = s->entries;
	uint64_t lo_key = 0;
	uint64_t hi_key = UINT64_MAX;
	uint64_t key = prefix_of(id->b);
	for (unsigned step = 0; lo < hi; step++) {
		uint64_t mid = lo + (hi - lo) / 2;
		if (step < 6 && hi_key > lo_key)
			mid = lo + (uint64_t)((wide)(key - lo_key) * (hi - lo - 1) /
					      (hi_key - lo_key));
		const uint8_t *e = entry_at(s, mid);
		int c = memcmp(id->b, e, ID_SIZE);
		if (c == 0)
			return e;
		if (c < 0) {
			hi = mid;
			hi_key = prefix_of(e);
		} else {
			lo = mid + 1;
			lo_key = prefix_of(e);
		}
	}
	return NULL;
}

static void
read_pack(const struct segment *s, uint32_t number, struct index_pack *out)
{
	const uint8_t *p = s->pack_table + (size_t)number * SEG_PACK;
	memcpy(out->id.b, p, ID_SIZE);
	out->size = get_u64(p + 32);
	out->kind = p[40];
}

static void
read_location(const struct segment *s, const uint8_t *e, struct location *out)
{
	struct index_pack p;
	read_pack(s, get_u32(e + 32), &p);
	*out = (struct location){
		.pack = p.id,
		.kind = p.kind,
		.frame_offset = get_u32(e + 36),
		.frame_len = get_u32(e + 40),
		.offset = get_u32(e + 44),
		.len = get_u32(e + 48),
	};
}

bool
index_find(struct index *ix, const struct id *id, struct location *out)
{
	bool found = false;
	pthread_rwlock_rdlock(&ix->lock);
	for (size_t i = ix->len; i-- > 0 && !found;) {
		const struct segment *s = &ix->segments[i];
		const uint8_t *e = find_entry(s, id);
		/* A damaged cache must not lead out of the table. */
		if (e != NULL && get_u32(e + 32) < s->packs) {
			read_location(s, e, out);
			found = true;
		}
	}
	pthread_rwlock_unlock(&ix->lock);
	return found;
}

bool
index_has(struct index *ix, const struct id *object)
{
	bool found = false;
	pthread_rwlock_rdlock(&ix->lock);
	for (size_t i = 0; i < ix->len && !found; i++)
		found = id_equal(&ix->segments[i].object, object);
	pthread_rwlock_unlock(&ix->lock);
	return found;
}

/* Map a segment file and check that its tables fill it. */
static enum err_code
map_segment(struct segment *s, int fd, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_sys(err, "look at index segment");
	size_t len = (size_t)st.st_size;
	if (len < SEG_HEADER)
		return err_set(err, ERR_CORRUPT, "index segment is cut off");
	uint8_t *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(err, "map index segment");
	s->map = map;
	s->map_len = len;
	s->packs = get_u32(map + 12);
	s->entries = get_u64(map + 16);
	s->pack_table = map + SEG_HEADER;
	s->entry_table = s->pack_table + (size_t)s->packs * SEG_PACK;
	if (memcmp(map, SEG_MAGIC, 8) != 0 || get_u32(map + 8) != SEG_VERSION ||
	    s->entries > len / SEG_ENTRY ||
	    SEG_HEADER + (uint64_t)s->packs * SEG_PACK + s->entries * SEG_ENTRY != len) {
		munmap(map, len);
		return err_set(err, ERR_CORRUPT, "index segment is damaged");
	}
	return ERR_OK;
}

static enum err_code
attach(struct index *ix, const struct segment *s, struct err *err)
{
	pthread_rwlock_wrlock(&ix->lock);
	enum err_code rc = ERR_OK;
	if (ix->len == ix->cap) {
		size_t cap = max_size(16, 2 * ix->cap);
		struct segment *p = realloc(ix->segments, cap * sizeof *p);
		if (p == NULL) {
			rc = err_nomem(err);
		} else {
			ix->segments = p;
			ix->cap = cap;
		}
	}
	if (rc == ERR_OK)
		ix->segments[ix->len++] = *s;
	pthread_rwlock_unlock(&ix->lock);
	if (rc)
		munmap((void *)(uintptr_t)s->map, s->map_len);
	return rc;
}

static enum err_code
cache_path(char **out, const struct index *ix, const struct id *object, struct err *err)
{
	char hex[ID_HEX_SIZE];
	id_hex(hex, object);
	return str_printf(out, err, "%s/%s.seg", ix->cache_dir, hex);
}

enum err_code
index_load_cached(struct index *ix, const struct id *object, struct err *err)
{
	if (ix->cache_dir == NULL)
		return err_set(err, ERR_NOT_FOUND, "no cache");
	AUTO(str) char *path = NULL;
	if (cache_path(&path, ix, object, err))
		return err->code;
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_NOT_FOUND, "index segment is not cached");
	struct segment s = { .object = *object };
	if (map_segment(&s, fd, err)) {
		unlink(path); /* it will be made anew */
		return err_set(err, ERR_NOT_FOUND, "index segment was damaged");
	}
	return attach(ix, &s, err);
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, ID_SIZE);
}

/* Append the entries of one pack. */
static enum err_code
add_entries(struct buf *entries, uint32_t number, const struct pack_dir *d, struct err *err)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct pack_frame *f = &d->frames[i];
		uint32_t offset = 0;
		if (buf_reserve(entries, (size_t)f->count * SEG_ENTRY, err))
			return err->code;
		for (size_t k = 0; k < f->count; k++) {
			uint8_t *e = entries->data + entries->len;
			memcpy(e, f->chunks[k].id.b, ID_SIZE);
			put_u32(e + 32, number);
			put_u32(e + 36, f->offset);
			put_u32(e + 40, f->len);
			put_u32(e + 44, offset);
			put_u32(e + 48, f->chunks[k].len);
			offset += f->chunks[k].len;
			entries->len += SEG_ENTRY;
		}
	}
	return ERR_OK;
}

/* An index object's payload as a segment file. */
static enum err_code
build_segment(struct buf *out, const struct buf *payload, struct err *err)
{
	struct rd r;
	rd_init(&r, payload->data, payload->len);
	uint64_t packs = rd_varint(&r);
	if (!rd_ok(&r) || packs > rd_left(&r) / ID_SIZE)
		return err_set(err, ERR_CORRUPT, "index: bad pack count");
	AUTO(bufv) struct buf entries = BUF_INIT;
	if (buf_add(out, SEG_MAGIC, 8, err) || buf_u32(out, SEG_VERSION, err) ||
	    buf_u32(out, (uint32_t)packs, err) || buf_u64(out, 0, err))
		return err->code;
	for (uint32_t i = 0; i < packs; i++) {
		const uint8_t *id = rd_bytes(&r, ID_SIZE);
		uint8_t kind = rd_u8(&r);
		uint64_t size = rd_varint(&r);
		AUTO(pack_dir) struct pack_dir d = PACK_DIR_INIT;
		if (!rd_ok(&r) || (kind != PACK_DATA && kind != PACK_TREE))
			return err_set(err, ERR_CORRUPT, "index: bad pack");
		if (pack_dir_decode(&d, &r, err) || buf_add(out, id, ID_SIZE, err) ||
		    buf_u64(out, size, err) || buf_u64(out, kind, err) ||
		    add_entries(&entries, i, &d, err))
			return err->code;
	}
	if (!rd_done(&r))
		return err_set(err, ERR_CORRUPT, "index: bytes behind the end");
	if (entries.len > 0)
		qsort(entries.data, entries.len / SEG_ENTRY, SEG_ENTRY, by_id);
	put_u64(out->data + 16, entries.len / SEG_ENTRY);
	return buf_add(out, entries.data, entries.len, err);
}

/* A file for the segment: in the cache when that works, unnamed in memory otherwise. */
static enum err_code
write_segment(struct index *ix, const struct id *object, const struct buf *file, int *out,
    struct err *err)
{
	if (ix->cache_dir != NULL) {
		struct err scratch; /* a cache that cannot be written costs time, not safety */
		AUTO(str) char *path = NULL;
		if (cache_path(&path, ix, object, err))
			return err->code;
		if (fs_write_file(path, 0600, file->data, file->len, &scratch) == ERR_OK) {
			*out = open(path, O_RDONLY | O_CLOEXEC);
			if (*out >= 0)
				return ERR_OK;
		}
	}
	AUTO(fd) int fd = memfd_create("stacksnap-index", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "create index segment");
	if (fd_write_all(fd, file->data, file->len, err))
		return err_wrap(err, "index segment");
	*out = fd_take(&fd);
	return ERR_OK;
}

enum err_code
index_add(struct index *ix, const struct id *object, const struct buf *payload, struct err *err)
{
	AUTO(bufv) struct buf file = BUF_INIT;
	AUTO(fd) int fd = -1;
	struct segment s = { .object = *object };
	if (build_segment(&file, payload, err) || write_segment(ix, object, &file, &fd, err) ||
	    map_segment(&s, fd, err))
		return err->code;
	return attach(ix, &s, err);
}

static bool
is_kept(const struct id *id, const struct id *keep, size_t count)
{
	return count > 0 && bsearch(id, keep, count, sizeof *keep, by_id) != NULL;
}

static void
remove_cached(const struct index *ix, const struct id *keep, size_t count)
{
	struct err scratch; /* the cache is only a copy: what stays does no harm */
	AUTO(strv) struct strv names = STRV_INIT;
	if (ix->cache_dir == NULL || fs_list_dir(ix->cache_dir, &names, &scratch))
		return;
	for (size_t i = 0; i < names.len; i++) {
		struct id id;
		const char *name = names.items[i];
		AUTO(str) char *path = NULL;
		if (str_ends(name, ".seg") &&
		    hex_decode(id.b, ID_SIZE, name, strlen(name) - 4) &&
		    !is_kept(&id, keep, count) &&
		    cache_path(&path, ix, &id, &scratch) == ERR_OK)
			unlink(path);
	}
}

void
index_keep_only(struct index *ix, const struct id *keep, size_t count)
{
	pthread_rwlock_wrlock(&ix->lock);
	size_t kept = 0;
	for (size_t i = 0; i < ix->len; i++) {
		struct segment *s = &ix->segments[i];
		if (is_kept(&s->object, keep, count))
			ix->segments[kept++] = *s;
		else
			munmap((void *)(uintptr_t)s->map, s->map_len);
	}
	ix->len = kept;
	pthread_rwlock_unlock(&ix->lock);
	remove_cached(ix, keep, count);
}

uint64_t
index_entries(struct index *ix)
{
	uint64_t n = 0;
	pthread_rwlock_rdlock(&ix->lock);
	for (size_t i = 0; i < ix->len; i++)
		n += ix->segments[i].entries;
	pthread_rwlock_unlock(&ix->lock);
	return n;
}

enum err_code
index_walk_packs(struct index *ix, index_pack_fn *fn, void *arg, struct err *err)
{
	enum err_code rc = ERR_OK;
	pthread_rwlock_rdlock(&ix->lock);
	for (size_t i = 0; i < ix->len && rc == ERR_OK; i++)
		for (uint32_t k = 0; k < ix->segments[i].packs && rc == ERR_OK; k++) {
			struct index_pack p;
			read_pack(&ix->segments[i], k, &p);
			rc = fn(arg, &p, err);
		}
	pthread_rwlock_unlock(&ix->lock);
	return rc;
}

enum err_code
index_walk(struct index *ix, index_entry_fn *fn, void *arg, struct err *err)
{
	enum err_code rc = ERR_OK;
	pthread_rwlock_rdlock(&ix->lock);
	for (size_t i = 0; i < ix->len && rc == ERR_OK; i++) {
		const struct segment *s = &ix->segments[i];
		for (uint64_t k = 0; k < s->entries && rc == ERR_OK; k++) {
			const uint8_t *e = entry_at(s, k);
			struct id id;
			struct location loc;
			if (get_u32(e + 32) >= s->packs)
				continue;
			memcpy(id.b, e, ID_SIZE);
			read_location(s, e, &loc);
			rc = fn(arg, &id, &loc, err);
		}
	}
	pthread_rwlock_unlock(&ix->lock);
	return rc;
}

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
