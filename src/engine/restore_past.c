#include "engine/restore_past.h"

#include "sys/fs.h"

#include <string.h>
#include <unistd.h>

#define RECORD_MAX ((size_t)16 << 20)
#define RECORD_VERSION 2

static void
project_release(struct past_project *p)
{
	strv_release(&p->files);
	strv_release(&p->env_files);
	strv_release(&p->run);
}

void
past_close(struct restore_past *p)
{
	if (p == NULL)
		return;
	if (p->lock >= 0)
		close(p->lock);
	project_release(&p->old);
	project_release(&p->fresh);
	strv_release(&p->ids);
	strv_release(&p->services);
	strv_release(&p->well);
	free(p->items);
	compose_free(p->compose);
	docker_close(p->docker);
	json_decref(p->doc);
	free(p->path);
	free(p);
}

static enum err_code
read_strings(struct strv *out, const json_t *obj, const char *key, struct err *err)
{
	size_t i;
	const json_t *item;
	json_array_foreach(json_object_get(obj, key), i,
	    item) if (json_is_string(item) &&
		      strv_add(out, json_string_value(item), err)) return err->code;
	return ERR_OK;
}

static enum err_code
read_project(struct past_project *p, const json_t *obj, struct err *err)
{
	p->dir = json_get_text(obj, "dir");
	if (read_strings(&p->files, obj, "files", err) ||
	    read_strings(&p->env_files, obj, "env_files", err) ||
	    read_strings(&p->run, obj, "run", err))
		return err->code;
	return ERR_OK;
}

/* Everything that is removed or renamed later is named here: nothing of it may be made up. */
static enum err_code
read_item(struct past_item *it, const json_t *obj, struct err *err)
{
	*it = (struct past_item){
		.word = json_get_text(obj, "kind"),
		.name = json_get_text(obj, "name"),
		.target = json_get_str(obj, "target"),
		.stage = json_get_str(obj, "stage"),
		.old = json_get_str(obj, "old"),
		.was_there = json_get_bool(obj, "was_there"),
		.has_old = json_get_bool(obj, "has_old"),
		.must_keep = json_get_bool(obj, "must_keep"),
		.is_mounted = json_get_bool(obj, "mounted"),
		.old_files = (uint64_t)json_get_int(obj, "old_files", 0),
		.old_bytes = (uint64_t)json_get_int(obj, "old_bytes", 0),
		.stage_ino = (uint64_t)json_get_int(obj, "stage_ino", 0),
		.old_ino = (uint64_t)json_get_int(obj, "old_ino", 0),
	};
	bool has_all = it->target != NULL && it->stage != NULL && it->old != NULL;
	bool has_none = it->target == NULL && it->stage == NULL && it->old == NULL;
	if (!has_none &&
	    (!has_all || it->target[0] != '/' || it->stage[0] != '/' || it->old[0] != '/'))
		return err_set(
		    err, ERR_CORRUPT, "the places of %s %s are not whole", it->word, it->name);
	return ERR_OK;
}

static enum err_code
read_items(struct restore_past *p, const json_t *list, struct err *err)
{
	p->items = calloc(json_array_size(list) + 1, sizeof *p->items);
	if (p->items == NULL)
		return err_nomem(err);
	size_t i;
	const json_t *obj;
	json_array_foreach(list, i, obj)
	{
		struct past_item *it = &p->items[p->n_items];
		if (read_item(it, obj, err))
			return err->code;
		/* A volume that was never made has no place. */
		p->n_items += it->target != NULL;
	}
	return ERR_OK;
}

static enum err_code
read_doc(struct restore_past *p, struct err *err)
{
	const json_t *doc = p->doc;
	if (json_get_int(doc, "version", -1) != RECORD_VERSION)
		return err_set(err, ERR_UNSUPPORTED, "it is of another version of StackSnap");
	p->stack = json_get_str(doc, "stack");
	if (p->stack == NULL)
		return err_set(err, ERR_CORRUPT, "it names no stack");
	p->snapshot = json_get_text(doc, "snapshot");
	p->snapshot_ns = json_get_int(doc, "snapshot_ns", 0);
	p->begun_ns = json_get_int(doc, "begun_ns", 0);
	p->kept_ns = json_get_int(doc, "kept_ns", 0);
	p->is_partial = json_get_bool(doc, "partial");
	p->lost_some = json_get_bool(doc, "lost_some");
	p->wait_s = (int)json_get_int(doc, "wait_s", 300);
	const json_t *old = json_object_get(doc, "old");
	p->has_old = json_is_object(old);
	const char *from = json_get_str(doc, "from");
	if (restore_step_of_word(&p->step, json_get_str(doc, "step"), err))
		return err->code;
	p->from = p->step;
	if (from != NULL && restore_step_of_word(&p->from, from, err))
		return err->code;
	if (read_items(p, json_object_get(doc, "items"), err) ||
	    read_strings(&p->ids, doc, "ids", err) ||
	    read_strings(&p->services, doc, "services", err) ||
	    read_project(&p->old, old, err) || read_strings(&p->well, old, "well", err) ||
	    read_project(&p->fresh, json_object_get(doc, "new"), err))
		return err->code;
	return ERR_OK;
}

enum err_code
past_read(struct restore_past **out, struct engine *e, const char *path, const struct buf *text,
    struct err *err)
{
	AUTO(past) struct restore_past *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	p->lock = -1;
	p->engine = e;
	if (str_dup(&p->path, path, err) ||
	    json_parse(&p->doc, text->data, text->len, path, err))
		return err->code;
	if (read_doc(p, err))
		return err_wrap(err, "record %s", path);
	*out = TAKE(p);
	return ERR_OK;
}

enum err_code
past_open(struct restore_past **out, struct engine *e, const char *stack, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf text = BUF_INIT;
	if (restore_record_path(&path, e->state_dir, stack, err) ||
	    fs_read_file(path, RECORD_MAX, &text, err))
		return err->code;
	return past_read(out, e, path, &text, err);
}

enum err_code
past_lock(struct restore_past *p, struct err *err)
{
	return restore_record_lock(&p->lock, p->engine->state_dir, p->stack, err);
}

enum err_code
past_connect(struct restore_past *p, const struct cancel *cancel, struct err *err)
{
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	opt.host = json_get_str(p->doc, "host");
	opt.cancel = cancel;
	if (docker_open(&p->docker, &opt, err) ||
	    compose_find(&p->compose, docker_host(p->docker), cancel, err))
		return err->code;
	p->site = (struct restore_site){ p->docker, p->compose, p->engine->events, p->stack };
	return ERR_OK;
}

enum err_code
past_begin(struct restore_past *p, enum restore_step step, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	struct json_writer w;
	enum restore_step from = step > STEP_KEPT ? p->from : step;
	if (json_object_set_new(p->doc, "step", json_string(restore_step_word(step))) != 0 ||
	    json_object_set_new(p->doc, "from", json_string(restore_step_word(from))) != 0 ||
	    json_object_set_new(p->doc, "kept_ns", json_integer(p->kept_ns)) != 0)
		return err_nomem(err);
	json_init(&w, &text);
	json_value(&w, NULL, p->doc);
	if (json_finish(&w, err) || fs_write_file(p->path, 0600, text.data, text.len, err))
		return err->code;
	p->step = step;
	p->from = from;
	return ERR_OK;
}

bool
past_had_something(const struct restore_past *p)
{
	for (size_t i = 0; i < p->n_items; i++)
		if (p->items[i].has_old)
			return true;
	return p->has_old;
}

void
past_tell_places(const struct restore_past *p)
{
	struct event_sink *events = p->engine->events;
	for (size_t i = 0; i < p->n_items; i++) {
		const struct past_item *it = &p->items[i];
		uint64_t ino = swap_inode(it->target);
		if (it->is_mounted) {
			event_warning(events, it->name,
			    "of what belongs to %s, all that is not there is in %s and %s",
			    it->target, it->old, it->stage);
			continue;
		}
		const char *old = ino == it->old_ino                     ? it->target
				  : swap_inode(it->old) == it->old_ino   ? it->old
				  : swap_inode(it->stage) == it->old_ino ? it->stage
									 : NULL;
		if (it->stage_ino == 0 || (it->was_there && old == it->target))
			continue;
		event_warning(events, it->name, "%s stands at %s, what was there before at %s",
		    ino == it->stage_ino ? "restored data" : "something else", it->target,
		    !it->was_there ? "(nothing was there)"
		    : old != NULL  ? old
				   : "(not found)");
	}
	event_warning(events, NULL, "once it is mended, stacksnap recover goes on from here");
}
