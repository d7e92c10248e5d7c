/*
 * index_segment.h: the file of a segment: what one or more index objects say,
 * sorted by id.
 *
 * A file is blocks of 4096 bytes, little-endian; the last eight of each are a
 * checksum of the others (base/checksum.h, the block's number as the seed).
 *
 *	block 0   0  8  "SSNAPSEG"
 *	          8  4  version, 3
 *	         12  4  objects
 *	         16  4  packs
 *	         20  4  zero
 *	         24  8  entries
 *	then four tables, each beginning with a block of its own, as many whole
 *	records in a block as go in:
 *	objects  64  sorted: id 32, entries 8, packs 4, zero 20
 *	packs    64  sorted: id 32, size 8, plain bytes 8, object number 4,
 *	             frames 4, chunks 4, kind 1, zero 3
 *	entries  56  sorted: id 32, pack number 4, frame offset 4, frame
 *	             length 4, offset 4, length 4, number of the frame in its pack 4
 *	fences    8  of each block of entries: the first 8 bytes of its first id
 *
 * Ids are uniform, so the fences, which are kept in memory (2 MB for 20
 * million entries), tell which block to read.
 *
 * Nothing is believed of a block whose checksum is wrong: the segment is then
 * marked as damaged and its file removed, since it can be made again.
 *
 * Ownership: a segment is counted by references and never changes.
 * Threads:   any number read one segment; a writer, a cursor or a merge is one thread's.
 * For the index only.
 */
#ifndef REPO_INDEX_SEGMENT_H
#define REPO_INDEX_SEGMENT_H

#include "repo/id.h"
#include "repo/pack.h"

#include <stdatomic.h>

#define SEGMENT_SUFFIX ".idx"
#define SEGMENT_TEMP_SUFFIX ".idxtmp"

struct segment_object {
	struct id id;
	uint64_t entries;
	uint32_t packs;
};

struct segment_pack {
	struct id id;
	uint64_t size;
	uint64_t bytes; /* plain */
	uint32_t object; /* number */
	uint32_t frames;
	uint32_t chunks;
	enum pack_kind kind;
};

struct segment_entry {
	struct id id;
	uint32_t pack; /* number */
	uint32_t frame_offset;
	uint32_t frame_len;
	uint32_t offset;
	uint32_t len;
	uint32_t frame; /* number in the pack */
};

/* A run of records of one size. */
struct segment_table {
	uint64_t block; /* its first */
	uint64_t count;
	size_t record;
};

struct segment {
	atomic_uint refs;
	atomic_bool is_damaged;
	int fd;
	char *path; /* NULL: unnamed */
	struct segment_table objects;
	struct segment_table packs;
	struct segment_table entries;
	struct segment_table fences;
	struct segment_object *object_list;
	uint64_t *fence_list;
	struct segment_pack *pack_list; /* NULL: they are many, or it is being written */
};

MUST_CHECK enum err_code segment_open(struct segment **out, const char *path, struct err *err);
struct segment *segment_ref(struct segment *s);
void segment_unref(struct segment *s);
AUTO_FREE(segment, struct segment *, segment_unref)
/* Its file goes; who reads it goes on. */
void segment_remove_file(struct segment *s);
/* The number of an object, -1: not in it. */
int64_t segment_find_object(const struct segment *s, const struct id *object);

/* Errors of reading are ERR_IO, damage too. */
MUST_CHECK enum err_code segment_read_pack(
    struct segment *s, uint64_t number, struct segment_pack *out, struct err *err);
/* The nth (from 0) of the entries of an id. */
MUST_CHECK enum err_code segment_find(struct segment *s, const struct id *id, unsigned nth,
    struct segment_entry *out, uint64_t *number, bool *found, struct err *err);

/* Records of a table, one behind the other; *record is NULL behind the last, and stays as it is
 * until the next call. */
struct segment_cursor {
	struct segment *segment;
	struct segment_table table;
	uint64_t next;
	uint64_t first_block; /* of those in memory */
	size_t blocks;
	uint8_t *data;
};
MUST_CHECK enum err_code segment_cursor_init(struct segment_cursor *c, struct segment *s,
    const struct segment_table *t, struct err *err);
void segment_cursor_release(struct segment_cursor *c);
MUST_CHECK enum err_code segment_cursor_next(
    struct segment_cursor *c, const uint8_t **record, struct err *err);
void segment_decode_pack(const uint8_t *record, struct segment_pack *out);
void segment_decode_entry(const uint8_t *record, struct segment_entry *out);

/* Where the file of a new segment is put. */
enum segment_place {
	SEGMENT_IN_FOLDER, /* under a name that is made of its objects */
	SEGMENT_UNNAMED, /* in $TMPDIR, /var/tmp or /tmp */
	SEGMENT_IN_MEMORY,
};

/* Writing: the objects (sorted), then all packs, then all entries, as many as the objects say,
 * each sorted by id. */
struct segment_writer;
MUST_CHECK enum err_code segment_writer_new(struct segment_writer **out,
    enum segment_place place, const char *folder, const struct segment_object *objects,
    size_t count, struct err *err);
void segment_writer_free(struct segment_writer *w);
AUTO_FREE(segment_writer, struct segment_writer *, segment_writer_free)
MUST_CHECK enum err_code segment_writer_pack(
    struct segment_writer *w, const struct segment_pack *p, struct err *err);
MUST_CHECK enum err_code segment_writer_entry(
    struct segment_writer *w, const struct segment_entry *e, struct err *err);
/* It is complete: give it a name and open it. */
MUST_CHECK enum err_code segment_writer_finish(
    struct segment_writer *w, struct segment **out, struct err *err);

#endif
