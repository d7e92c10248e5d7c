/* The way back, and the other ways in which a restore is settled, by its record alone. */
#include "engine/restore_mounted.h"
#include "engine/restore_past.h"
#include "engine/restore_path.h"
#include "engine/restore_pins.h"
#include "engine/restore_steps.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define OLD_WAIT_S 60

/* The recorded item's old data, wherever an interrupted exchange has left it. */
static const char *
place_of_old(const struct past_item *it)
{
	if (swap_inode(it->target) == it->old_ino)
		return it->target;
	if (swap_inode(it->old) == it->old_ino)
		return it->old;
	return swap_inode(it->stage) == it->old_ino ? it->stage : NULL;
}

static struct mounted
mounted_of(const struct past_item *it)
{
	return (struct mounted){ it->target, it->stage, it->old };
}

static enum err_code
back_mounted(const struct past_item *it, struct err *err)
{
	struct mounted m = mounted_of(it);
	return mounted_check(it->target, err) ? err->code : mounted_swap_back(&m, err);
}

static enum err_code
back_old(const struct past_item *it, struct err *err)
{
	const char *at = place_of_old(it);
	if (at == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "%s %s: what was there before the restore is no longer at %s", it->word,
		    it->name, it->old);
	if (at != it->target && swap_inode(it->target) == 0)
		return swap_move(at, it->target, err);
	if (at != it->target)
		return swap_places(at, it->target, it->stage, err);
	/* Interrupted between the two renames of an exchange. */
	if (swap_inode(it->old) != 0 && swap_inode(it->stage) == 0)
		return swap_move(it->old, it->stage, err);
	return ERR_OK;
}

/* Nothing was there: what the restore has put there goes, also when its inode is another one by
 * now, as editors make it. */
static enum err_code
back_nothing(const struct restore_past *p, const struct past_item *it, struct err *err)
{
	uint64_t ino = swap_inode(it->target);
	if (ino == 0 || swap_inode(it->stage) != 0 ||
	    (ino != it->stage_ino && p->from < STEP_KEPT))
		return ERR_OK;
	return swap_move(it->target, it->stage, err);
}

enum err_code
past_swap_back(const struct restore_past *p, struct err *err)
{
	for (size_t i = p->n_items; i-- > 0;) {
		const struct past_item *it = &p->items[i];
		if (it->is_mounted  ? back_mounted(it, err)
		    : it->was_there ? back_old(it, err)
				    : back_nothing(p, it, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
past_check_old(const struct restore_past *p, struct err *err)
{
	for (size_t i = 0; i < p->n_items; i++) {
		const struct past_item *it = &p->items[i];
		if (it->is_mounted && mounted_check(it->target, err))
			return err->code;
		if (it->was_there && place_of_old(it) == NULL)
			return err_set(err, ERR_NOT_FOUND,
			    "%s %s: what was there before the restore is no longer at %s",
			    it->word, it->name, it->old);
	}
	return ERR_OK;
}

bool
past_is_swapped(const struct restore_past *p)
{
	for (size_t i = 0; i < p->n_items; i++) {
		const struct past_item *it = &p->items[i];
		struct mounted m = mounted_of(it);
		if (it->is_mounted
			? !mounted_is_swapped(&m)
			: it->stage_ino == 0 || swap_inode(it->target) != it->stage_ino)
			return false;
	}
	return true;
}

/* Was it made after the restore had begun, and is nothing in it?  Only while volumes were being
 * made may one of their names be somebody else's. */
static bool
is_fresh_volume(const struct restore_past *p, const json_t *doc)
{
	AUTO(str) char *folder = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	struct err scratch; /* what cannot be told is not ours */
	char begun[32];
	const char *created = json_get_str(doc, "CreatedAt");
	time_t s = (time_t)(p->begun_ns / 1000000000);
	struct tm tm;
	if (created == NULL || gmtime_r(&s, &tm) == NULL ||
	    strftime(begun, sizeof begun, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return false;
	/* Where the engine tells local time, this errs on the side of keeping. */
	if (strncmp(created, begun, strlen(begun)) < 0 ||
	    volume_folder(&folder, doc, &scratch) != ERR_OK ||
	    fs_list_dir(folder, &names, &scratch) != ERR_OK)
		return false;
	return names.len == 0;
}

static enum err_code
remove_volume(struct restore_past *p, const char *name, struct err *err)
{
	if (p->from == STEP_STAGING) {
		AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
		enum err_code rc = docker_volume_inspect(p->docker, name, &doc, err);
		if (rc == ERR_NOT_FOUND)
			return ERR_OK;
		if (rc != ERR_OK)
			return rc;
		if (!is_fresh_volume(p, doc.json)) {
			event_note(p->engine->events, name,
			    "a volume that the restore may not have made: it is left alone");
			return ERR_OK;
		}
	}
	enum err_code rc = docker_volume_remove(p->docker, name, err);
	if (rc == ERR_LOCKED) {
		event_warning(p->engine->events, name,
		    "a volume of the restored stack is in use, and stays: %s", err->msg);
		return ERR_OK;
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static bool
is_listed(const json_t *list, const char *name)
{
	size_t i;
	const json_t *item;
	json_array_foreach(
	    list, i, item) if (json_is_string(item) &&
			       strcmp(json_string_value(item), name) == 0) return true;
	return false;
}

/* What Compose made for a restore that did not come to its end is in no list yet. */
static enum err_code
add_unlisted(struct restore_past *p, struct err *err)
{
	AUTO(stack) struct stack *s = NULL;
	enum err_code rc = stack_load(&s, p->docker, p->stack, err);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	json_t *made = json_object_get(p->doc, "volumes_made");
	const json_t *before = json_object_get(p->doc, "volumes_before");
	for (size_t i = 0; i < s->n_volumes; i++) {
		const struct stack_volume *v = &s->volumes[i];
		if (v->is_external || is_listed(before, v->name) || is_listed(made, v->name))
			continue;
		if (json_array_append_new(made, json_string(v->name)) != 0)
			return err_nomem(err);
	}
	return ERR_OK;
}

/* The restored stack's containers. */
static enum err_code
remove_made(struct restore_past *p, struct err *err)
{
	if (p->is_partial)
		return p->from >= STEP_DOWN ? site_stop(&p->site, &p->ids, err) : ERR_OK;
	if (p->from < STEP_CREATING)
		return ERR_OK;
	if (p->from < STEP_KEPT && add_unlisted(p, err))
		return err->code;
	AUTO(stack) struct stack *s = NULL;
	enum err_code rc = stack_load(&s, p->docker, p->stack, err);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	return site_down(&p->site, p->fresh.dir, &p->fresh.files, err);
}

/* The restored data, which is nowhere in use any more. */
static enum err_code
unstage(struct restore_past *p, struct err *err)
{
	for (size_t i = 0; i < p->n_items; i++) {
		const struct past_item *it = &p->items[i];
		struct mounted m = mounted_of(it);
		uint64_t ino = swap_inode(it->stage);
		if (it->is_mounted) {
			if (mounted_check(it->target, err) || mounted_unstage(&m, err))
				return err->code;
			continue;
		}
		if (ino != 0 && ino != it->old_ino && fs_remove_tree(it->stage, err))
			return err->code;
	}
	size_t i;
	const json_t *name;
	json_array_foreach(json_object_get(p->doc, "volumes_made"), i,
	    name) if (json_is_string(name) &&
		      remove_volume(p, json_string_value(name), err)) return err->code;
	return ERR_OK;
}

/* --- the old stack --- */

static enum err_code
unnamed_folder(char **out, struct restore_past *p, const char *volume, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (docker_volume_inspect(p->docker, volume, &doc, err))
		return err->code;
	return volume_folder(out, doc.json, err);
}

/* What the old container had goes to the volume of the one that stands for it. */
static enum err_code
hand_over(
    struct restore_past *p, const json_t *had, const struct stack_mount *to, struct err *err)
{
	AUTO(str) char *old = NULL;
	AUTO(str) char *fresh = NULL;
	const char *volume = json_get_str(had, "volume");
	uint64_t ino = (uint64_t)json_get_int(had, "ino", 0);
	if (volume == NULL || strcmp(to->source, volume) == 0)
		return ERR_OK;
	if (unnamed_folder(&fresh, p, to->source, err))
		return err->code;
	/* Handed over already, by a run that was interrupted. */
	if (swap_inode(fresh) != ino) {
		if (unnamed_folder(&old, p, volume, err))
			return err->code;
		if (swap_inode(old) != ino)
			return err_set(err, ERR_NOT_FOUND,
			    "volume %s no longer holds what it held", volume);
		if (swap_places(old, fresh, old, err))
			return err->code;
	}
	enum err_code rc = docker_volume_remove(p->docker, volume, err);
	return rc == ERR_NOT_FOUND || rc == ERR_LOCKED ? ERR_OK : rc;
}

static const struct stack_container *
container_of(const struct stack *s, const char *service, int64_t number)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i].service, service) == 0 &&
		    s->containers[i].number == number)
			return &s->containers[i];
	return NULL;
}

/* The containers are made again: give each the volumes without a name that it had. */
static enum err_code
refill_container(
    struct restore_past *p, const struct stack_container *c, const json_t *was, struct err *err)
{
	size_t i;
	const json_t *had;
	json_array_foreach(json_object_get(was, "unnamed"), i, had)
	{
		const char *target = json_get_str(had, "target");
		for (size_t k = 0; target != NULL && k < c->n_mounts; k++) {
			const struct stack_mount *m = &c->mounts[k];
			if (m->kind == MOUNT_VOLUME && strcmp(m->target, target) == 0 &&
			    hand_over(p, had, m, err))
				return err_wrap(
				    err, "volume of service %s at %s", c->service, target);
		}
	}
	return ERR_OK;
}

static enum err_code
refill(struct restore_past *p, const json_t *containers, struct err *err)
{
	AUTO(stack) struct stack *s = NULL;
	if (stack_load(&s, p->docker, p->stack, err))
		return err->code;
	size_t i;
	const json_t *was;
	json_array_foreach(containers, i, was)
	{
		const char *service = json_get_str(was, "service");
		const struct stack_container *c =
		    service != NULL ? container_of(s, service, json_get_int(was, "number", 1))
				    : NULL;
		if (c != NULL && refill_container(p, c, was, err))
			return err->code;
	}
	return ERR_OK;
}

/* All services that had a container, and the images that these were made of. */
static enum err_code
read_containers(
    const json_t *containers, struct strv *services, struct pins *pins, struct err *err)
{
	size_t i;
	const json_t *was;
	json_array_foreach(containers, i, was)
	{
		const char *service = json_get_str(was, "service");
		const char *image = json_get_str(was, "image");
		const char *id = json_get_str(was, "image_id");
		if (service == NULL || strv_has(services, service))
			continue;
		if (strv_add(services, service, err) ||
		    (image != NULL && id != NULL && pins_add(pins, service, image, id, err)))
			return err->code;
	}
	return ERR_OK;
}

/* Nothing is started with an empty value where somebody gave one before. */
static enum err_code
check_variables(
    const struct restore_past *p, const struct compose_project *project, struct err *err)
{
	AUTO(compose_reading) struct compose_reading r = COMPOSE_READING_INIT;
	if (compose_read(p->compose, project, &r, err))
		return err->code;
	if (r.unset.len == 0)
		return ERR_OK;
	return err_set(err, ERR_USAGE,
	    "variable %s, which the compose files of stack %s need, is not set%s: run it again "
	    "as "
	    "%s=... stacksnap ... (or set it to nothing, if that is what it was)",
	    r.unset.items[0], p->stack, r.unset.len > 1 ? " (nor are others)" : "",
	    r.unset.items[0]);
}

static enum err_code
start_whole(struct restore_past *p, struct err *err)
{
	const json_t *containers =
	    json_object_get(json_object_get(p->doc, "old"), "containers");
	AUTO(pins) struct pins pins = PINS_INIT;
	AUTO(strv) struct strv services = STRV_INIT;
	AUTO(strv) struct strv files = STRV_INIT;
	if (read_containers(containers, &services, &pins, err) ||
	    pins_apply(&pins, p->docker, p->compose, p->engine->state_dir, p->stack, "old",
		&p->old.files, &files, err))
		return err->code;
	struct compose_project project =
	    site_project(&p->site, p->old.dir, &files, &p->old.env_files);
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	opt.should_wait = false;
	opt.services = &services;
	if (check_variables(p, &project, err) ||
	    compose_create(p->compose, &project, &opt, err) || refill(p, containers, err))
		return err->code;
	opt.services = &p->old.run;
	if (p->old.run.len == 0)
		return ERR_OK;
	return compose_up(p->compose, &project, &opt, err);
}

static enum err_code
start_old(struct restore_past *p, struct err *err)
{
	if (!p->has_old || p->from < STEP_DOWN)
		return ERR_OK;
	if (p->is_partial ? site_start(&p->site, &p->ids, OLD_WAIT_S, NULL, err)
			  : start_whole(p, err))
		return err->code;
	for (size_t i = 0; i < p->old.run.len; i++)
		event_service(
		    p->engine->events, p->old.run.items[i], "runs again, as it was before");
	return ERR_OK;
}

static enum err_code
wait_old(struct restore_past *p, struct err *err)
{
	AUTO(stack) struct stack *s = NULL;
	uint64_t running;
	if (!p->has_old || p->from < STEP_DOWN || p->well.len == 0)
		return ERR_OK;
	int wait_s = p->wait_s < OLD_WAIT_S ? p->wait_s : OLD_WAIT_S;
	enum err_code rc = site_wait_well(&p->site, &s, &p->well, wait_s, NULL, &running, err);
	return rc == ERR_OK ? ERR_OK : err_set(err, ERR_TRANSIENT, "%s", err->msg);
}

enum err_code
past_go_back(struct restore_past *p, struct err *err)
{
	bool was_kept = p->from == STEP_KEPT;
	struct err
	    full; /* without room to write it: up to here all can be begun again anyway */
	if (p->step < STEP_UNDOING && p->from >= STEP_STARTING &&
	    past_begin(p, STEP_UNDOING, &full) && was_kept) {
		*err = full;
		return err->code;
	}
	if (p->step != STEP_RESTARTING) {
		if (remove_made(p, err) ||
		    (p->from >= STEP_SWAPPING && past_swap_back(p, err)) ||
		    (!was_kept && unstage(p, err)) ||
		    (p->from >= STEP_DOWN && past_begin(p, STEP_RESTARTING, err)))
			return err->code;
	}
	if (start_old(p, err))
		return err->code;
	struct err why;
	bool is_well = wait_old(p, &why) == ERR_OK;
	if (is_well && was_kept && unstage(p, err))
		return err->code;
	if ((is_well || !was_kept) && restore_record_remove(p->path, err))
		return err->code;
	if (!is_well)
		*err = why;
	return is_well ? ERR_OK : why.code;
}

enum err_code
past_accept_back(struct restore_past *p, struct err *err)
{
	if (unstage(p, err))
		return err->code;
	return restore_record_remove(p->path, err);
}

/* Its containers may have been made anew since, and others of them may run now. */
enum err_code
past_find_running(struct restore_past *p, struct err *err)
{
	AUTO(stack) struct stack *s = NULL;
	json_t *ids = json_array();
	if (ids == NULL || json_object_set_new(p->doc, "ids", ids) != 0)
		return err_nomem(err);
	if (stack_load(&s, p->docker, p->stack, err))
		return err->code;
	strv_release(&p->ids);
	p->ids = (struct strv)STRV_INIT;
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct stack_container *c = &s->containers[i];
		if (c->state == CONTAINER_STOPPED || !strv_has(&p->services, c->service))
			continue;
		if (json_array_append_new(ids, json_string(c->id)) != 0)
			return err_nomem(err);
		if (strv_add(&p->ids, c->id, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- forwards --- */

enum err_code
past_go_on(struct restore_past *p, bool *is_kept, struct err *err)
{
	AUTO(stack) struct stack *s = NULL;
	uint64_t running;
	if (p->is_partial) {
		if (site_start(&p->site, &p->ids, p->wait_s, NULL, err))
			return err->code;
	} else if (p->fresh.run.len > 0) {
		struct compose_project project =
		    site_project(&p->site, p->fresh.dir, &p->fresh.files, &p->fresh.env_files);
		struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
		opt.should_wait = false;
		opt.services = &p->fresh.run;
		if (check_variables(p, &project, err) ||
		    compose_up(p->compose, &project, &opt, err))
			return err->code;
	}
	const struct strv *services = p->is_partial ? &p->well : &p->fresh.run;
	if (services->len > 0 &&
	    site_wait_well(&p->site, &s, services, p->wait_s, NULL, &running, err))
		return err->code;
	*is_kept = past_had_something(p);
	if (!*is_kept)
		return restore_record_remove(p->path, err);
	p->kept_ns = clock_wall_ns();
	if (add_unlisted(p, err))
		return err->code;
	return past_begin(p, STEP_KEPT, err);
}

/* --- the end --- */

static void
remove_unnamed(struct restore_past *p)
{
	size_t i;
	const json_t *was;
	json_array_foreach(
	    json_object_get(json_object_get(p->doc, "old"), "containers"), i, was)
	{
		size_t k;
		const json_t *had;
		json_array_foreach(json_object_get(was, "unnamed"), k, had)
		{
			const char *volume = json_get_str(had, "volume");
			struct err err;
			enum err_code rc = volume != NULL
					       ? docker_volume_remove(p->docker, volume, &err)
					       : ERR_OK;
			/* Whoever else uses it, wants it. */
			if (rc != ERR_OK && rc != ERR_NOT_FOUND && rc != ERR_LOCKED)
				event_warning(p->engine->events, volume, "%s", err.msg);
		}
	}
}

enum err_code
past_finish(struct restore_past *p, struct err *err)
{
	if (p->step != STEP_FINISHING && past_begin(p, STEP_FINISHING, err))
		return err->code;
	for (size_t i = 0; i < p->n_items; i++) {
		const struct past_item *it = &p->items[i];
		struct mounted m = mounted_of(it);
		if (it->is_mounted &&
		    (mounted_check(it->target, err) || mounted_finish(&m, err)))
			return err_wrap(err, "remove what was there before");
		if (it->was_there && swap_inode(it->old) == it->old_ino &&
		    fs_remove_tree(it->old, err))
			return err_wrap(err, "remove what was there before");
	}
	if (!p->is_partial)
		remove_unnamed(p);
	return restore_record_remove(p->path, err);
}
