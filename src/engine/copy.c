#include "engine/copy.h"

#include "base/room.h"
#include "engine/browse.h"
#include "engine/copy_document.h"
#include "engine/copy_tree.h"
#include "engine/meter.h"
#include "engine/publish.h"
#include "sys/clock.h"
#include "tree/reach.h"

struct copy_run {
	struct engine *engine;
	const struct copy_options *opt;
	struct copy_result *result;
	struct copy_list from;
	struct copy_list to;
	struct copy_progress progress;
	uint64_t bytes_total; /* 0: how much will be read is not known */
	/* At hand. */
	const struct copy_item *item;
	struct copied *copied;
	struct err damage; /* of the source; ERR_OK: none */
};

void
copy_result_release(struct copy_result *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->items[i].text);
		free(r->items[i].why);
	}
	free(r->items);
	*r = (struct copy_result){ 0 };
}

static enum err_code
add_result(struct copy_run *r, const struct copy_item *item, struct err *err)
{
	if (ROOM_SHORT(r->result->items, r->result->count, err))
		return err->code;
	const json_t *stats = json_object_get(item->document, "stats");
	struct copied *c = &r->result->items[r->result->count];
	*c = (struct copied){
		.source = item->id,
		.time_ns = item->time_ns,
		.files = (uint64_t)json_get_int(stats, "files", 0),
		.bytes = (uint64_t)json_get_int(stats, "bytes", 0),
	};
	if (item->text != NULL && str_dup(&c->text, item->text, err))
		return err->code;
	r->copied = c;
	r->result->count++;
	return ERR_OK;
}

static enum err_code
refuse(struct copy_run *r, const struct err *why, struct err *err)
{
	char hex[ID_HEX_SIZE];
	char subject[16];
	id_hex(hex, &r->copied->source);
	snprintf(subject, sizeof subject, "%.8s", hex);
	r->copied->state = COPY_REFUSED;
	r->result->refused++;
	event_problem(
	    r->engine->events, subject, "not copied, since it is damaged: %s", why->msg);
	return str_dup(&r->copied->why, why->msg, err);
}

/* Its data may have been pruned while it was read: that is no damage. */
static enum err_code
pass_over_forgotten(struct copy_run *r)
{
	char hex[ID_HEX_SIZE];
	char subject[16];
	id_hex(hex, &r->copied->source);
	snprintf(subject, sizeof subject, "%.8s", hex);
	event_note(r->engine->events, subject, "was forgotten before it was copied");
	free(r->copied->text);
	r->copied = NULL;
	r->result->count--;
	return ERR_OK;
}

/* --- what was copied before --- */

struct pair {
	struct tree_entry from;
	struct tree_entry to;
	bool is_there;
};

static inline void UNUSED
pair_auto(struct pair *p)
{
	tree_entry_release(&p->from);
	tree_entry_release(&p->to);
}

/* Is a's time a better one to compare with than b's?  The last before, else the first behind.
 */
static bool
is_nearer(int64_t wanted, int64_t a, int64_t b)
{
	bool a_before = a <= wanted;
	bool b_before = b <= wanted;
	if (a_before != b_before)
		return a_before;
	return a_before ? a > b : a < b;
}

static const struct copy_item *
nearest_copied(const struct copy_run *r, const struct copy_item **copy)
{
	const struct copy_item *best = NULL;
	for (size_t i = 0; i < r->from.count; i++) {
		const struct copy_item *one = &r->from.items[i];
		if (one->document == NULL || strcmp(one->text, r->item->text) != 0 ||
		    (best != NULL && !is_nearer(r->item->time_ns, one->time_ns, best->time_ns)))
			continue;
		const struct copy_item *there = copy_list_find(&r->to, &one->origin);
		if (there == NULL)
			continue;
		best = one;
		*copy = there;
	}
	return best;
}

/* Nothing is taken from a tree that is not whole. */
static enum err_code
find_pair(const struct copy_run *r, struct pair *out, struct err *err)
{
	AUTO(pair) struct pair p = { TREE_ENTRY_INIT, TREE_ENTRY_INIT, false };
	AUTO(reach) struct reach *x = NULL;
	struct reach_options opt = { .cancel = r->engine->cancel };
	struct err why;
	const struct copy_item *copy = NULL;
	const struct copy_item *old = nearest_copied(r, &copy);
	if (old == NULL || snapshot_root(&p.from, old->document, &why) ||
	    snapshot_root(&p.to, copy->document, &why))
		return ERR_OK;
	/* What this run has made it has made whole. */
	p.is_there = copy->is_new;
	if (!p.is_there && (reach_new(&x, r->engine->repo, &opt, err) ||
			       reach_tree(x, &p.to, &p.is_there, err)))
		return err->code;
	*out = p;
	p = (struct pair){ TREE_ENTRY_INIT, TREE_ENTRY_INIT, false };
	return ERR_OK;
}

/* --- one snapshot --- */

static void
sample(void *arg, struct event *e)
{
	struct copy_run *r = arg;
	e->bytes = atomic_load(&r->progress.bytes);
	e->bytes_total = r->bytes_total;
	e->files = atomic_load(&r->progress.files);
}

static bool
is_damage(enum err_code code)
{
	return code == ERR_CORRUPT || code == ERR_NOT_FOUND || code == ERR_IO ||
	       code == ERR_UNSUPPORTED;
}

/* The tree in the target; r->damage when the source is damaged. */
static enum err_code
store_tree(struct copy_run *r, struct writer *w, struct buf *root, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(strv) struct strv rows = STRV_INIT;
	AUTO(pair) struct pair old = { TREE_ENTRY_INIT, TREE_ENTRY_INIT, false };
	AUTO(meter) struct meter *meter = NULL;
	bool is_source = false;
	if (copy_document_rows(r->item->document, &rows, err) || find_pair(r, &old, err))
		return err->code;
	if (copy_document_root(r->item->document, &raw, &r->damage)) {
		*err = r->damage;
		return is_damage(err->code) ? ERR_OK : err->code;
	}
	struct copy_tree_options opt = {
		.from = r->opt->from,
		.to = w,
		.rows = &rows,
		.old_from = old.is_there ? &old.from : NULL,
		.old_to = old.is_there ? &old.to : NULL,
		.progress = &r->progress,
		.cancel = r->engine->cancel,
	};
	r->bytes_total = old.is_there ? 0 : r->copied->bytes;
	meter_start(&meter, r->engine->events, sample, r);
	if (copy_tree(&opt, &raw, root, &is_source, err) == ERR_OK)
		return ERR_OK;
	if (!is_source || !is_damage(err->code))
		return err->code;
	r->damage = *err;
	return ERR_OK;
}

/* The next ones are compared with it. */
static enum err_code
note_copy(struct copy_run *r, const struct id *id, const struct buf *document, struct err *err)
{
	struct copy_item item = { .id = *id,
		.origin = r->item->origin,
		.time_ns = r->item->time_ns,
		.is_new = true };
	if (json_parse(&item.document, document->data, document->len, "snapshot", err))
		return err->code;
	if (copy_list_add(&r->to, &item, err)) {
		json_decref(item.document);
		return err->code;
	}
	return ERR_OK;
}

static enum err_code
copy_one(void *arg, struct err *err)
{
	struct copy_run *r = arg;
	AUTO(writer) struct writer *w = NULL;
	AUTO(bufv) struct buf root = BUF_INIT;
	AUTO(bufv) struct buf document = BUF_INIT;
	struct writer_options options = WRITER_OPTIONS_INIT;
	struct writer_stats stats;
	atomic_store(&r->progress.files, 0);
	atomic_store(&r->progress.bytes, 0);
	options.cancel = r->engine->cancel;
	options.adopts = true;
	if (writer_open(&w, r->engine->repo, &options, err))
		return err->code;
	if (store_tree(r, w, &root, err))
		return publish_blame(w, err);
	if (r->damage.code != ERR_OK)
		return ERR_OK;
	if (writer_flush(w, err))
		return err->code;
	writer_get_stats(w, &stats);
	AUTO(tree_entry) struct tree_entry entry = TREE_ENTRY_INIT;
	struct rd rd;
	rd_init(&rd, root.data, root.len);
	if (copy_document_write(r->item, &root, &stats, &document, err) ||
	    tree_entry_decode(&entry, &rd, err) ||
	    publish_snapshot(r->engine, w, &entry, &document, &r->copied->id, err))
		return err->code;
	r->copied->state = COPY_MADE;
	r->copied->read_bytes = atomic_load(&r->progress.bytes);
	r->copied->new_bytes = stats.new_bytes;
	r->copied->stored_bytes = stats.stored_bytes;
	return note_copy(r, &r->copied->id, &document, err);
}

static enum err_code
handle(struct copy_run *r, const struct copy_item *item, struct err *err)
{
	char hex[ID_HEX_SIZE];
	char time[CLOCK_TEXT_SIZE];
	id_hex(hex, &item->id);
	r->item = item;
	r->damage = (struct err)ERR_INIT;
	if (add_result(r, item, err))
		return err->code;
	if (item->document == NULL)
		return refuse(r, &item->damage, err);
	const struct copy_item *there = copy_list_find(&r->to, &item->origin);
	if (there != NULL) {
		r->copied->state = COPY_PRESENT;
		r->copied->id = there->id;
		r->result->present++;
		return ERR_OK;
	}
	if (r->opt->dry_run) {
		r->copied->state = COPY_WANTED;
		r->result->made++;
		return ERR_OK;
	}
	clock_format_local(time, item->time_ns);
	event_phase(r->engine->events, "copy %.8s: %s, %s", hex, item->text, time);
	if (publish_with_retry(r->engine, NULL, copy_one, r, err))
		return err_wrap(err, "copy %.8s", hex);
	if (r->damage.code != ERR_OK) {
		if (snapshot_is_gone(r->opt->from, &item->id))
			return pass_over_forgotten(r);
		return refuse(r, &r->damage, err);
	}
	r->result->made++;
	return ERR_OK;
}

static enum err_code
run_copy(struct copy_run *r, struct err *err)
{
	event_phase(r->engine->events, "read the lists of snapshots");
	/* Listed snapshots may have been made since the indexes were loaded. */
	if (copy_list_load(&r->from, r->opt->from, err) || repo_refresh(r->opt->from, err) ||
	    copy_list_choose(&r->from, r->opt->filter, err) ||
	    copy_list_load(&r->to, r->engine->repo, err))
		return err->code;
	for (size_t i = 0; i < r->from.count; i++)
		if (r->from.items[i].is_chosen &&
		    (cancel_check(r->engine->cancel, err) || handle(r, &r->from.items[i], err)))
			return err->code;
	return ERR_OK;
}

enum err_code
copy_snapshots(
    struct engine *e, const struct copy_options *opt, struct copy_result *out, struct err *err)
{
	AUTO(copy_result) struct copy_result result = { 0 };
	struct copy_run r = { .engine = e, .opt = opt, .result = &result };
	enum err_code rc = run_copy(&r, err);
	copy_list_release(&r.from);
	copy_list_release(&r.to);
	if (rc)
		return rc;
	*out = result;
	result = (struct copy_result){ 0 };
	return ERR_OK;
}
