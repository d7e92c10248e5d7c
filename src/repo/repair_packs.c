#include "repo/check_pack.h"

#include "base/strv.h"
#include "repo/index_payload.h"
#include "repo/object.h"
#include "repo/repair_impl.h"
#include "sys/clock.h"
#include "sys/thread.h"

#define READERS 8 /* directories are small, and stores answer slowly */

/* --- directories of packs --- */

/* Is it up to its own directory to say what the pack holds? */
static bool
must_read(const struct repair *x, const struct repair_pack *p)
{
	return !p->is_kept && !p->is_done && (x->opt->read_all || !p->is_told);
}

static struct repair_pack *
next_pack(struct repair *x)
{
	struct repair_pack *found = NULL;
	pthread_mutex_lock(&x->lock);
	while (x->next < x->count && !must_read(x, &x->packs[x->next]))
		x->next++;
	if (x->next < x->count && x->failure.code == ERR_OK &&
	    !cancel_is_raised(x->opt->cancel))
		found = &x->packs[x->next++];
	pthread_mutex_unlock(&x->lock);
	return found;
}

/* A disk or network that fails once may answer when it is asked again. */
#define TRIES 3
#define PAUSE_NS (NS_PER_S / 4)

static enum err_code
load_dir(struct pack_dir *dir, enum pack_kind *kind, struct repair *x, struct tools *t,
    const char *key, uint64_t size, struct err *err)
{
	struct err stopped; /* then what was found so far is the answer */
	for (int i = 1;; i++) {
		enum err_code rc = pack_load_dir(dir, kind, x->repo->store, key, size,
		    x->repo->subkeys, t->aead, t->unpacker, err);
		if (rc != ERR_IO || i == TRIES ||
		    cancel_wait(x->opt->cancel, PAUSE_NS, &stopped))
			return rc;
	}
}

static enum err_code
read_pack(struct repair *x, struct tools *t, struct repair_pack *p, struct err *err)
{
	char key[PACK_KEY_SIZE];
	enum pack_kind kind;
	AUTO(pack_dir) struct pack_dir dir = PACK_DIR_INIT;
	pack_key(key, &p->id);
	enum err_code rc = load_dir(&dir, &kind, x, t, key, p->size, err);
	/* What looks like a pack of a newer version is a damaged header, or none of ours. */
	bool is_bad = rc != ERR_OK && (repair_is_damage(rc) || rc == ERR_UNSUPPORTED);
	pthread_mutex_lock(&x->lock);
	if (rc == ERR_OK)
		rc = repair_add_dir(x, p, kind, &dir, err);
	p->is_bad = is_bad;
	struct err scratch; /* the reason is lost, the fault is told all the same */
	if (is_bad && str_dup(&p->why, err->msg, &scratch))
		p->why = NULL;
	pthread_mutex_unlock(&x->lock);
	atomic_fetch_add(&x->progress->done, 1);
	return is_bad ? ERR_OK : rc;
}

static void *
run_reader(void *arg)
{
	struct repair *x = arg;
	struct tools *t = NULL;
	struct err err;
	enum err_code rc = repo_borrow_tools(x->repo, &t, &err);
	for (struct repair_pack *p; rc == ERR_OK && (p = next_pack(x)) != NULL;)
		rc = read_pack(x, t, p, &err);
	if (t != NULL)
		repo_return_tools(x->repo, t);
	if (rc) {
		pthread_mutex_lock(&x->lock);
		x->failure = err;
		pthread_mutex_unlock(&x->lock);
	}
	return NULL;
}

enum err_code
repair_read_packs(struct repair *x, struct err *err)
{
	pthread_t threads[READERS];
	size_t wanted = 0;
	size_t started = 0;
	for (size_t i = 0; i < x->count; i++)
		wanted += must_read(x, &x->packs[i]);
	if (wanted == 0)
		return ERR_OK;
	repair_begin(x, REPAIR_READ_PACKS, wanted);
	struct err scratch; /* fewer threads read all packs too, this one when there is none */
	while (started < min_size(READERS, wanted) &&
	       thread_start(&threads[started], run_reader, x, "repair", &scratch) == ERR_OK)
		started++;
	if (started == 0)
		run_reader(x);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (x->failure.code != ERR_OK) {
		*err = x->failure;
		return err->code;
	}
	return cancel_check(x->opt->cancel, err);
}

/* --- packs whose directory cannot be read --- */

struct salvage {
	struct repair *repair;
	struct tools *tools;
};

/* How many of the first frames are whole. */
static enum err_code
count_whole(struct salvage *s, const struct repair_pack *p, const struct pack_dir *dir,
    size_t *count, struct err *err)
{
	struct repo *r = s->repair->repo;
	struct pack_header ph;
	enum pack_kind kind;
	char key[PACK_KEY_SIZE];
	AUTO(bufv) struct buf sealed = BUF_INIT;
	pack_key(key, &p->id);
	*count = 0;
	if (p->size < HEADER_SIZE)
		return ERR_OK;
	if (store_get_range(r->store, key, 0, ph.header, HEADER_SIZE, err) ||
	    pack_open_header(ph.header, HEADER_SIZE, r->subkeys, ph.key, &kind, err))
		return err->code;
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < dir->count && rc == ERR_OK; i++) {
		const struct pack_frame *f = &dir->frames[i];
		if ((uint64_t)f->offset + f->len > p->size)
			break;
		rc = buf_reserve(&sealed, f->len, err);
		if (rc == ERR_OK)
			rc =
			    store_get_range(r->store, key, f->offset, sealed.data, f->len, err);
		if (rc == ERR_OK)
			rc = check_frame(s->tools, &ph, f, sealed.data, err);
		*count = i + (rc == ERR_OK);
	}
	secret_wipe(&ph, sizeof ph);
	return rc;
}

/* A pack that was cut off: its first frames may be whole, and an index knows where they are. */
static enum err_code
salvage_pack(void *arg, const struct id *id, enum pack_kind kind, uint64_t size,
    const struct pack_dir *dir, struct err *err)
{
	struct salvage *s = arg;
	struct repair *x = s->repair;
	struct repair_pack *p = repair_find_pack(x, id);
	struct pack_dir whole = *dir; /* borrows the frames */
	char key[PACK_KEY_SIZE];
	char what[128];
	if (p == NULL || !p->is_bad || p->is_done || p->size == size)
		return ERR_OK;
	struct err why;
	if (count_whole(s, p, dir, &whole.count, &why) && !repair_is_damage(why.code)) {
		*err = why;
		return err->code;
	}
	if (whole.count == 0)
		return ERR_OK;
	snprintf(what, sizeof what, "%zu of %zu frames are whole", whole.count, dir->count);
	pack_key(key, id);
	x->result->packs_cut++;
	repair_tell(x, REPAIR_PACK_CUT, key, what);
	return repair_add_dir(x, p, kind, &whole, err);
}

static void
tell_unreadable(struct repair *x)
{
	for (size_t i = 0; i < x->count; i++) {
		const struct repair_pack *p = &x->packs[i];
		char key[PACK_KEY_SIZE];
		/* When an index tells what it holds, that is kept. */
		if (!p->is_bad || p->is_done || p->is_told)
			continue;
		pack_key(key, &p->id);
		x->result->packs_unreadable++;
		repair_tell(
		    x, REPAIR_PACK_UNREADABLE, key, p->why != NULL ? p->why : "out of memory");
	}
}

enum err_code
repair_salvage_packs(struct repair *x, struct err *err)
{
	struct salvage s = { x, NULL };
	if (repo_borrow_tools(x->repo, &s.tools, err))
		return err->code;
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < x->outdated.len / ID_SIZE && rc == ERR_OK; i++) {
		AUTO(bufv) struct buf payload = BUF_INIT;
		struct id id;
		memcpy(id.b, x->outdated.data + i * ID_SIZE, ID_SIZE);
		rc = object_load(
		    x->repo->store, x->repo->subkeys, OBJECT_INDEX, &id, &payload, err);
		if (rc == ERR_OK)
			rc = index_payload_walk(&payload, salvage_pack, &s, err);
		if (rc == ERR_OK)
			rc = cancel_check(x->opt->cancel, err);
	}
	repo_return_tools(x->repo, s.tools);
	if (rc == ERR_OK)
		tell_unreadable(x);
	return rc;
}
