#include "repo/index_payload.h"
#include "repo/object.h"
#include "repo/repair_impl.h"

#define CHUNKS_OF_INDEX 65536

void
repair_tell(struct repair *x, enum repair_news news, const char *object, const char *why)
{
	x->opt->news(x->opt->arg, news, object, why);
}

void
repair_begin(struct repair *x, enum repair_news phase, uint64_t total)
{
	atomic_store(&x->progress->done, 0);
	atomic_store(&x->progress->total, total);
	repair_tell(x, phase, NULL, NULL);
}

static const struct id *
id_at(const struct buf *ids, size_t i)
{
	return (const struct id *)(const void *)(ids->data + i * ID_SIZE);
}

/* Does this say that the object is bad, and not that it could not be had just now? */
bool
repair_is_damage(enum err_code code)
{
	return code == ERR_CORRUPT || code == ERR_IO || code == ERR_NOT_FOUND;
}

static enum err_code
refuse_mark(void *arg, const struct store_entry *e, struct err *err)
{
	(void)arg;
	return err_set(err, ERR_LOCKED,
	    "somebody is deleting from this repository (%s): repair the index when that is "
	    "done; when it was interrupted, 'stacksnap prune' finishes it",
	    e->key);
}

static enum err_code
refuse_marks(struct repair *x, struct err *err)
{
	return store_list(x->repo->store, "marks/", NULL, refuse_mark, NULL, err);
}

/* --- what is there --- */

static enum err_code
add_stored(void *arg, const struct store_entry *e, struct err *err)
{
	struct repair *x = arg;
	struct repair_pack p = { .size = e->size };
	if (!pack_id_of_key(&p.id, e->key))
		return cancel_check(x->opt->cancel, err);
	if (x->count == x->cap) {
		size_t cap = max_size(64, x->cap + x->cap / 2);
		struct repair_pack *packs = realloc(x->packs, cap * sizeof *packs);
		if (packs == NULL)
			return err_nomem(err);
		x->packs = packs;
		x->cap = cap;
	}
	x->packs[x->count++] = p;
	return cancel_check(x->opt->cancel, err);
}

static int
by_id(const void *key, const void *item)
{
	const struct repair_pack *p = item;
	return id_compare(key, &p->id);
}

struct repair_pack *
repair_find_pack(struct repair *x, const struct id *id)
{
	return x->count > 0 ? bsearch(id, x->packs, x->count, sizeof *x->packs, by_id) : NULL;
}

static enum err_code
add_index(void *arg, const struct store_entry *e, struct err *err)
{
	struct buf *ids = arg;
	struct id id;
	/* What is not named like an index is none; verify tells of it. */
	if (!object_id_of_key(&id, e->key, object_folder(OBJECT_INDEX)))
		return ERR_OK;
	return buf_add(ids, id.b, ID_SIZE, err);
}

/* --- what index objects say --- */

static enum err_code
note_missing(struct repair *x, const struct id *id, struct err *err)
{
	void *value;
	bool is_new;
	char key[PACK_KEY_SIZE];
	if (map_put(&x->missing, id->b, &value, &is_new, err))
		return err->code;
	if (is_new) {
		x->result->packs_missing++;
		pack_key(key, id);
		repair_tell(x, REPAIR_PACK_MISSING, key, NULL);
	}
	return ERR_OK;
}

struct reading {
	struct repair *repair;
	bool is_outdated;
};

static enum err_code
compare_pack(void *arg, const struct id *id, enum pack_kind kind, uint64_t size,
    const struct pack_dir *dir, struct err *err)
{
	struct reading *reading = arg;
	struct repair_pack *p = repair_find_pack(reading->repair, id);
	(void)kind;
	(void)dir;
	if (p == NULL || p->size != size)
		reading->is_outdated = true;
	return p == NULL ? note_missing(reading->repair, id, err) : ERR_OK;
}

static enum err_code
note_named(void *arg, const struct id *id, enum pack_kind kind, uint64_t size,
    const struct pack_dir *dir, struct err *err)
{
	struct reading *reading = arg;
	struct repair_pack *p = repair_find_pack(reading->repair, id);
	(void)kind;
	(void)dir;
	(void)err;
	if (p == NULL || p->size != size)
		return ERR_OK;
	if (reading->is_outdated)
		p->is_told = true;
	else
		p->is_kept = true;
	return ERR_OK;
}

static enum err_code
validate_pack(void *arg, const struct id *id, enum pack_kind kind, uint64_t size,
    const struct pack_dir *dir, struct err *err)
{
	(void)arg;
	(void)id;
	(void)kind;
	(void)size;
	(void)dir;
	(void)err;
	return ERR_OK;
}

static enum err_code
read_index(struct repair *x, const struct id *id, struct err *err)
{
	AUTO(bufv) struct buf payload = BUF_INIT;
	char key[OBJECT_KEY_SIZE];
	object_key(key, OBJECT_INDEX, id);
	if (object_load(x->repo->store, x->repo->subkeys, OBJECT_INDEX, id, &payload, err) ||
	    index_payload_walk(&payload, validate_pack, NULL, err)) {
		if (err->code == ERR_NOT_FOUND)
			return ERR_OK; /* replaced by a newer one meanwhile */
		if (!repair_is_damage(err->code))
			return err->code;
		enum err_code why = err->code;
		x->result->indexes_damaged++;
		repair_tell(x, REPAIR_INDEX_DAMAGED, key, err->msg);
		return buf_add(why == ERR_IO ? &x->unread : &x->damaged, id->b, ID_SIZE, err);
	}
	struct reading reading = { x, x->opt->read_all };
	if (index_payload_walk(&payload, compare_pack, &reading, err) ||
	    index_payload_walk(&payload, note_named, &reading, err))
		return err->code;
	if (!reading.is_outdated)
		return ERR_OK;
	x->result->indexes_outdated++;
	repair_tell(x, REPAIR_INDEX_OUTDATED, key, NULL);
	return buf_add(&x->outdated, id->b, ID_SIZE, err);
}

static enum err_code
read_indexes(struct repair *x, struct err *err)
{
	AUTO(bufv) struct buf ids = BUF_INIT;
	struct store *s = x->repo->store;
	/* Indexes first: a pack whose index is listed is there by then. */
	if (store_list(s, object_folder(OBJECT_INDEX), NULL, add_index, &ids, err) ||
	    store_list(s, "packs/", NULL, add_stored, x, err))
		return err->code;
	x->result->packs = x->count;
	x->result->indexes = ids.len / ID_SIZE;
	repair_begin(x, REPAIR_READ_INDEXES, x->result->indexes);
	for (size_t i = 0; i < ids.len / ID_SIZE; i++) {
		if (read_index(x, id_at(&ids, i), err) || cancel_check(x->opt->cancel, err))
			return err->code;
		atomic_fetch_add(&x->progress->done, 1);
	}
	return ERR_OK;
}

/* --- new index objects; with the lock, or alone --- */

static enum err_code
write_index(struct repair *x, struct err *err)
{
	AUTO(bufv) struct buf payload = BUF_INIT;
	struct id id;
	char key[OBJECT_KEY_SIZE];
	char what[128];
	snprintf(what, sizeof what, "%zu packs, %zu chunks", x->builder.pack_count,
	    x->builder.chunk_count);
	if (index_builder_finish(&x->builder, &payload, err))
		return err->code;
	x->result->indexes_written++;
	if (x->opt->dry_run)
		return ERR_OK;
	if (object_save(x->repo->store, x->repo->subkeys, OBJECT_INDEX, payload.data,
		payload.len, &id, err) ||
	    buf_add(&x->written, id.b, ID_SIZE, err))
		return err_wrap(err, "write index");
	object_key(key, OBJECT_INDEX, &id);
	repair_tell(x, REPAIR_INDEX_WRITTEN, key, what);
	return ERR_OK;
}

enum err_code
repair_add_dir(struct repair *x, struct repair_pack *p, enum pack_kind kind,
    const struct pack_dir *dir, struct err *err)
{
	if (p->is_done)
		return ERR_OK;
	if (index_builder_add(&x->builder, &p->id, kind, p->size, dir, err))
		return err->code;
	p->is_done = true;
	if (!p->is_told && !p->is_kept && !p->is_bad)
		x->result->packs_added++;
	return x->builder.chunk_count < CHUNKS_OF_INDEX ? ERR_OK : write_index(x, err);
}

/* What an outdated index object says of packs that are as it says. */
static enum err_code
copy_pack(void *arg, const struct id *id, enum pack_kind kind, uint64_t size,
    const struct pack_dir *dir, struct err *err)
{
	struct repair *x = arg;
	struct repair_pack *p = repair_find_pack(x, id);
	if (p == NULL || p->size != size || p->is_kept)
		return ERR_OK;
	return repair_add_dir(x, p, kind, dir, err);
}

static enum err_code
copy_from_outdated(struct repair *x, struct err *err)
{
	for (size_t i = 0; i < x->outdated.len / ID_SIZE; i++) {
		AUTO(bufv) struct buf payload = BUF_INIT;
		if (object_load(x->repo->store, x->repo->subkeys, OBJECT_INDEX,
			id_at(&x->outdated, i), &payload, err) ||
		    index_payload_walk(&payload, copy_pack, x, err) ||
		    cancel_check(x->opt->cancel, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- the end --- */

static enum err_code
delete_indexes(struct repair *x, const struct buf *ids, bool is_told, struct err *err)
{
	for (size_t i = 0; i < ids->len / ID_SIZE; i++) {
		char key[OBJECT_KEY_SIZE];
		object_key(key, OBJECT_INDEX, id_at(ids, i));
		x->result->indexes_deleted += is_told;
		if (x->opt->dry_run)
			continue;
		if (store_delete(x->repo->store, key, err) && err->code != ERR_NOT_FOUND)
			return err_wrap(err, "delete the old index");
		if (is_told)
			repair_tell(x, REPAIR_INDEX_DELETED, key, NULL);
	}
	return ERR_OK;
}

/*
 * New index objects are there.  A pruner that began meanwhile may not have
 * seen them, and they may name what it deletes: then they are taken back.  One
 * that begins after this look sees them.
 */
static enum err_code
finish(struct repair *x, struct err *err)
{
	if (refuse_marks(x, err)) {
		struct err
		    scratch; /* more than is needed does no harm; the first error counts */
		if (delete_indexes(x, &x->written, false, &scratch))
			return err->code;
		return err->code;
	}
	if (delete_indexes(x, &x->damaged, true, err) ||
	    delete_indexes(x, &x->outdated, true, err))
		return err->code;
	/* What cannot be read today may be the only one to tell of a pack tomorrow. */
	return x->result->packs_unreadable == 0 ? delete_indexes(x, &x->unread, true, err)
						: ERR_OK;
}

static enum err_code
repair(struct repair *x, struct err *err)
{
	if ((!x->opt->dry_run && store_check_writable(x->repo->store, err)) ||
	    refuse_marks(x, err) || read_indexes(x, err))
		return err->code;
	/* What an index says is enough, unless the packs are to be asked first. */
	if (!x->opt->read_all && copy_from_outdated(x, err))
		return err->code;
	if (repair_read_packs(x, err) || (x->opt->read_all && copy_from_outdated(x, err)))
		return err->code;
	if (repair_salvage_packs(x, err))
		return err->code;
	if (x->builder.pack_count > 0 && write_index(x, err))
		return err->code;
	if (x->written.len + x->damaged.len + x->unread.len + x->outdated.len == 0)
		return ERR_OK;
	repair_begin(x, REPAIR_WRITE, 0);
	return finish(x, err);
}

enum err_code
repo_repair_index(struct repo *r, const struct repair_options *opt,
    struct repair_result *result, struct err *err)
{
	*result = (struct repair_result){ 0 };
	struct repair x = { .repo = r, .opt = opt, .result = result };
	x.progress = opt->progress != NULL ? opt->progress : &x.own_progress;
	x.builder = (struct index_builder)INDEX_BUILDER_INIT;
	map_init(&x.missing, ID_SIZE, 0);
	pthread_mutex_init(&x.lock, NULL);
	enum err_code rc = repair(&x, err);
	pthread_mutex_destroy(&x.lock);
	map_release(&x.missing);
	buf_release(&x.outdated);
	buf_release(&x.damaged);
	buf_release(&x.unread);
	buf_release(&x.written);
	buf_release(&x.builder.packs);
	for (size_t i = 0; i < x.count; i++)
		free(x.packs[i].why);
	free(x.packs);
	/* The proof: what is there now can be loaded. */
	if (rc == ERR_OK && !opt->dry_run)
		rc = repo_refresh(r, err);
	return rc ? err_wrap(err, "repair index") : ERR_OK;
}
