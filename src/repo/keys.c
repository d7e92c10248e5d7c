#include "repo/keys.h"

#include "base/strv.h"
#include "crypto/kdf.h"
#include "sys/clock.h"
#include "sys/rand.h"

/* Offsets of a key slot. */
enum {
	SLOT_VERSION = 8,
	SLOT_KIND = 10,
	SLOT_REPO = 12,
	SLOT_CREATED = 28,
	SLOT_KDF = 36,
	SLOT_MEMORY = 40,
	SLOT_PASSES = 44,
	SLOT_LANES = 48,
	SLOT_SALT = 52,
	SLOT_NONCE = 68,
	SLOT_LABEL = 80,
	SLOT_SEALED = 144,
};

enum { KDF_ARGON2ID = 1, KDF_HKDF = 2 };

enum err_code
subkeys_derive(struct secret **out, const struct secret *master,
    const uint8_t repo_id[REPO_ID_SIZE], struct err *err)
{
	AUTO(secret) struct secret *s = NULL;
	if (secret_new(&s, sizeof(struct subkeys), err))
		return err->code;
	struct subkeys *k = (struct subkeys *)(void *)s->data;
	const struct {
		const char *info;
		uint8_t *to;
	} all[] = {
		{ "stacksnap 1 config", k->config },
		{ "stacksnap 1 chunk id", k->chunk },
		{ "stacksnap 1 chunker", k->chunker },
		{ "stacksnap 1 data", k->data },
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (hkdf_derive(master->data, master->len, repo_id, REPO_ID_SIZE, all[i].info,
			all[i].to, 32, err))
			return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

enum err_code
keys_of_salt(const struct secret *subkeys, const uint8_t salt[SALT_SIZE], const char *info,
    uint8_t out[AEAD_KEY_SIZE], struct err *err)
{
	const struct subkeys *k = (const struct subkeys *)(const void *)subkeys->data;
	return hkdf_derive(
	    k->data, sizeof k->data, salt, SALT_SIZE, info, out, AEAD_KEY_SIZE, err);
}

/* The key that wraps the master key, as the slot's header says. */
static enum err_code
wrapping_key(
    struct secret **out, const uint8_t *slot, const struct repo_key *key, struct err *err)
{
	AUTO(secret) struct secret *kek = NULL;
	if (secret_new(&kek, AEAD_KEY_SIZE, err))
		return err->code;
	if (slot[SLOT_KIND] == KEY_PASSPHRASE && slot[SLOT_KDF] == KDF_ARGON2ID) {
		if (get_u32(slot + SLOT_LANES) != 1)
			return err_set(err, ERR_UNSUPPORTED, "Argon2id with %u lanes",
			    get_u32(slot + SLOT_LANES));
		if (argon2id_derive(key->passphrase->data, key->passphrase->len,
			slot + SLOT_SALT, get_u32(slot + SLOT_MEMORY),
			get_u32(slot + SLOT_PASSES), kek->data, kek->len, err))
			return err->code;
	} else if (slot[SLOT_KIND] == KEY_FILE && slot[SLOT_KDF] == KDF_HKDF) {
		if (hkdf_derive(key->key_file->data, key->key_file->len, slot + SLOT_SALT,
			KDF_SALT_SIZE, "stacksnap 1 key file", kek->data, kek->len, err))
			return err->code;
	} else {
		return err_set(err, ERR_UNSUPPORTED, "key slot of kind %u with derivation %u",
		    slot[SLOT_KIND], slot[SLOT_KDF]);
	}
	*out = TAKE(kek);
	return ERR_OK;
}

const uint8_t *
slot_repo_id(const uint8_t *slot)
{
	return slot + SLOT_REPO;
}

enum err_code
slot_describe(struct key_slot *out, const uint8_t *slot, size_t len,
    const uint8_t repo_id[REPO_ID_SIZE], struct err *err)
{
	if (len < SLOT_SIZE || memcmp(slot, SLOT_MAGIC, 8) != 0)
		return err_set(err, ERR_CORRUPT, "not a key slot");
	if (get_u16(slot + SLOT_VERSION) != FORMAT_VERSION)
		return err_set(err, ERR_UNSUPPORTED,
		    "key slot of format version %u: a newer StackSnap is needed",
		    get_u16(slot + SLOT_VERSION));
	if (memcmp(slot + SLOT_REPO, repo_id, REPO_ID_SIZE) != 0)
		return err_set(err, ERR_CORRUPT,
		    "the key slot is not of the repository that the config names");
	*out = (struct key_slot){
		.kind = slot[SLOT_KIND],
		.created_ns = (int64_t)get_u64(slot + SLOT_CREATED),
	};
	memcpy(out->label, slot + SLOT_LABEL, KEY_LABEL_MAX);
	if (!str_is_utf8(out->label, strlen(out->label)))
		return err_set(err, ERR_CORRUPT, "the label of the key slot is not UTF-8");
	return ERR_OK;
}

static enum err_code
check_label(const char *label, struct err *err)
{
	size_t len = strlen(label);
	if (len > KEY_LABEL_MAX)
		return err_set(err, ERR_USAGE, "the label takes %zu bytes; %d are the most",
		    len, KEY_LABEL_MAX);
	if (!str_is_utf8(label, len))
		return err_set(err, ERR_USAGE, "the label is not UTF-8");
	return ERR_OK;
}

enum err_code
slot_seal(uint8_t out[SLOT_SIZE], const struct repo_key *key,
    const struct repo_create_options *opt, const uint8_t repo_id[REPO_ID_SIZE],
    const struct secret *master, struct err *err)
{
	bool by_file = key->key_file != NULL;
	if (by_file && key->key_file->len < KEY_FILE_MIN)
		return err_set(err, ERR_USAGE, "the key file holds %zu bytes; %d are the least",
		    key->key_file->len, KEY_FILE_MIN);
	if (!by_file && key->passphrase->len == 0)
		return err_set(err, ERR_USAGE, "the passphrase is empty");
	if (opt->label != NULL && check_label(opt->label, err))
		return err->code;

	memset(out, 0, SLOT_SIZE);
	memcpy(out, SLOT_MAGIC, 8);
	put_u16(out + SLOT_VERSION, FORMAT_VERSION);
	out[SLOT_KIND] = by_file ? KEY_FILE : KEY_PASSPHRASE;
	memcpy(out + SLOT_REPO, repo_id, REPO_ID_SIZE);
	put_u64(out + SLOT_CREATED, (uint64_t)clock_wall_ns());
	out[SLOT_KDF] = by_file ? KDF_HKDF : KDF_ARGON2ID;
	if (!by_file) {
		put_u32(out + SLOT_MEMORY, opt->argon_mib * 1024);
		put_u32(out + SLOT_PASSES, opt->argon_passes);
		put_u32(out + SLOT_LANES, 1);
	}
	if (rand_bytes(out + SLOT_SALT, KDF_SALT_SIZE, err) ||
	    rand_bytes(out + SLOT_NONCE, AEAD_NONCE_SIZE, err))
		return err->code;
	if (opt->label != NULL)
		memcpy(out + SLOT_LABEL, opt->label, strlen(opt->label));

	AUTO(secret) struct secret *kek = NULL;
	AUTO(aead) struct aead *a = NULL;
	if (wrapping_key(&kek, out, key, err) || aead_new(&a, err))
		return err->code;
	return aead_seal(a, kek->data, out + SLOT_NONCE, out, SLOT_SEALED, master->data,
	    MASTER_KEY_SIZE, out + SLOT_SEALED, err);
}

enum err_code
slot_open(struct secret **master, const uint8_t *slot, size_t len,
    const uint8_t repo_id[REPO_ID_SIZE], const struct repo_key *key, struct err *err)
{
	struct key_slot what;
	if (slot_describe(&what, slot, len, repo_id, err))
		return err->code;
	if (what.kind != KEY_PASSPHRASE && what.kind != KEY_FILE)
		return err_set(err, ERR_UNSUPPORTED,
		    "key slot of kind %u: a newer StackSnap is needed", what.kind);
	uint8_t wanted = key->key_file != NULL ? KEY_FILE : KEY_PASSPHRASE;
	if (slot[SLOT_KIND] != wanted)
		return err_set(err, ERR_WRONG_KEY, "the key slot is of another kind");

	AUTO(secret) struct secret *kek = NULL;
	AUTO(secret) struct secret *m = NULL;
	AUTO(aead) struct aead *a = NULL;
	if (wrapping_key(&kek, slot, key, err) || aead_new(&a, err) ||
	    secret_new(&m, MASTER_KEY_SIZE, err))
		return err->code;
	if (aead_open(a, kek->data, slot + SLOT_NONCE, slot, SLOT_SEALED, slot + SLOT_SEALED,
		SLOT_SIZE - SLOT_SEALED, m->data, err))
		return err_set(err, ERR_WRONG_KEY, "the key does not open this slot");
	*master = TAKE(m);
	return ERR_OK;
}
