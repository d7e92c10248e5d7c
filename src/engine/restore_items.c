/* job_find_items: which member of the snapshot, and which data folder of a database, goes
 * where. */
#include "base/room.h"
#include "engine/kept_folder.h"
#include "engine/restore_job.h"
#include "engine/restore_path.h"

#include <string.h>

const char *
item_kind_word(enum item_kind kind)
{
	static const char *const words[] = { "folder", "file", "volume", "bind mount" };
	return words[kind];
}

void
item_release(struct restore_item *it)
{
	free(it->name);
	free(it->tree);
	free(it->target);
	free(it->stage);
	free(it->old);
	for (size_t i = 0; i < it->n_hollows; i++)
		free(it->hollows[i].path);
	free(it->hollows);
}

enum err_code
item_set_target(struct restore_item *it, const char *target, const char *tag, struct err *err)
{
	AUTO(str) char *copy = NULL;
	AUTO(str) char *stage = NULL;
	AUTO(str) char *old = NULL;
	if (str_dup(&copy, target, err) || path_beside(&stage, target, "new", tag, err) ||
	    path_beside(&old, target, "old", tag, err))
		return err->code;
	/* A trailing slash would make a rename follow it. */
	for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--)
		copy[n - 1] = '\0';
	free(it->target);
	free(it->stage);
	free(it->old);
	it->target = TAKE(copy);
	it->stage = TAKE(stage);
	it->old = TAKE(old);
	return ERR_OK;
}

enum err_code
item_set_mounted(struct restore_item *it, const char *tag, struct err *err)
{
	AUTO(str) char *hidden = NULL;
	AUTO(str) char *stage = NULL;
	AUTO(str) char *old = NULL;
	if (kept_folder_path(&hidden, it->target, tag, err) ||
	    str_printf(&stage, err, "%s/new", hidden) ||
	    str_printf(&old, err, "%s/old", hidden))
		return err->code;
	free(it->stage);
	free(it->old);
	it->stage = TAKE(stage);
	it->old = TAKE(old);
	it->is_mounted = true;
	return ERR_OK;
}

enum err_code
job_add_item(struct restore_job *j, enum item_kind kind, const char *name, const char *target,
    struct restore_item **out, struct err *err)
{
	if (ROOM_SHORT(j->items, j->n_items, err))
		return err->code;
	struct restore_item *it = &j->items[j->n_items];
	*it = (struct restore_item){ .kind = kind };
	if (str_dup(&it->name, name, err))
		return err->code;
	j->n_items++; /* from here on the job releases it */
	*out = it;
	return target != NULL ? item_set_target(it, target, j->tag, err) : ERR_OK;
}

static struct restore_volume *
volume_recorded(const struct restore_job *j, const char *name)
{
	for (size_t i = 0; i < j->n_volumes; i++)
		if (strcmp(j->volumes[i].recorded_name, name) == 0)
			return &j->volumes[i];
	return NULL;
}

static struct restore_item *
volume_item(const struct restore_job *j, const struct restore_volume *v)
{
	for (size_t i = 0; i < j->n_items; i++)
		if (j->items[i].kind == ITEM_VOLUME && &j->volumes[j->items[i].volume] == v)
			return &j->items[i];
	return NULL;
}

static enum err_code
add_late(struct restore_job *j, const char *tree, const struct restore_container *c,
    const char *target, struct err *err)
{
	if (ROOM_SHORT(j->lates, j->n_lates, err))
		return err->code;
	struct restore_late *l = &j->lates[j->n_lates];
	*l = (struct restore_late){
		.service = c->service, .number = c->number, .target = target
	};
	if (str_dup(&l->tree, tree, err))
		return err->code;
	j->n_lates++;
	return ERR_OK;
}

/* Who mounts the volume without a name, and where. */
static enum err_code
find_lates(struct restore_job *j, const char *volume, const char *tree, struct err *err)
{
	for (size_t i = 0; i < j->n_containers; i++) {
		size_t k;
		const json_t *m;
		json_array_foreach(json_object_get(j->containers[i].doc, "Mounts"), k, m)
		{
			const char *name = json_get_str(m, "Name");
			const char *target = json_get_str(m, "Destination");
			if (name != NULL && target != NULL && strcmp(name, volume) == 0 &&
			    add_late(j, tree, &j->containers[i], target, err))
				return err->code;
		}
	}
	return ERR_OK;
}

static enum err_code
add_volume_member(
    struct restore_job *j, const char *name, struct restore_item **out, struct err *err)
{
	struct restore_volume *v = volume_recorded(j, name);
	if (v == NULL)
		return err_set(
		    err, ERR_CORRUPT, "its document does not describe volume %s", name);
	if (job_add_item(j, ITEM_VOLUME, v->name, NULL, out, err))
		return err->code;
	(*out)->volume = (size_t)(v - j->volumes);
	return ERR_OK;
}

static enum err_code
add_member(struct restore_job *j, const json_t *m, struct err *err)
{
	const char *kind = json_get_str(m, "kind");
	const char *name = json_get_str(m, "name");
	const char *tree = json_get_str(m, "path");
	const char *source = json_get_str(m, "source");
	if (kind == NULL || name == NULL || tree == NULL)
		return err_set(err, ERR_CORRUPT, "a member without kind, name or path");
	bool is_volume = strcmp(kind, "volume") == 0;
	if (is_volume) {
		struct restore_volume *v = volume_recorded(j, name);
		if (v != NULL && v->is_anonymous)
			return find_lates(j, name, tree, err);
	}
	AUTO(str) char *target = NULL;
	struct restore_item *it;
	if (source != NULL && path_moved(&target, source, j->recorded_dir, j->dir, err))
		return err->code;
	enum err_code rc;
	if (is_volume)
		rc = add_volume_member(j, name, &it, err);
	else if (strcmp(kind, "project") == 0)
		rc = job_add_item(j, ITEM_PROJECT, j->dir, j->dir, &it, err);
	else if (target == NULL)
		return ERR_OK; /* databases and inspect data */
	else if (strcmp(kind, "file") == 0)
		rc = job_add_item(j, ITEM_FILE, target, target, &it, err);
	else if (strcmp(kind, "bind") == 0)
		rc = job_add_item(j, ITEM_BIND, target, target, &it, err);
	else
		return ERR_OK;
	if (rc != ERR_OK || str_dup(&it->tree, tree, err))
		return err->code;
	it->source = source;
	it->files = (uint64_t)json_get_int(m, "files", 0);
	it->bytes = (uint64_t)json_get_int(m, "bytes", 0);
	j->has_project = j->has_project || it->kind == ITEM_PROJECT;
	return ERR_OK;
}

static enum err_code
add_hollow(struct restore_item *it, const char *path, const char *service, bool is_mount,
    struct err *err)
{
	path += strspn(path, "/");
	if (ROOM_SHORT(it->hollows, it->n_hollows, err))
		return err->code;
	if (str_dup(&it->hollows[it->n_hollows].path, path, err))
		return err->code;
	it->hollows[it->n_hollows].service = service;
	it->hollows[it->n_hollows].is_mount = is_mount;
	it->n_hollows++;
	return ERR_OK;
}

/* The item whose folder held the path on the host that was backed up. */
static struct restore_item *
item_around(const struct restore_job *j, const char *path)
{
	for (size_t i = 0; i < j->n_items; i++) {
		struct restore_item *it = &j->items[i];
		if (it->tree != NULL && it->source != NULL && it->kind != ITEM_VOLUME &&
		    path_is_within(path, it->source) && strlen(path) > strlen(it->source))
			return it;
	}
	return NULL;
}

/* The database's data folder, or a part of it, is a volume or bind mount of its own. */
static enum err_code
add_data_mount(struct restore_job *j, const struct restore_database *db, const char *volume,
    const char *source, struct err *err)
{
	struct restore_item *it;
	if (volume != NULL) {
		struct restore_volume *v = volume_recorded(j, volume);
		if (v == NULL || v->is_anonymous || volume_item(j, v) != NULL)
			return ERR_OK;
		if (add_volume_member(j, volume, &it, err))
			return err->code;
		it->service = db->service;
		return ERR_OK;
	}
	struct restore_item *around = item_around(j, source);
	if (around != NULL)
		return add_hollow(
		    around, source + strlen(around->source), db->service, true, err);
	AUTO(str) char *target = NULL;
	if (path_moved(&target, source, j->recorded_dir, j->dir, err) ||
	    job_add_item(j, ITEM_BIND, target, target, &it, err))
		return err->code;
	it->source = source;
	it->service = db->service;
	return ERR_OK;
}

/* The data folder lies inside a mount that is captured but for it. */
static enum err_code
note_left_out(struct restore_job *j, const struct restore_database *db, const char *volume,
    const char *source, const char *rest, struct err *err)
{
	if (volume != NULL) {
		struct restore_volume *v = volume_recorded(j, volume);
		struct restore_item *it = v != NULL ? volume_item(j, v) : NULL;
		return it != NULL ? add_hollow(it, rest, db->service, false, err) : ERR_OK;
	}
	for (size_t i = 0; i < j->n_items; i++) {
		struct restore_item *it = &j->items[i];
		if (it->kind == ITEM_VOLUME || it->tree == NULL || it->source == NULL ||
		    !path_is_within(source, it->source))
			continue;
		AUTO(str) char *path = NULL;
		if (str_printf(&path, err, "%s/%s", source + strlen(it->source), rest))
			return err->code;
		return add_hollow(it, path, db->service, false, err);
	}
	return ERR_OK;
}

static enum err_code
add_data_folders(struct restore_job *j, const struct restore_database *db,
    const struct doc_target *t, const json_t *mounts, struct err *err)
{
	size_t i;
	const json_t *m;
	json_array_foreach(mounts, i, m)
	{
		const char *type = json_get_str(m, "Type");
		const char *place = json_get_str(m, "Destination");
		if (type == NULL || place == NULL)
			continue;
		const char *volume = NULL;
		const char *source = json_get_str(m, "Source");
		if (strcmp(type, "volume") == 0)
			volume = json_get_str(m, "Name");
		else if (strcmp(type, "bind") != 0)
			continue;
		if (volume == NULL && source == NULL)
			continue;
		switch (connector_mount_use(&t->target, db->kind, place)) {
		case DB_MOUNT_OTHER:
			break;
		case DB_MOUNT_DATA:
			if (add_data_mount(j, db, volume, source, err))
				return err->code;
			break;
		case DB_MOUNT_AROUND: {
			AUTO(str) char *folder = NULL;
			if (connector_data_folder(&folder, &t->target, db->kind, err) ||
			    note_left_out(j, db, volume, source, folder + strlen(place), err))
				return err->code;
			break;
		}
		}
	}
	return ERR_OK;
}

static enum err_code
find_data_folders(struct restore_job *j, struct err *err)
{
	for (size_t i = 0; i < j->n_databases; i++) {
		const struct restore_database *db = &j->databases[i];
		const struct restore_container *c = job_container(j, db->service);
		if (c == NULL)
			return err_set(err, ERR_CORRUPT,
			    "service %s has a database but no inspect document", db->service);
		struct doc_target t = { .env = STRV_INIT };
		enum err_code rc = doc_target_read(&t, db->service, c->doc, err);
		if (rc == ERR_OK)
			rc =
			    add_data_folders(j, db, &t, json_object_get(c->doc, "Mounts"), err);
		doc_target_release(&t);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

static bool
is_hollow(const struct restore_item *it, const char *path)
{
	for (size_t i = 0; i < it->n_hollows; i++)
		if (strcmp(it->hollows[i].path, path) == 0)
			return true;
	return false;
}

/* What a member leaves out and no database fills is nowhere but at its old place. */
static void
find_keepers(struct restore_job *j, const json_t *members)
{
	size_t i;
	const json_t *m;
	json_array_foreach(members, i, m)
	{
		const char *tree = json_get_str(m, "path");
		for (size_t k = 0; tree != NULL && k < j->n_items; k++) {
			struct restore_item *it = &j->items[k];
			if (it->tree == NULL || strcmp(it->tree, tree) != 0)
				continue;
			if (json_array_size(json_object_get(m, "rules")) > 0)
				it->must_keep = true;
			size_t n;
			const json_t *path;
			json_array_foreach(json_object_get(m, "exclude"), n,
			    path) if (json_is_string(path) &&
				      !is_hollow(it, json_string_value(path))) it->must_keep =
			    true;
		}
	}
}

/* A place inside another's comes back with it, when it was so in the snapshot too. */
enum err_code
job_drop_inner(struct restore_job *j, struct err *err)
{
	for (size_t a = 0; a < j->n_items; a++) {
		for (size_t b = 0; b < j->n_items; b++) {
			const struct restore_item *outer = &j->items[a];
			struct restore_item *inner = &j->items[b];
			if (a == b || outer->target == NULL || inner->target == NULL ||
			    !path_is_within(inner->target, outer->target))
				continue;
			if (outer->tree == NULL || outer->source == NULL ||
			    inner->source == NULL ||
			    !path_is_within(inner->source, outer->source))
				return err_set(err, ERR_USAGE,
				    "%s would lie inside %s, which is restored too",
				    inner->target, outer->target);
			item_release(inner);
			memmove(inner, inner + 1, (j->n_items - b - 1) * sizeof *inner);
			j->n_items--;
			return job_drop_inner(j, err);
		}
	}
	return ERR_OK;
}

enum err_code
job_find_items(struct restore_job *j, struct err *err)
{
	const json_t *members = json_object_get(j->snapshot.document, "members");
	size_t i;
	const json_t *m;
	json_array_foreach(members, i, m) if (add_member(j, m, err)) return err->code;
	if (find_data_folders(j, err) || job_drop_inner(j, err))
		return err->code;
	find_keepers(j, members);
	return ERR_OK;
}
