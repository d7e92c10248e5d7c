#include "repo/marks.h"

#include "base/strv.h"
#include "repo/object.h"
#include "repo/repo_impl.h"
#include "sys/clock.h"
#include "sys/process.h"

#include <stdatomic.h>
#include <unistd.h>

#define MARK_VERSION 1
#define HOST_MAX 255

/* With more packs of its own than this, a run lists all instead of asking for each. */
#define ASK_EACH_MAX 256

/* --- the bytes of a mark --- */

static enum err_code
encode(struct buf *out, const struct id *packs, size_t count, struct err *err)
{
	struct process_identity self;
	char host[HOST_MAX + 1] = "";
	char machine[MACHINE_ID_SIZE];
	machine_id(machine);
	if (process_identify(&self, getpid(), err))
		return err->code;
	if (gethostname(host, sizeof host - 1) != 0)
		return err_sys(err, "ask for this host's name");
	if (buf_varint(out, MARK_VERSION, err) || buf_blob(out, host, strlen(host), err) ||
	    buf_blob(out, machine, strlen(machine), err) ||
	    buf_blob(out, self.boot, strlen(self.boot), err) ||
	    buf_varint(out, self.pid_space, err) || buf_varint(out, (uint64_t)self.pid, err) ||
	    buf_varint(out, self.start, err) || buf_u64(out, (uint64_t)clock_wall_ns(), err) ||
	    buf_varint(out, count, err) || buf_add(out, packs, count * ID_SIZE, err))
		return err->code;
	return ERR_OK;
}

/* A blob as text; false when it is longer than size, or has a NUL in it. */
static bool
take_text(struct rd *r, char *out, size_t size)
{
	size_t len;
	const uint8_t *data = rd_blob(r, &len);
	if (data == NULL || len >= size || memchr(data, 0, len) != NULL)
		return false;
	if (len > 0)
		memcpy(out, data, len);
	out[len] = '\0';
	return true;
}

static bool
is_sorted(const struct id *ids, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (id_compare(&ids[i - 1], &ids[i]) >= 0)
			return false;
	return true;
}

/* Who put it, and is that process this one, or gone for certain? */
static void
judge_owner(struct mark *m, const struct process_identity *owner, const char *machine)
{
	struct process_identity self;
	struct err why; /* then nothing is certain, and the mark counts as alive */
	char here[HOST_MAX + 1] = "";
	char this_machine[MACHINE_ID_SIZE];
	machine_id(this_machine);
	if (gethostname(here, sizeof here - 1) != 0 || strcmp(here, m->host) != 0 ||
	    *machine == '\0' || strcmp(machine, this_machine) != 0 ||
	    process_identify(&self, getpid(), &why))
		return;
	m->is_own = self.pid == owner->pid && self.start == owner->start &&
		    self.pid_space == owner->pid_space && strcmp(self.boot, owner->boot) == 0;
	m->is_dead = process_has_ended(owner);
}

static enum err_code
decode(struct mark *m, const struct buf *payload, struct err *err)
{
	struct rd r;
	struct process_identity owner = { 0 };
	char host[HOST_MAX + 1];
	char machine[MACHINE_ID_SIZE];
	rd_init(&r, payload->data, payload->len);
	uint64_t version = rd_varint(&r);
	if (rd_ok(&r) && version != MARK_VERSION)
		return err_set(err, ERR_UNSUPPORTED,
		    "a newer StackSnap is deleting from this repository: use that one");
	if (!take_text(&r, host, sizeof host) || !take_text(&r, machine, sizeof machine) ||
	    !take_text(&r, owner.boot, sizeof owner.boot))
		return err_set(err, ERR_CORRUPT, "is malformed");
	owner.pid_space = rd_varint(&r);
	owner.pid = (int64_t)rd_varint(&r);
	owner.start = rd_varint(&r);
	m->pid = owner.pid;
	m->time_ns = (int64_t)rd_u64(&r);
	uint64_t count = rd_varint(&r);
	if (!rd_ok(&r) || owner.pid <= 0 || count > MARK_PACKS_MAX ||
	    rd_left(&r) != count * ID_SIZE)
		return err_set(err, ERR_CORRUPT, "is malformed");
	m->packs = calloc((size_t)count + 1, sizeof *m->packs);
	if (m->packs == NULL)
		return err_nomem(err);
	m->n_packs = (size_t)count;
	if (count > 0)
		memcpy(m->packs, rd_bytes(&r, m->n_packs * ID_SIZE), m->n_packs * ID_SIZE);
	if (!is_sorted(m->packs, m->n_packs))
		return err_set(err, ERR_CORRUPT, "its packs are not in order");
	if (str_dup(&m->host, host, err))
		return err->code;
	judge_owner(m, &owner, machine);
	return ERR_OK;
}

static void
mark_auto(struct mark *m)
{
	free(m->host);
	free(m->packs);
}

struct mark_walk {
	struct repo *repo;
	mark_fn *fn;
	void *arg;
};

static enum err_code
visit_mark(void *arg, const struct store_entry *e, struct err *err)
{
	const struct mark_walk *q = arg;
	AUTO(mark) struct mark m = { .host = NULL };
	AUTO(bufv) struct buf payload = BUF_INIT;
	if (!object_id_of_key(&m.name, e->key, object_folder(OBJECT_MARK)))
		return err_set(err, ERR_UNSUPPORTED,
		    "a newer StackSnap is deleting from this repository (%s): write to it "
		    "with "
		    "that one",
		    e->key);
	if (object_load(
		q->repo->store, q->repo->subkeys, OBJECT_MARK, &m.name, &payload, err)) {
		/* Its pruner is done. */
		return err->code == ERR_NOT_FOUND ? ERR_OK : err->code;
	}
	if (decode(&m, &payload, err))
		return err_wrap(err, "%s", e->key);
	return q->fn(q->arg, &m, err);
}

enum err_code
marks_list(struct repo *r, mark_fn *fn, void *arg, struct err *err)
{
	struct mark_walk q = { r, fn, arg };
	return store_list(r->store, object_folder(OBJECT_MARK), NULL, visit_mark, &q, err);
}

enum err_code
mark_put(struct repo *r, const struct id *packs, size_t count, struct id *name, struct err *err)
{
	AUTO(bufv) struct buf payload = BUF_INIT;
	if (count > MARK_PACKS_MAX || !is_sorted(packs, count))
		return err_set(err, ERR_USAGE, "a mark of %zu packs, or not in order", count);
	if (encode(&payload, packs, count, err) ||
	    object_save(
		r->store, r->subkeys, OBJECT_MARK, payload.data, payload.len, name, err))
		return err_wrap(err, "put a mark");
	return ERR_OK;
}

enum err_code
mark_delete(struct repo *r, const struct id *name, struct err *err)
{
	char key[OBJECT_KEY_SIZE];
	object_key(key, OBJECT_MARK, name);
	if (store_delete(r->store, key, err) && err->code != ERR_NOT_FOUND)
		return err_wrap(err, "remove a mark");
	return ERR_OK;
}

enum err_code
mark_stands(struct repo *r, const struct id *name, bool *stands, struct err *err)
{
	char key[OBJECT_KEY_SIZE];
	uint64_t size;
	object_key(key, OBJECT_MARK, name);
	enum err_code rc = store_size(r->store, key, &size, err);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	*stands = rc == ERR_OK;
	return ERR_OK;
}

/* --- a writer's watch --- */

struct watch {
	struct repo *repo;
	struct map seen; /* names of marks at the look before */
	bool has_looked;
	uint64_t losses; /* of index objects, at the look before */
	pthread_mutex_t lock; /* guards own */
	struct buf own; /* ids of packs that this run has put */
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
		rc = index_doom(w->repo->index, (const struct id *)(const void *)s.doomed.data,
		    s.doomed.len / ID_SIZE, err);
	buf_release(&s.doomed);
	if (rc) {
		map_release(&s.now);
		return rc;
	}
	uint64_t losses = atomic_load(&w->repo->index_losses);
	/* What a run took over from its predecessor was not looked up: the first look checks
	 * with any mark there is, or was when the run began. */
	*must_check = s.has_new || losses != w->losses ||
		      (!w->has_looked && (s.now.len > 0 || w->seen.len > 0));
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
	buf_release(&w->own);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

enum err_code
watch_own_pack(struct watch *w, const struct id *pack, struct err *err)
{
	pthread_mutex_lock(&w->lock);
	enum err_code rc = buf_add(&w->own, pack, sizeof *pack, err);
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

static int
by_id(const void *a, const void *b)
{
	return id_compare(a, b);
}

struct tick_off {
	const struct id *own; /* sorted */
	size_t count;
	size_t found;
};

static enum err_code
tick_off_pack(void *arg, const struct store_entry *e, struct err *err)
{
	struct tick_off *t = arg;
	struct id id;
	(void)err;
	if (pack_id_of_key(&id, e->key) &&
	    bsearch(&id, t->own, t->count, sizeof *t->own, by_id) != NULL)
		t->found++;
	return ERR_OK;
}

static enum err_code
ask_for_each(struct repo *r, struct tick_off *t, struct err *err)
{
	for (size_t i = 0; i < t->count; i++) {
		char key[PACK_KEY_SIZE];
		uint64_t size;
		pack_key(key, &t->own[i]);
		enum err_code rc = store_size(r->store, key, &size, err);
		if (rc != ERR_OK && rc != ERR_NOT_FOUND)
			return rc;
		t->found += rc == ERR_OK;
	}
	return ERR_OK;
}

enum err_code
watch_has_own_packs(struct watch *w, bool *all, struct err *err)
{
	struct id *own = (struct id *)(void *)w->own.data;
	struct tick_off t = { own, w->own.len / ID_SIZE, 0 };
	if (t.count > 1)
		qsort(own, t.count, sizeof *own, by_id);
	if (t.count <= ASK_EACH_MAX
		? ask_for_each(w->repo, &t, err)
		: store_list(w->repo->store, "packs/", NULL, tick_off_pack, &t, err))
		return err_wrap(err, "look for the packs of this run");
	*all = t.found == t.count;
	return ERR_OK;
}
