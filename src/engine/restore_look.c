/* job_look: what is on this host already, and so what the restore makes and what it replaces.
 */
#include "engine/restore_look.h"

#include "engine/restore_part.h"
#include "engine/restore_past.h"
#include "engine/restore_path.h"
#include "engine/restore_steps.h"
#include "sys/fs.h"
#include "tree/dir.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define SAME_FILE_MAX ((size_t)4 << 20)

void
size_text(char out[SIZE_TEXT], uint64_t bytes)
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB", "EB" };
	double n = (double)bytes;
	size_t unit = 0;
	while (n >= 999.5 && unit + 1 < ARRAY_LEN(units)) {
		n /= 1000;
		unit++;
	}
	snprintf(
	    out, SIZE_TEXT, unit == 0 || n >= 99.5 ? "%.0f %s" : "%.1f %s", n, units[unit]);
}

enum err_code
volume_folder(char **out, const json_t *doc, struct err *err)
{
	const json_t *options = json_object_get(doc, "Options");
	const char *driver = json_get_str(doc, "Driver");
	const char *place = json_get_str(doc, "Mountpoint");
	const char *device = json_get_str(options, "device");
	const char *type = json_get_str(options, "type");
	const char *o = json_get_str(options, "o");
	if (driver == NULL || strcmp(driver, "local") != 0)
		return err_set(err, ERR_UNSUPPORTED, "its driver %s keeps its files elsewhere",
		    driver != NULL ? driver : "(none)");
	if (type != NULL && strcasecmp(type, "tmpfs") == 0)
		return err_set(err, ERR_UNSUPPORTED, "it is kept in memory only");
	if (device != NULL && *device != '\0') {
		bool is_bind = (type != NULL && strcmp(type, "bind") == 0) ||
			       (o != NULL && strstr(o, "bind") != NULL);
		if (!is_bind)
			return err_set(err, ERR_UNSUPPORTED, "it is mounted from %s", device);
		place = device;
	}
	if (place == NULL || *place != '/')
		return err_set(
		    err, ERR_UNSUPPORTED, "the engine does not tell where its files are");
	return str_dup(out, place, err);
}

enum err_code
job_stored_file(
    const struct restore_job *j, const char *path, struct tree_entry *out, struct err *err)
{
	for (size_t i = 0; i < j->n_items; i++) {
		const struct restore_item *it = &j->items[i];
		if (it->tree == NULL || it->target == NULL || !path_is_within(path, it->target))
			continue;
		AUTO(str) char *stored = NULL;
		if (str_printf(&stored, err, "%s/%s", it->tree, path + strlen(it->target)))
			return err->code;
		return tree_lookup(j->engine->repo, &j->snapshot.root, stored, out, err);
	}
	return err_set(err, ERR_NOT_FOUND, "%s is not in the snapshot", path);
}

/* Is there a file, byte for byte the stored one? */
static enum err_code
is_same_file(
    const struct restore_job *j, const struct restore_item *it, bool *same, struct err *err)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(bufv) struct buf stored = BUF_INIT;
	AUTO(bufv) struct buf here = BUF_INIT;
	struct err scratch; /* a file that cannot be read is another one */
	*same = false;
	if (tree_lookup(j->engine->repo, &j->snapshot.root, it->tree, &e, err))
		return err->code;
	if (e.type != TREE_FILE || e.content.size > SAME_FILE_MAX || fs_is_dir(it->target) ||
	    fs_read_file(it->target, SAME_FILE_MAX, &here, &scratch) != ERR_OK)
		return ERR_OK;
	if (content_read_all(j->engine->repo, &e.content, SAME_FILE_MAX, &stored, err))
		return err_wrap(err, "%s", it->tree);
	*same = here.len == stored.len &&
		(here.len == 0 || memcmp(here.data, stored.data, here.len) == 0);
	return ERR_OK;
}

/* Files that are as they were need not be touched: another stack may use them too. */
static enum err_code
drop_same_files(struct restore_job *j, struct err *err)
{
	for (size_t i = j->n_items; i-- > 0;) {
		struct restore_item *it = &j->items[i];
		bool same = false;
		bool may_be = it->tree != NULL && it->target != NULL &&
			      (it->kind == ITEM_FILE || it->kind == ITEM_BIND) &&
			      fs_exists(it->target);
		if (may_be && is_same_file(j, it, &same, err))
			return err->code;
		if (!same)
			continue;
		item_release(it);
		memmove(it, it + 1, (j->n_items - i - 1) * sizeof *it);
		j->n_items--;
	}
	return ERR_OK;
}

enum err_code
measure_tree(const char *path, const struct cancel *cancel, uint64_t *files, uint64_t *bytes,
    struct err *err)
{
	AUTO(str) char *root = NULL;
	if (str_dup(&root, path, err))
		return err->code;
	char *roots[] = { root, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (walk == NULL)
		return err_sys(err, "%s", path);
	*files = 0;
	*bytes = 0;
	const FTSENT *e;
	while ((e = fts_read(walk)) != NULL && !cancel_is_raised(cancel)) {
		if (e->fts_info == FTS_F) {
			++*files;
			*bytes += (uint64_t)e->fts_statp->st_size;
		}
	}
	fts_close(walk);
	return cancel_check(cancel, err);
}

static enum err_code
find_volumes(struct restore_job *j, struct err *err)
{
	for (size_t i = 0; i < j->n_volumes; i++) {
		struct restore_volume *v = &j->volumes[i];
		struct restore_item *it = NULL;
		for (size_t k = 0; k < j->n_items; k++)
			if (j->items[k].kind == ITEM_VOLUME && j->items[k].volume == i)
				it = &j->items[k];
		AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
		enum err_code rc = docker_volume_inspect(j->docker, v->name, &doc, err);
		if (rc != ERR_OK && rc != ERR_NOT_FOUND)
			return rc;
		v->exists = rc == ERR_OK;
		if (!v->exists || it == NULL)
			continue;
		AUTO(str) char *folder = NULL;
		rc = volume_folder(&folder, doc.json, err);
		if (rc == ERR_OK && !fs_is_dir(folder))
			rc = err_set(err, ERR_UNSUPPORTED,
			    "its folder %s cannot be seen from here", folder);
		if (rc == ERR_UNSUPPORTED) {
			if (strv_addf(&j->preview.obstacles, err,
				"volume %s is there, but cannot be filled: %s", v->name,
				err->msg))
				return err->code;
			continue;
		}
		if (rc != ERR_OK || item_set_target(it, folder, j->tag, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
find_stack(struct restore_job *j, struct err *err)
{
	enum err_code rc = stack_load(&j->now, j->docker, j->name, err);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < j->now->n_containers; i++) {
		const struct stack_container *c = &j->now->containers[i];
		if (c->state != CONTAINER_STOPPED && !strv_has(&j->running_now, c->service) &&
		    strv_add(&j->running_now, c->service, err))
			return err->code;
	}
	return ERR_OK;
}

/* Containers are made anew, so all that they hold outside of volumes is gone. */
static enum err_code
tell_stack(struct restore_job *j, struct err *err)
{
	if (j->now == NULL || j->now->n_containers == 0)
		return ERR_OK;
	const struct stack *s = j->now;
	size_t running = 0;
	for (size_t i = 0; i < s->n_containers; i++)
		running += s->containers[i].state != CONTAINER_STOPPED;
	if (strv_addf(&j->preview.replaces, err,
		"stack %s (%zu containers, %zu of them running): taken down and made anew",
		j->name, s->n_containers, running))
		return err->code;
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct stack_container *c = &s->containers[i];
		if (!strv_has(&j->services, c->service) &&
		    strv_addf(&j->preview.replaces, err,
			"container %s: its service %s is not in the snapshot", c->name,
			c->service))
			return err->code;
	}
	if (job_tell_unnamed(j, err))
		return err->code;
	bool has_files = s->config_files.len > 0;
	for (size_t i = 0; i < s->config_files.len; i++)
		has_files = has_files && fs_exists(s->config_files.items[i]);
	if (!has_files)
		return strv_addf(&j->preview.warnings, err,
		    "the compose files of the stack %s that is there now are gone: if the "
		    "restore "
		    "fails, its containers cannot be made again",
		    j->name);
	return ERR_OK;
}

static enum err_code
tell_item(struct restore_job *j, struct restore_item *it, struct err *err)
{
	const char *word = it->kind == ITEM_BIND && it->target != NULL &&
				   !fs_is_dir(it->target) && fs_exists(it->target)
			       ? "file"
			       : item_kind_word(it->kind);
	uint64_t files = 0;
	uint64_t bytes = 0;
	AUTO(strv) struct strv names = STRV_INIT;
	it->has_old = it->target != NULL && fs_exists(it->target);
	if (it->has_old && fs_is_dir(it->target)) {
		if (fs_list_dir(it->target, &names, err))
			return err->code;
		it->has_old = names.len > 0;
	}
	if (!it->has_old)
		return strv_addf(&j->preview.makes, err, "%s %s", word, it->name);
	if (measure_tree(it->target, j->engine->cancel, &files, &bytes, err))
		return err->code;
	char size[SIZE_TEXT];
	size_text(size, bytes);
	bool is_data = it->service != NULL;
	it->old_files = files;
	it->old_bytes = bytes;
	return strv_addf(&j->preview.replaces, err, "%s %s (%llu %s, %s%s%s)", word, it->name,
	    (unsigned long long)files, files == 1 ? "file" : "files", size,
	    is_data ? "; the database of service " : "", is_data ? it->service : "");
}

static enum err_code
tell_databases(struct restore_job *j, struct err *err)
{
	for (size_t i = 0; i < j->n_databases; i++) {
		const struct restore_database *db = &j->databases[i];
		char size[SIZE_TEXT];
		size_text(size, db->bytes);
		if (strv_addf(&j->preview.makes, err, "database of service %s (%s, dump of %s)",
			db->service, db_kind_title(db->kind), size))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
tell_snapshot(struct restore_job *j, struct err *err)
{
	struct strv *warnings = &j->preview.warnings;
	const json_t *doc = j->snapshot.document;
	int64_t problems = json_get_int(doc, "problem_count", 0);
	if (problems > 0 &&
	    strv_addf(warnings, err,
		"the snapshot is partial: %lld problems were met when it was made",
		(long long)problems))
		return err->code;
	size_t i;
	const json_t *gap;
	json_array_foreach(json_object_get(json_object_get(doc, "stack"), "gaps"), i, gap)
	{
		const char *what = json_get_str(gap, "what");
		const char *why = json_get_str(gap, "why");
		if (json_get_bool(gap, "matters") && what != NULL && why != NULL &&
		    strv_addf(warnings, err, "%s is not in the snapshot: %s", what, why))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
job_connect(struct restore_job *j, struct err *err)
{
	if (engine_docker(&j->docker, j->engine, err))
		return err->code;
	if (!docker_is_local(j->docker))
		return err_set(err, ERR_UNSUPPORTED,
		    "the Docker engine at %s is on another machine: a stack is restored on the "
		    "machine of its engine; run this there, with the same repository",
		    docker_host(j->docker));
	return compose_find(&j->compose, docker_host(j->docker), j->engine->cancel, err);
}

/* One restore of a stack at a time can be undone. */
static enum err_code
look_at_earlier(struct restore_job *j, struct err *err)
{
	AUTO(past) struct restore_past *p = NULL;
	struct err why;
	if (j->engine->state_dir == NULL)
		return ERR_OK;
	enum err_code rc = past_open(&p, j->engine, j->name, &why);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return strv_add(&j->preview.obstacles, why.msg, err);
	if (p->step == STEP_KEPT)
		return strv_addf(&j->preview.obstacles, err,
		    "an earlier restore of stack %s can still be undone: \"stacksnap restore "
		    "finish %s\" removes what was there before it, \"stacksnap restore undo "
		    "%s\" puts that back",
		    j->name, j->name, j->name);
	return strv_addf(&j->preview.obstacles, err,
	    "an earlier restore of stack %s was interrupted at its step \"%s\", or is running: "
	    "\"stacksnap recover\" brings it to an end",
	    j->name, restore_step_word(p->step));
}

/* What making the containers needs, and what they may do. */
static enum err_code
look_at_new_stack(struct restore_job *j, struct err *err)
{
	if (look_at_images(j, err) || look_at_asks(j, err) || look_at_names(j, err) ||
	    look_at_ports(j, err))
		return err->code;
	return ERR_OK;
}

enum err_code
job_look(struct restore_job *j, struct err *err)
{
	if (job_connect(j, err) || look_at_earlier(j, err) || find_stack(j, err) ||
	    find_volumes(j, err) || job_find_touched(j, err) || drop_same_files(j, err) ||
	    (!j->is_partial && tell_stack(j, err)))
		return err->code;
	for (size_t i = 0; i < j->n_items; i++)
		if (tell_item(j, &j->items[i], err))
			return err->code;
	if (tell_databases(j, err) || tell_snapshot(j, err) ||
	    (!j->is_partial && look_at_new_stack(j, err)) || look_at_users(j, err) ||
	    look_at_places(j, err))
		return err->code;
	return ERR_OK;
}
