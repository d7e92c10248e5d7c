#include "repo/proof.h"

#include "base/room.h"
#include "repo/object.h"
#include "repo/repo_impl.h"
#include "repo/snapshot.h"

#include <string.h>

#define PROOF_VERSION 1

struct proof {
	struct id id;
	struct id snapshot;
	int64_t time_ns;
	json_t *document;
};

struct proofs {
	struct proof *items; /* by time */
	size_t count;
	size_t cap;
	size_t damaged;
	struct repo *repo;
	const struct proofs *known; /* while they are read; may be NULL */
};

void
proofs_free(struct proofs *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->count; i++)
		json_decref(p->items[i].document);
	free(p->items);
	free(p);
}

size_t
proofs_damaged(const struct proofs *p)
{
	return p->damaged;
}

enum err_code
proof_save(struct repo *r, const struct buf *document, struct id *id, struct err *err)
{
	if (object_save(
		r->store, r->subkeys, OBJECT_PROOF, document->data, document->len, id, err))
		return err_wrap(err, "write proof");
	return ERR_OK;
}

/* ERR_CORRUPT and ERR_UNSUPPORTED are about this one object. */
static enum err_code
load(struct proof *out, struct repo *r, const struct id *id, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(json) json_t *doc = NULL;
	if (object_load(r->store, r->subkeys, OBJECT_PROOF, id, &raw, err) ||
	    json_parse(&doc, raw.data, raw.len, "proof", err))
		return err->code;
	if (json_get_int(doc, "version", 0) != PROOF_VERSION)
		return err_set(
		    err, ERR_UNSUPPORTED, "proof of a later version: use a newer StackSnap");
	const char *hex = json_get_str(doc, "snapshot");
	if (hex == NULL || strlen(hex) != ID_HEX_SIZE - 1 ||
	    !hex_decode(out->snapshot.b, ID_SIZE, hex, strlen(hex)))
		return err_set(err, ERR_CORRUPT, "proof: it names no snapshot");
	out->id = *id;
	out->time_ns = json_get_int(doc, "time_ns", 0);
	out->document = TAKE(doc);
	return ERR_OK;
}

/* One that was read before: a stored object never changes. */
static bool
is_known(struct proof *out, const struct proofs *known, const struct id *id)
{
	for (size_t i = 0; known != NULL && i < known->count; i++)
		if (id_equal(&known->items[i].id, id)) {
			*out = known->items[i];
			json_incref(out->document);
			return true;
		}
	return false;
}

static enum err_code
add(void *arg, const struct store_entry *e, struct err *err)
{
	struct proofs *p = arg;
	struct id id;
	struct proof found;
	if (!object_id_of_key(&id, e->key, object_folder(OBJECT_PROOF)))
		return ERR_OK;
	enum err_code rc =
	    is_known(&found, p->known, &id) ? ERR_OK : load(&found, p->repo, &id, err);
	if (rc == ERR_NOT_FOUND) /* pruned meanwhile */
		return ERR_OK;
	if (rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED) {
		p->damaged++;
		return ERR_OK;
	}
	if (rc != ERR_OK)
		return rc;
	if (ROOM(p->items, p->count, p->cap, 16, err)) {
		json_decref(found.document);
		return err->code;
	}
	p->items[p->count++] = found;
	return ERR_OK;
}

static int
by_time(const void *a, const void *b)
{
	const struct proof *x = a;
	const struct proof *y = b;
	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

enum err_code
proofs_load(struct proofs **out, struct repo *r, struct err *err)
{
	return proofs_renew(out, r, NULL, err);
}

enum err_code
proofs_renew(struct proofs **out, struct repo *r, const struct proofs *known, struct err *err)
{
	AUTO(proofs) struct proofs *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	p->repo = r;
	p->known = known;
	if (store_list(r->store, object_folder(OBJECT_PROOF), NULL, add, p, err))
		return err_wrap(err, "read proofs");
	if (p->count > 1)
		qsort(p->items, p->count, sizeof *p->items, by_time);
	p->known = NULL;
	*out = TAKE(p);
	return ERR_OK;
}

static bool
is_conclusive(const json_t *document)
{
	const char *verdict = json_get_str(document, "verdict");
	return verdict != NULL &&
	       (strcmp(verdict, PROOF_PROVED) == 0 || strcmp(verdict, PROOF_FAILED) == 0);
}

const json_t *
proofs_of(const struct proofs *p, const struct id *snapshot)
{
	const json_t *other = NULL;
	for (size_t i = p->count; i-- > 0;) {
		const struct proof *x = &p->items[i];
		if (!id_equal(&x->snapshot, snapshot))
			continue;
		if (is_conclusive(x->document))
			return x->document;
		if (other == NULL)
			other = x->document;
	}
	return other;
}

enum err_code
proofs_each(
    const struct proofs *p, const struct id *snapshot, proof_fn *fn, void *arg, struct err *err)
{
	for (size_t i = 0; i < p->count; i++)
		if (id_equal(&p->items[i].snapshot, snapshot) &&
		    fn(arg, p->items[i].document, err))
			return err->code;
	return ERR_OK;
}

struct pruning {
	struct repo *repo;
	bool dry_run;
	uint64_t removed;
};

static enum err_code
prune_one(void *arg, const struct store_entry *e, struct err *err)
{
	struct pruning *x = arg;
	struct id id;
	struct proof found = { .document = NULL };
	if (!object_id_of_key(&id, e->key, object_folder(OBJECT_PROOF)))
		return ERR_OK;
	enum err_code rc = load(&found, x->repo, &id, err);
	json_decref(found.document);
	/* What a later version has written is not ours to judge. */
	if (rc == ERR_NOT_FOUND || rc == ERR_UNSUPPORTED)
		return ERR_OK;
	if (rc != ERR_OK && rc != ERR_CORRUPT)
		return rc;
	if (rc == ERR_OK && !snapshot_is_gone(x->repo, &found.snapshot))
		return ERR_OK;
	x->removed++;
	if (x->dry_run)
		return ERR_OK;
	rc = store_delete(x->repo->store, e->key, err);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

enum err_code
proofs_prune(struct repo *r, bool dry_run, uint64_t *removed, struct err *err)
{
	struct pruning x = { r, dry_run, 0 };
	if (store_list(r->store, object_folder(OBJECT_PROOF), NULL, prune_one, &x, err))
		return err_wrap(err, "remove proofs");
	*removed = x.removed;
	return ERR_OK;
}
