#include "repo/recovery.h"

#include "crypto/hash.h"
#include "repo/config.h"
#include "repo/recovery_lines.h"
#include "repo/repo_impl.h"

#include "sys/rand.h"

_Static_assert(RECOVERY_SLOT_SIZE == SLOT_SIZE, "a recovery key is a slot");
/* The characters of a code are the bytes of a key file. */
_Static_assert(RECOVERY_CODE_LEN >= KEY_FILE_MIN, "a code is a key file");

void
recovery_key_wipe(struct recovery_key *k)
{
	secret_wipe(k, sizeof *k);
}

void
recovery_key_in_use(const struct repo *r, struct recovery_key *out)
{
	*out = (struct recovery_key){ .has_code = false };
	memcpy(out->slot, r->opened_by.bytes, SLOT_SIZE);
}

enum err_code
recovery_key_with_code(struct repo *r, struct recovery_key *out, struct err *err)
{
	AUTO(recovery_key) struct recovery_key k = { .has_code = true };
	AUTO(secret) struct secret *code = NULL;
	struct repo_create_options opt = REPO_CREATE_OPTIONS_INIT;
	opt.label = "recovery code";
	uint8_t random[RECOVERY_CODE_BYTES];
	if (rand_bytes(random, sizeof random, err))
		return err->code;
	recovery_code_text(k.code, random);
	secret_wipe(random, sizeof random);
	if (secret_copy(&code, k.code, RECOVERY_CODE_LEN, err))
		return err->code;
	struct repo_key key = { .key_file = code };
	if (slot_seal(k.slot, &key, &opt, r->config.repo_id, r->opened_by.master, err))
		return err_wrap(err, "make a recovery code");
	*out = k;
	return ERR_OK;
}

enum err_code
recovery_describe(
    const struct recovery_key *k, struct store *s, struct key_slot *out, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	struct config config;
	if (config_load(&config, s, &raw, err))
		return err->code;
	const uint8_t *wanted = slot_repo_id(k->slot);
	if (memcmp(wanted, config.repo_id, REPO_ID_SIZE) != 0) {
		char theirs[2 * REPO_ID_SIZE + 1];
		char ours[2 * REPO_ID_SIZE + 1];
		hex_encode(theirs, wanted, REPO_ID_SIZE);
		hex_encode(ours, config.repo_id, REPO_ID_SIZE);
		return err_set(err, ERR_USAGE,
		    "this recovery key is for the repository %.8s; the one in %s is %.8s",
		    theirs, store_location(s), ours);
	}
	return slot_describe(out, k->slot, SLOT_SIZE, config.repo_id, err);
}

struct recovery {
	struct store *store;
	struct config config;
	struct secret *master;
	uint8_t slot[SLOT_SIZE];
};

void
recovery_close(struct recovery *r)
{
	if (r == NULL)
		return;
	secret_free(r->master);
	free(r);
}

/* The slot must open, and what is in it must fit the repository. */
static enum err_code
prove(struct recovery *r, const uint8_t *slot, size_t len, const struct repo_key *key,
    struct secret **master, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(secret) struct secret *found = NULL;
	AUTO(secret) struct secret *subkeys = NULL;
	if (config_load(&r->config, r->store, &raw, err) ||
	    slot_open(&found, slot, len, r->config.repo_id, key, err) ||
	    subkeys_derive(&subkeys, found, r->config.repo_id, err) ||
	    config_authenticate(raw.data, subkeys, err))
		return err->code;
	*master = TAKE(found);
	return ERR_OK;
}

enum err_code
recovery_open(struct recovery **out, struct store *s, const struct recovery_key *k,
    const struct repo_key *key, struct err *err)
{
	AUTO(recovery) struct recovery *r = calloc(1, sizeof *r);
	AUTO(secret) struct secret *code = NULL;
	if (r == NULL)
		return err_nomem(err);
	if (key == NULL && secret_copy(&code, k->code, strlen(k->code), err))
		return err->code;
	const struct repo_key by_code = { .key_file = code };
	r->store = s;
	memcpy(r->slot, k->slot, SLOT_SIZE);
	if (prove(r, k->slot, SLOT_SIZE, key != NULL ? key : &by_code, &r->master, err)) {
		if (err->code == ERR_WRONG_KEY)
			return err_set(err, ERR_WRONG_KEY, "%s does not open this recovery key",
			    key == NULL             ? "the code"
			    : key->key_file != NULL ? "the key file"
						    : "the passphrase");
		return err_wrap(err, "open the recovery key");
	}
	*out = TAKE(r);
	return ERR_OK;
}

enum err_code
recovery_is_there(struct recovery *r, bool *out, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	struct id id;
	if (sha256_of(r->slot, SLOT_SIZE, id.b, err))
		return err->code;
	struct err why = ERR_INIT;
	enum err_code rc = slot_load(r->store, &id, &raw, &why);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND && rc != ERR_CORRUPT) {
		*err = why;
		return err->code;
	}
	*out = rc == ERR_OK;
	return ERR_OK;
}

enum err_code
recovery_put_back(struct recovery *r, struct id *id, struct err *err)
{
	if (slot_save(r->store, r->slot, SLOT_SIZE, id, err))
		return err_wrap(err, "put the key slot back");
	return ERR_OK;
}

enum err_code
recovery_add_key(struct recovery *r, const struct repo_key *key,
    const struct repo_create_options *opt, struct id *id, struct err *err)
{
	uint8_t slot[SLOT_SIZE];
	AUTO(bufv) struct buf back = BUF_INIT;
	AUTO(secret) struct secret *master = NULL;
	struct id name;
	if (slot_seal(slot, key, opt, r->config.repo_id, r->master, err) ||
	    slot_save(r->store, slot, sizeof slot, &name, err) ||
	    slot_load(r->store, &name, &back, err) ||
	    prove(r, back.data, back.len, key, &master, err))
		return err_wrap(err, "add a key");
	*id = name;
	return ERR_OK;
}
