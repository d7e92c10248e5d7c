#include "repo/marks.h"

#include "base/strv.h"
#include "repo/object.h"
#include "repo/repo_impl.h"
#include "sys/clock.h"
#include "sys/process.h"

#include <unistd.h>

#define MARK_VERSION 1
#define HOST_MAX 255

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
