#include "repo/key_ring.h"

#include "crypto/hash.h"
#include "repo/object.h"
#include "repo/repo_impl.h"

#define SLOT_FOLDER "keys/"
#define SLOT_MAX_SIZE 4096
#define PREFIX_MIN 4

static void
slot_key(char out[STORE_KEY_MAX], const struct id *id)
{
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	snprintf(out, STORE_KEY_MAX, SLOT_FOLDER "%s", hex);
}

/* --- slots in the store --- */

enum err_code
slot_load(struct store *s, const struct id *id, struct buf *out, struct err *err)
{
	char where[STORE_KEY_MAX];
	struct id actual;
	slot_key(where, id);
	if (store_get(s, where, SLOT_MAX_SIZE, out, err) ||
	    sha256_of(out->data, out->len, actual.b, err))
		return err->code;
	if (!id_equal(&actual, id))
		return err_set(err, ERR_CORRUPT, "%s: its bytes do not fit its name", where);
	return ERR_OK;
}

enum err_code
slot_save(struct store *s, const uint8_t *slot, size_t len, struct id *id, struct err *err)
{
	struct id name;
	char where[STORE_KEY_MAX];
	if (sha256_of(slot, len, name.b, err))
		return err->code;
	slot_key(where, &name);
	AUTO(bufv) struct buf there = BUF_INIT;
	struct err why = ERR_INIT;
	/* One that is damaged must not keep a sound copy of it out. */
	if (slot_load(s, &name, &there, &why) == ERR_CORRUPT && store_delete(s, where, err))
		return err_wrap(err, "replace the damaged slot");
	if (store_put(s, where, slot, len, err) && err->code != ERR_EXISTS)
		return err->code;
	*id = name;
	return ERR_OK;
}

struct search {
	struct store *store;
	const uint8_t *repo_id;
	const struct repo_key *key;
	struct open_slot *out;
	bool is_found;
	bool was_tried; /* a sound slot did not open */
	struct err damage; /* of a slot that is not sound, or not known */
};

/* One that is damaged opens with no key: not even tried, since its Argon2id may ask for
 * anything. */
static enum err_code
open_if_sound(
    struct search *q, const char *where, const struct buf *slot, struct id *id, struct err *why)
{
	char hex[ID_HEX_SIZE];
	if (sha256_of(slot->data, slot->len, id->b, why))
		return why->code;
	id_hex(hex, id);
	if (strcmp(where + strlen(SLOT_FOLDER), hex) != 0)
		return err_set(why, ERR_CORRUPT, "its bytes do not fit its name");
	return slot_open(&q->out->master, slot->data, slot->len, q->repo_id, q->key, why);
}

static enum err_code
try_slot(void *arg, const struct store_entry *e, struct err *err)
{
	struct search *q = arg;
	AUTO(bufv) struct buf slot = BUF_INIT;
	if (q->is_found)
		return ERR_OK;
	if (store_get(q->store, e->key, SLOT_MAX_SIZE, &slot, err))
		return err->code == ERR_NOT_FOUND ? ERR_OK : err->code;
	struct err why;
	struct id id;
	if (open_if_sound(q, e->key, &slot, &id, &why) == ERR_OK) {
		q->is_found = true;
		q->out->id = id;
		memcpy(q->out->bytes, slot.data, SLOT_SIZE);
		return ERR_OK;
	}
	if (why.code == ERR_NO_MEMORY) {
		*err = why;
		return err->code;
	}
	if (why.code == ERR_WRONG_KEY) {
		q->was_tried = true;
	} else if (q->damage.code != ERR_CORRUPT) {
		q->damage = why;
		err_wrap(&q->damage, "%s", e->key);
	}
	return ERR_OK;
}

enum err_code
slot_find(struct open_slot *out, struct store *s, const uint8_t repo_id[REPO_ID_SIZE],
    const struct repo_key *key, struct err *err)
{
	struct search q = { s, repo_id, key, out, false, false, ERR_INIT };
	if (store_list(s, SLOT_FOLDER, NULL, try_slot, &q, err))
		return err->code;
	if (q.is_found)
		return ERR_OK;
	/* A slot of a later version is no news to somebody who mistyped a passphrase. */
	if (q.damage.code == ERR_CORRUPT || (q.damage.code != ERR_OK && !q.was_tried)) {
		*err = q.damage;
		return err_wrap(err, q.was_tried ? "no sound key slot opens, and one is damaged"
						 : "no key slot opens");
	}
	if (!q.was_tried)
		return err_set(err, ERR_WRONG_KEY,
		    "%s has lost its key slots (nothing in keys/): 'stacksnap recover-key' "
		    "brings one back from a recovery kit",
		    store_location(s));
	return err_set(err, ERR_WRONG_KEY, "%s does not open any key slot of %s",
	    key->key_file != NULL ? "the key file" : "the passphrase", store_location(s));
}

/* --- the ring --- */

struct listing {
	struct repo *repo;
	key_slot_fn *fn;
	void *arg;
};

static enum err_code
look_at_slot(struct repo *r, const struct id *id, struct key_slot *out, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (slot_load(r->store, id, &raw, err) ||
	    slot_describe(out, raw.data, raw.len, r->config.repo_id, err))
		return err->code;
	if (out->kind != KEY_PASSPHRASE && out->kind != KEY_FILE)
		return err_set(err, ERR_UNSUPPORTED, "not usable by this version");
	return ERR_OK;
}

static enum err_code
list_slot(void *arg, const struct store_entry *e, struct err *err)
{
	const struct listing *l = arg;
	struct id id;
	if (!object_id_of_key(&id, e->key, SLOT_FOLDER))
		return ERR_OK;
	struct key_slot slot = { 0 };
	struct err why = ERR_INIT;
	if (look_at_slot(l->repo, &id, &slot, &why) == ERR_NOT_FOUND) /* removed meanwhile */
		return ERR_OK;
	if (why.code != ERR_OK && why.code != ERR_CORRUPT && why.code != ERR_UNSUPPORTED) {
		*err = why;
		return err->code;
	}
	slot.id = id;
	slot.is_in_use = id_equal(&id, &l->repo->opened_by.id);
	return l->fn(l->arg, &slot, why.code != ERR_OK ? &why : NULL, err);
}

enum err_code
key_list(struct repo *r, key_slot_fn *fn, void *arg, struct err *err)
{
	struct listing l = { r, fn, arg };
	return store_list(r->store, SLOT_FOLDER, NULL, list_slot, &l, err);
}

void
key_in_use(const struct repo *r, struct key_slot *out)
{
	struct err scratch; /* it was parsed when it was opened */
	struct key_slot slot = { 0 };
	if (slot_describe(&slot, r->opened_by.bytes, SLOT_SIZE, r->config.repo_id, &scratch))
		slot = (struct key_slot){ 0 };
	slot.id = r->opened_by.id;
	slot.is_in_use = true;
	*out = slot;
}

/* Read the slot back and open it, as the next run will. */
static enum err_code
prove(struct open_slot *out, struct repo *r, const struct id *id, const struct repo_key *key,
    struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	struct open_slot proved = { .id = *id };
	AUTO(secret) struct secret *master = NULL;
	if (slot_load(r->store, id, &raw, err) ||
	    slot_open(&master, raw.data, raw.len, r->config.repo_id, key, err))
		return err_wrap(err, "the new key does not open its slot");
	if (memcmp(master->data, r->opened_by.master->data, MASTER_KEY_SIZE) != 0)
		return err_set(err, ERR_CORRUPT, "the new slot holds another master key");
	memcpy(proved.bytes, raw.data, SLOT_SIZE);
	proved.master = TAKE(master);
	*out = proved;
	return ERR_OK;
}

static enum err_code
add_and_prove(struct open_slot *out, struct repo *r, const struct repo_key *key,
    const struct repo_create_options *opt, struct err *err)
{
	uint8_t slot[SLOT_SIZE];
	struct id id;
	if (slot_seal(slot, key, opt, r->config.repo_id, r->opened_by.master, err) ||
	    slot_save(r->store, slot, sizeof slot, &id, err))
		return err_wrap(err, "add a key");
	if (prove(out, r, &id, key, err)) {
		char where[STORE_KEY_MAX];
		struct err scratch; /* a slot that opens nothing is only untidy */
		slot_key(where, &id);
		if (store_delete(r->store, where, &scratch))
			return err_wrap(err, "add a key (%s is left)", where);
		return err_wrap(err, "add a key");
	}
	return ERR_OK;
}

enum err_code
key_add(struct repo *r, const struct repo_key *key, const struct repo_create_options *opt,
    struct id *id, struct err *err)
{
	struct open_slot added;
	if (add_and_prove(&added, r, key, opt, err))
		return err->code;
	secret_free(added.master);
	*id = added.id;
	return ERR_OK;
}

/* The slot that is in use, as it is in the store. */
static enum err_code
check_in_use(struct repo *r, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (slot_load(r->store, &r->opened_by.id, &raw, err)) {
		if (err->code == ERR_NOT_FOUND)
			return err_set(err, ERR_CHANGED,
			    "the key that opened the repository was removed meanwhile");
		return err_wrap(err, "the key that opened the repository");
	}
	return ERR_OK;
}

enum err_code
key_remove(struct repo *r, const struct id *id, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	char where[STORE_KEY_MAX];
	char hex[ID_HEX_SIZE];
	slot_key(where, id);
	id_hex(hex, id);
	if (id_equal(id, &r->opened_by.id))
		return err_set(err, ERR_USAGE,
		    "key %.8s is the one that opened the repository: open it with another "
		    "one to remove this",
		    hex);
	if (check_in_use(r, err) || store_get(r->store, where, SLOT_MAX_SIZE, &raw, err) ||
	    store_delete(r->store, where, err))
		return err_wrap(err, "remove key %.8s", hex);
	/* Somebody who opened it with that key may have removed ours at the same moment. */
	if (check_in_use(r, err)) {
		struct err why;
		struct id back;
		if (slot_save(r->store, raw.data, raw.len, &back, &why))
			return err_wrap(
			    err, "remove key %.8s (and cannot put it back: %s)", hex, why.msg);
		return err_wrap(err, "remove key %.8s (it is still there)", hex);
	}
	return ERR_OK;
}

enum err_code
key_change(struct repo *r, const struct repo_key *key, const struct repo_create_options *opt,
    struct id *id, struct err *err)
{
	struct open_slot added;
	struct id old = r->opened_by.id;
	if (add_and_prove(&added, r, key, opt, err))
		return err->code;
	secret_free(r->opened_by.master);
	r->opened_by = added;
	*id = added.id;
	if (key_remove(r, &old, err) && err->code != ERR_NOT_FOUND)
		return err_wrap(err, "the new key works, but the old one is still there");
	return ERR_OK;
}

struct match {
	struct id id;
	unsigned count;
};

static enum err_code
match_slot(void *arg, const struct store_entry *e, struct err *err)
{
	(void)err;
	struct match *m = arg;
	if (object_id_of_key(&m->id, e->key, SLOT_FOLDER))
		m->count++;
	return ERR_OK;
}

enum err_code
key_resolve(struct repo *r, const char *prefix, struct id *id, struct err *err)
{
	size_t len = strlen(prefix);
	if (len < PREFIX_MIN || len > 2 * ID_SIZE || strspn(prefix, "0123456789abcdef") != len)
		return err_set(err, ERR_USAGE,
		    "'%s' names no key: give at least %d hexadecimal digits of its id (see "
		    "'stacksnap key list')",
		    prefix, PREFIX_MIN);
	char begin[STORE_KEY_MAX];
	struct match m = { .count = 0 };
	snprintf(begin, sizeof begin, SLOT_FOLDER "%s", prefix);
	if (store_list(r->store, begin, NULL, match_slot, &m, err))
		return err->code;
	if (m.count == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "no key begins with %s: 'stacksnap key list' lists them", prefix);
	if (m.count > 1)
		return err_set(
		    err, ERR_USAGE, "%u keys begin with %s: give more digits", m.count, prefix);
	*id = m.id;
	return ERR_OK;
}
