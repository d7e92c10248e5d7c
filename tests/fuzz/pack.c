/*
 * Fuzz target: the directory of a pack, and whole packs.  An input is a directory
 * and a frame before it, which are sealed as a writer would: whoever has the key
 * can write anything, and readers hold against it.  Or it is the pack's
 * raw bytes.  Build with clang -fsanitize=fuzzer,address,undefined.
 */
#include "repo/check_pack.h"
#include "repo/object.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct {
	struct repo *repo;
	struct tools *tools;
	uint8_t header[HEADER_SIZE];
	uint8_t key[AEAD_KEY_SIZE];
} world;

static void
must(enum err_code code)
{
	assert(code == ERR_OK);
}

static void
make_world(void)
{
	static const struct repo_create_options plain = { 8, 1, NULL };
	struct err err;
	struct store *store;
	struct secret *secret;
	enum pack_kind kind;
	must(secret_new(&secret, 64, &err));
	memset(secret->data, 7, 64);
	struct repo_key key = { .key_file = secret };
	must(store_open_mem(&store, &err));
	must(repo_create(store, &key, &plain, &err));
	must(repo_open(&world.repo, store, &key, NULL, &err));
	secret_free(secret);
	must(repo_borrow_tools(world.repo, &world.tools, &err));
	must(header_make(world.header, PACK_MAGIC, PACK_DATA, &err));
	must(pack_open_header(
	    world.header, HEADER_SIZE, world.repo->subkeys, world.key, &kind, &err));
}

/* What decodes encodes to the same bytes. */
static void
check_directory(const uint8_t *data, size_t len)
{
	struct err err;
	struct rd r;
	AUTO(pack_dir) struct pack_dir d = PACK_DIR_INIT;
	AUTO(bufv) struct buf again = BUF_INIT;
	rd_init(&r, data, len);
	if (pack_dir_decode(&d, &r, &err)) {
		assert(err.msg[0] != '\0');
		return;
	}
	must(pack_dir_encode(&d, &again, &err));
	size_t used = len - rd_left(&r);
	assert(again.len == used && memcmp(again.data, data, used) == 0);
	uint64_t offset = HEADER_SIZE;
	for (size_t i = 0; i < d.count; i++) {
		assert(d.frames[i].offset == offset && d.frames[i].count > 0);
		offset += d.frames[i].len;
	}
}

static void
seal(struct buf *pack, enum pack_part part, const uint8_t *data, size_t len)
{
	struct err err;
	size_t at = pack->len;
	must(buf_reserve(pack, len + AEAD_TAG_SIZE, &err));
	must(pack_seal(world.tools->aead, world.key, world.header, part, at, data, len,
	    pack->data + at, &err));
	pack->len += len + AEAD_TAG_SIZE;
}

/* A block of stored bytes: what is in it, and not zstd, is to be looked at. */
static void
seal_plain(struct buf *pack, enum pack_part part, const uint8_t *data, size_t len)
{
	struct err err;
	AUTO(bufv) struct buf block = BUF_INIT;
	must(buf_u8(&block, BLOCK_STORED, &err));
	must(buf_u32(&block, (uint32_t)len, &err));
	must(buf_add(&block, data, len, &err));
	seal(pack, part, block.data, block.len);
}

/* In memory, and through the store. */
static void
read_pack(const struct buf *pack)
{
	struct entry_sum none = { 0, 0 };
	uint64_t chunks = 0;
	struct err err;
	struct store *s = repo_store(world.repo);
	struct id id = { { 9 } };
	char key[PACK_KEY_SIZE];
	enum pack_kind kind;
	AUTO(pack_dir) struct pack_dir whole = PACK_DIR_INIT;
	AUTO(pack_dir) struct pack_dir ends = PACK_DIR_INIT;
	pack_key(key, &id);
	must(store_put(s, key, pack->data, pack->len, &err));
	enum err_code a = pack->len < HEADER_SIZE
			      ? ERR_CORRUPT
			      : pack_read_dir(&whole, pack->data, pack->len, world.key,
				    world.tools->aead, world.tools->unpacker, &err);
	enum err_code b = pack_load_dir(&ends, &kind, s, key, pack->len, world.repo->subkeys,
	    world.tools->aead, world.tools->unpacker, &err);
	if (check_pack(world.repo, world.tools, &id, pack->len, &none, &chunks, &err))
		assert(err.msg[0] != '\0');
	must(store_delete(s, key, &err));
	/* Under the one key that there is, both say the same. */
	if (pack->len >= HEADER_SIZE && memcmp(pack->data, world.header, HEADER_SIZE) == 0)
		assert((a == ERR_OK) == (b == ERR_OK) && whole.count == ends.count);
}

static void
fuzz_sealed(const uint8_t *data, size_t len, bool is_block)
{
	struct err err;
	AUTO(bufv) struct buf pack = BUF_INIT;
	if (len < 2)
		return;
	size_t n = min_size(get_u16(data), len - 2);
	const uint8_t *dir = data + 2;
	check_directory(dir, n);
	must(buf_add(&pack, world.header, HEADER_SIZE, &err));
	if (is_block)
		seal(&pack, PART_FRAME, dir + n, len - 2 - n);
	else
		seal_plain(&pack, PART_FRAME, dir + n, len - 2 - n);
	size_t at = pack.len;
	seal_plain(&pack, PART_DIRECTORY, dir, n);
	must(buf_u32(&pack, (uint32_t)(pack.len - at), &err));
	must(buf_add(&pack, PACK_END_MAGIC, 8, &err));
	read_pack(&pack);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err err;
	AUTO(bufv) struct buf pack = BUF_INIT;
	if (world.repo == NULL)
		make_world();
	if (len == 0)
		return 0;
	if (data[0] % 3 < 2) {
		fuzz_sealed(data + 1, len - 1, data[0] % 3 == 0);
		return 0;
	}
	must(buf_add(&pack, world.header, HEADER_SIZE, &err));
	must(buf_add(&pack, data + 1, len - 1, &err));
	read_pack(&pack);
	return 0;
}
