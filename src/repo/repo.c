#include "repo/repo.h"

#include "base/log.h"
#include "base/strv.h"
#include "crypto/kdf.h"
#include "repo/object.h"
#include "repo/repo_impl.h"

#define FRAME_CACHE_BYTES ((size_t)32 << 20)

#define SLOT_FOLDER "keys/"

/* Key slots without a config were left by an init that was broken off. */
static enum err_code
stop_at_first(void *arg, const struct store_entry *e, struct err *err)
{
	(void)arg;
	return str_starts(e->key, SLOT_FOLDER) ? ERR_OK
					       : err_set(err, ERR_EXISTS, "%s", e->key);
}

/* ERR_EXISTS when anything is in the store that somebody may miss. */
static enum err_code
check_empty(struct store *s, struct err *err)
{
	uint64_t size;
	struct err probe;
	if (store_size(s, CONFIG_KEY, &size, &probe) == ERR_OK)
		return err_set(
		    err, ERR_EXISTS, "%s holds a repository already", store_location(s));
	if (store_list(s, "", NULL, stop_at_first, NULL, err) == ERR_EXISTS) {
		struct err found = *err;
		return err_set(err, ERR_EXISTS, "%s is not empty (it holds %s)",
		    store_location(s), found.msg);
	}
	return err->code;
}

struct newcomer {
	struct store *store;
	const uint8_t *repo_id;
};

/* Of a repository that never came to be. */
static enum err_code
remove_foreign_slot(void *arg, const struct store_entry *e, struct err *err)
{
	const struct newcomer *n = arg;
	AUTO(bufv) struct buf slot = BUF_INIT;
	if (store_get(n->store, e->key, SLOT_SIZE, &slot, err))
		return err->code;
	if (slot.len == SLOT_SIZE &&
	    memcmp(slot_repo_id(slot.data), n->repo_id, REPO_ID_SIZE) == 0)
		return ERR_OK;
	return store_delete(n->store, e->key, err);
}

enum err_code
repo_create(struct store *s, const struct repo_key *key, const struct repo_create_options *opt,
    struct err *err)
{
	*err = (struct err)ERR_INIT;
	AUTO(secret) struct secret *master = NULL;
	AUTO(secret) struct secret *subkeys = NULL;
	struct config config;
	uint8_t raw[CONFIG_SIZE];
	if (check_empty(s, err) || config_make(&config, err) ||
	    secret_random(&master, MASTER_KEY_SIZE, err) ||
	    subkeys_derive(&subkeys, master, config.repo_id, err) ||
	    config_encode(&config, subkeys, raw, err))
		return err_wrap(err, "create repository");
	/* The config comes last: a repository without one does not exist. */
	uint8_t slot[SLOT_SIZE];
	struct id slot_id;
	if (slot_seal(slot, key, opt, config.repo_id, master, err) ||
	    slot_save(s, slot, sizeof slot, &slot_id, err) ||
	    store_put(s, CONFIG_KEY, raw, sizeof raw, err))
		return err_wrap(err, "create repository");
	struct newcomer n = { s, config.repo_id };
	struct err scratch; /* they open nothing; key list shows what stays */
	if (store_list(s, SLOT_FOLDER, NULL, remove_foreign_slot, &n, &scratch))
		log_debug("create repository: %s", scratch.msg);
	return ERR_OK;
}

static enum err_code
unlock(struct repo *r, const struct repo_key *key, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (config_load(&r->config, r->store, &raw, err) ||
	    slot_find(&r->opened_by, r->store, r->config.repo_id, key, err) ||
	    subkeys_derive(&r->subkeys, r->opened_by.master, r->config.repo_id, err) ||
	    config_authenticate(raw.data, r->subkeys, err))
		return err->code;
	const struct subkeys *k = (const struct subkeys *)(const void *)r->subkeys->data;
	uint8_t table[CHUNKER_TABLE_BYTES];
	if (hkdf_derive(k->chunker, sizeof k->chunker, r->config.repo_id, REPO_ID_SIZE,
		"stacksnap 1 gear", table, sizeof table, err))
		return err->code;
	chunker_table_init(&r->chunker, table);
	secret_wipe(table, sizeof table);
	return ERR_OK;
}

static enum err_code
open_index(struct repo *r, const char *cache_dir, struct err *err)
{
	AUTO(str) char *dir = NULL;
	char hex[2 * REPO_ID_SIZE + 1];
	hex_encode(hex, r->config.repo_id, REPO_ID_SIZE);
	if (cache_dir != NULL && str_printf(&dir, err, "%s/%s", cache_dir, hex))
		return err->code;
	struct err why;
	/* Without a usable cache folder, segments are kept in temporary files. */
	return index_new(&r->index, dir, &why) == ERR_OK ? ERR_OK
							 : index_new(&r->index, NULL, err);
}

enum err_code
repo_open_bare(struct repo **out, struct store *s, const struct repo_key *key,
    const char *cache_dir, struct err *err)
{
	AUTO(repo) struct repo *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	r->store = s;
	pthread_mutex_init(&r->lock, NULL);
	map_init(&r->pack_keys, ID_SIZE, sizeof(struct pack_header));
	map_init(&r->told, ID_SIZE, 0);
	map_init(&r->gone, ID_SIZE, 0);
	if (unlock(r, key, err) || frame_cache_new(&r->frames, FRAME_CACHE_BYTES, err) ||
	    open_index(r, cache_dir, err))
		return err_wrap(err, "open repository");
	*out = TAKE(r);
	return ERR_OK;
}

enum err_code
repo_open(struct repo **out, struct store *s, const struct repo_key *key, const char *cache_dir,
    struct err *err)
{
	AUTO(repo) struct repo *r = NULL;
	if (repo_open_bare(&r, s, key, cache_dir, err))
		return err->code;
	if (repo_refresh(r, err))
		return err_wrap(err, "open repository");
	*out = TAKE(r);
	return ERR_OK;
}

void
repo_close(struct repo *r)
{
	if (r == NULL)
		return;
	repo_forget_tools(r);
	map_release(&r->pack_keys);
	map_release(&r->told);
	map_release(&r->gone);
	frame_cache_free(r->frames);
	index_free(r->index);
	secret_free(r->subkeys);
	secret_free(r->opened_by.master);
	secret_wipe(&r->chunker, sizeof r->chunker);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

struct store *
repo_store(const struct repo *r)
{
	return r->store;
}

const uint8_t *
repo_id(const struct repo *r)
{
	return r->config.repo_id;
}

int64_t
repo_created_ns(const struct repo *r)
{
	return (int64_t)r->config.created_ns;
}
