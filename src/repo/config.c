#include "repo/config.h"

#include "crypto/hash.h"
#include "sys/clock.h"
#include "sys/rand.h"

enum {
	CFG_VERSION = 8,
	CFG_LENGTH = 10,
	CFG_REPO = 12,
	CFG_CREATED = 28,
	CFG_ALGORITHMS = 36, /* chunk id, AEAD, compression, key derivation, chunker */
	CFG_DATA = 44,
	CFG_ROWS = 56,
	CFG_TREE = 68,
	CFG_MAC = 96,
};

/* HMAC-SHA-256, AES-256-GCM, zstd, HKDF-SHA-256, keyed gear. */
static const uint8_t algorithms[5] = { 1, 1, 1, 1, 1 };

enum err_code
config_make(struct config *c, struct err *err)
{
	*c = (struct config){
		.created_ns = (uint64_t)clock_wall_ns(),
		.data = { 512 << 10, 1 << 20, 4 << 20 },
		.rows = { 4 << 10, 16 << 10, 1 << 20 },
		.tree = { 8 << 10, 32 << 10, 256 << 10 },
	};
	return rand_bytes(c->repo_id, sizeof c->repo_id, err);
}

static void
put_sizes(uint8_t *p, const struct chunk_sizes *s)
{
	put_u32(p, s->min);
	put_u32(p + 4, s->avg);
	put_u32(p + 8, s->max);
}

static enum err_code
get_sizes(struct chunk_sizes *s, const uint8_t *p, struct err *err)
{
	*s = (struct chunk_sizes){ get_u32(p), get_u32(p + 4), get_u32(p + 8) };
	bool power = s->avg != 0 && (s->avg & (s->avg - 1)) == 0;
	if (!power || s->min < 64 || s->min >= s->avg || s->avg >= s->max ||
	    s->max > FRAME_MAX_PLAIN)
		return err_set(err, ERR_CORRUPT, "config: chunk sizes %u, %u, %u make no sense",
		    s->min, s->avg, s->max);
	return ERR_OK;
}

static enum err_code
mac_config(const uint8_t *data, const struct secret *subkeys, uint8_t out[32], struct err *err)
{
	const struct subkeys *k = (const struct subkeys *)(const void *)subkeys->data;
	AUTO(mac) struct mac *m = NULL;
	if (mac_new(&m, k->config, sizeof k->config, err))
		return err->code;
	return mac_of(m, data, CFG_MAC, out, err);
}

enum err_code
config_encode(const struct config *c, const struct secret *subkeys, uint8_t out[CONFIG_SIZE],
    struct err *err)
{
	memset(out, 0, CONFIG_SIZE);
	memcpy(out, CONFIG_MAGIC, 8);
	put_u16(out + CFG_VERSION, FORMAT_VERSION);
	put_u16(out + CFG_LENGTH, CONFIG_SIZE);
	memcpy(out + CFG_REPO, c->repo_id, REPO_ID_SIZE);
	put_u64(out + CFG_CREATED, c->created_ns);
	memcpy(out + CFG_ALGORITHMS, algorithms, sizeof algorithms);
	put_sizes(out + CFG_DATA, &c->data);
	put_sizes(out + CFG_ROWS, &c->rows);
	put_sizes(out + CFG_TREE, &c->tree);
	return mac_config(out, subkeys, out + CFG_MAC, err);
}

enum err_code
config_parse(struct config *c, const uint8_t *data, size_t len, struct err *err)
{
	if (len < 12 || memcmp(data, CONFIG_MAGIC, 8) != 0)
		return err_set(err, ERR_NO_REPOSITORY, "config is not StackSnap's");
	if (get_u16(data + CFG_VERSION) != FORMAT_VERSION)
		return err_set(err, ERR_UNSUPPORTED,
		    "repository format version %u; this StackSnap reads version %d: use a "
		    "newer one",
		    get_u16(data + CFG_VERSION), FORMAT_VERSION);
	if (len != CONFIG_SIZE || get_u16(data + CFG_LENGTH) != CONFIG_SIZE)
		return err_set(
		    err, ERR_CORRUPT, "config has %zu bytes, not %d", len, CONFIG_SIZE);
	if (memcmp(data + CFG_ALGORITHMS, algorithms, sizeof algorithms) != 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "config names algorithms that this StackSnap does not know: use a newer "
		    "one");
	memcpy(c->repo_id, data + CFG_REPO, REPO_ID_SIZE);
	c->created_ns = get_u64(data + CFG_CREATED);
	if (get_sizes(&c->data, data + CFG_DATA, err) ||
	    get_sizes(&c->rows, data + CFG_ROWS, err) ||
	    get_sizes(&c->tree, data + CFG_TREE, err))
		return err->code;
	return ERR_OK;
}

enum err_code
config_authenticate(
    const uint8_t data[CONFIG_SIZE], const struct secret *subkeys, struct err *err)
{
	uint8_t mac[32];
	if (mac_config(data, subkeys, mac, err))
		return err->code;
	if (!hash_equal(mac, data + CFG_MAC))
		return err_set(
		    err, ERR_CORRUPT, "config: authentication failed: it was altered");
	return ERR_OK;
}

enum err_code
config_load(struct config *c, struct store *s, struct buf *raw, struct err *err)
{
	if (store_get(s, CONFIG_KEY, 4096, raw, err)) {
		if (err->code == ERR_NOT_FOUND)
			return err_set(err, ERR_NO_REPOSITORY,
			    "%s holds no repository (no object \"config\"): make one with "
			    "'stacksnap init'",
			    store_location(s));
		return err->code;
	}
	if (config_parse(c, raw->data, raw->len, err))
		return err_wrap(err, "%s", store_location(s));
	return ERR_OK;
}
