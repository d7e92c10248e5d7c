/*
 * Fuzz target: the payload of an index object made into a segment, and the file
 * of a segment whose checksums are right and all else is not.  What is made can
 * be found again, alone and merged; what is nonsense is refused or does no harm.
 * Build with clang -fsanitize=fuzzer,address,undefined.
 */
#include "base/checksum.h"
#include "repo/index_impl.h"
#include "repo/index_merge.h"
#include "repo/index_payload.h"
#include "sys/fd.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define BLOCK 4096
#define ROOM (BLOCK - 8)

/* --- a payload --- */

/* Each entry is found, and the entries and packs are as many as the objects say. */
static void
check_segment(struct segment *s)
{
	struct err err;
	struct segment_cursor c;
	const uint8_t *r;
	uint64_t chunks = 0;
	uint8_t before[ID_SIZE] = { 0 };
	assert(segment_cursor_init(&c, s, &s->packs, &err) == ERR_OK);
	for (;;) {
		struct segment_pack p;
		assert(segment_cursor_next(&c, &r, &err) == ERR_OK);
		if (r == NULL)
			break;
		segment_decode_pack(r, &p);
		assert(memcmp(before, p.id.b, ID_SIZE) <= 0 && p.object < s->objects.count);
		memcpy(before, p.id.b, ID_SIZE);
		chunks += p.chunks;
	}
	segment_cursor_release(&c);
	assert(chunks == s->entries.count);
	assert(segment_cursor_init(&c, s, &s->entries, &err) == ERR_OK);
	for (;;) {
		struct segment_entry e;
		struct segment_entry found;
		uint64_t number;
		bool is_there;
		assert(segment_cursor_next(&c, &r, &err) == ERR_OK);
		if (r == NULL)
			break;
		segment_decode_entry(r, &e);
		assert(e.pack < s->packs.count);
		assert(segment_find(s, &e.id, 0, &found, &number, &is_there, &err) == ERR_OK);
		assert(is_there && number < c.next && id_equal(&found.id, &e.id));
	}
	segment_cursor_release(&c);
}

static void
fuzz_payload(const uint8_t *data, size_t len)
{
	struct err err;
	struct id ids[2] = { { { 1 } }, { { 2 } } };
	AUTO(segment) struct segment *a = NULL;
	AUTO(segment) struct segment *b = NULL;
	AUTO(segment) struct segment *both = NULL;
	AUTO(segment) struct segment *one = NULL;
	AUTO(bufv) struct buf payload = BUF_INIT;
	assert(buf_add(&payload, data, len, &err) == ERR_OK);
	if (segment_of_payload(&a, &ids[0], &payload, SEGMENT_IN_MEMORY, NULL, &err)) {
		assert(err.code == ERR_CORRUPT && err.msg[0] != '\0');
		return;
	}
	check_segment(a);
	assert(
	    segment_of_payload(&b, &ids[1], &payload, SEGMENT_IN_MEMORY, NULL, &err) == ERR_OK);
	struct segment *parts[2] = { b, a };
	assert(
	    segments_unite(&both, parts, 2, NULL, 0, SEGMENT_IN_MEMORY, NULL, &err) == ERR_OK);
	assert(both->entries.count == 2 * a->entries.count);
	check_segment(both);
	assert(segments_unite(&one, &both, 1, &ids[1], 1, SEGMENT_IN_MEMORY, NULL, &err) ==
	       ERR_OK);
	assert(one->entries.count == a->entries.count);
	check_segment(one);
}

/* --- a file --- */

static enum err_code
look_at(void *arg, const struct id *id, const struct index_hit *hit, struct err *err)
{
	struct index_view *v = arg;
	struct index_hit found;
	struct index_pack p;
	struct location loc;
	(void)!index_view_find(v, id, &found, err);
	(void)!index_view_pack(v, hit->pack, &p, err);
	(void)!view_locate(v, id, true, &loc, err);
	return ERR_OK;
}

/* Blocks as they are written, but for what is in them. */
static int
make_file(const uint8_t *data, size_t len)
{
	struct err err;
	uint8_t block[BLOCK] = "SSNAPSEG";
	uint32_t objects = data[0] % 4;
	uint32_t packs = data[1] % 80;
	uint32_t entries = data[2] % 160;
	size_t blocks =
	    1 + (objects > 0) + (packs + 62) / 63 + (entries + 72) / 73 + (entries > 0);
	int fd = memfd_create("segment", MFD_CLOEXEC);
	assert(fd >= 0);
	put_u32(block + 8, 2);
	put_u32(block + 12, objects);
	put_u32(block + 16, packs);
	put_u64(block + 24, entries);
	data += 3;
	len -= 3;
	for (size_t i = 0; i < blocks; i++) {
		put_u64(block + ROOM, checksum_of(block, ROOM, i));
		assert(fd_write_all(fd, block, BLOCK, &err) == ERR_OK);
		size_t n = len / (blocks - i);
		memset(block, 0, BLOCK);
		memcpy(block, data, n < ROOM ? n : ROOM);
		data += n;
		len -= n;
	}
	return fd;
}

static void
fuzz_file(const uint8_t *data, size_t len)
{
	struct err err;
	char path[64];
	if (len < 3)
		return;
	AUTO(fd) int fd = make_file(data, len);
	AUTO(segment) struct segment *s = NULL;
	AUTO(segment) struct segment *again = NULL;
	AUTO(index_view) struct index_view *v = NULL;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (segment_open(&s, path, &err))
		return;
	assert(view_make(&v, &s, 1, NULL, &err) == ERR_OK);
	(void)!index_view_walk(v, look_at, v, &err);
	(void)!segments_unite(&again, &s, 1, NULL, 0, SEGMENT_IN_MEMORY, NULL, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if (data[0] % 2 == 0)
		fuzz_payload(data + 1, len - 1);
	else
		fuzz_file(data + 1, len - 1);
	return 0;
}
