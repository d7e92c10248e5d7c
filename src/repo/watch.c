#include "repo/marks.h"

#include "repo/gone.h"
#include "repo/object.h"
#include "repo/repo_impl.h"

/* With more packs of its own than this, a run lists all instead of asking for each. */
#define ASK_EACH_MAX 256

/* Packs of others that a run remembers to rely on; with more, it compares all that indexes name
 * with all that is stored. */
#define FOUND_MAX 4096

struct watch {
	struct repo *repo;
	struct map seen; /* names of marks at the look before */
	bool has_looked;
	uint64_t losses; /* of index objects and of packs, at the look before */
	atomic_bool has_many; /* found would have been more */
	pthread_mutex_t lock; /* guards all below */
	struct pack_list own; /* packs that this run has put */
	struct pack_list indexes; /* and index objects */
	struct map found; /* ids of packs that it has found chunks in */
};

struct mark_sight {
	struct watch *watch;
	struct map now; /* names */
	struct buf doomed; /* ids of packs */
	bool has_new;
};

static enum err_code
see_mark(void *arg, const struct mark *m, struct err *err)
{
	struct mark_sight *s = arg;
	void *value;
	bool is_new;
	if (m->n_packs == 0)
		return ERR_OK; /* a claim, which is for other pruners */
	if (map_get(&s->watch->seen, m->name.b) == NULL)
		s->has_new = true;
	if (map_put(&s->now, m->name.b, &value, &is_new, err))
		return err->code;
	return buf_add(&s->doomed, m->packs, m->n_packs * ID_SIZE, err);
}

/* Marks come before indexes: a mark that came and went before its listing has taken an index
 * object away before the other (docs/decisions/0010). */
static enum err_code
look(struct watch *w, bool *must_check, struct err *err)
{
	struct mark_sight s = { .watch = w, .doomed = BUF_INIT };
	map_init(&s.now, ID_SIZE, 0);
	enum err_code rc = marks_list(w->repo, see_mark, &s, err);
	if (rc == ERR_OK)
		rc = repo_refresh(w->repo, err);
	if (rc == ERR_OK)
		rc = gone_list(w->repo, &s.doomed, err);
	if (rc == ERR_OK)
		rc = index_doom(w->repo->index, (const struct id *)(const void *)s.doomed.data,
		    s.doomed.len / ID_SIZE, err);
	bool has_doomed = s.doomed.len > 0;
	buf_release(&s.doomed);
	if (rc) {
		map_release(&s.now);
		return rc;
	}
	uint64_t losses = atomic_load(&w->repo->losses);
	/* What a run took over from its predecessor was not looked up: the first look checks
	 * with any mark there is, or was when the run began, and with any pack that is gone. */
	*must_check = s.has_new || losses != w->losses ||
		      (!w->has_looked && (has_doomed || w->seen.len > 0));
	w->losses = losses;
	map_release(&w->seen);
	w->seen = s.now;
	return ERR_OK;
}

enum err_code
watch_open(struct watch **out, struct repo *r, struct err *err)
{
	AUTO(watch) struct watch *w = calloc(1, sizeof *w);
	bool ignored; /* nothing is relied upon yet */
	if (w == NULL)
		return err_nomem(err);
	w->repo = r;
	pthread_mutex_init(&w->lock, NULL);
	map_init(&w->seen, ID_SIZE, 0);
	map_init(&w->found, ID_SIZE, 0);
	if (look(w, &ignored, err))
		return err->code;
	*out = TAKE(w);
	return ERR_OK;
}

void
watch_close(struct watch *w)
{
	if (w == NULL)
		return;
	map_release(&w->seen);
	map_release(&w->found);
	pack_list_release(&w->own);
	pack_list_release(&w->indexes);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static enum err_code
add_own(struct watch *w, struct pack_list *to, const struct id *id, struct err *err)
{
	pthread_mutex_lock(&w->lock);
	enum err_code rc = pack_list_add(to, id, err);
	pthread_mutex_unlock(&w->lock);
	return rc;
}

enum err_code
watch_own_pack(struct watch *w, const struct id *pack, struct err *err)
{
	return add_own(w, &w->own, pack, err);
}

enum err_code
watch_found_pack(struct watch *w, const struct id *pack, struct err *err)
{
	void *value;
	bool is_new;
	enum err_code rc = ERR_OK;
	if (atomic_load_explicit(&w->has_many, memory_order_relaxed))
		return ERR_OK;
	pthread_mutex_lock(&w->lock);
	if (w->found.len < FOUND_MAX)
		rc = map_put(&w->found, pack->b, &value, &is_new, err);
	else if (map_get(&w->found, pack->b) == NULL)
		atomic_store(&w->has_many, true);
	pthread_mutex_unlock(&w->lock);
	return rc;
}

enum err_code
watch_look(struct watch *w, bool *must_check, struct err *err)
{
	if (look(w, must_check, err))
		return err_wrap(err, "look whether anybody deletes");
	w->has_looked = true;
	return ERR_OK;
}

/* --- are the packs there? --- */

static enum err_code
ask_for_each(struct repo *r, const struct pack_list *l, struct pack_list *gone, struct err *err)
{
	for (size_t i = 0; i < l->count; i++)
		if (gone_ask(r, &l->ids[i], gone, err))
			return err->code;
	return ERR_OK;
}

struct roll_call {
	const struct pack_list *own; /* sorted */
	struct pack_list present; /* of own, in order */
};

static enum err_code
note_present(void *arg, const struct store_entry *e, struct err *err)
{
	struct roll_call *c = arg;
	struct id id;
	if (!pack_id_of_key(&id, e->key) || !pack_list_has(c->own, &id))
		return ERR_OK;
	return pack_list_add(&c->present, &id, err);
}

/* What a listing does not have is asked for: listings may be late. */
static enum err_code
call_roll(struct repo *r, struct pack_list *own, struct pack_list *gone, struct err *err)
{
	struct roll_call c = { own, PACK_LIST_INIT };
	AUTO(pack_list) struct pack_list absent = PACK_LIST_INIT;
	pack_list_sort(own);
	enum err_code rc = store_list(r->store, "packs/", NULL, note_present, &c, err);
	pack_list_sort(&c.present);
	for (size_t i = 0; i < own->count && rc == ERR_OK; i++)
		if (!pack_list_has(&c.present, &own->ids[i]))
			rc = pack_list_add(&absent, &own->ids[i], err);
	pack_list_release(&c.present);
	return rc ? rc : ask_for_each(r, &absent, gone, err);
}

static enum err_code
note_missing(void *arg, const struct id *pack, struct err *err)
{
	return pack_list_add(arg, pack, err);
}

static enum err_code
pass_stray(void *arg, const struct prune_stray *s, struct err *err)
{
	(void)arg;
	(void)s;
	(void)err;
	return ERR_OK;
}

static enum err_code
ask_for_found(struct watch *w, struct pack_list *gone, struct err *err)
{
	struct prune_difference d = { pass_stray, note_missing, gone };
	size_t pos = 0;
	const void *key;
	void *value;
	if (atomic_load(&w->has_many))
		return prune_compare(w->repo, &d, err);
	while (map_next(&w->found, &pos, &key, &value)) {
		struct id pack;
		memcpy(&pack, key, sizeof pack);
		if (gone_ask(w->repo, &pack, gone, err))
			return err->code;
	}
	return ERR_OK;
}

/* An object of its own again: it may come to name what is gone as well. */
static enum err_code
take_back(struct watch *w, const struct id *object, const struct buf *payload,
    struct pack_list *gone, struct err *err)
{
	static const struct id none;
	struct id other;
	if (gone_take_back(w->repo, object, payload, gone, &other, err))
		return err->code;
	return id_equal(&other, &none) ? ERR_OK : add_own(w, &w->indexes, &other, err);
}

static enum err_code
take_back_all(struct watch *w, struct pack_list *gone, struct err *err)
{
	AUTO(bufv) struct buf payload = BUF_INIT;
	size_t count = w->indexes.count;
	for (size_t i = 0; i < count; i++) {
		struct id object = w->indexes.ids[i];
		payload.len = 0;
		enum err_code rc = object_load(
		    w->repo->store, w->repo->subkeys, OBJECT_INDEX, &object, &payload, err);
		if (rc == ERR_NOT_FOUND)
			continue; /* a prune has put another in its place */
		if (rc || take_back(w, &object, &payload, gone, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
watch_own_index(
    struct watch *w, const struct id *object, const struct buf *payload, struct err *err)
{
	AUTO(pack_list) struct pack_list gone = PACK_LIST_INIT;
	if (add_own(w, &w->indexes, object, err) || take_back(w, object, payload, &gone, err) ||
	    gone_note(w->repo, &gone, err))
		return err->code;
	return gone.count == 0
		   ? ERR_OK
		   : err_set(err, ERR_CHANGED,
			 "somebody has deleted packs that this run had just written");
}

enum err_code
watch_look_at_packs(struct watch *w, bool *must_check, struct err *err)
{
	AUTO(pack_list) struct pack_list gone = PACK_LIST_INIT;
	bool ignored; /* it is a must already */
	if ((w->own.count <= ASK_EACH_MAX ? ask_for_each(w->repo, &w->own, &gone, err)
					  : call_roll(w->repo, &w->own, &gone, err)) ||
	    (gone.count > 0 && take_back_all(w, &gone, err)) || ask_for_found(w, &gone, err) ||
	    gone_note(w->repo, &gone, err))
		return err_wrap(err, "look for the packs that this run relies on");
	if (atomic_load(&w->repo->losses) == w->losses)
		return ERR_OK;
	*must_check = true;
	return watch_look(w, &ignored, err);
}
