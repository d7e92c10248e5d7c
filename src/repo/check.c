#include "repo/check.h"

#include "repo/object.h"
#include "repo/repo_impl.h"
#include "sys/thread.h"

struct stored_pack {
	struct id id;
	uint64_t size;
};

struct check {
	struct repo *repo;
	const struct check_options *opt;
	struct check_progress own_progress;
	struct check_progress *progress;
	struct map stored; /* pack id -> size in the store, 8 bytes */

	pthread_mutex_t lock; /* guards all below */
	struct check_result *result;
	struct stored_pack *packs;
	size_t count;
	size_t cap;
	size_t next; /* the next pack to read */
	struct err failure;
};

static void
report(struct check *c, const char *object, enum err_code code, const char *what)
{
	pthread_mutex_lock(&c->lock);
	c->result->problems++;
	if (c->opt->problem != NULL)
		c->opt->problem(c->opt->arg, object, code, what);
	pthread_mutex_unlock(&c->lock);
}

/* --- keys, indexes, snapshots: small objects named by the hash of their bytes --- */

static enum err_code
check_named_object(void *arg, const struct store_entry *e, struct err *err)
{
	struct check *c = arg;
	const char *name = strrchr(e->key, '/') + 1;
	struct id id;
	struct id actual;
	if (!hex_decode(id.b, ID_SIZE, name, strlen(name))) {
		report(c, e->key, ERR_CORRUPT, "is not an object of a repository");
		return ERR_OK;
	}
	AUTO(bufv) struct buf raw = BUF_INIT;
	struct err why;
	if (store_get(c->repo->store, e->key, OBJECT_MAX_SIZE, &raw, &why)) {
		report(c, e->key, why.code, why.msg);
		return ERR_OK;
	}
	if (sha256_of(raw.data, raw.len, actual.b, err))
		return err->code;
	if (!id_equal(&id, &actual))
		report(c, e->key, ERR_CORRUPT, "its bytes do not fit its name");
	return cancel_check(c->opt->cancel, err);
}

static enum err_code
check_object(void *arg, const struct store_entry *e, struct err *err)
{
	struct check *c = arg;
	enum object_type type =
	    strncmp(e->key, "index/", 6) == 0 ? OBJECT_INDEX : OBJECT_SNAPSHOT;
	struct id id;
	if (!object_id_of_key(&id, e->key, object_folder(type))) {
		report(c, e->key, ERR_CORRUPT, "is not an object of a repository");
		return ERR_OK;
	}
	AUTO(bufv) struct buf payload = BUF_INIT;
	struct err why;
	if (object_load(c->repo->store, c->repo->subkeys, type, &id, &payload, &why))
		report(c, e->key, why.code, why.msg);
	return cancel_check(c->opt->cancel, err);
}

/* The config was authenticated when the repository was opened, but it may have changed since.
 */
static enum err_code
check_config(struct check *c, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	struct err why;
	struct config parsed;
	(void)err;
	if (store_get(c->repo->store, CONFIG_KEY, 4096, &raw, &why) ||
	    config_parse(&parsed, raw.data, raw.len, &why) ||
	    config_authenticate(raw.data, c->repo->subkeys, &why))
		report(c, CONFIG_KEY, why.code, why.msg);
	return ERR_OK;
}

/* --- packs --- */

static enum err_code
add_stored(void *arg, const struct store_entry *e, struct err *err)
{
	struct check *c = arg;
	struct stored_pack p = { .size = e->size };
	if (!pack_id_of_key(&p.id, e->key)) {
		report(c, e->key, ERR_CORRUPT, "is not a pack of a repository");
		return ERR_OK;
	}
	if (c->count == c->cap) {
		size_t cap = max_size(64, 2 * c->cap);
		struct stored_pack *packs = realloc(c->packs, cap * sizeof *packs);
		if (packs == NULL)
			return err_nomem(err);
		c->packs = packs;
		c->cap = cap;
	}
	c->packs[c->count++] = p;
	c->result->bytes += e->size;
	void *value;
	bool is_new;
	if (map_put(&c->stored, p.id.b, &value, &is_new, err))
		return err->code;
	put_u64(value, e->size);
	return cancel_check(c->opt->cancel, err);
}

/* A pack that an index names: is it there, with the size it had? */
static enum err_code
check_indexed(void *arg, const struct index_pack *p, struct err *err)
{
	struct check *c = arg;
	char key[PACK_KEY_SIZE];
	char what[128];
	void *size = map_get(&c->stored, p->id.b);
	pack_key(key, &p->id);
	if (size == NULL) {
		report(c, key, ERR_NOT_FOUND, "is missing: an index names it");
	} else if (get_u64(size) != p->size) {
		snprintf(what, sizeof what, "has %llu bytes, not %llu",
		    (unsigned long long)get_u64(size), (unsigned long long)p->size);
		report(c, key, ERR_CORRUPT, what);
	}
	return cancel_check(c->opt->cancel, err);
}

static enum err_code
note_used(void *arg, const struct index_pack *p, struct err *err)
{
	void *value;
	bool is_new;
	return map_put(arg, p->id.b, &value, &is_new, err);
}

static enum err_code
count_unused(struct check *c, struct err *err)
{
	struct map used;
	map_init(&used, ID_SIZE, 0);
	enum err_code rc = index_walk_packs(c->repo->index, note_used, &used, err);
	for (size_t i = 0; i < c->count && rc == ERR_OK; i++)
		if (map_get(&used, c->packs[i].id.b) == NULL)
			c->result->unused_packs++;
	map_release(&used);
	return rc;
}

/* Decode one frame and compare each of its chunks with its id. */
static enum err_code
check_frame(struct check *c, struct tools *t, const struct pack_header *ph,
    const struct pack_frame *f, const uint8_t *pack, struct err *err)
{
	if (repo_decode_frame(t, ph, f->offset, pack + f->offset, f->len, err))
		return err->code;
	size_t at = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct id id;
		if (f->chunks[i].len > t->plain.len - at)
			return err_set(err, ERR_CORRUPT, "a chunk lies outside its frame");
		if (repo_chunk_id(t, t->plain.data + at, f->chunks[i].len, &id, err))
			return err->code;
		if (!id_equal(&id, &f->chunks[i].id))
			return err_set(err, ERR_CORRUPT, "a chunk does not fit its id");
		at += f->chunks[i].len;
	}
	atomic_fetch_add(&c->progress->chunks, f->count);
	return at == t->plain.len
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "a frame holds more than its chunks");
}

static enum err_code
check_pack_bytes(struct check *c, struct tools *t, const struct id *id, const struct buf *pack,
    struct err *err)
{
	struct id actual;
	struct pack_header ph;
	enum pack_kind kind;
	if (sha256_of(pack->data, pack->len, actual.b, err))
		return err->code;
	if (!id_equal(&actual, id))
		return err_set(err, ERR_CORRUPT, "its bytes do not fit its name");
	if (pack_open_header(pack->data, pack->len, c->repo->subkeys, ph.key, &kind, err))
		return err->code;
	memcpy(ph.header, pack->data, HEADER_SIZE);
	AUTO(pack_dir) struct pack_dir dir = PACK_DIR_INIT;
	enum err_code rc =
	    pack_read_dir(&dir, pack->data, pack->len, ph.key, t->aead, t->unpacker, err);
	for (size_t i = 0; i < dir.count && rc == ERR_OK; i++)
		rc = check_frame(c, t, &ph, &dir.frames[i], pack->data, err);
	secret_wipe(&ph, sizeof ph);
	return rc;
}

static bool
next_pack(struct check *c, struct stored_pack *out)
{
	pthread_mutex_lock(&c->lock);
	bool more = c->next < c->count && c->failure.code == ERR_OK &&
		    !cancel_is_raised(c->opt->cancel);
	if (more)
		*out = c->packs[c->next++];
	pthread_mutex_unlock(&c->lock);
	return more;
}

static void *
read_packs(void *arg)
{
	struct check *c = arg;
	struct tools *t;
	struct err err;
	if (repo_borrow_tools(c->repo, &t, &err)) {
		pthread_mutex_lock(&c->lock);
		c->failure = err;
		pthread_mutex_unlock(&c->lock);
		return NULL;
	}
	AUTO(bufv) struct buf raw = BUF_INIT;
	struct stored_pack p;
	while (next_pack(c, &p)) {
		char key[PACK_KEY_SIZE];
		pack_key(key, &p.id);
		raw.len = 0;
		if (store_get(c->repo->store, key, PACK_MAX_SIZE, &raw, &err) ||
		    check_pack_bytes(c, t, &p.id, &raw, &err))
			report(c, key, err.code, err.msg);
		atomic_fetch_add(&c->progress->packs_done, 1);
		atomic_fetch_add(&c->progress->bytes_done, p.size);
	}
	repo_return_tools(c->repo, t);
	return NULL;
}

static enum err_code
read_all_packs(struct check *c, struct err *err)
{
	pthread_t threads[16];
	unsigned wanted =
	    thread_cpus() < ARRAY_LEN(threads) ? thread_cpus() : ARRAY_LEN(threads);
	unsigned started = 0;
	enum err_code rc = ERR_OK;
	while (started < wanted && rc == ERR_OK) {
		rc = thread_start(&threads[started], read_packs, c, "check", err);
		if (rc == ERR_OK)
			started++;
	}
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	/* Fewer threads than wanted read all packs too. */
	if (started == 0)
		return rc;
	if (c->failure.code != ERR_OK) {
		*err = c->failure;
		return err->code;
	}
	return cancel_check(c->opt->cancel, err);
}

static enum err_code
run_check(struct check *c, struct err *err)
{
	struct store *s = c->repo->store;
	if (check_config(c, err) || store_list(s, "keys/", NULL, check_named_object, c, err) ||
	    store_list(s, "index/", NULL, check_object, c, err) ||
	    store_list(s, "snapshots/", NULL, check_object, c, err) ||
	    store_list(s, "packs/", NULL, add_stored, c, err) ||
	    index_walk_packs(c->repo->index, check_indexed, c, err) || count_unused(c, err))
		return err->code;
	c->result->packs = c->count;
	atomic_store(&c->progress->packs_total, c->count);
	atomic_store(&c->progress->bytes_total, c->result->bytes);
	if (c->opt->read_data && read_all_packs(c, err))
		return err->code;
	c->result->chunks = atomic_load(&c->progress->chunks);
	return ERR_OK;
}

enum err_code
repo_check(struct repo *r, const struct check_options *opt, struct check_result *result,
    struct err *err)
{
	*result = (struct check_result){ 0 };
	struct check c = { .repo = r, .opt = opt, .result = result };
	c.progress = opt->progress != NULL ? opt->progress : &c.own_progress;
	pthread_mutex_init(&c.lock, NULL);
	map_init(&c.stored, ID_SIZE, 8);
	enum err_code rc = run_check(&c, err);
	map_release(&c.stored);
	free(c.packs);
	pthread_mutex_destroy(&c.lock);
	return rc ? err_wrap(err, "check repository") : ERR_OK;
}
