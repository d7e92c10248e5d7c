/*
 * The test vectors of docs/format.md (tests/data/format-v1.json), which no code
 * of StackSnap computed, against this implementation.
 */
#include "testing.h"

#include "base/strv.h"
#include "codec/block.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "repo/check.h"
#include "repo/extents.h"
#include "repo/object.h"
#include "repo/pack.h"
#include "repo/recovery_lines.h"
#include "repo/repo_impl.h"
#include "repo/snapshot.h"
#include "sys/fs.h"
#include "tree/entry.h"
#include "tree/listing.h"

static json_t *vectors;
static struct secret *master;
static struct secret *subkeys;
static uint8_t the_repo_id[REPO_ID_SIZE];

/* The bytes that a string of hexadecimal digits stands for; freed with the test program. */
static const struct buf *
bytes_of(const json_t *value)
{
	static struct buf all[4096];
	static size_t used;
	struct err err;
	const char *hex = json_string_value(value);
	assert_non_null(hex);
	assert_true(used < ARRAY_LEN(all));
	struct buf *b = &all[used++];
	size_t len = strlen(hex) / 2;
	ok(buf_reserve(b, len + 1, &err));
	assert_true(hex_decode(b->data, len, hex, strlen(hex)));
	b->len = len;
	return b;
}

static const struct buf *
bytes_at(const json_t *obj, const char *key)
{
	return bytes_of(json_object_get(obj, key));
}

static void
same(const void *got, size_t len, const struct buf *want)
{
	assert_int_equal(len, want->len);
	if (len > 0)
		assert_memory_equal(got, want->data, len);
}

static int
load(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(str) char *path = NULL;
	const char *source = getenv("STACKSNAP_SOURCE");
	ok(str_printf(
	    &path, &err, "%s/tests/data/format-v1.json", source != NULL ? source : "."));
	ok(fs_read_file(path, 1 << 20, &raw, &err));
	ok(json_parse(&vectors, raw.data, raw.len, path, &err));
	const struct buf *m = bytes_at(vectors, "master");
	const struct buf *id = bytes_at(vectors, "repo_id");
	assert_int_equal(id->len, REPO_ID_SIZE);
	memcpy(the_repo_id, id->data, REPO_ID_SIZE);
	ok(secret_copy(&master, m->data, m->len, &err));
	ok(subkeys_derive(&subkeys, master, the_repo_id, &err));
	return 0;
}

static int
unload(void **state)
{
	(void)state;
	secret_free(master);
	secret_free(subkeys);
	json_decref(vectors);
	return 0;
}

static void
subkeys_are_derived_as_told(void **state)
{
	(void)state;
	const struct subkeys *k = (const struct subkeys *)(const void *)subkeys->data;
	const json_t *want = json_object_get(vectors, "subkeys");
	same(k->config, 32, bytes_at(want, "config"));
	same(k->chunk, 32, bytes_at(want, "chunk"));
	same(k->chunker, 32, bytes_at(want, "chunker"));
	same(k->data, 32, bytes_at(want, "data"));
}

static void
varints_have_one_form(void **state)
{
	(void)state;
	size_t i;
	json_t *v;
	json_array_foreach(json_object_get(vectors, "varint"), i, v)
	{
		struct err err;
		AUTO(bufv) struct buf out = BUF_INIT;
		const struct buf *want = bytes_at(v, "bytes");
		uint64_t value = strtoull(json_get_str(v, "value"), NULL, 10);
		ok(buf_varint(&out, value, &err));
		same(out.data, out.len, want);
		struct rd r;
		rd_init(&r, want->data, want->len);
		assert_true(rd_varint(&r) == value);
		assert_true(rd_done(&r));
	}
	json_array_foreach(json_object_get(vectors, "varint_bad"), i, v)
	{
		struct rd r;
		rd_init(&r, bytes_of(v)->data, bytes_of(v)->len);
		assert_true(rd_varint(&r) == 0);
		assert_false(rd_ok(&r));
	}
}

static void
chunk_ids_are_keyed_hashes(void **state)
{
	(void)state;
	struct err err;
	size_t i;
	json_t *v;
	const struct subkeys *k = (const struct subkeys *)(const void *)subkeys->data;
	AUTO(mac) struct mac *m = NULL;
	ok(mac_new(&m, k->chunk, sizeof k->chunk, &err));
	json_array_foreach(json_object_get(vectors, "chunk_id"), i, v)
	{
		struct tools t = { .mac = m };
		struct id id;
		const struct buf *data = bytes_at(v, "data");
		ok(repo_chunk_id(&t, data->data, data->len, &id, &err));
		same(id.b, ID_SIZE, bytes_at(v, "id"));
	}
}

static void
recovery_keys_are_printed_and_read(void **state)
{
	(void)state;
	struct err err;
	size_t i;
	json_t *v;
	json_array_foreach(json_object_get(vectors, "recovery_key"), i, v)
	{
		const struct buf *slot = bytes_at(v, "slot");
		const char *text = json_get_str(v, "text");
		const char *code = json_get_str(v, "code");
		AUTO(bufv) struct buf printed = BUF_INIT;
		struct recovery_key k;
		ok(recovery_parse(text, strlen(text), &k, &err));
		same(k.slot, sizeof k.slot, slot);
		assert_int_equal(k.has_code, code != NULL);
		assert_string_equal(k.code, code != NULL ? code : "");
		ok(recovery_lines_print(&k, &printed, &err));
		assert_string_equal(buf_cstr(&printed), text);
	}
	assert_int_equal(i, 2);
}

static void
slots_open_with_their_keys_only(void **state)
{
	(void)state;
	struct err err;
	const json_t *by_pass = json_object_get(vectors, "slot_passphrase");
	const json_t *by_file = json_object_get(vectors, "slot_key_file");
	const struct buf *slots[2] = { bytes_at(by_pass, "slot"), bytes_at(by_file, "slot") };
	const char *text = json_get_str(by_pass, "passphrase");
	const struct buf *file = bytes_at(by_file, "key_file");
	AUTO(secret) struct secret *pass = NULL;
	AUTO(secret) struct secret *key_file = NULL;
	ok(secret_copy(&pass, text, strlen(text), &err));
	ok(secret_copy(&key_file, file->data, file->len, &err));
	const struct repo_key keys[2] = { { .passphrase = pass }, { .key_file = key_file } };
	for (int i = 0; i < 2; i++) {
		AUTO(secret) struct secret *got = NULL;
		AUTO(secret) struct secret *none = NULL;
		ok(slot_open(&got, slots[i]->data, slots[i]->len, the_repo_id, &keys[i], &err));
		assert_memory_equal(got->data, master->data, MASTER_KEY_SIZE);
		refused(slot_open(&none, slots[1 - i]->data, slots[1 - i]->len, the_repo_id,
			    &keys[i], &err),
		    ERR_WRONG_KEY, "the key slot is of another kind");
		/* What stands in clear is bound to what is sealed: the label, for one. */
		AUTO(bufv) struct buf altered = BUF_INIT;
		ok(buf_add(&altered, slots[i]->data, slots[i]->len, &err));
		altered.data[100] ^= 1;
		refused(
		    slot_open(&none, altered.data, altered.len, the_repo_id, &keys[i], &err),
		    ERR_WRONG_KEY, "the key does not open this slot");
	}
}

static void
wrapping_keys_are_derived_as_told(void **state)
{
	(void)state;
	struct err err;
	uint8_t key[32];
	const json_t *v = json_object_get(vectors, "slot_passphrase");
	const char *pass = json_get_str(v, "passphrase");
	ok(argon2id_derive(pass, strlen(pass), bytes_at(v, "salt")->data,
	    (uint32_t)json_get_int(v, "memory_kib", 0), (uint32_t)json_get_int(v, "passes", 0),
	    key, sizeof key, &err));
	same(key, sizeof key, bytes_at(v, "wrapping_key"));
	v = json_object_get(vectors, "slot_key_file");
	const struct buf *file = bytes_at(v, "key_file");
	ok(hkdf_derive(file->data, file->len, bytes_at(v, "salt")->data, KDF_SALT_SIZE,
	    "stacksnap 1 key file", key, sizeof key, &err));
	same(key, sizeof key, bytes_at(v, "wrapping_key"));
}

static struct chunk_sizes
sizes_at(const json_t *config, const char *key)
{
	const json_t *a = json_object_get(json_object_get(config, "sizes"), key);
	uint32_t v[3];
	for (size_t i = 0; i < 3; i++)
		v[i] = (uint32_t)json_integer_value(json_array_get(a, i));
	return (struct chunk_sizes){ v[0], v[1], v[2] };
}

static void
config_has_these_bytes(void **state)
{
	(void)state;
	struct err err;
	const json_t *v = json_object_get(vectors, "config");
	const struct buf *want = bytes_at(v, "bytes");
	struct config c = {
		.created_ns = (uint64_t)json_get_int(vectors, "created_ns", 0),
		.data = sizes_at(v, "data"),
		.rows = sizes_at(v, "rows"),
		.tree = sizes_at(v, "tree"),
	};
	memcpy(c.repo_id, the_repo_id, REPO_ID_SIZE);
	uint8_t raw[CONFIG_SIZE];
	ok(config_encode(&c, subkeys, raw, &err));
	same(raw, sizeof raw, want);

	struct config back;
	ok(config_parse(&back, want->data, want->len, &err));
	ok(config_authenticate(want->data, subkeys, &err));
	assert_memory_equal(back.repo_id, the_repo_id, REPO_ID_SIZE);
	assert_int_equal(back.rows.max, c.rows.max);
	/* Bytes that mean nothing yet are authenticated like the others. */
	raw[90] ^= 1;
	refused(config_authenticate(raw, subkeys, &err), ERR_CORRUPT,
	    "config: authentication failed: it was altered");
}

static void
blocks_decode_as_told(void **state)
{
	(void)state;
	struct err err;
	size_t i;
	json_t *v;
	AUTO(unpacker) struct unpacker *u = NULL;
	AUTO(packer) struct packer *p = NULL;
	ok(unpacker_new(&u, &err));
	ok(packer_new(&p, &err));
	json_array_foreach(json_object_get(vectors, "block"), i, v)
	{
		const struct buf *block = bytes_at(v, "block");
		const struct buf *want = bytes_at(v, "plain");
		size_t plain;
		uint8_t out[1000];
		ok(block_plain_len(block->data, block->len, sizeof out, &plain, &err));
		ok(block_decode(u, block->data, block->len, out, plain, &err));
		same(out, plain, want);
		/* Short inputs do not shrink, so their encoding is known. */
		size_t n;
		uint8_t again[2000];
		assert_true(block_bound(want->len) <= sizeof again);
		ok(block_encode(p, want->data, want->len, 3, again, &n, &err));
		assert_int_equal(again[0], json_get_int(v, "codec", -1));
		if (again[0] == BLOCK_STORED)
			same(again, n, block);
	}
}

static void
sealed_objects_open_as_told(void **state)
{
	(void)state;
	struct err err;
	const json_t *v = json_object_get(vectors, "object");
	const struct buf *raw = bytes_at(v, "stored");
	uint8_t key[AEAD_KEY_SIZE];
	ok(keys_of_salt(subkeys, bytes_at(v, "salt")->data, "stacksnap 1 object", key, &err));
	same(key, sizeof key, bytes_at(v, "key"));

	AUTO(store) struct store *s = NULL;
	AUTO(bufv) struct buf out = BUF_INIT;
	struct id id;
	char where[OBJECT_KEY_SIZE];
	ok(store_open_mem(&s, &err));
	ok(sha256_of(raw->data, raw->len, id.b, &err));
	object_key(where, OBJECT_SNAPSHOT, &id);
	ok(store_put(s, where, raw->data, raw->len, &err));
	ok(object_load(s, subkeys, OBJECT_SNAPSHOT, &id, &out, &err));
	same(out.data, out.len, bytes_at(v, "payload"));
	/* The same bytes in another folder are not what that folder holds. */
	object_key(where, OBJECT_INDEX, &id);
	ok(store_put(s, where, raw->data, raw->len, &err));
	AUTO(str) char *want = NULL;
	ok(str_printf(&want, &err, "%s: is of type 2, not 1", where));
	refused(object_load(s, subkeys, OBJECT_INDEX, &id, &out, &err), ERR_CORRUPT, want);
}

static void
frames_are_sealed_as_told(void **state)
{
	(void)state;
	struct err err;
	size_t i;
	json_t *f;
	const json_t *v = json_object_get(vectors, "pack");
	const struct buf *pack = bytes_at(v, "bytes");
	uint8_t key[AEAD_KEY_SIZE];
	enum pack_kind kind;
	AUTO(aead) struct aead *a = NULL;
	ok(aead_new(&a, &err));
	ok(pack_open_header(pack->data, pack->len, subkeys, key, &kind, &err));
	same(key, sizeof key, bytes_at(v, "key"));
	assert_int_equal(kind, json_get_int(v, "kind", 0));
	json_array_foreach(json_object_get(v, "frames"), i, f)
	{
		const struct buf *block = bytes_at(f, "block");
		const struct buf *want = bytes_at(f, "sealed");
		uint64_t offset = (uint64_t)json_get_int(f, "offset", 0);
		AUTO(mem) uint8_t *out = malloc(block->len + AEAD_TAG_SIZE);
		assert_non_null(out);
		ok(pack_seal(a, key, pack->data, PART_FRAME, offset, block->data, block->len,
		    out, &err));
		same(out, block->len + AEAD_TAG_SIZE, want);
		/* In another place it does not open. */
		refused(pack_unseal(a, key, pack->data, PART_FRAME, offset + 1, want->data,
			    want->len, out, &err),
		    ERR_CORRUPT, "authentication failed: the data was altered");
		refused(pack_unseal(a, key, pack->data, PART_DIRECTORY, offset, want->data,
			    want->len, out, &err),
		    ERR_CORRUPT, "authentication failed: the data was altered");
	}
}

static void
a_pack_is_read_and_made_as_told(void **state)
{
	(void)state;
	struct err err;
	const json_t *v = json_object_get(vectors, "pack");
	const struct buf *pack = bytes_at(v, "bytes");
	uint8_t key[AEAD_KEY_SIZE];
	enum pack_kind kind;
	AUTO(aead) struct aead *a = NULL;
	AUTO(unpacker) struct unpacker *u = NULL;
	AUTO(pack_dir) struct pack_dir d = PACK_DIR_INIT;
	AUTO(bufv) struct buf dir = BUF_INIT;
	ok(aead_new(&a, &err));
	ok(unpacker_new(&u, &err));
	ok(pack_open_header(pack->data, pack->len, subkeys, key, &kind, &err));
	ok(pack_read_dir(&d, pack->data, pack->len, key, a, u, &err));
	const json_t *frames = json_object_get(v, "frames");
	assert_int_equal(d.count, json_array_size(frames));
	for (size_t i = 0; i < d.count; i++)
		assert_int_equal(
		    d.frames[i].offset, json_get_int(json_array_get(frames, i), "offset", 0));
	ok(pack_dir_encode(&d, &dir, &err));
	same(dir.data, dir.len, bytes_at(v, "directory"));
	struct id id;
	ok(sha256_of(pack->data, pack->len, id.b, &err));
	same(id.b, ID_SIZE, bytes_at(v, "name"));
}

static void
the_chunkers_table_comes_from_the_key(void **state)
{
	(void)state;
	struct err err;
	const struct subkeys *k = (const struct subkeys *)(const void *)subkeys->data;
	const json_t *v = json_object_get(vectors, "gear");
	uint8_t table[CHUNKER_TABLE_BYTES];
	uint8_t hash[HASH_SIZE];
	ok(hkdf_derive(k->chunker, sizeof k->chunker, the_repo_id, REPO_ID_SIZE,
	    "stacksnap 1 gear", table, sizeof table, &err));
	ok(sha256_of(table, sizeof table, hash, &err));
	same(hash, sizeof hash, bytes_at(v, "sha256"));
	struct chunker_table t;
	chunker_table_init(&t, table);
	for (size_t i = 0; i < 4; i++)
		assert_true(
		    t.gear[i] ==
		    get_u64(bytes_of(json_array_get(json_object_get(v, "first"), i))->data));
}

static void
fill_lcg(struct buf *b, size_t len, uint64_t seed)
{
	struct err err;
	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		ok(buf_u8(b, (uint8_t)(seed >> 56), &err));
	}
}

/* The lines that make-format-v1 calls "rows N". */
static void
fill_rows(struct buf *b, size_t count)
{
	struct err err;
	AUTO(bufv) struct buf noise = BUF_INIT;
	fill_lcg(&noise, count, 77);
	for (size_t i = 0; i < count; i++) {
		unsigned byte = noise.data[i];
		unsigned repeats = byte % 40 + (i % 500 == 499 ? 3000 : 0);
		ok(buf_printf(b, &err, "%zu\t", i));
		for (unsigned k = 0; k < repeats; k++)
			ok(buf_printf(b, &err, "%02x", byte));
		ok(buf_str(b, "\n", &err));
	}
}

/* "lcg LENGTH SEED", "zeros LENGTH", "rows COUNT" or "same COUNT" */
static void
fill_input(struct buf *b, const char *what)
{
	struct err err;
	char *end = NULL;
	if (str_starts(what, "lcg ")) {
		size_t len = strtoul(what + 4, &end, 10);
		fill_lcg(b, len, strtoull(end, NULL, 10));
	} else if (str_starts(what, "rows ")) {
		fill_rows(b, strtoul(what + 5, NULL, 10));
	} else if (str_starts(what, "same ")) {
		for (size_t i = strtoul(what + 5, NULL, 10); i > 0; i--)
			ok(buf_str(b, "\\N\t\\N\n", &err));
	} else {
		assert_true(str_starts(what, "zeros "));
		size_t len = strtoul(what + 6, NULL, 10);
		ok(buf_reserve(b, len, &err));
		memset(b->data, 0, len);
		b->len = len;
	}
}

static void
chunks_end_as_told(void **state)
{
	(void)state;
	struct err err;
	struct chunker_table t;
	const struct subkeys *k = (const struct subkeys *)(const void *)subkeys->data;
	uint8_t table[CHUNKER_TABLE_BYTES];
	ok(hkdf_derive(k->chunker, sizeof k->chunker, the_repo_id, REPO_ID_SIZE,
	    "stacksnap 1 gear", table, sizeof table, &err));
	chunker_table_init(&t, table);
	size_t i;
	json_t *v;
	json_array_foreach(json_object_get(vectors, "chunker"), i, v)
	{
		AUTO(bufv) struct buf in = BUF_INIT;
		fill_input(&in, json_get_str(v, "input"));
		uint8_t hash[HASH_SIZE];
		ok(sha256_of(in.data, in.len, hash, &err));
		same(hash, sizeof hash, bytes_at(v, "input_sha256"));

		struct chunk_sizes sizes = {
			(uint32_t)json_get_int(v, "min", 0),
			(uint32_t)json_get_int(v, "avg", 0),
			(uint32_t)json_get_int(v, "max", 0),
		};
		const json_t *ends = json_object_get(v, "ends");
		struct chunker c;
		chunker_init(
		    &c, &t, sizes, json_get_bool(v, "rows") ? BORDER_LINES : BORDER_ANY);
		size_t at = 0;
		for (size_t n = 0; n < json_array_size(ends); n++) {
			size_t want = (size_t)json_integer_value(json_array_get(ends, n));
			bool cut;
			at += chunker_next(&c, in.data + at, in.len - at, &cut);
			assert_int_equal(at, want);
			assert_true(cut || at == in.len);
		}
		assert_int_equal(at, in.len);
	}
}

static void
contents_have_these_bytes(void **state)
{
	(void)state;
	struct err err;
	size_t i;
	json_t *v;
	json_array_foreach(json_object_get(vectors, "content"), i, v)
	{
		const struct buf *want = bytes_at(v, "bytes");
		const json_t *list = json_object_get(v, "extents");
		struct extent items[4];
		struct content c = { .level = (unsigned)json_get_int(v, "level", 0),
			.count = json_array_size(list),
			.items = items,
			.is_counted = json_get_bool(v, "counted") };
		assert_true(c.count <= ARRAY_LEN(items));
		for (size_t n = 0; n < c.count; n++) {
			const json_t *e = json_array_get(list, n);
			items[n] = (struct extent){ .len = (uint64_t)json_get_int(e, "len", 0),
				.rows = (uint64_t)json_get_int(e, "rows", 0),
				.is_torn = json_get_bool(e, "torn"),
				.is_hole = json_get_bool(e, "hole") };
			c.size += items[n].len;
			if (!items[n].is_hole)
				memcpy(items[n].id.b, bytes_at(e, "id")->data, ID_SIZE);
		}
		AUTO(bufv) struct buf out = BUF_INIT;
		AUTO(content) struct content back = CONTENT_INIT;
		struct rd r;
		ok(content_encode(&c, &out, &err));
		same(out.data, out.len, want);
		rd_init(&r, want->data, want->len);
		ok(content_decode(&back, &r, &err));
		assert_true(rd_done(&r));
		assert_true(content_equal(&c, &back));
	}
}

static void
entries_come_back_byte_for_byte(void **state)
{
	(void)state;
	struct err err;
	size_t i;
	json_t *v;
	json_array_foreach(json_object_get(vectors, "entry"), i, v)
	{
		const struct buf *want = bytes_at(v, "bytes");
		AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
		AUTO(bufv) struct buf out = BUF_INIT;
		struct rd r;
		rd_init(&r, want->data, want->len);
		ok(tree_entry_decode(&e, &r, &err));
		assert_true(rd_done(&r));
		ok(tree_entry_encode(&e, &out, &err));
		same(out.data, out.len, want);
	}
}

static void
an_entrys_fields_are_where_they_are_told_to_be(void **state)
{
	(void)state;
	struct err err;
	struct rd r;
	AUTO(tree_entry) struct tree_entry file = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry early = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry device = TREE_ENTRY_INIT;
	const json_t *list = json_object_get(vectors, "entry");
	const struct buf *b = bytes_at(json_array_get(list, 2), "bytes");
	rd_init(&r, b->data, b->len);
	ok(tree_entry_decode(&file, &r, &err));
	assert_int_equal(file.type, TREE_FILE);
	assert_string_equal(file.name, "hello.txt");
	assert_int_equal(file.mode, 04755);
	assert_int_equal(file.uid, UINT32_C(4294967294));
	assert_null(file.user);
	assert_true(file.modified.s == INT64_C(7000000000));
	assert_int_equal(file.modified.ns, 1);
	b = bytes_at(json_array_get(list, 3), "bytes");
	rd_init(&r, b->data, b->len);
	ok(tree_entry_decode(&early, &r, &err));
	assert_true(early.modified.s == -1);
	assert_int_equal(early.modified.ns, 500000000);
	b = bytes_at(json_array_get(list, 5), "bytes");
	rd_init(&r, b->data, b->len);
	ok(tree_entry_decode(&device, &r, &err));
	assert_int_equal(device.type, TREE_CHAR_DEVICE);
	assert_int_equal(device.rdev_major, 1);
	assert_int_equal(device.rdev_minor, 3);
	assert_int_equal(device.dev, 5);
	assert_int_equal(device.xattr_count, 3);
	assert_string_equal(device.xattrs[2].name, "user.a");
	assert_int_equal(device.xattrs[2].len, 0);
}

/* All objects of the repository that make-format-v1 wrote, in a store. */
static void
put_repository(struct store *s)
{
	struct err err;
	const char *key;
	json_t *value;
	json_t *objects = json_object_get(json_object_get(vectors, "repository"), "store");
	json_object_foreach(objects, key, value)
	{
		const struct buf *b = bytes_of(value);
		ok(store_put(s, key, b->data, b->len, &err));
	}
}

/* The entry at a path below a folder. */
static void
find_entry(
    struct repo *r, const struct tree_entry *folder, const char *path, struct tree_entry *out)
{
	struct err err;
	struct listing_reader l;
	ok(listing_reader_init(&l, r, &folder->content, &err));
	size_t len = strcspn(path, "/");
	struct tree_raw raw;
	do {
		ok(listing_reader_next(&l, &raw, &err));
		if (raw.data == NULL)
			fail_msg("%s is missing", path);
	} while (raw.name_len != len || memcmp(raw.name, path, len) != 0);
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct rd rd;
	rd_init(&rd, raw.data, raw.len);
	ok(tree_entry_decode(&e, &rd, &err));
	listing_reader_release(&l);
	if (path[len] == '/') {
		find_entry(r, &e, path + len + 1, out);
		return;
	}
	*out = e;
	e = (struct tree_entry)TREE_ENTRY_INIT;
}

static void
a_repository_written_elsewhere_is_sound_and_reads(void **state)
{
	(void)state;
	struct err err;
	const json_t *want = json_object_get(vectors, "repository");
	const char *text =
	    json_get_str(json_object_get(vectors, "slot_passphrase"), "passphrase");
	AUTO(store) struct store *s = NULL;
	AUTO(secret) struct secret *pass = NULL;
	AUTO(repo) struct repo *r = NULL;
	ok(store_open_mem(&s, &err));
	put_repository(s);
	ok(secret_copy(&pass, text, strlen(text), &err));
	struct repo_key key = { .passphrase = pass };
	ok(repo_open(&r, s, &key, NULL, &err));

	struct check_options check = { .read_data = true };
	struct check_result result;
	ok(repo_check(r, &check, &result, &err));
	assert_int_equal(result.problems, 0);
	assert_int_equal(result.packs, 2);
	assert_int_equal(result.unused_packs, 0);
	assert_int_equal(result.chunks, 11);

	struct id id;
	AUTO(json) json_t *doc = NULL;
	ok(snapshot_resolve(r, "latest", &id, &err));
	same(id.b, ID_SIZE, bytes_at(want, "snapshot"));
	ok(snapshot_load(r, &id, &doc, &err));
	const struct buf *root = bytes_at(doc, "root");
	AUTO(tree_entry) struct tree_entry top = TREE_ENTRY_INIT;
	struct rd rd;
	rd_init(&rd, root->data, root->len);
	ok(tree_entry_decode(&top, &rd, &err));
	size_t i;
	json_t *f;
	json_array_foreach(json_object_get(want, "files"), i, f)
	{
		AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
		AUTO(bufv) struct buf data = BUF_INIT;
		find_entry(r, &top, json_get_str(f, "path"), &e);
		ok(content_read_all(r, &e.content, 1 << 20, &data, &err));
		same(data.data, data.len, bytes_at(f, "data"));
	}
}

static void
an_index_payload_is_made_as_told(void **state)
{
	(void)state;
	struct err err;
	const struct buf *want = bytes_at(json_object_get(vectors, "index"), "payload");
	struct index_builder b = INDEX_BUILDER_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	struct rd r;
	rd_init(&r, want->data, want->len);
	uint64_t packs = rd_varint(&r);
	for (uint64_t i = 0; i < packs; i++) {
		struct id id;
		AUTO(pack_dir) struct pack_dir d = PACK_DIR_INIT;
		memcpy(id.b, rd_bytes(&r, ID_SIZE), ID_SIZE);
		enum pack_kind kind = rd_u8(&r);
		uint64_t size = rd_varint(&r);
		ok(pack_dir_decode(&d, &r, &err));
		ok(index_builder_add(&b, &id, kind, size, &d, &err));
	}
	assert_true(rd_done(&r));
	ok(index_builder_finish(&b, &out, &err));
	same(out.data, out.len, want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subkeys_are_derived_as_told),
		cmocka_unit_test(varints_have_one_form),
		cmocka_unit_test(chunk_ids_are_keyed_hashes),
		cmocka_unit_test(slots_open_with_their_keys_only),
		cmocka_unit_test(recovery_keys_are_printed_and_read),
		cmocka_unit_test(wrapping_keys_are_derived_as_told),
		cmocka_unit_test(config_has_these_bytes),
		cmocka_unit_test(blocks_decode_as_told),
		cmocka_unit_test(sealed_objects_open_as_told),
		cmocka_unit_test(frames_are_sealed_as_told),
		cmocka_unit_test(a_pack_is_read_and_made_as_told),
		cmocka_unit_test(an_index_payload_is_made_as_told),
		cmocka_unit_test(the_chunkers_table_comes_from_the_key),
		cmocka_unit_test(chunks_end_as_told),
		cmocka_unit_test(contents_have_these_bytes),
		cmocka_unit_test(entries_come_back_byte_for_byte),
		cmocka_unit_test(an_entrys_fields_are_where_they_are_told_to_be),
		cmocka_unit_test(a_repository_written_elsewhere_is_sound_and_reads),
	};
	return cmocka_run_group_tests_name("format", tests, load, unload);
}
