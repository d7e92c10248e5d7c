#include "repo/object.h"

#include "codec/block.h"
#include "crypto/hash.h"
#include "sys/rand.h"

enum { HDR_VERSION = 8, HDR_TYPE = 10, HDR_KEYS = 11, HDR_SALT = 12 };

#define KEYS_BY_SALT 1
#define OBJECT_INFO "stacksnap 1 object"
#define OBJECT_LEVEL 3

static const uint8_t zero_nonce[AEAD_NONCE_SIZE];

const char *
object_folder(enum object_type type)
{
	static const char *const folders[] = {
		[OBJECT_INDEX] = "index/",
		[OBJECT_SNAPSHOT] = "snapshots/",
		[OBJECT_MARK] = "marks/",
		[OBJECT_PROOF] = "proofs/",
	};
	return folders[type];
}

void
object_key(char out[OBJECT_KEY_SIZE], enum object_type type, const struct id *id)
{
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	snprintf(out, OBJECT_KEY_SIZE, "%s%s", object_folder(type), hex);
}

bool
object_id_of_key(struct id *id, const char *key, const char *folder)
{
	size_t n = strlen(folder);
	return strncmp(key, folder, n) == 0 &&
	       hex_decode(id->b, ID_SIZE, key + n, strlen(key + n));
}

enum err_code
header_make(uint8_t out[HEADER_SIZE], const char magic[8], uint8_t type, struct err *err)
{
	memcpy(out, magic, 8);
	put_u16(out + HDR_VERSION, FORMAT_VERSION);
	out[HDR_TYPE] = type;
	out[HDR_KEYS] = KEYS_BY_SALT;
	return rand_bytes(out + HDR_SALT, SALT_SIZE, err);
}

enum err_code
header_parse(const uint8_t *data, size_t len, const char magic[8], uint8_t *type,
    const uint8_t **salt, struct err *err)
{
	if (len < HEADER_SIZE || memcmp(data, magic, 8) != 0)
		return err_set(err, ERR_CORRUPT, "does not begin with %.8s", magic);
	if (get_u16(data + HDR_VERSION) != FORMAT_VERSION)
		return err_set(err, ERR_UNSUPPORTED, "format version %u: use a newer StackSnap",
		    get_u16(data + HDR_VERSION));
	if (data[HDR_KEYS] != KEYS_BY_SALT)
		return err_set(err, ERR_UNSUPPORTED,
		    "key scheme %u: a newer StackSnap is needed", data[HDR_KEYS]);
	*type = data[HDR_TYPE];
	*salt = data + HDR_SALT;
	return ERR_OK;
}

enum err_code
object_save(struct store *s, const struct secret *subkeys, enum object_type type,
    const void *payload, size_t len, struct id *id, struct err *err)
{
	AUTO(packer) struct packer *p = NULL;
	AUTO(aead) struct aead *a = NULL;
	AUTO(mem) uint8_t *block = malloc(block_bound(len));
	AUTO(mem) uint8_t *out = malloc(HEADER_SIZE + block_bound(len) + AEAD_TAG_SIZE);
	if (block == NULL || out == NULL)
		return err_nomem(err);
	uint8_t key[AEAD_KEY_SIZE];
	size_t n;
	if (packer_new(&p, err) || aead_new(&a, err) ||
	    header_make(out, OBJECT_MAGIC, (uint8_t)type, err) ||
	    keys_of_salt(subkeys, out + HDR_SALT, OBJECT_INFO, key, err) ||
	    block_encode(p, payload, len, OBJECT_LEVEL, block, &n, err))
		return err->code;
	enum err_code rc =
	    aead_seal(a, key, zero_nonce, out, HEADER_SIZE, block, n, out + HEADER_SIZE, err);
	secret_wipe(key, sizeof key);
	if (rc)
		return rc;

	size_t total = HEADER_SIZE + n + AEAD_TAG_SIZE;
	struct id name;
	char where[OBJECT_KEY_SIZE];
	if (sha256_of(out, total, name.b, err))
		return err->code;
	object_key(where, type, &name);
	if (store_put(s, where, out, total, err))
		return err->code;
	*id = name;
	return ERR_OK;
}

static enum err_code
open_object(const struct secret *subkeys, enum object_type type, const struct buf *raw,
    struct buf *out, struct err *err)
{
	uint8_t found;
	const uint8_t *salt;
	if (header_parse(raw->data, raw->len, OBJECT_MAGIC, &found, &salt, err))
		return err->code;
	if (found != type)
		return err_set(err, ERR_CORRUPT, "is of type %u, not %u", found, type);

	AUTO(aead) struct aead *a = NULL;
	AUTO(unpacker) struct unpacker *u = NULL;
	AUTO(mem) uint8_t *block = malloc(raw->len);
	if (block == NULL)
		return err_nomem(err);
	uint8_t key[AEAD_KEY_SIZE];
	if (aead_new(&a, err) || unpacker_new(&u, err) ||
	    keys_of_salt(subkeys, salt, OBJECT_INFO, key, err))
		return err->code;
	size_t sealed = raw->len - HEADER_SIZE;
	enum err_code rc = aead_open(a, key, zero_nonce, raw->data, HEADER_SIZE,
	    raw->data + HEADER_SIZE, sealed, block, err);
	secret_wipe(key, sizeof key);
	size_t plain;
	if (rc ||
	    block_plain_len(block, sealed - AEAD_TAG_SIZE, OBJECT_MAX_SIZE, &plain, err) ||
	    buf_reserve(out, plain + 1, err) ||
	    block_decode(u, block, sealed - AEAD_TAG_SIZE, out->data + out->len, plain, err))
		return err->code;
	out->len += plain;
	return ERR_OK;
}

enum err_code
object_load(struct store *s, const struct secret *subkeys, enum object_type type,
    const struct id *id, struct buf *out, struct err *err)
{
	char where[OBJECT_KEY_SIZE];
	object_key(where, type, id);
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (store_get(s, where, OBJECT_MAX_SIZE, &raw, err))
		return err->code;
	struct id actual;
	if (sha256_of(raw.data, raw.len, actual.b, err))
		return err->code;
	if (!id_equal(&actual, id))
		return err_set(err, ERR_CORRUPT, "%s: its bytes do not fit its name", where);
	if (open_object(subkeys, type, &raw, out, err))
		return err_wrap(err, "%s", where);
	return ERR_OK;
}
