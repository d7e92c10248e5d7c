#include "engine/tag.h"

#include "base/room.h"
#include "engine/browse.h"
#include "engine/publish.h"
#include "engine/quarantine.h"
#include "sys/clock.h"
#include "sys/identity.h"

void
tag_result_release(struct tag_result *r)
{
	for (size_t i = 0; i < r->count; i++)
		strv_release(&r->items[i].tags);
	free(r->items);
	*r = (struct tag_result){ NULL, 0 };
}

static enum err_code
add_chosen(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	struct tag_result *r = arg;
	(void)document;
	if (ROOM_SHORT(r->items, r->count, err))
		return err->code;
	r->items[r->count++] =
	    (struct tagged){ .before = *id, .after = *id, .tags = STRV_INIT };
	return ERR_OK;
}

static enum err_code
add_unless_removed(
    const struct tag_options *opt, struct strv *tags, const char *tag, struct err *err)
{
	if (strv_has(tags, tag) || strv_has(opt->remove, tag))
		return ERR_OK;
	return strv_add(tags, tag, err);
}

/* The tags that it is to have; *is_changed when they are others. */
static enum err_code
new_tags(const struct tag_options *opt, const json_t *document, struct strv *tags,
    bool *is_changed, struct err *err)
{
	const json_t *old = json_object_get(document, "tags");
	for (size_t i = 0; i < json_array_size(old); i++) {
		const char *tag = json_string_value(json_array_get(old, i));
		if (tag != NULL && add_unless_removed(opt, tags, tag, err))
			return err->code;
	}
	*is_changed = tags->len < json_array_size(old);
	size_t kept = tags->len;
	for (size_t i = 0; i < opt->add->len; i++)
		if (add_unless_removed(opt, tags, opt->add->items[i], err))
			return err->code;
	*is_changed = *is_changed || tags->len > kept ||
		      (opt->accept && snapshot_is_quarantined(document));
	return ERR_OK;
}

static void
write_original(struct json_writer *w, const struct repo *r, const struct snapshot *s)
{
	const json_t *known = json_object_get(s->document, "original");
	char repository[2 * 16 + 1];
	char snapshot[ID_HEX_SIZE];
	if (known != NULL) {
		json_value(w, "original", known);
		return;
	}
	hex_encode(repository, repo_id(r), 16);
	id_hex(snapshot, &s->id);
	json_obj(w, "original");
	json_str(w, "repository", repository);
	json_str(w, "snapshot", snapshot);
	json_obj_end(w);
}

static void
write_accepted(struct json_writer *w, const struct snapshot *s)
{
	char user[IDENTITY_MAX];
	identity_user(user);
	json_obj(w, "accepted");
	json_i64(w, "time_ns", clock_wall_ns());
	json_str(w, "user", user);
	json_value(w, "quarantine", json_object_get(s->document, "quarantine"));
	json_obj_end(w);
}

static enum err_code
write_document(const struct repo *r, const struct snapshot *s, const struct tag_options *opt,
    const struct strv *tags, struct buf *out, struct err *err)
{
	bool accepts = opt->accept && snapshot_is_quarantined(s->document);
	struct json_writer w;
	const char *name;
	json_t *value;
	json_init(&w, out);
	json_obj(&w, NULL);
	json_object_foreach(s->document, name, value)
	{
		if (strcmp(name, "tags") == 0)
			json_strings(&w, "tags", tags);
		else if (strcmp(name, "original") != 0 &&
			 !(accepts && str_starts(name, "quarantine")) &&
			 !(accepts && strcmp(name, "accepted") == 0))
			json_value(&w, name, value);
	}
	if (accepts)
		write_accepted(&w, s);
	if (json_object_get(s->document, "tags") == NULL)
		json_strings(&w, "tags", tags);
	write_original(&w, r, s);
	json_obj_end(&w);
	return json_finish(&w, err);
}

struct tag_job {
	struct engine *engine;
	const struct tag_options *opt;
	struct tagged *item;
};

static enum err_code
tag_one(void *arg, struct err *err)
{
	const struct tag_job *job = arg;
	struct engine *e = job->engine;
	struct tagged *item = job->item;
	struct writer_options wo = WRITER_OPTIONS_INIT;
	wo.workers = 1;
	wo.cancel = e->cancel;
	AUTO(writer) struct writer *w = NULL;
	AUTO(snapshot) struct snapshot s = { .root = TREE_ENTRY_INIT };
	AUTO(bufv) struct buf document = BUF_INIT;
	bool is_changed;
	strv_release(&item->tags);
	/* The writer first: from here on it sees who deletes what the snapshot needs. */
	if (writer_open(&w, e->repo, &wo, err) ||
	    snapshot_open(&s, e->repo, &item->before, err) ||
	    new_tags(job->opt, s.document, &item->tags, &is_changed, err))
		return err->code;
	if (!is_changed)
		return ERR_OK;
	if (write_document(e->repo, &s, job->opt, &item->tags, &document, err) ||
	    publish_snapshot(e, w, &s.root, &document, &item->after, err))
		return err->code;
	if (snapshot_delete(e->repo, &item->before, err) && err->code != ERR_NOT_FOUND)
		return err->code;
	return ERR_OK;
}

enum err_code
tag_snapshots(
    struct engine *e, const struct tag_options *opt, struct tag_result *out, struct err *err)
{
	*out = (struct tag_result){ NULL, 0 };
	if (snapshot_filter_list(e->repo, opt->filter, add_chosen, out, err))
		return err->code;
	for (size_t i = 0; i < out->count; i++) {
		struct tag_job job = { e, opt, &out->items[i] };
		char hex[ID_HEX_SIZE];
		id_hex(hex, &out->items[i].before);
		if (cancel_check(e->cancel, err) ||
		    publish_with_retry(e, NULL, tag_one, &job, err))
			return err_wrap(err, "tag %.8s", hex);
	}
	return ERR_OK;
}
